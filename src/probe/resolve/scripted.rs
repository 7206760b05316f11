//! A name server for tests that says what a script tells it, right or wrong.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Edns, Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::rdata::{A, AAAA, CNAME};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

/// What the server sends for one question: any number of datagrams.
pub(super) type Script = fn(&Message) -> Vec<Vec<u8>>;

pub(super) struct Scripted {
    pub address: SocketAddr,
    pub heard: Arc<Mutex<Vec<Message>>>,
    _running: JoinSet<()>,
}

impl Scripted {
    /// Answers over UDP; the port is closed for TCP.
    pub async fn udp(script: Script) -> Self {
        Self::start(script, None).await
    }

    /// Answers over both; over TCP with the first message of its script.
    pub async fn both(udp: Script, tcp: Script) -> Self {
        Self::start(udp, Some(tcp)).await
    }

    async fn start(udp: Script, tcp: Option<Script>) -> Self {
        let (socket, listener) = same_port().await;
        let address = socket.local_addr().expect("bound");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let mut running = JoinSet::new();
        running.spawn(over_udp(socket, udp, heard.clone()));
        if let Some(tcp) = tcp {
            running.spawn(over_tcp(listener, tcp));
        }
        Self { address, heard, _running: running }
    }

    /// How many questions of this kind came over UDP.
    pub fn asked(&self, record: RecordType) -> usize {
        let heard = self.heard.lock().expect("no test panicked");
        heard.iter().filter(|query| query.queries[0].query_type() == record).count()
    }
}

async fn same_port() -> (UdpSocket, TcpListener) {
    loop {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = socket.local_addr().expect("bound").port();
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            return (socket, listener);
        }
    }
}

async fn over_udp(socket: UdpSocket, script: Script, heard: Arc<Mutex<Vec<Message>>>) {
    let mut buffer = [0; 4096];
    while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
        let query = Message::from_vec(&buffer[..length]).expect("a question");
        heard.lock().expect("no test panicked").push(query.clone());
        for datagram in script(&query) {
            socket.send_to(&datagram, peer).await.expect("sent");
        }
    }
}

async fn over_tcp(listener: TcpListener, script: Script) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let Ok(length) = stream.read_u16().await else { continue };
        let mut question = vec![0; length.into()];
        stream.read_exact(&mut question).await.expect("a question");
        let query = Message::from_vec(&question).expect("a question");
        for message in script(&query).iter().take(1) {
            let length = u16::try_from(message.len()).expect("short enough");
            stream.write_all(&[&length.to_be_bytes(), message.as_slice()].concat()).await.expect("sent");
        }
    }
}

/// An empty answer to `query`.
pub(super) fn reply(query: &Message) -> Message {
    let mut reply = Message::response(query.id, query.op_code);
    reply.metadata.recursion_available = true;
    reply.add_queries(query.queries.iter().cloned());
    if query.edns.is_some() {
        reply.set_edns(Edns::new());
    }
    reply
}

pub(super) fn code(query: &Message, code: ResponseCode) -> Message {
    let mut reply = reply(query);
    reply.metadata.response_code = code;
    reply
}

/// An answer with the addresses of the family that `query` asks for.
pub(super) fn addresses(query: &Message, addresses: &[&str]) -> Message {
    let owner = query.queries[0].name().clone();
    let mut reply = reply(query);
    add(&mut reply, &owner, query, addresses);
    reply
}

/// An answer that leads over aliases to addresses; the records stand in reverse order.
pub(super) fn chain(query: &Message, names: &[&str], addresses: &[&str]) -> Message {
    let mut reply = reply(query);
    let mut owner = query.queries[0].name().clone();
    for next in names {
        reply.add_answer(alias(&owner, next));
        owner = name(next);
    }
    add(&mut reply, &owner, query, addresses);
    reply.answers.reverse();
    reply
}

fn add(reply: &mut Message, owner: &Name, query: &Message, addresses: &[&str]) {
    for address in addresses {
        let data = match address.parse().expect("an address") {
            IpAddr::V4(address) => RData::A(A(address)),
            IpAddr::V6(address) => RData::AAAA(AAAA(address)),
        };
        if data.record_type() == query.queries[0].query_type() {
            reply.add_answer(Record::from_rdata(owner.clone(), 60, data));
        }
    }
}

pub(super) fn alias(owner: &Name, target: &str) -> Record {
    Record::from_rdata(owner.clone(), 60, RData::CNAME(CNAME(name(target))))
}

pub(super) fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).expect("a name");
    name.set_fqdn(true);
    name
}

/// Adds an extended error.
pub(super) fn extended(mut reply: Message, code: u16, text: &str) -> Message {
    let data = [&code.to_be_bytes(), text.as_bytes()].concat();
    let mut edns = Edns::new();
    edns.options_mut().insert(EdnsOption::Unknown(15, data));
    reply.set_edns(edns);
    reply
}

pub(super) fn bytes(message: &Message) -> Vec<u8> {
    message.to_vec().expect("written")
}

pub(super) fn wants(query: &Message, record: RecordType) -> bool {
    query.queries[0].query_type() == record
}

/// The question that a resolver gets for `host`.
pub(super) fn question(host: &str, record: RecordType, id: u16) -> Message {
    let mut message = Message::new(id, MessageType::Query, hickory_proto::op::OpCode::Query);
    message.add_query(Query::query(name(host), record));
    message
}
