//! The hosts file: a line in it decides before any name server is asked.

use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::PathBuf;

/// Block lists of a hundred thousand names are put there, too.
const LARGEST_FILE: u64 = 16 << 20;

/// The line that gives `name` one of `addresses`, for quoting; `None` also when the file cannot be read.
#[must_use]
pub fn hosts_line(name: &str, addresses: &[IpAddr]) -> Option<String> {
    let mut text = Vec::new();
    File::open(path()).ok()?.take(LARGEST_FILE).read_to_end(&mut text).ok()?;
    find(&String::from_utf8_lossy(&text), name, addresses)
}

fn path() -> PathBuf {
    if cfg!(windows) {
        let root = std::env::var_os("SystemRoot").unwrap_or_else(|| r"C:\Windows".into());
        PathBuf::from(root).join(r"System32\drivers\etc\hosts")
    } else {
        PathBuf::from("/etc/hosts")
    }
}

fn find(text: &str, name: &str, addresses: &[IpAddr]) -> Option<String> {
    text.lines()
        .find(|line| {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
            address.is_some_and(|address| addresses.contains(&address))
                && words.any(|word| word.eq_ignore_ascii_case(name))
        })
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn a_line_counts_when_it_gives_this_name_this_address() {
        let file = "127.0.0.1 localhost\n# 0.0.0.0 a.example\n0.0.0.0\ta.example  B.example # blocked\nnonsense\n";
        let addresses = ["0.0.0.0".parse().expect("an address")];
        assert_eq!(find(file, "b.EXAMPLE", &addresses).as_deref(), Some("0.0.0.0 a.example B.example # blocked"));
        assert_eq!(find(file, "c.example", &addresses), None);
        assert_eq!(find(file, "localhost", &addresses), None, "another address than the system gave");
    }
}
