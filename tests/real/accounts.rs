//! Whom a proxy knows without any directory: one name and its password, by Samba's helper and by Squid's own.

use std::path::Path;
use std::process::Command;

use crate::authorities::run;
use crate::software::program;
use crate::world::World;

pub const NAME: &str = "anna";
pub const PASSWORD: &str = "correct-horse-7493";

/// Squid's helper for Basic.
pub fn basic(world: &World) -> String {
    let line = format!("{NAME}:{}\n", run(Command::new("openssl").args(["passwd", "-apr1", PASSWORD])).trim());
    format!("{} {}", helper("basic_ncsa_auth"), world.file("basic-passwords", &line).display())
}

/// Samba's helper, which checks NTLM version 2 for one account without any domain.
pub fn samba(world: &World, protocol: &str) -> String {
    let home = world.folder().join("samba");
    std::fs::create_dir_all(&home).expect("a folder for samba");
    let folders: String =
        ["lock", "state", "cache", "pid"].map(|kind| format!("{kind} directory = {}\n", home.display())).concat();
    let text = format!("[global]\nworkgroup = CORP\nprivate dir = {}\n{folders}", home.display());
    let configuration = world.file("smb.conf", &text);
    run(Command::new("chmod").arg("777").arg(&home));
    format!(
        "{} --helper-protocol={protocol} --username={NAME} --password={PASSWORD} --domain=CORP --configfile={}",
        helper("ntlm_auth"),
        configuration.display()
    )
}

fn helper(name: &str) -> String {
    let path: &Path = &program(name).expect("a helper that is there");
    path.display().to_string()
}
