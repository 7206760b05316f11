//! Inspection as a machine sees it that trusts the inspector's root, by the place in Windows' store where that root stands.
//!
//! nginx shows a certificate of the company's CA for a host of Microsoft's. Wine has no physical stores, so that the registry keys
//! behind them are read; and it puts Linux' own roots into the computer's.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::wine::{Wine, everything};

const HOST: &str = "v10c.events.data.microsoft.com";

const COMPUTER: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\SystemCertificates";
const POLICIES: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\SystemCertificates";

#[test]
fn an_inspector_whose_root_is_in_windows_store_is_trusted_and_without_it_is_not() {
    let Some(world) = World::start() else { return };
    let before = world.check(&[]);
    assert_eq!(code(&before), "intercepted.untrusted", "{before:#}");
    assert_eq!(before["rows"][0]["chain"]["machine_trusts"], false, "{before:#}");
    assert!(roots(&before).contains("from Windows' own store (computer "), "{}", roots(&before));

    world.put(COMPUTER, "Root");
    let after = world.check(&[]);
    assert_eq!(code(&after), "intercepted.trusted", "{after:#}");
    assert_eq!(after["rows"][0]["chain"]["machine_trusts"], true, "{after:#}");
    assert!(says(&after, "by an installer, a script, device management or by hand"), "{after:#}");
}

#[test]
fn the_places_of_a_root_are_told_apart() {
    let Some(world) = World::start() else { return };
    world.put(COMPUTER, "Root");
    world.put(POLICIES, "Root");
    let rolled_out = world.check(&[]);
    assert_eq!(code(&rolled_out), "intercepted.trusted", "{rolled_out:#}");
    assert!(says(&rolled_out, "group policy put it there"), "{rolled_out:#}");
    assert!(roots(&rolled_out).contains("group policy 1"), "{}", roots(&rolled_out));

    world.put(COMPUTER, "AuthRoot");
    let programme = world.check(&[]);
    assert_eq!(code(&programme), "chain.wrong_class", "a root of Microsoft's programme is public: {programme:#}");
    assert!(says(&programme, "(AuthRoot)"), "{programme:#}");
}

#[test]
fn a_root_that_is_among_the_untrusted_ones_too_is_not_trusted() {
    let Some(world) = World::start() else { return };
    world.put(COMPUTER, "Root");
    world.put(COMPUTER, "Disallowed");
    let report = world.check(&[]);
    assert_eq!(code(&report), "intercepted.untrusted", "{report:#}");
    let remarks = report["run"]["remarks"].to_string();
    assert!(remarks.contains("stand among its untrusted certificates"), "{remarks}");
}

#[test]
fn a_file_that_replaces_the_store_is_named_in_the_report() {
    let Some(world) = World::start() else { return };
    world.put(COMPUTER, "Root");
    let other = Wine::path(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/catalogue/pki/root-microsoft-2011.pem")));
    let report = world.check(&[("SSL_CERT_FILE", &other)]);
    assert_eq!(code(&report), "intercepted.untrusted", "the file has another root: {report:#}");
    assert!(roots(&report).starts_with("1 from SSL_CERT_FILE="), "{}", roots(&report));
    assert!(roots(&report).contains("in place of Windows' own store"), "{}", roots(&report));
}

#[test]
fn a_public_root_that_is_not_there_yet_is_missing_only_where_windows_may_not_fetch_it() {
    let Some(world) = World::start_with_microsofts_class() else { return };
    let fetching = world.check(&[]);
    assert_eq!((code(&fetching), fetching["rows"][0]["status"].as_str()), ("ok", Some("ok")), "{fetching:#}");
    assert!(says(&fetching, "does not hold Company Root yet, which says nothing"), "{fetching:#}");
    assert!(fetching["rows"][0]["chain"]["machine_trusts"].is_null(), "{fetching:#}");

    world.wine.reg_import(&format!(
        "Windows Registry Editor Version 5.00\n\n[{POLICIES}\\AuthRoot]\n\"DisableRootAutoUpdate\"=dword:00000001\n"
    ));
    let forbidden = world.check(&[]);
    assert_eq!(code(&forbidden), "ok", "{forbidden:#}");
    assert_eq!(forbidden["rows"][0]["chain"]["machine_trusts"], false, "{forbidden:#}");
}

fn code(report: &Value) -> &str {
    report["rows"][0]["code"].as_str().unwrap_or_default()
}

fn roots(report: &Value) -> &str {
    report["run"]["machine_roots"].as_str().unwrap_or_default()
}

fn says(report: &Value, text: &str) -> bool {
    report["rows"][0]["evidence"]
        .as_array()
        .is_some_and(|lines| lines.iter().filter_map(Value::as_str).any(|line| line.contains(text)))
}

/// A Windows, and a server with the company's certificate for one host of Microsoft's.
struct World {
    wine: Wine,
    root: Vec<u8>,
    catalogue: PathBuf,
    address: SocketAddr,
    _server: Nginx,
}

impl World {
    fn start() -> Option<Self> {
        Self::with_catalogue("")
    }

    /// The company's root as if it were the one that the endpoint is documented to have.
    fn start_with_microsofts_class() -> Option<Self> {
        Self::with_catalogue("[trust.microsoft-application-root]\nanchors = [\"root.pem\"]\n")
    }

    fn with_catalogue(trust: &str) -> Option<Self> {
        let wine = Wine::start()?;
        let folder = wine.folder().to_path_buf();
        let (root, pair) = certificates(&folder);
        let catalogue = folder.join("one-host.toml");
        let text = format!(
            "schema = \"waprobe-catalogue/1\"\n{trust}[[endpoint]]\nname = \"v10c\"\nurl = \"https://{HOST}\"\n\
             trust = [\"microsoft-application-root\"]\n"
        );
        fs::write(&catalogue, text).expect("a catalogue");
        let address = free_address();
        let server = Nginx::start(&folder, address, &pair);
        Some(Self { wine, root, catalogue, address, _server: server })
    }

    /// Puts the root into a store below `key`, as an import on Windows leaves it there.
    fn put(&self, key: &str, store: &str) {
        /// `CERT_CERT_PROP_ID`: the certificate itself.
        const CERTIFICATE: u32 = 32;
        let length = u32::try_from(self.root.len()).expect("a small certificate");
        let mut blob: Vec<u8> = [CERTIFICATE, 1, length].into_iter().flat_map(u32::to_le_bytes).collect();
        blob.extend_from_slice(&self.root);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &self.root);
        let thumbprint = digest.as_ref().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02X}");
            text
        });
        let bytes: Vec<String> = blob.iter().map(|byte| format!("{byte:02x}")).collect();
        self.wine.reg_import(&format!(
            "Windows Registry Editor Version 5.00\n\n[{key}\\{store}\\Certificates\\{thumbprint}]\n\"Blob\"=hex:{}\n",
            bytes.join(",")
        ));
    }

    /// What a check of the one host reports.
    fn check(&self, environment: &[(&str, &str)]) -> Value {
        let mut command = self.wine.waprobe();
        command.args(["check", "--no-follow-ups", "--format", "json", "--catalogue", &Wine::path(&self.catalogue)]);
        command.args(["--connect-to", &format!("{HOST}:443={}", self.address)]).envs(environment.iter().copied());
        let output = command.output().expect("Wine starts");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no report: {}", everything(&output)))
    }
}

/// The company's root as DER, and a leaf with its key in two PEM files.
fn certificates(folder: &Path) -> (Vec<u8>, (PathBuf, PathBuf)) {
    let key = || rcgen::KeyPair::generate().expect("a key");
    let named = |name: &str| {
        let mut name_of = rcgen::DistinguishedName::new();
        name_of.push(rcgen::DnType::CommonName, name);
        name_of
    };
    let mut wanted = rcgen::CertificateParams::default();
    wanted.distinguished_name = named("Company Root");
    wanted.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root_key = key();
    let root = wanted.self_signed(&root_key).expect("a root");
    let issuer = rcgen::Issuer::new(wanted, root_key);
    let mut wanted = rcgen::CertificateParams::new(vec![HOST.to_owned()]).expect("a name");
    wanted.distinguished_name = named(HOST);
    wanted.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let leaf_key = key();
    let leaf = wanted.signed_by(&leaf_key, &issuer).expect("a leaf");
    let file = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).expect("a file in our own folder");
        path
    };
    file("root.pem", root.pem());
    let chain = file("leaf.pem", leaf.pem() + &root.pem());
    (root.der().to_vec(), (chain, file("leaf.key", leaf_key.serialize_pem())))
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0)).expect("a free port");
    listener.local_addr().expect("bound")
}

struct Nginx(Child);

impl Nginx {
    fn start(folder: &Path, address: SocketAddr, (certificate, key): &(PathBuf, PathBuf)) -> Self {
        let home = folder.display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {home}/nginx-{kind};\n"))
            .concat();
        let text = format!(
            "daemon off; master_process off; pid {home}/nginx.pid; error_log stderr warn;\nevents {{}}\n\
             http {{ access_log off;\n{temporary}\
             server {{ listen {address} ssl; ssl_certificate {}; ssl_certificate_key {}; return 200 \"OK\"; }} }}\n",
            certificate.display(),
            key.display()
        );
        let configuration = folder.join("nginx.conf");
        fs::write(&configuration, text).expect("a file in our own folder");
        let log = File::create(folder.join("nginx.log")).expect("a log");
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
        let child = Command::new("nginx")
            .env("PATH", path)
            .args(["-e", "stderr", "-p"])
            .arg(folder)
            .arg("-c")
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("nginx is installed (tests/run installs it)");
        let mut server = Self(child);
        for _ in 0..1500 {
            if TcpStream::connect_timeout(&address, Duration::from_millis(100)).is_ok() {
                return server;
            }
            if let Ok(Some(status)) = server.0.try_wait() {
                let log = fs::read_to_string(folder.join("nginx.log")).unwrap_or_default();
                let _ = writeln!(std::io::stderr(), "{log}");
                panic!("nginx ended at once ({status}): {log}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("nginx does not listen on {address}");
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
