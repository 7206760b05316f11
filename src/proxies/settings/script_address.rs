//! Where a setting says that the script is, and whether WinHTTP fetches one from there.
//!
//! WinHTTP takes http: and https: addresses alone; file: is named as one that it does not take (learn.microsoft.com, "WinHTTP
//! AutoProxy Support"; the others end in `ERROR_WINHTTP_UNRECOGNIZED_SCHEME`, `WinHttpGetProxyForUrlEx`). From Windows 10 on
//! browsers of Microsoft's fetch by WinHTTP too, and ftp: and file: serve nobody (Microsoft KB 4025058).

/// What the place is, as a noun, where WinHTTP fetches no script from it; nothing for an address that it may fetch.
#[must_use]
pub fn not_fetched(address: &str) -> Option<&'static str> {
    let address = address.trim();
    let is_path = |text: &str| text.starts_with('/') || text.starts_with('\\');
    if address.starts_with(r"\\") || address.starts_with("//") {
        return Some("a path of the network");
    }
    if let Some((scheme, _)) = address.split_once(':') {
        let is_word = |word: &str| !word.is_empty() && word.chars().all(|letter| letter.is_ascii_alphanumeric());
        return match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => None,
            "file" => Some("a file"),
            "ftp" => Some("an FTP address"),
            drive if drive.len() == 1 => Some("a file"),
            // `proxy.contoso.example:8080/proxy.pac` has a port there.
            word if is_word(word) && address[scheme.len()..].starts_with("://") => Some("an address of another scheme"),
            _ => None,
        };
    }
    is_path(address).then_some("a file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_fetched() {
        for (address, expected) in [
            ("http://pac.contoso.example/proxy.pac", None),
            ("HTTPS://pac.contoso.example/proxy.pac", None),
            ("scripts.contoso.example/proxy.pac", None),
            ("scripts.contoso.example:8080/proxy.pac", None),
            ("file:///C:/proxy.pac", Some("a file")),
            ("FILE://C:\\proxy.pac", Some("a file")),
            (r"C:\Windows\proxy.pac", Some("a file")),
            ("c:/proxy.pac", Some("a file")),
            (r"\\server\share\proxy.pac", Some("a path of the network")),
            ("//server/share/proxy.pac", Some("a path of the network")),
            ("/etc/proxy.pac", Some("a file")),
            ("ftp://pac.contoso.example/proxy.pac", Some("an FTP address")),
            ("res://proxy.dll/proxy.pac", Some("an address of another scheme")),
            ("", None),
        ] {
            assert_eq!(not_fetched(address), expected, "{address}");
        }
    }
}
