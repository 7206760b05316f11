//! A foreground process that listens, from its start until the value is dropped.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// How long a server may take to listen. A loaded machine needs seconds, and nothing waits that long in vain.
const STEPS_TO_LISTEN: u32 = 1500;
const STEP: Duration = Duration::from_millis(10);

pub struct Server {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts `command`, with everything it prints in `folder`, and waits until all of `listens` accept.
    pub fn start(name: &str, mut command: Command, folder: &Path, listens: &[SocketAddr]) -> Self {
        let log = folder.join(format!("{name}.log"));
        let output = File::create(&log).expect("a log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a second handle"))
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("could not start {name}: {error}"));
        let mut server = Self { name: name.to_owned(), child, log };
        for address in listens {
            server.wait_for(*address);
        }
        server
    }

    fn wait_for(&mut self, address: SocketAddr) {
        for _ in 0..STEPS_TO_LISTEN {
            if TcpStream::connect_timeout(&address, STEP * 10).is_ok() {
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("{} ended at once ({status}):\n{}", self.name, self.log());
            }
            sleep(STEP);
        }
        panic!("{} does not listen on {address}:\n{}", self.name, self.log());
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Server {
    /// At once: a Squid that is asked takes seconds. Its helpers end by themselves when it no longer talks to them.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
