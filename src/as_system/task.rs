//! The task, and the scheduler that takes it.
//!
//! In: a program to run once. Out: its definition as XML, and the scheduler's answers. Never: a text in the definition that
//! somebody else could have chosen without its being escaped.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// LocalSystem, in every language of Windows.
const SYSTEM: &str = "S-1-5-18";
/// `CREATE_NEW_PROCESS_GROUP`: no Ctrl-C of the console reaches such a process.
#[cfg(windows)]
const OWN_GROUP: u32 = 0x200;
/// How long the scheduler's own program may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long after its end the scheduler may delete a task that nobody deleted.
const REMAINS: SignedDuration = SignedDuration::from_mins(10);

/// What the scheduler is asked to do, each answered in the scheduler's own words where it refuses.
pub trait Scheduler {
    /// Registers the task that the file `definition` describes; a task of that name is not replaced.
    ///
    /// # Errors
    /// The scheduler's words.
    fn create(&self, name: &str, definition: &Path) -> Result<(), String>;
    /// Starts it, now.
    ///
    /// # Errors
    /// The scheduler's words.
    fn run(&self, name: &str) -> Result<(), String>;
    /// Ends what it runs.
    ///
    /// # Errors
    /// The scheduler's words.
    fn end(&self, name: &str) -> Result<(), String>;
    /// Takes it away.
    ///
    /// # Errors
    /// The scheduler's words.
    fn delete(&self, name: &str) -> Result<(), String>;
}

/// A program that SYSTEM is to run once.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    pub program: &'a Path,
    /// One word that needs no quotes.
    pub argument: &'a str,
    pub folder: &'a Path,
    /// What takes longer, the scheduler ends.
    pub limit: Duration,
    pub now: Timestamp,
}

impl Task<'_> {
    /// The definition, as text.
    #[must_use]
    pub fn xml(&self) -> String {
        let limit = self.limit.as_secs() + 1;
        let moment = |moment: Timestamp| moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let shift = |by: SignedDuration| self.now.checked_add(by).unwrap_or(self.now);
        // A task is deleted when it expires, and only one with a trigger does. This one's time to begin is over when the task
        // is made, and what was missed is not made up for: nothing starts it but us.
        let begin = moment(shift(SignedDuration::from_hours(-24)));
        let end = moment(shift(REMAINS.saturating_add(SignedDuration::from_secs(i64::try_from(limit).unwrap_or(0)))));
        let (program, folder) = (escape(&self.program.to_string_lossy()), escape(&self.folder.to_string_lossy()));
        let argument = escape(self.argument);
        let mut xml = String::new();
        let _ = write!(
            xml,
            r#"<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>waprobe --as system: one check, as the account of the diagnostic service. It is deleted when the check ends.</Description>
  </RegistrationInfo>
  <Triggers>
    <TimeTrigger>
      <StartBoundary>{begin}</StartBoundary>
      <EndBoundary>{end}</EndBoundary>
    </TimeTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{SYSTEM}</UserId>
      <RunLevel>HighestAvailable</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <AllowStartOnDemand>true</AllowStartOnDemand>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <RunOnlyIfIdle>false</RunOnlyIfIdle>
    <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>
    <StartWhenAvailable>false</StartWhenAvailable>
    <WakeToRun>false</WakeToRun>
    <AllowHardTerminate>true</AllowHardTerminate>
    <ExecutionTimeLimit>PT{limit}S</ExecutionTimeLimit>
    <DeleteExpiredTaskAfter>PT0S</DeleteExpiredTaskAfter>
    <Priority>5</Priority>
    <Enabled>true</Enabled>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{program}</Command>
      <Arguments>{argument}</Arguments>
      <WorkingDirectory>{folder}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"#
        );
        xml
    }

    /// The definition as `schtasks` reads it: UTF-16 with its mark.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let xml = self.xml().replace('\n', "\r\n");
        std::iter::once(0xfeff).chain(xml.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    }
}

/// Text between tags. What XML cannot hold at all becomes a sign that says so; no path of Windows' has such a character.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            // Parsers make a plain end of line of it otherwise.
            '\r' | '\n' | '\t' => {
                let _ = write!(escaped, "&#{};", u32::from(character));
            }
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// The scheduler by its own program.
#[derive(Debug, Clone)]
pub struct Schtasks {
    /// `C:\Windows\System32\schtasks.exe`, by its whole path: no other program of that name is meant.
    pub program: PathBuf,
    /// Makes text of what it prints, which is in the console's code page.
    pub decode: fn(&[u8]) -> String,
}

impl Scheduler for Schtasks {
    fn create(&self, name: &str, definition: &Path) -> Result<(), String> {
        let mut command = self.command("/Create", name);
        command.arg("/XML").arg(definition);
        self.answer(command)
    }

    fn run(&self, name: &str) -> Result<(), String> {
        self.answer(self.command("/Run", name))
    }

    fn end(&self, name: &str) -> Result<(), String> {
        self.answer(self.command("/End", name))
    }

    fn delete(&self, name: &str) -> Result<(), String> {
        let mut command = self.command("/Delete", name);
        command.arg("/F");
        self.answer(command)
    }
}

impl Schtasks {
    fn command(&self, verb: &str, name: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args([verb, "/TN", name]);
        // Ctrl-C is for this program, which then asks the scheduler to clean up.
        #[cfg(windows)]
        std::os::windows::process::CommandExt::creation_flags(&mut command, OWN_GROUP);
        command
    }

    /// What it prints fits into the pipe: a sentence.
    fn answer(&self, mut command: Command) -> Result<(), String> {
        let program = self.program.display();
        let began = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = began.map_err(|error| format!("could not start {program}: {error}"))?;
        let started = Instant::now();
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if started.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(20)),
                Ok(None) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(format!("{program} gave no answer within {} s", PATIENCE.as_secs()));
                }
                Err(error) => return Err(format!("{program}: {error}")),
            }
        };
        if status.success() {
            return Ok(());
        }
        let mut said = Vec::new();
        if let Some(stream) = child.stderr.take() {
            let _ = stream.take(4096).read_to_end(&mut said);
        }
        let said = (self.decode)(&said).split_whitespace().collect::<Vec<_>>().join(" ");
        let code = status.code().map_or_else(|| status.to_string(), |code| format!("exit code {code}"));
        Err(if said.is_empty() { format!("schtasks ended with {code}") } else { format!("schtasks: {said} ({code})") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The elements that hold text, by an XML reader that is not ours.
    fn elements(xml: &str) -> Vec<(String, String)> {
        use quick_xml::events::Event;
        let mut reader = quick_xml::Reader::from_str(xml);
        let (mut found, mut name, mut text) = (Vec::new(), String::new(), String::new());
        loop {
            match reader.read_event().expect("well-formed") {
                Event::Start(start) => {
                    start.name().as_ref().clone_into(&mut name);
                    text.clear();
                }
                Event::Text(part) => text.push_str(&part),
                Event::GeneralRef(entity) => {
                    let entity = entity.to_string();
                    let whole = format!("&{entity};");
                    text.push_str(&quick_xml::escape::unescape(&whole).expect("a known entity"));
                }
                Event::End(_) if !name.is_empty() => {
                    found.push((std::mem::take(&mut name), std::mem::take(&mut text)));
                }
                Event::Eof => return found,
                _ => {}
            }
        }
    }

    fn task<'a>(program: &'a Path, folder: &'a Path) -> Task<'a> {
        let now = "2026-11-22T23:30:00Z".parse().expect("a moment");
        Task { program, argument: "--word", folder, limit: Duration::from_millis(90_400), now }
    }

    #[test]
    fn whatever_a_path_holds_is_read_back_by_another_parser() {
        for name in [
            r"C:\Windows\Temp\waprobe-1\waprobe.exe",
            r"C:\Prüfung & Söhne\<b>\]]>\'quoted' ".trim_end(),
            "/tmp/a \"b\" <!-- c --> &amp; &#10; ключ 鍵 \u{1f511}/x",
            "two\nlines\tand\ra return",
            "</Command><Command>calc.exe",
        ] {
            let xml = task(Path::new(name), Path::new("/folder")).xml();
            let found = elements(&xml);
            let of = |element: &str| -> Vec<&str> {
                found.iter().filter(|(name, _)| name == element).map(|(_, text)| text.as_str()).collect()
            };
            assert_eq!(of("Command"), [name]);
            assert_eq!(of("UserId"), ["S-1-5-18"]);
            assert_eq!(of("ExecutionTimeLimit"), ["PT91S"]);
            assert_eq!(of("Arguments"), ["--word"]);
            assert_eq!(of("StartBoundary"), ["2026-11-21T23:30:00Z"], "long ago: nothing but us starts it");
            assert_eq!(of("EndBoundary"), ["2026-11-22T23:41:31Z"], "not before it has come to its end");
            assert_eq!(of("StartWhenAvailable"), ["false"]);
        }
    }

    #[test]
    fn what_no_xml_can_hold_does_not_break_it() {
        let xml = task(Path::new("a\u{0}b\u{1}c\u{ffff}"), Path::new("/folder")).xml();
        assert!(elements(&xml).contains(&("Command".to_owned(), "a\u{fffd}b\u{fffd}c\u{fffd}".to_owned())));
    }

    #[test]
    fn the_file_is_in_utf_16_and_says_so() {
        let bytes = task(Path::new("C:\\ä.exe"), Path::new("C:\\")).bytes();
        assert_eq!(&bytes[..2], [0xff, 0xfe]);
        let units: Vec<u16> = bytes[2..].chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        let text = String::from_utf16(&units).expect("UTF-16");
        assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n") && text.contains("C:\\ä.exe"));
    }

    #[cfg(unix)]
    #[test]
    fn the_schedulers_program_is_asked_in_its_own_words_and_its_refusals_are_passed_on() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let (program, log) = (folder.path().join("schtasks"), folder.path().join("log"));
        let script = format!(
            "#!/bin/sh\nprintf '%s|' \"$@\" >>'{}'\n[ \"$1\" = /Run ] || exit 0\necho 'ERROR: Access is\ndenied.' >&2\nexit 1\n",
            log.display()
        );
        std::fs::write(&program, script).expect("a script");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("a program");
        let schtasks = Schtasks { program, decode: |bytes| String::from_utf8_lossy(bytes).into_owned() };
        assert_eq!(schtasks.create("waprobe-1", Path::new("a b.xml")), Ok(()));
        assert_eq!(schtasks.run("waprobe-1"), Err("schtasks: ERROR: Access is denied. (exit code 1)".to_owned()));
        assert_eq!(schtasks.end("waprobe-1"), Ok(()));
        assert_eq!(schtasks.delete("waprobe-1"), Ok(()));
        assert_eq!(
            std::fs::read_to_string(log).expect("a log"),
            "/Create|/TN|waprobe-1|/XML|a b.xml|/Run|/TN|waprobe-1|/End|/TN|waprobe-1|/Delete|/TN|waprobe-1|/F|"
        );
        let missing = Schtasks { program: folder.path().join("nothing"), ..schtasks };
        assert!(missing.run("x").is_err_and(|why| why.starts_with("could not start ")));
    }
}
