//! Certification authorities and what they sign, made by the openssl command.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A certificate (for a leaf: with the chain that a server sends) and its key, both PEM files.
#[derive(Debug, Clone)]
pub struct Pair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// What a certificate is to say; the defaults are a good leaf of our time.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    pub subject: &'a str,
    /// Subject alternative names; none makes an authority.
    pub names: &'a [&'a str],
    pub key: &'a str,
    pub digest: &'a str,
    /// As openssl writes them: `20250101000000Z`.
    pub valid: (&'a str, &'a str),
    /// Where the issuer's certificate can be fetched, as the certificate says.
    pub ca_issuers: Option<&'a str>,
    /// The identifier of the own key in hexadecimal digits, in place of the true one.
    pub key_id: Option<&'a str>,
    /// Extensions that no other wish names, as openssl writes them.
    pub more: &'a str,
}

impl Pair {
    /// Certificate and key in one file, as Squid wants its inspecting authority.
    pub fn together(&self) -> PathBuf {
        let both = self.certificate.with_extension("both.pem");
        fs::write(&both, read(&self.certificate) + &read(&self.key)).expect("a file of both");
        world_readable(&both);
        both
    }
}

impl Default for Wish<'_> {
    fn default() -> Self {
        Self {
            subject: "/CN=unnamed",
            names: &[],
            key: "ec:P-256",
            digest: "sha256",
            valid: ("20200101000000Z", "20450101000000Z"),
            ca_issuers: None,
            key_id: None,
            more: "",
        }
    }
}

/// Makes certificates in one folder.
pub struct Authorities {
    folder: PathBuf,
}

impl Authorities {
    pub fn new(folder: &Path) -> Self {
        let folder = folder.join("certificates");
        fs::create_dir(&folder).expect("a folder for certificates");
        fs::write(folder.join("index.txt"), "").expect("openssl's list of certificates");
        // The same names may be signed many times: every story has its own idea of a leaf.
        fs::write(folder.join("index.txt.attr"), "unique_subject = no\n").expect("openssl's attributes");
        let folder_text = folder.display();
        let configuration = format!(
            "[ca]\ndefault_ca = here\n[here]\ndatabase = {folder_text}/index.txt\nnew_certs_dir = {folder_text}\n\
             rand_serial = yes\npolicy = any\n[any]\ncommonName = supplied\norganizationName = optional\n"
        );
        fs::write(folder.join("ca.conf"), configuration).expect("openssl's configuration");
        Self { folder }
    }

    /// A root that signs itself.
    pub fn root(&self, file: &str, subject: &str) -> Pair {
        self.issue(file, None, &Wish { subject, ..Wish::default() })
    }

    /// Signs what is wished for, or lets it sign itself where there is no issuer.
    pub fn issue(&self, file: &str, issuer: Option<&Pair>, wish: &Wish) -> Pair {
        let pair = Pair { certificate: self.path(file, "pem"), key: self.path(file, "key") };
        let (request, extensions) = (self.path(file, "csr"), self.path(file, "ext"));
        fs::write(&extensions, extension_lines(wish, issuer.is_none())).expect("a file of extensions");

        let mut ask = Command::new("openssl");
        ask.args(["req", "-new", "-nodes", "-batch", "-subj", wish.subject, "-newkey"]);
        match wish.key.split_once(':') {
            Some(("ec", curve)) => ask.args(["ec", "-pkeyopt", &format!("ec_paramgen_curve:{curve}")]),
            _ => ask.arg(wish.key),
        };
        run(ask.arg("-keyout").arg(&pair.key).arg("-out").arg(&request));

        let mut sign = Command::new("openssl");
        sign.args(["ca", "-batch", "-notext", "-preserveDN", "-md", wish.digest])
            .arg("-config")
            .arg(self.folder.join("ca.conf"));
        sign.args(["-startdate", wish.valid.0, "-enddate", wish.valid.1]).arg("-extfile").arg(&extensions);
        match issuer {
            Some(issuer) => sign.arg("-cert").arg(&issuer.certificate).arg("-keyfile").arg(&issuer.key),
            None => sign.arg("-selfsign").arg("-keyfile").arg(&pair.key),
        };
        run(sign.arg("-in").arg(&request).arg("-out").arg(&pair.certificate));
        // Squid runs as a user of its own and reads the key of the authority that it inspects with.
        world_readable(&pair.key);
        pair
    }

    /// Another certificate for the name and key of `subject`, signed by `issuer`.
    pub fn certify(&self, file: &str, issuer: &Pair, subject: &Pair, name: &str) -> Pair {
        let pair = Pair { certificate: self.path(file, "pem"), key: subject.key.clone() };
        let (request, extensions) = (self.path(file, "csr"), self.path(file, "ext"));
        let wish = Wish { subject: name, ..Wish::default() };
        fs::write(&extensions, extension_lines(&wish, false)).expect("a file of extensions");
        run(Command::new("openssl")
            .args(["req", "-new", "-batch", "-subj", name, "-key"])
            .arg(&pair.key)
            .arg("-out")
            .arg(&request));
        let mut sign = Command::new("openssl");
        sign.args(["ca", "-batch", "-notext", "-preserveDN", "-md", wish.digest, "-startdate", wish.valid.0]);
        sign.args(["-enddate", wish.valid.1, "-config"])
            .arg(self.folder.join("ca.conf"))
            .arg("-extfile")
            .arg(&extensions);
        sign.arg("-cert").arg(&issuer.certificate).arg("-keyfile").arg(&issuer.key);
        run(sign.arg("-in").arg(&request).arg("-out").arg(&pair.certificate));
        pair
    }

    /// `leaf` as a server sends it: itself, then `chain`.
    pub fn with_chain(&self, leaf: &Pair, chain: &[&Pair]) -> Pair {
        let mut text = read(&leaf.certificate);
        for link in chain {
            text.push_str(&read(&link.certificate));
        }
        let name = leaf.certificate.file_stem().expect("a file name").to_string_lossy().into_owned();
        let certificate = self.path(&format!("{name}-chain"), "pem");
        fs::write(&certificate, text).expect("a chain file");
        Pair { certificate, key: leaf.key.clone() }
    }

    /// A private key that a server loads beside `certificate`, because modulus and exponent are the certificate's, and that
    /// signs nothing right, because the rest of it is invented: what somebody has who only copied the certificate.
    pub fn key_that_signs_wrongly(&self, file: &str, certificate: &Path) -> PathBuf {
        let shown = run(Command::new("openssl").args(["x509", "-noout", "-modulus", "-in"]).arg(certificate));
        let modulus = shown.trim().strip_prefix("Modulus=").expect("an RSA certificate").to_owned();
        // Odd numbers of the right size; that they are no primes is what makes the signature wrong.
        let (whole, half) = ("7".repeat(modulus.len()), "7".repeat(modulus.len() / 2));
        let mut wish = String::from("asn1 = SEQUENCE:key\n[key]\nversion = INTEGER:0\n");
        for (field, value) in [
            ("n", modulus.as_str()),
            ("e", "010001"),
            ("d", &whole),
            ("p", &half),
            ("q", &half.replace('7', "5")),
            ("dp", &half),
            ("dq", &half),
            ("qinv", &half),
        ] {
            let _ = writeln!(wish, "{field} = INTEGER:0x{value}");
        }
        let (description, der, key) = (self.path(file, "asn1"), self.path(file, "der"), self.path(file, "key"));
        fs::write(&description, wish).expect("a description of the key");
        run(Command::new("openssl").args(["asn1parse", "-noout", "-genconf"]).arg(&description).arg("-out").arg(&der));
        let bytes = run(Command::new("openssl").args(["base64", "-in"]).arg(&der));
        fs::write(&key, format!("-----BEGIN RSA PRIVATE KEY-----\n{bytes}-----END RSA PRIVATE KEY-----\n"))
            .expect("a key file");
        key
    }

    fn path(&self, name: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{name}.{extension}"))
    }
}

fn extension_lines(wish: &Wish, signs_itself: bool) -> String {
    let mut lines = format!("subjectKeyIdentifier = {}\n", wish.key_id.unwrap_or("hash"));
    let _ = writeln!(lines, "{}", wish.more);
    if !signs_itself {
        lines.push_str("authorityKeyIdentifier = keyid\n");
    }
    if wish.names.is_empty() {
        lines.push_str("basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign\n");
    } else {
        let names: Vec<String> = wish
            .names
            .iter()
            .map(|name| {
                let kind = if name.parse::<std::net::IpAddr>().is_ok() { "IP" } else { "DNS" };
                format!("{kind}:{name}")
            })
            .collect();
        let _ = writeln!(lines, "subjectAltName = {}", names.join(", "));
        lines.push_str("basicConstraints = critical, CA:FALSE\nkeyUsage = critical, digitalSignature\n");
        lines.push_str("extendedKeyUsage = serverAuth\n");
    }
    if let Some(address) = wish.ca_issuers {
        let _ = writeln!(lines, "authorityInfoAccess = caIssuers;URI:{address}");
    }
    lines
}

/// The identifier of a certificate's key, in hexadecimal digits.
pub fn key_id(certificate: &Path) -> String {
    let shown =
        run(Command::new("openssl").args(["x509", "-noout", "-ext", "subjectKeyIdentifier", "-in"]).arg(certificate));
    shown.lines().nth(1).expect("an identifier").trim().replace(':', "")
}

/// The subject of a certificate in the form in which openssl takes one.
pub fn subject(certificate: &Path) -> String {
    let shown =
        run(Command::new("openssl").args(["x509", "-noout", "-subject", "-nameopt", "compat", "-in"]).arg(certificate));
    let parts = shown.trim().strip_prefix("subject=").expect("a subject").trim();
    format!("/{}", parts.trim_start_matches('/').replace(", ", "/"))
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("could not read {}: {error}", path.display()))
}

fn world_readable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("a file of our own");
}

/// Runs to the end, and shows everything when that was not a good one.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("could not start {command:?}: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} failed ({}):\n{stdout}{stderr}", output.status);
    stdout.into_owned()
}
