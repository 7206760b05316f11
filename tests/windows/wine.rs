//! Wine for one test: a registry of its own, a server of its own, and nothing of either left when the test ends.
//!
//! The slow part, a made prefix, is done once per machine and kept below `target/tmp`; a test's prefix has copies of the
//! registry's files and a link to that drive. Tests write to the registry as they like, and to files in their own folders.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// Wine 8 lacks this library, which every program of Rust's imports for one function.
const RANDOM: &str = include_str!("bcryptprimitives.c");
const COMPILER: &str = "x86_64-w64-mingw32-gcc-posix";

/// The program under test; `None` after saying loudly that there is none. Fails where there must be one.
pub fn program() -> Option<PathBuf> {
    let set = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let Some(path) = std::env::var_os("WAPROBE_WINDOWS_EXE").map(PathBuf::from) else {
        let text = "the tests under Wine did not run: WAPROBE_WINDOWS_EXE is not set (tests/run --windows sets it)";
        assert!(!set("WAPROBE_WINDOWS", "1"), "{text}");
        // Not eprintln!: the test harness keeps what that prints to itself.
        let _ = writeln!(std::io::stderr(), "\n!! SKIPPED {test}: {text}");
        return None;
    };
    assert!(path.is_file(), "WAPROBE_WINDOWS_EXE names no file: {}", path.display());
    Some(path)
}

/// A Windows of one's own; ends its server when dropped, also by a panic.
pub struct Wine {
    folder: TempDir,
    program: PathBuf,
}

impl Wine {
    /// `None` where there is no program to test, which has then been said.
    pub fn start() -> Option<Self> {
        let program = program()?;
        let template = template();
        let folder = tempfile::Builder::new().prefix("waprobe-wine-").tempdir().expect("a temporary folder");
        let wine = Self { folder, program };
        let prefix = wine.prefix();
        fs::create_dir_all(prefix.join("dosdevices")).expect("a prefix");
        for file in ["system.reg", "user.reg", "userdef.reg", ".update-timestamp"] {
            fs::copy(template.join(file), prefix.join(file)).expect("the template is whole");
        }
        symlink(template.join("drive_c"), prefix.join("drive_c")).expect("a link");
        symlink("../drive_c", prefix.join("dosdevices/c:")).expect("a link");
        symlink("/", prefix.join("dosdevices/z:")).expect("a link");
        // A server that is started by a program of ours would keep that program's pipes open.
        quiet(Command::new("wineserver").arg("-p300"), &prefix);
        quiet(Command::new("wine").args(["cmd", "/c", "exit"]), &prefix);
        Some(wine)
    }

    /// A folder for the test's own files; [`Self::path`] names them as the program sees them.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `path` as a Windows program names it.
    pub fn path(path: &Path) -> String {
        format!("Z:{}", path.display()).replace('/', "\\")
    }

    /// `C:\Windows`, which all tests share.
    pub fn windows(&self) -> PathBuf {
        self.prefix().join("drive_c/windows")
    }

    fn prefix(&self) -> PathBuf {
        self.folder.path().join("prefix")
    }

    /// Any program of Windows', such as `reg`, in an environment that says nothing about proxies, roots or terminals.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("wine");
        environment(&mut command, &self.prefix());
        command.arg(program).env("NO_COLOR", "1").env("COLUMNS", "140").current_dir(self.folder()).stdin(Stdio::null());
        command
    }

    /// `waprobe.exe` with arguments yet to come.
    pub fn waprobe(&self) -> Command {
        self.command(&self.program)
    }

    /// Runs `waprobe.exe`.
    pub fn run<Argument: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = Argument>) -> Output {
        self.waprobe().args(arguments).output().expect("Wine starts")
    }

    /// Imports the text of a registry file, as a double click on it would.
    pub fn reg_import(&self, text: &str) {
        // Wine reads a file without a mark as 8-bit text, where the longer values come out doubled.
        let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
        let bytes: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let file = self.folder().join("import.reg");
        fs::write(&file, bytes).expect("a file in our own folder");
        let output = self.command("reg").args(["import", &Self::path(&file)]).output().expect("Wine starts");
        assert!(output.status.success(), "reg import: {}", everything(&output));
    }

    /// What `reg query KEY /v NAME` prints; `None` where there is no such value.
    pub fn reg_query(&self, key: &str, name: &str) -> Option<String> {
        let output = self.command("reg").args(["query", key, "/v", name]).output().expect("Wine starts");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        // This prefix's server alone, and whatever still runs in it.
        quiet(Command::new("wineserver").arg("-k"), &self.prefix());
        quiet(Command::new("wineserver").arg("-w"), &self.prefix());
    }
}

/// Both streams, for messages and for searching.
pub fn everything(output: &Output) -> String {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("exit {:?}\n{stdout}\n{stderr}", output.status.code())
}

fn environment(command: &mut Command, prefix: &Path) {
    for variable in [
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "CLICOLOR_FORCE",
        "DISPLAY",
        "WAYLAND_DISPLAY",
        // Set by the test runner for Linux programs; no business of a Windows program.
        "LD_LIBRARY_PATH",
    ] {
        command.env_remove(variable);
    }
    command
        // What has no UTF-8 knows no umlauts, and Wine takes names of files and arguments by it.
        .env("LC_ALL", "C.UTF-8")
        .env("WINEPREFIX", prefix)
        .env("WINEDEBUG", "-all")
        .env("WINEDLLOVERRIDES", "mscoree,mshtml,winemenubuilder.exe=");
}

fn quiet(command: &mut Command, prefix: &Path) -> bool {
    environment(command, prefix);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.expect("Wine is installed (tests/run --windows installs it)").success()
}

/// The made prefix that all tests copy from, made by whoever comes first.
fn template() -> PathBuf {
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let template = shared.join("wine");
    let lock = File::create(shared.join("wine.lock")).expect("a lock beside the template");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("a lock");
    let version = Command::new("wine").arg("--version").output().expect("Wine is installed").stdout;
    let version = format!("{}{RANDOM}", String::from_utf8_lossy(&version));
    let made = template.join("made-by");
    if fs::read_to_string(&made).is_ok_and(|found| found == version) {
        return template;
    }
    let _ = fs::remove_dir_all(&template);
    fs::create_dir_all(&template).expect("a folder for the template");
    quiet(Command::new("wine").args(["wineboot", "--init"]), &template);
    let system = template.join("drive_c/windows/system32");
    assert!(system.is_dir(), "Wine made no Windows in {}", template.display());
    compile_random(&system.join("bcryptprimitives.dll"), shared);
    quiet(Command::new("wine").args(["winecfg", "-v", "win10"]), &template);
    quiet(Command::new("wineserver").arg("-k"), &template);
    quiet(Command::new("wineserver").arg("-w"), &template);
    // Written last: what was interrupted before here is made anew.
    fs::write(made, version).expect("the template's mark");
    template
}

fn compile_random(library: &Path, scratch: &Path) {
    let source = scratch.join("bcryptprimitives.c");
    fs::write(&source, RANDOM).expect("a file of ours");
    let done = Command::new(COMPILER)
        .args(["-shared", "-O2", "-s", "-o"])
        .args([library, &source])
        .arg("-ladvapi32")
        .output()
        .expect("the compiler for Windows is installed (tests/run --windows installs it)");
    assert!(done.status.success(), "{}", everything(&done));
}
