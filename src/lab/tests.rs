//! The lab seen by plain clients: no probe and no judge of ours comes near it here.
#![expect(clippy::disallowed_methods, reason = "these tests are their own client")]

use std::net::SocketAddr;
use std::sync::Arc;

use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RecordType};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::TlsConnector;

use super::*;
use crate::catalogue::{Endpoint, TrustClass};
use crate::certificate::Certificate;
use crate::net::{Names, SystemNames};

/// Asks the world's name server as any client would.
async fn look_up(world: &World, name: &str) -> Message {
    let Names::Server(server) = world.net.names else { panic!("a lab has its own name server") };
    let mut question = Message::new(7, MessageType::Query, OpCode::Query);
    question.add_query(Query::query(Name::from_ascii(name).expect("a name"), RecordType::A));
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    socket.send_to(&question.to_vec().expect("bytes"), server).await.expect("sent");
    let mut answer = [0; 1500];
    let length = socket.recv(&mut answer).await.expect("an answer");
    Message::from_vec(&answer[..length]).expect("a message")
}

async fn dial(world: &World, address: SocketAddr) -> TcpStream {
    let target = world.net.dial.target(address).expect("an address of the lab");
    TcpStream::connect(target).await.expect("somebody listens")
}

async fn directly(world: &World, endpoint: &Endpoint) -> TcpStream {
    let answer = look_up(world, &endpoint.host).await;
    let address = answer.answers.iter().find_map(|record| record.data.ip_addr()).expect("an address");
    dial(world, (address, endpoint.port).into()).await
}

/// A connection to one of the world's proxies.
async fn to_proxy(world: &World, name: &str) -> TcpStream {
    let SystemNames::Fixed(names) = &world.net.system_names else { panic!("a lab knows its proxies") };
    let address = names.get(&format!("{name}.proxy.lab")).expect("a proxy")[0];
    dial(world, (address, 8080).into()).await
}

/// The first bytes of the answer to `request`, up to the empty line.
async fn say(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str) -> String {
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => answer.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(answer).expect("text")
}

async fn connect_through(world: &World, proxy: &str, host: &str, headers: &str) -> (TcpStream, String) {
    let mut stream = to_proxy(world, proxy).await;
    let answer = say(&mut stream, &format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n{headers}\r\n")).await;
    (stream, answer)
}

/// A handshake that trusts `roots` and nothing else.
async fn shake_hands(
    stream: TcpStream,
    host: &str,
    roots: &[Certificate],
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root.der().to_vec().into()).expect("a root");
    }
    let configuration = ClientConfig::builder_with_provider(origin::provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(store)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).expect("a name");
    TlsConnector::from(Arc::new(configuration)).connect(name, stream).await
}

fn anchors(world: &World, class: TrustClass) -> &[Certificate] {
    &world.catalogue.trust.class(class).anchors
}

#[tokio::test]
async fn every_endpoint_answers_as_the_catalogue_says_under_the_root_that_it_says() {
    let world = World::start(story()).expect("a lab");
    for endpoint in &world.catalogue.endpoints {
        let request = format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", endpoint.probe.path, endpoint.host);
        let mut stream = directly(&world, endpoint).await;
        let answer = match endpoint.trust.first() {
            None => say(&mut stream, &request).await,
            Some(class) => {
                let anchors = anchors(&world, *class);
                let mut stream = shake_hands(stream, &endpoint.host, anchors).await.expect("a genuine chain");
                say(&mut stream, &request).await
            }
        };
        let status: u16 = answer[9..12].parse().expect("a status");
        assert!(status == 200 || endpoint.probe.healthy.contains(&status), "{}: {answer}", endpoint.name);
    }
}

#[tokio::test]
async fn a_login_opens_the_basic_proxy_and_nothing_else_does() {
    let world = World::start(story()).expect("a lab");
    let host = "v10c.events.data.microsoft.com";
    let (_, refused) = connect_through(&world, "basic", host, "").await;
    assert!(refused.starts_with("HTTP/1.1 407") && refused.contains("Proxy-Authenticate: Basic"), "{refused}");
    // lab-user:only-good-on-loopback
    let login = "Proxy-Authorization: Basic bGFiLXVzZXI6b25seS1nb29kLW9uLWxvb3BiYWNr\r\n";
    let (stream, opened) = connect_through(&world, "basic", host, login).await;
    assert!(opened.starts_with("HTTP/1.1 200"), "{opened}");
    let anchors = anchors(&world, TrustClass::MicrosoftApplicationRoot);
    shake_hands(stream, host, anchors).await.expect("the origin's own chain");
}

#[tokio::test]
async fn the_filter_denies_error_reporting_and_lets_the_rest_through() {
    let world = World::start(story()).expect("a lab");
    let (_, denied) = connect_through(&world, "filter", "watson.telemetry.microsoft.com", "").await;
    assert!(denied.starts_with("HTTP/1.1 403"), "{denied}");
    let (_, open) = connect_through(&world, "filter", "settings-win.data.microsoft.com", "").await;
    assert!(open.starts_with("HTTP/1.1 200"), "{open}");
    let mut stream = to_proxy(&world, "filter").await;
    let answer = say(&mut stream, "GET http://adl.windows.com/ HTTP/1.1\r\nHost: adl.windows.com\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("Via: 1.1 filter.proxy.lab"), "{answer}");
}

#[tokio::test]
async fn an_inspected_connection_satisfies_a_browser_and_not_the_diagnostic_service() {
    let world = World::start(story()).expect("a lab");
    let host = "v10c.events.data.microsoft.com";
    let own = anchors(&world, TrustClass::MicrosoftApplicationRoot).to_vec();
    for (proxy, roots, accepted) in [
        ("inspecting", &world.machine_roots, true),
        ("inspecting", &own, false),
        ("inspecting", &world.public_roots, false),
        ("unmanaged", &world.machine_roots, false),
    ] {
        let (stream, _) = connect_through(&world, proxy, host, "").await;
        let handshake = shake_hands(stream, host, roots).await;
        assert_eq!(handshake.is_ok(), accepted, "{proxy}: {:?}", handshake.err());
    }
    let (stream, _) = connect_through(&world, "inspecting", host, "").await;
    let mut stream = shake_hands(stream, host, &world.machine_roots).await.expect("accepted");
    let answer = say(&mut stream, &format!("GET /health/keepalive HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "behind the inspection stands the real origin: {answer}");
}

#[test]
fn nothing_leads_out_of_a_lab() {
    let world = World::start(story()).expect("a lab");
    let crate::net::Dial::Mapped(map) = &world.net.dial else { panic!("a lab is closed") };
    assert!(map.values().all(|target| target.ip().is_loopback()));
    assert!(world.net.dial.target("203.0.113.200:443".parse().expect("an address")).is_err());
}
