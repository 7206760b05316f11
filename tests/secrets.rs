//! A proxy that shows every request on its error page, in its headers and behind the 200: nothing of the credential is in
//! what people and files get.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

const PASSWORD: &str = "correct-horse-battery";
/// Of `anna:correct-horse-battery`, without its padding.
const TOKEN: &str = "YW5uYTpjb3JyZWN0LWhvcnNlLWJhdHRlcnk";

/// How the proxy answers a request with a credential.
#[derive(Debug, Clone, Copy)]
enum Echo {
    Page,
    Header,
    /// Bytes that are no HTTP.
    Raw,
    /// A page in place of the tunnel.
    BehindTheTwoHundred,
    Cookies,
}

const ECHOES: [Echo; 5] = [Echo::Page, Echo::Header, Echo::Raw, Echo::BehindTheTwoHundred, Echo::Cookies];

/// Listens until the test ends; every credential is remembered.
fn proxy(challenge: &'static str, echo: Echo) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let credentials = Arc::new(Mutex::new(Vec::new()));
    let memory = credentials.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let memory = memory.clone();
            std::thread::spawn(move || serve(stream, challenge, echo, &memory));
        }
    });
    (address, credentials)
}

fn serve(mut stream: TcpStream, challenge: &str, echo: Echo, credentials: &Mutex<Vec<String>>) {
    while let Some(request) = head(&mut stream) {
        let credential = request.lines().find_map(|line| line.strip_prefix("Proxy-Authorization: "));
        let reply = match credential {
            None => format!("HTTP/1.1 407 Who\r\nProxy-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n"),
            Some(credential) => {
                credentials.lock().expect("no thread panicked").push(credential.to_owned());
                echoed(echo, &request, credential)
            }
        };
        let is_last = credential.is_some();
        if stream.write_all(reply.as_bytes()).is_err() || is_last {
            return;
        }
    }
}

fn echoed(echo: Echo, request: &str, credential: &str) -> String {
    let page = format!("<pre>{request}</pre> you are anna:{PASSWORD}");
    let length = page.len();
    let html = page.replace('"', "&quot;");
    match echo {
        Echo::Page => {
            format!("HTTP/1.1 502 Bad Gateway\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{html}", html.len())
        }
        Echo::Header => format!(
            "HTTP/1.1 502 {credential}\r\nX-Request: {credential}\r\nX-Who: {PASSWORD}\r\n\
             X-Padding: {}{credential}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "x".repeat(480)
        ),
        Echo::Raw => format!("SSH-2.0 {page}\r\nSet-Cookie: SECRETSESSION\r\n"),
        Echo::BehindTheTwoHundred => format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{page}"),
        Echo::Cookies => "HTTP/1.1 503 No\r\nSet-Cookie: session=SECRETSESSION; Path=/\r\n\
             Proxy-Authentication-Info: rspauth=\"SECRETSESSION\"\r\nAuthentication-Info: SECRETSESSION\r\n\
             Content-Length: 0\r\nConnection: close\r\n\r\n"
            .to_owned(),
    }
}

fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < 1 << 16 {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

/// Everything that a run leaves: what is printed in every form, and its recording.
fn traces(directory: &Path, proxy: SocketAddr) -> Vec<(&'static str, String)> {
    let password = directory.join("password");
    std::fs::write(&password, PASSWORD).expect("written");
    let mut traces = Vec::new();
    for (what, arguments) in [("json", ["--format", "json"]), ("table", ["--format", "table"])] {
        let recording = directory.join(format!("{what}.jsonl"));
        let output = Command::new(env!("CARGO_BIN_EXE_waprobe"))
            .args(["check", "--no-direct", "--identity", "user", "--proxy-user", "anna", "--allow-basic-cleartext"])
            .args(["--proxy", &format!("http://{proxy}"), "--timeout", "20s", "--verbose"])
            .arg("--proxy-password-file")
            .arg(&password)
            .arg("--record")
            .arg(&recording)
            .args(arguments)
            .output()
            .expect("the program starts");
        traces.push((what, String::from_utf8_lossy(&output.stdout).into_owned()));
        traces.push(("stderr", String::from_utf8_lossy(&output.stderr).into_owned()));
        traces.push(("recording", std::fs::read_to_string(&recording).expect("a recording")));
    }
    traces
}

#[test]
fn a_proxy_that_echoes_the_request_puts_no_credential_into_what_is_kept() {
    for challenge in ["Basic realm=\"echo\"", "Digest realm=\"echo\", nonce=\"n0nce\", qop=\"auth\", algorithm=SHA-256"]
    {
        for echo in ECHOES {
            let directory = tempfile::tempdir().expect("a directory");
            let (address, credentials) = proxy(challenge, echo);
            let traces = traces(directory.path(), address);
            let credentials = credentials.lock().expect("no thread panicked").clone();
            assert!(!credentials.is_empty(), "{challenge}, {echo:?}: no credential was sent: {traces:?}");
            let responses: Vec<&str> = credentials
                .iter()
                .filter_map(|credential| credential.split_once("response=\"")?.1.split('"').next())
                .collect();
            assert_eq!(responses.is_empty(), challenge.starts_with("Basic"));
            for (what, text) in &traces {
                for secret in [PASSWORD, TOKEN, "SECRETSESSION"].iter().chain(&responses) {
                    assert!(!text.contains(secret), "{challenge}, {echo:?}: {secret} is in the {what}:\n{text}");
                    // The bound on what is kept may cut it.
                    let start = &secret[..12];
                    assert!(!text.contains(start), "{challenge}, {echo:?}: {start}… is in the {what}:\n{text}");
                }
            }
            let sign = if matches!(echo, Echo::Cookies) { "session=(not kept)" } else { "(masked)" };
            assert!(traces.iter().any(|(_, text)| text.contains(sign)), "{challenge}, {echo:?}: no echo: {traces:?}");
        }
    }
}
