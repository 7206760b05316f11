//! One question to one server: over UDP, and over TCP when the answer does not fit into a datagram.
//!
//! The socket is connected, so that a closed port is known at once and nobody else's datagrams arrive. What does not
//! answer the question is passed over until the deadline.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::message::{Answer, Asked, Reading};
use crate::net::Net;
use crate::observation::{DnsFailure, Question, RecordType, ServerAnswer};

/// A datagram may get lost, and that is no verdict on a resolver: the question goes out again at these moments, the last
/// time without EDNS, which some old firewalls drop.
const SENT_AGAIN_AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// Who answers with rubbish gets this long to say something readable as well; it need not cost the whole deadline.
const PATIENCE_WITH_RUBBISH: Duration = Duration::from_millis(250);

/// After an answer, a second one to the same question is listened for this long: somebody on the way may have answered
/// in the server's place.
const LISTENS_FOR_A_SECOND: Duration = Duration::from_secs(1);

/// More datagrams than this are not read for one question, however fast they come.
const MOST_DATAGRAMS: usize = 64;

/// Larger than any answer that keeps to the size asked for.
const LARGEST_DATAGRAM: usize = 4096;

/// One question to one server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exchange {
    pub server: SocketAddr,
    pub record: RecordType,
    pub started: Instant,
    pub deadline: Instant,
}

/// What came back over UDP.
enum Datagram {
    /// With the number of times that the question went out until then.
    Answer(Answer, usize),
    Truncated,
}

impl Exchange {
    /// Asks, and calls `said` with the answer or why there is none; once more if a second, different answer arrives.
    pub async fn ask(&self, name: &str, id: u16, net: &Net, mut said: impl FnMut(ServerAnswer)) {
        let asked = match Asked::new(name, self.record, id) {
            Ok(asked) => asked,
            Err(detail) => return said(self.failed(DnsFailure::Other(detail))),
        };
        let socket = match net.datagrams_with(self.server).await {
            Ok(socket) => socket,
            Err(error) => return said(self.failed(failure(&error))),
        };
        let mut heard = self.over_udp(&socket, &asked, false).await;
        if let Ok(Datagram::Answer(answer, _)) = &heard
            && answer.wants_plain_question()
        {
            heard = self.over_udp(&socket, &asked, true).await;
        }
        match heard {
            Ok(Datagram::Answer(answer, sent)) => {
                said(self.answered(answer.clone(), false));
                // Two answers to a question that went out twice are nothing strange.
                if sent == 1
                    && let Some(second) = self.second_answer(&socket, &asked, &answer).await
                {
                    said(self.answered(second, false));
                }
            }
            Ok(Datagram::Truncated) => said(match self.over_tcp(&asked, net).await {
                Ok(answer) => self.answered(answer, true),
                Err(failure) => self.failed(failure),
            }),
            Err(failure) => said(self.failed(failure)),
        }
    }

    async fn over_udp(&self, socket: &UdpSocket, asked: &Asked, plain: bool) -> Result<Datagram, DnsFailure> {
        let mut again = SENT_AGAIN_AFTER.iter().map(|after| self.started + *after);
        let mut next = again.next();
        let mut sent = send(socket, asked, plain).await.map(|()| 1)?;
        let mut buffer = vec![0; LARGEST_DATAGRAM];
        let mut rubbish: Option<(String, Instant)> = None;
        let mut received = 0;
        while received < MOST_DATAGRAMS {
            let end = rubbish.as_ref().map_or(self.deadline, |(_, patience)| self.deadline.min(*patience));
            match timeout_at(next.map_or(end, |next| end.min(next)), socket.recv(&mut buffer)).await {
                Ok(Ok(length)) => {
                    received += 1;
                    match asked.read(&buffer[..length]) {
                        Reading::Answer(answer) => return Ok(Datagram::Answer(answer, sent)),
                        Reading::Truncated => return Ok(Datagram::Truncated),
                        Reading::Stray => {}
                        Reading::Unreadable(detail) => {
                            rubbish.get_or_insert((detail, Instant::now() + PATIENCE_WITH_RUBBISH));
                        }
                    }
                }
                Ok(Err(error)) => return Err(failure(&error)),
                Err(_) if Instant::now() >= end => break,
                Err(_) => {
                    next = again.next();
                    send(socket, asked, plain || next.is_none()).await?;
                    sent += 1;
                }
            }
        }
        Err(rubbish.map_or(DnsFailure::Timeout, |(detail, _)| DnsFailure::Malformed(detail)))
    }

    /// Another answer to a question that has one. Never fails: what has been said stands.
    async fn second_answer(&self, socket: &UdpSocket, asked: &Asked, first: &Answer) -> Option<Answer> {
        let end = self.deadline.min(Instant::now() + LISTENS_FOR_A_SECOND);
        let mut buffer = vec![0; LARGEST_DATAGRAM];
        for _ in 0..MOST_DATAGRAMS {
            let length = timeout_at(end, socket.recv(&mut buffer)).await.ok()?.ok()?;
            if let Reading::Answer(second) = asked.read(&buffer[..length])
                && second.contradicts(first)
            {
                return Some(second);
            }
        }
        None
    }

    async fn over_tcp(&self, asked: &Asked, net: &Net) -> Result<Answer, DnsFailure> {
        let broken = DnsFailure::TruncatedAndTcpFailed;
        let question = asked.to_bytes(false).map_err(DnsFailure::Other)?;
        let message = match timeout_at(self.deadline, converse(self.server, &question, net)).await {
            Ok(Ok(message)) => message,
            Ok(Err(error)) => return Err(broken(error.to_string())),
            Err(_) => return Err(broken("no answer over TCP".to_owned())),
        };
        match asked.read(&message) {
            Reading::Answer(answer) => Ok(answer),
            Reading::Truncated => Err(broken("the answer over TCP is truncated too".to_owned())),
            Reading::Stray => Err(DnsFailure::Malformed("the answer over TCP is to another question".to_owned())),
            Reading::Unreadable(detail) => Err(DnsFailure::Malformed(detail)),
        }
    }

    fn answered(&self, answer: Answer, over_tcp: bool) -> ServerAnswer {
        ServerAnswer {
            over_tcp,
            rcode: Some(answer.rcode),
            authoritative: answer.authoritative,
            cnames: answer.cnames,
            addresses: answer.addresses,
            extended_errors: answer.extended_errors,
            failure: None,
            ..self.failed(DnsFailure::Timeout)
        }
    }

    /// That the exchange ended now, and why there is no answer.
    pub fn failed(&self, failure: DnsFailure) -> ServerAnswer {
        ServerAnswer {
            server: self.server,
            question: Question { record: self.record },
            over_tcp: false,
            took: self.started.elapsed(),
            rcode: None,
            authoritative: false,
            cnames: Vec::new(),
            addresses: Vec::new(),
            extended_errors: Vec::new(),
            failure: Some(failure),
        }
    }
}

async fn send(socket: &UdpSocket, asked: &Asked, plain: bool) -> Result<(), DnsFailure> {
    let question = asked.to_bytes(plain).map_err(DnsFailure::Other)?;
    socket.send(&question).await.map_err(|error| failure(&error))?;
    Ok(())
}

/// A question and its answer over TCP, each behind its length (RFC 1035, section 4.2.2).
async fn converse(server: SocketAddr, question: &[u8], net: &Net) -> io::Result<Vec<u8>> {
    let mut stream = net.stream_with(server).await?;
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), question].concat()).await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; length.into()];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

fn failure(error: &io::Error) -> DnsFailure {
    match error.kind() {
        // Windows reports the ICMP message "port unreachable" as a reset.
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => DnsFailure::PortClosed,
        io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => DnsFailure::Unreachable,
        // EPERM of Linux, WSAEACCES of Windows.
        io::ErrorKind::PermissionDenied => DnsFailure::LocallyDenied,
        _ => DnsFailure::Other(error.to_string()),
    }
}
