//! The lab's name server: UDP and TCP on one port, with an answer of its own for every name.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use hickory_proto::op::{Edns, Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::rdata::{A, AAAA, CNAME};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::authority::Mistake;

/// What the server says about one name.
#[derive(Debug, Clone)]
pub enum NameAnswer {
    Addresses(Addresses),
    Nxdomain,
    /// The name exists and has no address.
    Nodata,
    Servfail,
    Refused,
    Silence,
    /// A datagram that is no DNS message.
    Garbage,
    /// An extended error (RFC 8914) with NXDOMAIN.
    Filtered {
        code: u16,
        text: &'static str,
    },
    /// Somebody on the way answers first, with this address; then comes the server's own answer.
    Overtaken(Ipv4Addr, Addresses),
    /// Refused when it is asked for the first time, as by a server that takes few questions at once.
    RefusedAtFirst(Addresses),
    /// Too long for a datagram; the rest is to be had over TCP, where that is open.
    Truncated(Addresses),
}

/// Where a name leads.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    /// Aliases, in the order in which they are followed.
    pub aliases: Vec<String>,
    pub v4: Vec<Ipv4Addr>,
    pub v6: Vec<Ipv6Addr>,
}

/// The server with its zone; names are lower case and without the trailing dot.
#[derive(Debug)]
pub(super) struct NameServer {
    zone: HashMap<String, NameAnswer>,
    /// What was asked before: name and kind of record.
    asked: Mutex<HashSet<(String, RecordType)>>,
}

const EXTENDED_ERROR: u16 = 15;
const TIME_TO_LIVE: u32 = 60;

impl NameServer {
    pub fn new(zone: HashMap<String, NameAnswer>) -> Self {
        Self { zone, asked: Mutex::default() }
    }

    /// Whether this is the first question for the name's records of that kind.
    fn is_first(&self, name: &str, kind: RecordType) -> bool {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert((name.to_owned(), kind))
    }

    pub async fn serve_datagrams(self: Arc<Self>, socket: UdpSocket) {
        let mut buffer = [0; 4096];
        loop {
            // An error here is the echo of an earlier answer that nobody waited for any more.
            let Ok((length, peer)) = socket.recv_from(&mut buffer).await else { continue };
            for answer in self.answers(&buffer[..length]) {
                let _ = socket.send_to(&answer, peer).await;
            }
        }
    }

    pub async fn serve_streams(self: Arc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let server = self.clone();
            tokio::spawn(async move { server.converse(stream).await.ok() });
        }
    }

    async fn converse(&self, mut stream: TcpStream) -> io::Result<()> {
        loop {
            let length = stream.read_u16().await?;
            let mut question = vec![0; length.into()];
            stream.read_exact(&mut question).await?;
            if let Some(answer) = self.answer(&question, true) {
                let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
                stream.write_all(&[&length.to_be_bytes(), answer.as_slice()].concat()).await?;
            }
        }
    }

    /// The datagrams to send back.
    fn answers(&self, question: &[u8]) -> Vec<Vec<u8>> {
        let forged = Message::from_vec(question).ok().and_then(|asked| {
            let query = asked.queries.first()?;
            let Some(NameAnswer::Overtaken(address, _)) = self.zone.get(&zone_name(query.name())) else { return None };
            let forged = NameAnswer::Addresses(Addresses { v4: vec![*address], ..Addresses::default() });
            let zone = [(zone_name(query.name()), forged)].into();
            Self::new(zone).answer(question, false)
        });
        forged.into_iter().chain(self.answer(question, false)).collect()
    }

    /// The bytes to send back, if any.
    fn answer(&self, question: &[u8], over_tcp: bool) -> Option<Vec<u8>> {
        let asked = Message::from_vec(question).ok()?;
        let query = asked.queries.first()?.clone();
        let name = zone_name(query.name());
        let mut reply = Message::new(asked.metadata.id, MessageType::Response, OpCode::Query);
        reply.metadata.recursion_desired = asked.metadata.recursion_desired;
        reply.metadata.recursion_available = true;
        reply.add_query(query.clone());
        let mut edns = asked.edns.as_ref().map(|_| Edns::new());
        let code = match self.zone.get(&name) {
            None | Some(NameAnswer::Nxdomain) => ResponseCode::NXDomain,
            Some(NameAnswer::Nodata) => ResponseCode::NoError,
            Some(NameAnswer::Servfail) => ResponseCode::ServFail,
            Some(NameAnswer::Refused) => ResponseCode::Refused,
            Some(NameAnswer::RefusedAtFirst(_)) if self.is_first(&name, query.query_type()) => ResponseCode::Refused,
            Some(NameAnswer::Silence) => return None,
            Some(NameAnswer::Garbage) => return Some(b"\xff\xff no resolver, no message".to_vec()),
            Some(NameAnswer::Filtered { code, text }) => {
                if let Some(edns) = &mut edns {
                    let information = [&code.to_be_bytes(), text.as_bytes()].concat();
                    edns.options_mut().insert(EdnsOption::Unknown(EXTENDED_ERROR, information));
                }
                ResponseCode::NXDomain
            }
            Some(NameAnswer::Truncated(_)) if !over_tcp => {
                reply.metadata.truncation = true;
                ResponseCode::NoError
            }
            Some(
                NameAnswer::Addresses(addresses)
                | NameAnswer::Truncated(addresses)
                | NameAnswer::RefusedAtFirst(addresses)
                | NameAnswer::Overtaken(_, addresses),
            ) => {
                reply.add_answers(records(query.name(), query.query_type(), addresses).ok()?);
                ResponseCode::NoError
            }
        };
        reply.metadata.response_code = code;
        if let Some(edns) = edns {
            reply.set_edns(edns);
        }
        reply.to_vec().ok()
    }
}

fn zone_name(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}

fn records(name: &Name, wanted: RecordType, addresses: &Addresses) -> Result<Vec<Record>, Mistake> {
    let mut owner = name.clone();
    let mut records = Vec::new();
    for alias in &addresses.aliases {
        let mut target = Name::from_ascii(alias)?;
        target.set_fqdn(true);
        records.push(Record::from_rdata(owner, TIME_TO_LIVE, RData::CNAME(CNAME(target.clone()))));
        owner = target;
    }
    let data: Vec<RData> = match wanted {
        RecordType::A => addresses.v4.iter().map(|address| RData::A(A(*address))).collect(),
        RecordType::AAAA => addresses.v6.iter().map(|address| RData::AAAA(AAAA(*address))).collect(),
        _ => Vec::new(),
    };
    records.extend(data.into_iter().map(|data| Record::from_rdata(owner.clone(), TIME_TO_LIVE, data)));
    Ok(records)
}
