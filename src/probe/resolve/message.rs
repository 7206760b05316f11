//! DNS messages: one question to bytes, and bytes to what they answer.
//!
//! In: a name, or a datagram from anybody. Out: a [`Reading`]. Never: a socket, or a panic over what was received.

use std::net::IpAddr;

use hickory_proto::op::{DEFAULT_MAX_PAYLOAD_LEN, Edns, Header, Message, MessageType, OpCode, Query};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::{DNSClass, Name, RData, Record};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};

use crate::observation::RecordType;

/// Longer alias chains are not followed; real ones have at most five or six links.
const MOST_ALIASES: usize = 16;
/// More addresses of one answer are not kept.
const MOST_ADDRESSES: usize = 32;
/// More extended errors of one answer are not kept, nor more of one's text.
const MOST_EXTENDED_ERRORS: usize = 8;
const LONGEST_EXTENDED_TEXT: usize = 200;

/// RFC 8914.
const EXTENDED_ERROR: EdnsCode = EdnsCode::Unknown(15);

pub(super) const NO_ERROR: u16 = 0;
pub(super) const FORMAT_ERROR: u16 = 1;
pub(super) const SERVER_FAILURE: u16 = 2;
pub(super) const NAME_ERROR: u16 = 3;
pub(super) const NOT_IMPLEMENTED: u16 = 4;
pub(super) const REFUSED: u16 = 5;
const BAD_VERSION: u16 = 16;

/// A question as it is sent, kept to tell its answer from others.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    id: u16,
    query: Query,
}

/// What a received message is.
#[derive(Debug, PartialEq)]
pub(super) enum Reading {
    Answer(Answer),
    /// The server had more to say than fits into a datagram.
    Truncated,
    /// A well-formed message that answers something else.
    Stray,
    /// Not a DNS message, or an answer that breaks off or contradicts itself.
    Unreadable(String),
}

/// What a server said.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub rcode: u16,
    pub authoritative: bool,
    /// The names that the question's name leads to, in the order followed; lower case, without the trailing dot.
    pub cnames: Vec<String>,
    pub addresses: Vec<IpAddr>,
    pub extended_errors: Vec<(u16, String)>,
    speaks_edns: bool,
}

impl Asked {
    /// # Errors
    /// When `name` does not fit into a DNS question.
    pub fn new(name: &str, record: RecordType, id: u16) -> Result<Self, String> {
        let mut name = Name::from_ascii(name).map_err(|error| format!("cannot be asked for: {error}"))?;
        name.set_fqdn(true);
        let record = match record {
            RecordType::A => hickory_proto::rr::RecordType::A,
            RecordType::Aaaa => hickory_proto::rr::RecordType::AAAA,
        };
        Ok(Self { id, query: Query::query(name, record) })
    }

    /// The question on the wire. It asks for recursion, and for extended errors unless `plain`.
    ///
    /// # Errors
    /// When the library cannot write it.
    pub fn to_bytes(&self, plain: bool) -> Result<Vec<u8>, String> {
        let mut message = Message::new(self.id, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(self.query.clone());
        if !plain {
            let mut edns = Edns::new();
            edns.set_max_payload(DEFAULT_MAX_PAYLOAD_LEN);
            message.set_edns(edns);
        }
        message.to_vec().map_err(|error| error.to_string())
    }

    /// Reads a message that may be the answer.
    pub fn read(&self, bytes: &[u8]) -> Reading {
        let mut decoder = BinDecoder::new(bytes);
        let Ok(header) = Header::read(&mut decoder) else {
            return Reading::Unreadable(format!("{} bytes are too few for a DNS message", bytes.len()));
        };
        if header.id != self.id || header.message_type != MessageType::Response || header.op_code != OpCode::Query {
            // Rubbish has an id too, by accident: who sends it is not answering anybody else either.
            return match Message::from_vec(bytes) {
                Ok(_) => Reading::Stray,
                Err(error) => Reading::Unreadable(format!("not a DNS message: {error}")),
            };
        }
        match Message::read_queries(&mut decoder, header.counts.queries.into()) {
            Ok(questions) if questions.iter().any(|question| self.is(question)) => {}
            // Some servers that refuse or do not understand send back the header alone.
            Ok(questions) if questions.is_empty() && header.response_code.low() != 0 => {}
            Ok(_) => return Reading::Stray,
            Err(error) => return Reading::Unreadable(format!("the question cannot be read: {error}")),
        }
        if header.truncation {
            return Reading::Truncated;
        }
        let records = match Message::read_records(&mut decoder, header.counts.answers.into(), false, OpCode::Query) {
            Ok((records, _, _)) => records,
            Err(error) => return Reading::Unreadable(format!("the answer's records cannot be read: {error}")),
        };
        let (cnames, end) = match self.follow(&records) {
            Ok(followed) => followed,
            Err(detail) => return Reading::Unreadable(detail),
        };
        let edns = read_edns(&mut decoder, &header);
        let high = edns.as_ref().map_or(0, Edns::rcode_high);
        Reading::Answer(Answer {
            rcode: u16::from(high) << 4 | u16::from(header.response_code.low()),
            authoritative: header.authoritative,
            cnames,
            addresses: self.addresses(&records, end),
            extended_errors: edns.as_ref().map(extended_errors).unwrap_or_default(),
            speaks_edns: edns.is_some(),
        })
    }

    fn is(&self, question: &Query) -> bool {
        question.query_type() == self.query.query_type()
            && question.query_class() == DNSClass::IN
            && question.name().eq_ignore_root(self.query.name())
    }

    /// The aliases from the name asked for, and the name at their end.
    fn follow<'a>(&'a self, records: &'a [Record]) -> Result<(Vec<String>, &'a Name), String> {
        let mut cnames = Vec::new();
        let mut passed = vec![self.query.name()];
        let mut current = self.query.name();
        while let Some(next) = alias(records, current) {
            if passed.iter().any(|name| name.eq_ignore_root(next)) {
                return Err(format!("the aliases lead in a circle, back to {}", text(next)));
            }
            if cnames.len() == MOST_ALIASES {
                return Err(format!("more than {MOST_ALIASES} aliases follow each other"));
            }
            cnames.push(text(next));
            passed.push(next);
            current = next;
        }
        Ok((cnames, current))
    }

    fn addresses(&self, records: &[Record], owner: &Name) -> Vec<IpAddr> {
        let mut addresses = Vec::new();
        for record in records.iter().filter(|record| belongs(record, owner)) {
            let wanted = record.record_type() == self.query.query_type();
            if let Some(address) = record.data.ip_addr().filter(|_| wanted)
                && !addresses.contains(&address)
                && addresses.len() < MOST_ADDRESSES
            {
                addresses.push(address);
            }
        }
        addresses
    }
}

impl Answer {
    /// The server did not understand the EDNS part of the question (RFC 6891, section 7).
    pub fn wants_plain_question(&self) -> bool {
        !self.speaks_edns && matches!(self.rcode, FORMAT_ERROR | NOT_IMPLEMENTED) || self.rcode == BAD_VERSION
    }

    /// Another statement, not only another order.
    pub fn contradicts(&self, other: &Self) -> bool {
        self.rcode != other.rcode
            || self.addresses.len() != other.addresses.len()
            || self.addresses.iter().any(|address| !other.addresses.contains(address))
    }
}

fn belongs(record: &Record, owner: &Name) -> bool {
    record.dns_class == DNSClass::IN && record.name.eq_ignore_root(owner)
}

fn alias<'a>(records: &'a [Record], owner: &Name) -> Option<&'a Name> {
    records.iter().filter(|record| belongs(record, owner)).find_map(|record| match &record.data {
        RData::CNAME(target) => Some(&target.0),
        _ => None,
    })
}

/// The OPT record behind the answer. What is wrong with other records there spoils neither the answer nor the row.
fn read_edns(decoder: &mut BinDecoder<'_>, header: &Header) -> Option<Edns> {
    Message::read_records(decoder, header.counts.authorities.into(), false, OpCode::Query).ok()?;
    Message::read_records(decoder, header.counts.additionals.into(), true, OpCode::Query).ok()?.1
}

fn extended_errors(edns: &Edns) -> Vec<(u16, String)> {
    let options = edns.options().get_all(EXTENDED_ERROR);
    options.into_iter().filter_map(extended_error).take(MOST_EXTENDED_ERRORS).collect()
}

fn extended_error(option: &EdnsOption) -> Option<(u16, String)> {
    let EdnsOption::Unknown(_, data) = option else { return None };
    let (code, text) = data.split_first_chunk::<2>()?;
    // RFC 8914 allows a terminating NUL.
    let text = String::from_utf8_lossy(text);
    let text = text.trim_end_matches('\0').chars().take(LONGEST_EXTENDED_TEXT).collect();
    Some((u16::from_be_bytes(*code), text))
}

fn text(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::RecordType as Kind;
    use proptest::prelude::*;

    use super::super::scripted::{addresses, alias, bytes, chain, code, extended, name, question, reply};
    use super::*;

    const HOST: &str = "v10c.events.example";
    const ID: u16 = 0x1337;

    fn asked() -> Asked {
        Asked::new(HOST, RecordType::A, ID).expect("a name")
    }

    fn query() -> Message {
        Message::from_vec(&asked().to_bytes(false).expect("written")).expect("read")
    }

    fn answer(message: &Message) -> Answer {
        match asked().read(&bytes(message)) {
            Reading::Answer(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_addresses_of_a_long_answer_are_kept_each_once() {
        let texts: Vec<String> = (0..100).map(|number| format!("192.0.2.{}", number / 2)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let kept = answer(&addresses(&query(), &texts)).addresses;
        assert_eq!(kept.len(), MOST_ADDRESSES);
        assert_eq!(kept[1].to_string(), "192.0.2.1");
    }

    #[test]
    fn records_of_other_names_and_types_are_not_the_answer() {
        let mut message = addresses(&query(), &["192.0.2.1"]);
        let other = addresses(&question("other.example", Kind::A, ID), &["203.0.113.1"]);
        let ipv6 = addresses(&question(HOST, Kind::AAAA, ID), &["2001:db8::1"]);
        message.answers.extend(other.answers.into_iter().chain(ipv6.answers));
        assert_eq!(answer(&message).addresses, ["192.0.2.1".parse::<IpAddr>().expect("an address")]);
    }

    #[test]
    fn aliases_are_followed_as_far_as_any_real_chain_goes_and_no_further() {
        let names: Vec<String> = (0..=MOST_ALIASES).map(|number| format!("alias{number}.example")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let longest = answer(&chain(&query(), &names[..MOST_ALIASES], &["192.0.2.1"]));
        assert_eq!((longest.cnames.len(), longest.addresses.len()), (MOST_ALIASES, 1));
        let longer = asked().read(&bytes(&chain(&query(), &names, &["192.0.2.1"])));
        assert_eq!(longer, Reading::Unreadable("more than 16 aliases follow each other".to_owned()));
    }

    #[test]
    fn a_name_that_is_its_own_alias_ends_the_walk() {
        let mut message = reply(&query());
        message.add_answer(alias(&name(HOST), &HOST.to_ascii_uppercase()));
        assert!(matches!(asked().read(&bytes(&message)), Reading::Unreadable(_)));
    }

    #[test]
    fn extended_errors_are_bounded_and_lose_their_terminating_nul() {
        let long = format!("{}\0", "ü".repeat(1_000));
        let errors = answer(&extended(reply(&query()), 17, &long)).extended_errors;
        assert_eq!(errors, [(17, "ü".repeat(LONGEST_EXTENDED_TEXT))]);
        let errors = answer(&extended(reply(&query()), 15, "no\0")).extended_errors;
        assert_eq!(errors, [(15, "no".to_owned())]);
    }

    #[test]
    fn an_extended_response_code_has_its_upper_bits() {
        let refused = extended(code(&query(), hickory_proto::op::ResponseCode::BADVERS), 0, "");
        let answer = answer(&refused);
        assert_eq!(answer.rcode, BAD_VERSION);
        assert!(answer.wants_plain_question());
    }

    #[test]
    fn rubbish_behind_the_answer_does_not_spoil_it() {
        let mut message = bytes(&addresses(&query(), &["192.0.2.1"]));
        // Announces an authority record, and what follows is none.
        message[9] = 1;
        message.extend([0xff; 30]);
        assert!(matches!(asked().read(&message), Reading::Answer(answer) if answer.addresses.len() == 1));
    }

    #[test]
    fn an_answer_that_breaks_off_is_unreadable() {
        let whole = bytes(&addresses(&query(), &["192.0.2.1", "192.0.2.2"]));
        let question_end = bytes(&query()).len() - 11;
        for length in 0..question_end + 30 {
            assert!(matches!(asked().read(&whole[..length]), Reading::Unreadable(_)), "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(received in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = asked().read(&received);
            // The same as an answer to this question, so that every part of it is reached.
            let mut answer = bytes(&reply(&query()));
            answer.truncate(bytes(&query()).len() - 11);
            answer[6..12].copy_from_slice(&[0, 3, 0, 1, 0, 2]);
            answer.extend(received);
            let _ = asked().read(&answer);
        }

        #[test]
        fn an_answer_with_any_bytes_changed_is_read_without_a_panic(
            changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
        ) {
            let mut message = bytes(&extended(chain(&query(), &["a.example"], &["192.0.2.1"]), 15, "blocked"));
            for (place, byte) in changes {
                let place = place.index(message.len());
                message[place] = byte;
            }
            if let Reading::Answer(answer) = asked().read(&message) {
                prop_assert!(answer.cnames.len() <= MOST_ALIASES && answer.addresses.len() <= MOST_ADDRESSES);
            }
        }
    }
}
