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

#[cfg(not(windows))]
fn path() -> PathBuf {
    PathBuf::from("/etc/hosts")
}

/// Malware and administrators move the file by a value of the registry, which a person who looks at the usual place misses.
#[cfg(windows)]
fn path() -> PathBuf {
    let parameters = windows_registry::LOCAL_MACHINE.open(r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters");
    // The value is of the kind whose variables are still to be put in.
    let folder = parameters.and_then(|key| key.get_string("DataBasePath")).ok();
    let variable = |name: &str| std::env::var(name).ok();
    PathBuf::from(in_folder(folder.as_deref(), variable))
}

/// The hosts file below `DataBasePath`, or where it is without one.
#[cfg(any(windows, test))]
fn in_folder(folder: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> String {
    let folder = folder.filter(|folder| !folder.trim().is_empty()).unwrap_or(r"%SystemRoot%\System32\drivers\etc");
    let mut path = String::new();
    let mut parts = folder.split('%');
    path.push_str(parts.next().unwrap_or_default());
    // Between the signs stands a name, behind them text.
    while let Some(name) = parts.next() {
        let value =
            variable(name).or_else(|| name.eq_ignore_ascii_case("SystemRoot").then(|| r"C:\Windows".to_owned()));
        path.push_str(&value.unwrap_or_else(|| format!("%{name}%")));
        path.push_str(parts.next().unwrap_or_default());
    }
    format!(r"{}\hosts", path.trim_end_matches('\\'))
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
    use super::{find, in_folder};

    #[test]
    fn a_line_counts_when_it_gives_this_name_this_address() {
        let file = "127.0.0.1 localhost\n# 0.0.0.0 a.example\n0.0.0.0\ta.example  B.example # blocked\nnonsense\n";
        let addresses = ["0.0.0.0".parse().expect("an address")];
        assert_eq!(find(file, "b.EXAMPLE", &addresses).as_deref(), Some("0.0.0.0 a.example B.example # blocked"));
        assert_eq!(find(file, "c.example", &addresses), None);
        assert_eq!(find(file, "localhost", &addresses), None, "another address than the system gave");
    }
    #[test]
    fn windows_keeps_the_file_where_the_registry_says() {
        let variable = |name: &str| name.eq_ignore_ascii_case("systemroot").then(|| r"D:\Win".to_owned());
        for (folder, expected) in [
            (None, r"D:\Win\System32\drivers\etc\hosts"),
            (Some(" "), r"D:\Win\System32\drivers\etc\hosts"),
            (Some(r"%SystemRoot%\System32\drivers\etc"), r"D:\Win\System32\drivers\etc\hosts"),
            (Some(r"C:\ProgramData\names\"), r"C:\ProgramData\names\hosts"),
            (Some(r"%nowhere%\etc"), r"%nowhere%\etc\hosts"),
        ] {
            assert_eq!(in_folder(folder, variable), expected, "{folder:?}");
        }
        assert_eq!(in_folder(None, |_| None), r"C:\Windows\System32\drivers\etc\hosts", "also without an environment");
    }
}
