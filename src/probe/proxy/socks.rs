//! SOCKS5 (RFC 1928) with and without a password (RFC 1929); the proxy resolves the endpoint's name.

use std::io;
use std::net::IpAddr;
use std::time::Instant;

use secrecy::{ExposeSecret as _, SecretSlice};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::dialogue::Dialogue;
use crate::observation::{Credential, Fault, Leg};
use crate::plan::{Scheme, SchemeChoice};
use crate::probe::Login;
use crate::probe::stream::{Connection, Seen, Tee};

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const NAME_AND_PASSWORD: u8 = 2;
/// "No acceptable method".
const NO_METHOD: u8 = 255;
/// The version of the password's own negotiation.
const PASSWORD_VERSION: u8 = 1;

/// Opens a connection to the endpoint through the proxy.
pub(super) async fn open(stream: Connection, dialogue: &mut Dialogue<'_>) -> Result<Connection, Fault> {
    let login = dialogue.authenticator.login();
    let methods: &[u8] = match (login, dialogue.authenticator.choice()) {
        (None, _) => &[NO_AUTHENTICATION],
        (Some(_), SchemeChoice::Auto) => &[NO_AUTHENTICATION, NAME_AND_PASSWORD],
        (Some(_), SchemeChoice::Forced(Scheme::SocksPassword)) => &[NAME_AND_PASSWORD],
        (Some(_), SchemeChoice::Forced(_)) => return Err(Fault::SchemeNotOffered),
    };
    let target = target(dialogue)?;
    let (mut stream, seen) = Tee::new(stream);
    let mut talk = Talk { stream: &mut stream, seen, dialogue };

    let mut greeting = vec![VERSION, u8::try_from(methods.len()).unwrap_or(u8::MAX)];
    greeting.extend_from_slice(methods);
    let method = talk.leg("SOCKS5 methods", &greeting.into(), None, Reply::Method).await?;
    match (method, login) {
        (NO_AUTHENTICATION, _) if methods.contains(&NO_AUTHENTICATION) => {}
        (NAME_AND_PASSWORD, Some(login)) => talk.send_password(login).await?,
        (NO_METHOD, _) if methods == [NAME_AND_PASSWORD] => return Err(Fault::SchemeNotOffered),
        (NO_METHOD, _) => return Err(Fault::SocksRefused { reply: NO_METHOD }),
        (other, _) => {
            return Err(Fault::MalformedReply {
                detail: format!("the proxy chose method {other}, which was not offered"),
            });
        }
    }
    let request = format!("SOCKS5 CONNECT {}", talk.dialogue.authority());
    match talk.leg(&request, &target.into(), None, Reply::Connected).await? {
        0 => Ok(stream.into_inner()),
        reply => Err(Fault::SocksRefused { reply }),
    }
}

/// The request to connect: version, command, reserved, then the address as the endpoint is named.
fn target(dialogue: &Dialogue<'_>) -> Result<Vec<u8>, Fault> {
    let mut request = vec![VERSION, 1, 0];
    match dialogue.endpoint.host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            request.push(1);
            request.extend_from_slice(&address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(4);
            request.extend_from_slice(&address.octets());
        }
        Err(_) => {
            let name = dialogue.endpoint.host.as_bytes();
            let length = u8::try_from(name.len()).map_err(|_| Fault::Unrecognised {
                detail: format!("a name of {} bytes is too long for SOCKS", name.len()),
            })?;
            request.extend_from_slice(&[3, length]);
            request.extend_from_slice(name);
        }
    }
    request.extend_from_slice(&dialogue.endpoint.port.to_be_bytes());
    Ok(request)
}

/// What is expected back.
#[derive(Clone, Copy)]
enum Reply {
    Method,
    Password,
    Connected,
}

struct Talk<'a, 'd> {
    stream: &'a mut Tee<Connection>,
    seen: Seen,
    dialogue: &'a mut Dialogue<'d>,
}

impl Talk<'_, '_> {
    async fn send_password(&mut self, login: &Login) -> Result<(), Fault> {
        // SOCKS sends a password as it is.
        self.dialogue.authenticator.may_send_cleartext()?;
        let (name, password) = (login.name.as_bytes(), login.password.expose_secret().as_bytes());
        let (Ok(name_length @ 1..), Ok(password_length @ 1..)) =
            (u8::try_from(name.len()), u8::try_from(password.len()))
        else {
            let detail = "SOCKS takes a name and a password of 1 to 255 bytes each".to_owned();
            return Err(Fault::NoCredential { detail });
        };
        let mut message = vec![PASSWORD_VERSION, name_length];
        message.extend_from_slice(name);
        message.push(password_length);
        message.extend_from_slice(password);
        // Also of a row whose password is held back it decides.
        self.dialogue.evidence.scheme = Some(Scheme::SocksPassword);
        self.dialogue.authenticator.take_turn().await?;
        let credential = Credential {
            scheme: Scheme::SocksPassword,
            length: message.len(),
            detail: "name and password".to_owned(),
            token: None,
        };
        let message = message.into();
        self.dialogue.secrets.sent(Some(login), &message);
        match self.leg("SOCKS5 password", &message, Some(credential), Reply::Password).await {
            Ok(0) => {
                self.dialogue.authenticator.accepted();
                Ok(())
            }
            Ok(_) => Err(self.dialogue.authenticator.refused()),
            Err(fault) => {
                self.dialogue.authenticator.broke_off();
                Err(fault)
            }
        }
    }

    /// Sends a message, reads the reply that belongs to it, and keeps both as a leg; gives the reply's code.
    async fn leg(
        &mut self,
        request: &str,
        message: &SecretSlice<u8>,
        credential: Option<Credential>,
        expected: Reply,
    ) -> Result<u8, Fault> {
        self.seen.forget();
        let started = Instant::now();
        let deadline = self.dialogue.context.plan.budget.proxy_reply;
        let outcome = timeout(deadline, exchange(self.stream, message.expose_secret(), expected)).await;
        let received = self.seen.count();
        let result = match outcome {
            Ok(Ok(code)) => Ok(code),
            Ok(Err(error)) => Err(fault(&error, received)),
            Err(_) => Err(Fault::TimedOut { received }),
        };
        self.dialogue.evidence.legs.push(Leg {
            connection: self.dialogue.connection(),
            request: request.to_owned(),
            credential,
            took: started.elapsed(),
            status: None,
            version: result.is_ok().then(|| "SOCKS5".to_owned()),
            reason: result.as_ref().map_or_else(|_| String::new(), |code| meaning(expected, *code)),
            headers: Vec::new(),
            challenges: Vec::new(),
            body_start: if result.is_ok() { Vec::new() } else { self.seen.start() },
            kept_open: matches!(result, Ok(0 | NAME_AND_PASSWORD)),
            left_unread: false,
        });
        result
    }
}

async fn exchange(stream: &mut Tee<Connection>, message: &[u8], expected: Reply) -> io::Result<u8> {
    stream.write_all(message).await?;
    stream.flush().await?;
    let mut head = [0; 2];
    stream.read_exact(&mut head).await?;
    let [version, code] = head;
    let wanted = if matches!(expected, Reply::Password) { PASSWORD_VERSION } else { VERSION };
    if version != wanted {
        let detail = format!("the reply begins with {version} instead of {wanted}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, detail));
    }
    if matches!(expected, Reply::Connected) && code == 0 {
        read_bound_address(stream).await?;
    }
    Ok(code)
}

/// What a successful reply ends with, and nobody needs; it has to be out of the way of the tunnel's bytes.
async fn read_bound_address(stream: &mut Tee<Connection>) -> io::Result<()> {
    let mut kind = [0; 2];
    stream.read_exact(&mut kind).await?;
    let length = match kind[1] {
        1 => 4,
        4 => 16,
        3 => usize::from(stream.read_u8().await?),
        other => {
            let detail = format!("the reply has an address of the unknown kind {other}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, detail));
        }
    };
    let mut address = vec![0; length + 2];
    stream.read_exact(&mut address).await?;
    Ok(())
}

fn fault(error: &io::Error, received: u64) -> Fault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Fault::ClosedByPeer { received },
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            Fault::ResetByPeer { received }
        }
        io::ErrorKind::InvalidData => Fault::MalformedReply { detail: error.to_string() },
        _ => Fault::Unrecognised { detail: error.to_string() },
    }
}

/// A reply's code in words (RFC 1928 §3 and §6, RFC 1929 §2).
fn meaning(expected: Reply, code: u8) -> String {
    let text = match (expected, code) {
        (Reply::Method, NO_AUTHENTICATION) => "no authentication",
        (Reply::Method, NAME_AND_PASSWORD) => "name and password",
        (Reply::Method, NO_METHOD) => "no acceptable method",
        (Reply::Method, other) => return format!("method {other}"),
        (Reply::Password | Reply::Connected, 0) => "succeeded",
        (Reply::Password, other) => return format!("password refused ({other})"),
        (Reply::Connected, 1) => "general failure",
        (Reply::Connected, 2) => "not allowed by the ruleset",
        (Reply::Connected, 3) => "network unreachable",
        (Reply::Connected, 4) => "host unreachable",
        (Reply::Connected, 5) => "connection refused",
        (Reply::Connected, 6) => "TTL expired",
        (Reply::Connected, 7) => "command not supported",
        (Reply::Connected, 8) => "address type not supported",
        (Reply::Connected, other) => return format!("reply {other}"),
    };
    text.to_owned()
}
