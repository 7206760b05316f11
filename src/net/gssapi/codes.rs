//! What the error codes of Kerberos mean.

use crate::net::tokens::TicketProblem;

/// Where both libraries begin to count: the error table `krb5`, as an unsigned number.
const KERBEROS: u32 = 0x96c7_3a00;
/// Where the reader of ASN.1 counts its errors: what came is no message of Kerberos.
const ENCODING: u32 = 0x6eda_3600;
/// MIT's mechanism: an empty ticket cache, and a cache of somebody else.
const EMPTY_CACHE: [u32; 2] = [0x025e_a103, 0x025e_a10c];
/// RFC 2744 §3.9.1, in place.
const NO_CREDENTIAL: u32 = 7 << 16;
const CREDENTIALS_EXPIRED: u32 = 11 << 16;

/// What a failed call means. Codes up to 127 are the protocol's own (RFC 4120 §7.5.9), those above are the library's.
pub(super) fn problem(major: u32, minor: u32) -> TicketProblem {
    use TicketProblem as Problem;
    if EMPTY_CACHE.contains(&minor) {
        return Problem::NoTicket;
    }
    if minor.wrapping_sub(ENCODING) < 32 {
        return Problem::NoKdc;
    }
    match minor.wrapping_sub(KERBEROS) {
        1 => Problem::AccountExpired,
        6 => Problem::UnknownAccount,
        7 => Problem::UnknownService,
        14 | 150 | 151 | 200 | 236 | 237 => Problem::NoCommonEncryption,
        18 => Problem::Revoked,
        23 => Problem::PasswordExpired,
        24 | 31 => Problem::Rejected,
        32 | 141 | 142 | 193 | 194 | 195 | 199 => Problem::NoTicket,
        37 | 148 => Problem::ClockSkew,
        // A reply that belongs to no question of ours, or of another kind.
        40 | 147 => Problem::NoKdc,
        154 | 156 | 220 => Problem::KdcUnreachable,
        224 => Problem::NoRealm,
        _ => match major {
            NO_CREDENTIAL | CREDENTIALS_EXPIRED => Problem::NoTicket,
            _ => Problem::Other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_named_as_kerberos_counts_them() {
        for (minor, expected) in [
            // Seen from MIT's library, version 1.20.
            (2_529_638_936, TicketProblem::Rejected),
            (2_529_638_944, TicketProblem::NoTicket),
            (2_529_639_053, TicketProblem::NoTicket),
            (2_529_638_919, TicketProblem::UnknownService),
            (2_529_638_918, TicketProblem::UnknownAccount),
            (2_529_638_949, TicketProblem::ClockSkew),
            (0, TicketProblem::Other),
            (u32::MAX, TicketProblem::Other),
        ] {
            assert_eq!(problem(13 << 16, minor), expected, "{minor}");
        }
        assert_eq!(problem(NO_CREDENTIAL, 0), TicketProblem::NoTicket);
    }
}
