//! A bare TLS client: connect, verify, GET, close, and no evidence.
//!
//! In: the file of a root certificate, the address of a server, how many names, how many at once. Out: how many of the names
//! `n00001.bench.example`, … answered with 200 under a certificate that the root vouches for; exit code 1 when not all did.
//! It uses the TLS library, the runtime and the concurrency of waprobe, so that what waprobe costs beyond it is waprobe's own.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [root, address, names, at_once] = arguments.as_slice() else {
        return Err("usage: bare ROOT.pem ADDRESS NAMES AT_ONCE".into());
    };
    let (address, names, at_once): (SocketAddr, usize, usize) = (address.parse()?, names.parse()?, at_once.parse()?);
    let connector = TlsConnector::from(Arc::new(configuration(root)?));
    let mut running = JoinSet::new();
    let (mut begun, mut answered) = (0, 0);
    while begun < names || !running.is_empty() {
        while begun < names && running.len() < at_once {
            begun += 1;
            let (connector, name) = (connector.clone(), format!("n{begun:05}.bench.example"));
            running.spawn(async move { ask(&connector, address, name).await.is_ok_and(|status| status == 200) });
        }
        if let Some(Ok(true)) = running.join_next().await {
            answered += 1;
        }
    }
    println!("{answered}");
    if answered == names { Ok(()) } else { Err(format!("{answered} of {names} answered").into()) }
}

fn configuration(root: &str) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(root)?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut configuration = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // Every probe shakes hands anew.
    configuration.resumption = rustls::client::Resumption::disabled();
    Ok(configuration)
}

/// The status of the answer to one GET.
async fn ask(connector: &TlsConnector, address: SocketAddr, name: String) -> Result<u16> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let request = format!("GET / HTTP/1.1\r\nHost: {name}\r\nAccept: */*\r\nConnection: close\r\n\r\n");
    let mut stream = connector.connect(ServerName::try_from(name)?, stream).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::with_capacity(1024);
    stream.read_to_end(&mut answer).await?;
    let status = answer.get(9..12).ok_or("no status")?;
    Ok(std::str::from_utf8(status)?.parse()?)
}
