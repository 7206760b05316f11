//! `--as system` with a task scheduler of the test's own: it reads the task's definition and really runs what stands there.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Cursor, Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use base64::Engine as _;
use tempfile::TempDir;
use waprobe::as_system::{
    Input, Machine, Outcome, Parcel, Patience, Place, Readiness, Scheduler, Screen, Trouble, World, send,
};
use waprobe::cli::{self, Exit};

const PROGRAM: &str = env!("CARGO_BIN_EXE_waprobe");
const NAME: &str = "waprobe-as-system-test";
const SECRET: &str = "pass-wörd \"4711\"";

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mishap {
    None,
    NotCreated,
    NotRun,
    NeverStarted,
    /// The worker is killed as soon as it is there.
    WorkerKilled,
    /// The messenger is.
    MessengerKilled,
    /// Neither task nor folder go away.
    NothingGoesAway,
}

/// A task scheduler with its folder.
struct Fake {
    folder: TempDir,
    mishap: Mishap,
    log: Mutex<Vec<String>>,
    task: Mutex<Option<BTreeMap<String, String>>>,
    messenger: Mutex<Option<Child>>,
    readiness: Readiness,
}

impl Fake {
    fn new(mishap: Mishap) -> Self {
        Self {
            folder: tempfile::Builder::new().prefix("waprobe & 'söhne' ").tempdir().expect("a folder"),
            mishap,
            log: Mutex::default(),
            task: Mutex::default(),
            messenger: Mutex::default(),
            readiness: Readiness::Ready,
        }
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().expect("unbroken").clone()
    }

    fn note(&self, what: &str) {
        self.log.lock().expect("unbroken").push(what.to_owned());
    }

    /// Nothing is left: no task, no folder, no process.
    fn assert_clean(&self) {
        assert_eq!(self.task.lock().expect("unbroken").as_ref(), None, "the task stays");
        let left: Vec<_> = fs::read_dir(self.folder.path()).expect("readable").collect();
        assert!(left.is_empty(), "{left:?}");
        let waited = Instant::now();
        while !self.processes().is_empty() {
            assert!(waited.elapsed() < Duration::from_secs(10), "{:?}", self.processes());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The command lines of what runs from our folder.
    fn processes(&self) -> Vec<(u32, String)> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").expect("a process table").flatten() {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            if line.contains(&*self.folder.path().to_string_lossy()) {
                found.push((id, line));
            }
        }
        found
    }
}

/// Elements by name, as an XML reader that is not ours finds them.
fn elements(definition: &Path) -> BTreeMap<String, String> {
    use quick_xml::events::Event;
    let bytes = fs::read(definition).expect("a definition");
    let units: Vec<u16> = bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let text = String::from_utf16(&units[1..]).expect("UTF-16");
    let mut reader = quick_xml::Reader::from_str(&text);
    let (mut found, mut name, mut value) = (BTreeMap::new(), String::new(), String::new());
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(start) => {
                start.name().as_ref().clone_into(&mut name);
                value.clear();
            }
            Event::Text(part) => value.push_str(&part),
            Event::GeneralRef(entity) => {
                let whole = format!("&{};", &*entity);
                value.push_str(&quick_xml::escape::unescape(&whole).expect("a known entity"));
            }
            Event::End(_) => {
                found.insert(std::mem::take(&mut name), std::mem::take(&mut value));
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

impl Scheduler for Fake {
    fn create(&self, name: &str, definition: &Path) -> Result<(), String> {
        self.note("create");
        if self.mishap == Mishap::NotCreated {
            return Err("schtasks: ERROR: Access is denied. (exit code 1)".to_owned());
        }
        assert!(name.starts_with("waprobe-as-system-"));
        let task = elements(definition);
        assert_eq!(task["UserId"], "S-1-5-18");
        *self.task.lock().expect("unbroken") = Some(task);
        Ok(())
    }

    fn run(&self, _: &str) -> Result<(), String> {
        self.note("run");
        match self.mishap {
            Mishap::NotRun => return Err("schtasks: ERROR: The service is not started. (exit code 1)".to_owned()),
            Mishap::NeverStarted => return Ok(()),
            _ => {}
        }
        let task = self.task.lock().expect("unbroken").clone().expect("created before");
        let messenger = Command::new(&task["Command"])
            .arg(&task["Arguments"])
            .current_dir(&task["WorkingDirectory"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let id = messenger.id();
        *self.messenger.lock().expect("unbroken") = Some(messenger);
        match self.mishap {
            // The runtime takes the first SIGSEGV for a stack that ran over, and goes on.
            Mishap::WorkerKilled => kill(only_child_of(id), "-ABRT"),
            Mishap::MessengerKilled => {
                only_child_of(id);
                kill(id, "-KILL");
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&self, _: &str) -> Result<(), String> {
        self.note("end");
        if let Some(mut messenger) = self.messenger.lock().expect("unbroken").take() {
            // As the scheduler does it: this process alone.
            let _ = messenger.kill();
            let _ = messenger.wait();
        }
        Ok(())
    }

    fn delete(&self, _: &str) -> Result<(), String> {
        self.note("delete");
        if self.mishap == Mishap::NothingGoesAway {
            return Err("schtasks: ERROR: no. (exit code 1)".to_owned());
        }
        *self.task.lock().expect("unbroken") = None;
        if let Some(mut messenger) = self.messenger.lock().expect("unbroken").take() {
            let _ = messenger.wait();
        }
        Ok(())
    }
}

impl Place for Fake {
    fn make(&self, name: &str) -> io::Result<PathBuf> {
        let folder = self.folder.path().join(name);
        fs::create_dir(&folder)?;
        Ok(folder)
    }

    fn remove(&self, folder: &Path) -> io::Result<()> {
        if self.mishap == Mishap::NothingGoesAway {
            return Err(io::Error::other("it is in use"));
        }
        fs::remove_dir_all(folder)
    }
}

impl Machine for Fake {
    fn readiness(&self) -> Readiness {
        self.readiness
    }

    fn scheduler(&self) -> &dyn Scheduler {
        self
    }

    fn place(&self) -> &dyn Place {
        self
    }

    fn program(&self) -> Option<PathBuf> {
        Some(PROGRAM.into())
    }

    fn patience(&self, _: Patience) -> Patience {
        patience()
    }
}

fn patience() -> Patience {
    Patience {
        // A machine that writes slowly stalls for a while: each test copies the program several times.
        start: Duration::from_secs(120),
        silence: Duration::from_secs(120),
        limit: Duration::from_secs(300),
        stop: Duration::from_secs(5),
        clean_up: Duration::from_millis(300),
    }
}

fn kill(process: u32, signal: &str) {
    let done = Command::new("kill").args([signal, &process.to_string()]).status().expect("kill is there");
    assert!(done.success());
}

/// Waits until the messenger has a worker.
fn only_child_of(process: u32) -> u32 {
    let began = Instant::now();
    loop {
        let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
        if let Some(child) = children.split_whitespace().next() {
            return child.parse().expect("a number");
        }
        assert!(began.elapsed() < Duration::from_secs(120), "no worker");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A name server that never answers; whoever asks it waits.
struct Silence(UdpSocket);

impl Silence {
    fn new() -> Self {
        Self(UdpSocket::bind("127.0.0.1:0").expect("a socket"))
    }

    /// A check that takes as long as it may, and asks nobody else.
    fn check(&self) -> Vec<String> {
        let server = self.0.local_addr().expect("bound").to_string();
        ["check", "--resolver", &server, "--timeout", "50s", "--no-follow-ups"].map(str::to_owned).to_vec()
    }
}

fn sent(fake: &Fake, arguments: &[String], patience: Patience, is_interrupted: &dyn Fn() -> bool) -> Outcome {
    let parcel = Parcel {
        arguments: arguments.to_vec(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        secrets: BTreeMap::new(),
        screen: Screen { width: 77, colour: false, ascii: false },
    };
    let world = World {
        program: Path::new(PROGRAM),
        name: NAME,
        scheduler: fake,
        place: fake,
        patience,
        now: "2026-11-22T23:30:00Z".parse().expect("a moment"),
        is_interrupted,
    };
    send(&world, parcel, &mut |_| {})
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn what_was_printed_and_the_exit_code_come_back_and_nothing_stays() {
    let fake = Fake::new(Mishap::None);
    let outcome = sent(&fake, &words(&["check", "--lab"]), patience(), &|| false);
    let text = String::from_utf8(outcome.standard_output).expect("text");
    assert_eq!(outcome.ending, Ok(0), "{text}");
    assert!(text.contains("v10c.events.data.microsoft.com"), "{text}");
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest.is_some_and(|widest| (60..=77).contains(&widest)), "made for another screen: {widest:?}");
    assert_eq!(outcome.left, [] as [String; 0]);
    assert_eq!(fake.log(), ["create", "run", "delete"]);
    fake.assert_clean();
}

#[test]
fn hostile_arguments_arrive_as_they_were() {
    for word in ["\"quotes\" & 'more'", "two\nlines\r\tand tabs", "</Command> %PATH% $(id) `id`", "ключ 鍵 \u{1f511}\\"]
    {
        let fake = Fake::new(Mishap::None);
        let outcome = sent(&fake, &words(&["check", "--proxy", word]), patience(), &|| false);
        assert_eq!(outcome.ending, Ok(2), "{word:?}: {}", String::from_utf8_lossy(&outcome.standard_error));
        let direct = Command::new(PROGRAM).args(["check", "--proxy", word]).output().expect("the program starts");
        assert_eq!(String::from_utf8_lossy(&outcome.standard_error), String::from_utf8_lossy(&direct.stderr));
        assert!(!outcome.standard_error.is_empty());
        fake.assert_clean();
    }
}

#[test]
fn a_refused_task_leaves_nothing() {
    for (mishap, log, trouble) in [
        // Its program may have been cut off behind its work, so both are taken back.
        (
            Mishap::NotCreated,
            &["create", "delete"][..],
            "takes no task that runs as SYSTEM: schtasks: ERROR: Access is denied.",
        ),
        (Mishap::NotRun, &["create", "run", "end", "delete"], "did not start the task: schtasks: ERROR: The service"),
    ] {
        let fake = Fake::new(mishap);
        let outcome = sent(&fake, &words(&["check", "--lab"]), patience(), &|| false);
        let why = outcome.ending.expect_err("refused").to_string();
        assert!(why.contains(trouble), "{why}");
        assert_eq!(fake.log(), log);
        assert_eq!(outcome.left, [] as [String; 0]);
        fake.assert_clean();
    }
}

#[test]
fn a_folder_that_is_there_already_is_not_used() {
    let fake = Fake::new(Mishap::None);
    let folder = fake.make(NAME).expect("made");
    fs::write(folder.join("theirs"), "").expect("written");
    let outcome = sent(&fake, &words(&["check", "--lab"]), patience(), &|| false);
    assert!(matches!(outcome.ending, Err(Trouble::NoFolder(_))), "{:?}", outcome.ending);
    assert!(folder.join("theirs").exists(), "it is not ours to remove");
    assert_eq!(fake.log(), [] as [String; 0]);
}

#[test]
fn a_task_that_never_starts_is_given_up() {
    let fake = Fake::new(Mishap::NeverStarted);
    let patience = Patience { start: Duration::from_millis(200), ..patience() };
    let outcome = sent(&fake, &words(&["check", "--lab"]), patience, &|| false);
    let why = outcome.ending.expect_err("it never starts");
    assert!(matches!(why, Trouble::NotStarted { .. }), "{why}");
    assert_eq!(fake.log(), ["create", "run", "end", "delete"]);
    fake.assert_clean();
}

#[test]
fn what_hangs_is_ended_at_its_bound() {
    let (fake, silence) = (Fake::new(Mishap::None), Silence::new());
    let patience = Patience { limit: Duration::from_secs(1), ..patience() };
    let began = Instant::now();
    let outcome = sent(&fake, &silence.check(), patience, &|| false);
    assert_eq!(outcome.ending, Err(Trouble::Late(Duration::from_secs(1))));
    assert!(began.elapsed() < Duration::from_secs(15));
    fake.assert_clean();
}

#[test]
fn a_crash_of_the_program_is_told_as_one() {
    let (fake, silence) = (Fake::new(Mishap::WorkerKilled), Silence::new());
    let outcome = sent(&fake, &silence.check(), patience(), &|| false);
    assert!(matches!(&outcome.ending, Err(Trouble::Crashed(how)) if how.contains("signal: 6")), "{:?}", outcome.ending);
    fake.assert_clean();
}

#[test]
fn the_worker_ends_with_its_messenger_and_silence_is_noticed() {
    let (fake, silence) = (Fake::new(Mishap::MessengerKilled), Silence::new());
    let patience = Patience { silence: Duration::from_secs(1), ..patience() };
    let outcome = sent(&fake, &silence.check(), patience, &|| false);
    assert_eq!(outcome.ending, Err(Trouble::Silent));
    assert_eq!(fake.log(), ["create", "run", "end", "delete"]);
    fake.assert_clean();
}

#[test]
fn an_interrupted_check_still_reports_what_it_knows() {
    let (fake, silence) = (Fake::new(Mishap::None), Silence::new());
    // As soon as the first question is on its way.
    silence.0.set_nonblocking(true).expect("set");
    let outcome = sent(&fake, &silence.check(), patience(), &|| silence.0.peek_from(&mut [0; 16]).is_ok());
    let text = String::from_utf8(outcome.standard_output).expect("text");
    assert_eq!(outcome.ending, Ok(130), "{text}");
    assert!(text.contains("Exit 130"), "{text}");
    fake.assert_clean();
}

#[test]
fn who_interrupts_before_anything_has_begun_waits_for_nothing() {
    let fake = Fake::new(Mishap::None);
    let outcome = sent(&fake, &words(&["check", "--lab"]), patience(), &|| true);
    assert_eq!(outcome.ending, Err(Trouble::Interrupted));
    assert_eq!(fake.log(), [] as [String; 0]);
    fake.assert_clean();
}

#[test]
fn what_stays_is_named_with_the_command_that_removes_it() {
    let fake = Fake::new(Mishap::NothingGoesAway);
    let outcome = sent(&fake, &words(&["check", "--lab"]), patience(), &|| false);
    assert_eq!(outcome.ending, Ok(0), "the check itself was done");
    let [task, folder] = outcome.left.as_slice() else { panic!("{:?}", outcome.left) };
    assert!(task.contains(&format!("schtasks /Delete /TN {NAME} /F")), "{task}");
    assert!(folder.contains("rmdir /s /q") && !folder.contains("password"), "{folder}");
}

#[test]
fn a_password_that_stays_is_told() {
    let fake = Fake::new(Mishap::NothingGoesAway);
    let folder = fake.folder.path().join(NAME);
    // A folder in the place of the file cannot be removed as a file.
    let content = Cursor::new(Vec::new());
    let parcel = Parcel {
        arguments: Vec::new(),
        inputs: vec![Input { name: "x".to_owned(), content: Box::new(content) }],
        outputs: Vec::new(),
        secrets: BTreeMap::new(),
        screen: Screen { width: 77, colour: false, ascii: false },
    };
    let world = World {
        program: Path::new(PROGRAM),
        name: NAME,
        scheduler: &fake,
        place: &fake,
        patience: Patience { start: Duration::from_millis(10), ..patience() },
        now: "2026-11-22T23:30:00Z".parse().expect("a moment"),
        is_interrupted: &|| {
            let _ = fs::remove_file(folder.join("errand.json"));
            let _ = fs::create_dir(folder.join("errand.json"));
            true
        },
    };
    let outcome = send(&world, parcel, &mut |_| {});
    assert!(
        outcome.left.iter().any(|left| left.contains("the arguments and passwords of this check")),
        "{:?}",
        outcome.left
    );
}

fn run(fake: &Fake, arguments: &[&str]) -> Exit {
    let arguments = std::iter::once("waprobe").chain(arguments.iter().copied()).map(OsString::from);
    cli::run_on(fake, arguments)
}

#[test]
fn reports_are_written_where_the_caller_named_them_and_inputs_are_read_by_the_caller() {
    let fake = Fake::new(Mishap::None);
    let folder = tempfile::Builder::new().prefix("Bericht \"1\" & ü\n").tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("baseline.json"), report()).expect("written");
    let (json, html) = (format!("json={}", path("ergebnis 'ü'.json")), format!("html={}", path("r.html")));
    let (record, baseline) = (path("run.jsonl"), path("baseline.json"));
    let exit = run(
        &fake,
        &[
            "check",
            "--lab",
            "--as",
            "system",
            "--output",
            &json,
            "--output",
            &html,
            "--record",
            &record,
            "--baseline",
            &baseline,
        ],
    );
    assert_eq!(exit.code(), 0);
    let report = fs::read_to_string(path("ergebnis 'ü'.json")).expect("the report");
    assert!(report.contains("waprobe-report/1"), "{report}");
    assert!(fs::read_to_string(path("r.html")).expect("the page").contains("<html"));
    assert!(fs::read_to_string(&record).expect("the recording").lines().count() > 10);
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).expect("readable").flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    assert_eq!(names, ["baseline.json", "ergebnis 'ü'.json", "r.html", "run.jsonl"]);
    fake.assert_clean();
}

/// A report of an earlier run.
fn report() -> Vec<u8> {
    let output =
        Command::new(PROGRAM).args(["check", "--lab", "--format", "json"]).output().expect("the program starts");
    output.stdout
}

#[test]
fn an_older_report_stays_where_the_task_was_refused() {
    let fake = Fake::new(Mishap::NotCreated);
    let folder = tempfile::tempdir().expect("a folder");
    let (report, record) = (folder.path().join("report.json"), folder.path().join("run.jsonl"));
    fs::write(&report, "older").expect("written");
    fs::write(&record, "older").expect("written");
    let json = format!("json={}", report.display());
    let exit =
        run(&fake, &["check", "--lab", "--as", "system", "--output", &json, "--record", &record.display().to_string()]);
    assert_eq!(exit.code(), 2);
    assert_eq!(fs::read_to_string(&report).expect("there"), "older");
    assert_eq!(fs::read_to_string(&record).expect("there"), "older");
    fake.assert_clean();
}

#[test]
fn who_may_not_is_told_before_anything_is_made_and_system_needs_no_task() {
    for (readiness, code) in [(Readiness::NotElevated, 2), (Readiness::NotWindows, 2), (Readiness::IsSystem, 0)] {
        let fake = Fake { readiness, ..Fake::new(Mishap::None) };
        assert_eq!(run(&fake, &["check", "--lab", "--as", "system"]).code(), code);
        assert_eq!(fake.log(), [] as [String; 0]);
    }
}

/// A proxy that asks for a password and then denies all the same; tells what it was shown, and looks into `folder` meanwhile.
fn proxy(folder: PathBuf) -> (u16, std::sync::mpsc::Receiver<(String, Vec<String>, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (tell, folder) = (tell.clone(), folder.clone());
            std::thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
                let (mut stream, mut shown) = (stream, None);
                while let Some(Ok(line)) = lines.next() {
                    if let Some(value) = line.strip_prefix("Proxy-Authorization: ") {
                        shown = Some(value.to_owned());
                    }
                    if !line.is_empty() {
                        continue;
                    }
                    let answer = match shown.take() {
                        None => "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"",
                        Some(value) => {
                            let _ = tell.send((value, holding_the_secret(&folder), command_lines()));
                            "403 Forbidden"
                        }
                    };
                    let _ = write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
                }
            });
        }
    });
    (port, told)
}

fn holding_the_secret(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for room in fs::read_dir(folder).into_iter().flatten().flatten() {
        for file in fs::read_dir(room.path()).into_iter().flatten().flatten() {
            let mut text = Vec::new();
            if file.file_name() != "waprobe"
                && fs::File::open(file.path()).is_ok_and(|mut file| file.read_to_end(&mut text).is_ok())
            {
                let text = String::from_utf8_lossy(&text);
                if text.contains("pass-w") {
                    found.push(file.path().display().to_string());
                }
            }
        }
    }
    found
}

fn command_lines() -> String {
    let lines = fs::read_dir("/proc").expect("a process table").flatten();
    lines
        .map(|entry| {
            String::from_utf8_lossy(&fs::read(entry.path().join("cmdline")).unwrap_or_default()).replace('\0', " ")
        })
        .collect()
}

#[test]
fn a_password_reaches_the_proxy_and_lies_nowhere_while_it_is_used() {
    let fake = Fake::new(Mishap::None);
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret.txt");
    fs::write(&secret, format!("{SECRET}\n")).expect("written");
    let (port, shown) = proxy(fake.folder.path().to_path_buf());
    let json = format!("json={}", folder.path().join("r.json").display());
    let exit = run(
        &fake,
        &[
            "check",
            "--as",
            "system",
            "--no-direct",
            "--proxy",
            &format!("http://127.0.0.1:{port}"),
            "--proxy-user",
            "anna",
            "--proxy-password-file",
            &secret.display().to_string(),
            "--allow-basic-cleartext",
            "--identity",
            "user",
            "--solution",
            "device-health",
            "--no-follow-ups",
            "--output",
            &json,
        ],
    );
    assert_eq!(exit.code(), 1, "everything is denied");
    let (value, holding, lines) = shown.try_recv().expect("the proxy was shown something");
    let expected = base64::engine::general_purpose::STANDARD.encode(format!("anna:{SECRET}"));
    assert_eq!(value, format!("Basic {expected}"));
    assert_eq!(holding, [] as [String; 0]);
    assert!(lines.contains("--errand-worker") && !lines.contains("pass-w"), "{lines}");
    let report = fs::read_to_string(folder.path().join("r.json")).expect("the report");
    assert!(report.contains("anna") || report.contains("user"), "{report}");
    assert!(!report.contains("pass-w"));
    fake.assert_clean();
}

#[test]
fn a_report_says_that_it_was_made_as_system() {
    let folder = tempfile::tempdir().expect("a folder");
    let recording = folder.path().join("run.jsonl");
    let story = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/recordings/generated/story.jsonl");
    let text = fs::read_to_string(story).expect("a recording");
    let sentence = "This ran as SYSTEM, the account of Windows' diagnostic service.";
    for (text, says) in [(text.clone(), false), (text.replacen("\"tool\"", "\"ran_as\":\"system\",\"tool\"", 1), true)]
    {
        fs::write(&recording, text).expect("written");
        for format in ["table", "json"] {
            let output = Command::new(PROGRAM)
                .arg("replay")
                .arg(&recording)
                .args(["--format", format])
                .output()
                .expect("it starts");
            let shown = String::from_utf8_lossy(&output.stdout).replace("&#39;", "'");
            assert_eq!(shown.contains(sentence), says, "{format}: {shown}");
        }
    }
}
