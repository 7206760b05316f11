//! What Windows' numbers mean, and names as Windows takes them.

use crate::net::tokens::TicketProblem;

/// The numbers that say something of an account, a service or a directory: Windows' name, and what it means. Kerberos gives
/// some of them as SSPI's own, some as Windows' errors in the form of an HRESULT, some as the kernel's status.
const KNOWN: &[(u32, &str, TicketProblem)] = &[
    (0x8009_0303, "SEC_E_TARGET_UNKNOWN", TicketProblem::UnknownService),
    // What went wrong inside a package, which does not say what; Wine answers so to all that Kerberos' library refuses.
    (0x8009_0304, "SEC_E_INTERNAL_ERROR", TicketProblem::Other),
    (0x8009_0305, "SEC_E_SECPKG_NOT_FOUND", TicketProblem::NoLibrary),
    (0x8009_0308, "SEC_E_INVALID_TOKEN", TicketProblem::Other),
    (0x8009_030c, "SEC_E_LOGON_DENIED", TicketProblem::Rejected),
    (0x8009_030d, "SEC_E_UNKNOWN_CREDENTIALS", TicketProblem::NoTicket),
    (0x8009_030e, "SEC_E_NO_CREDENTIALS", TicketProblem::NoTicket),
    (0x8009_0311, "SEC_E_NO_AUTHENTICATING_AUTHORITY", TicketProblem::KdcUnreachable),
    (0x8009_0322, "SEC_E_WRONG_PRINCIPAL", TicketProblem::Other),
    (0x8009_0324, "SEC_E_TIME_SKEW", TicketProblem::ClockSkew),
    (0x8009_033b, "SEC_E_TOO_MANY_PRINCIPALS", TicketProblem::UnknownService),
    (0x8009_0342, "SEC_E_KDC_UNKNOWN_ETYPE", TicketProblem::NoCommonEncryption),
    (0x8009_0348, "SEC_E_NO_KERB_KEY", TicketProblem::NoCommonEncryption),
    (0x8009_0350, "SEC_E_DOWNGRADE_DETECTED", TicketProblem::KdcUnreachable),
    (0xc000_0001, "STATUS_UNSUCCESSFUL", TicketProblem::Other),
    (0xc000_005e, "STATUS_NO_LOGON_SERVERS", TicketProblem::KdcUnreachable),
    (0xc000_0064, "STATUS_NO_SUCH_USER", TicketProblem::UnknownAccount),
    (0xc000_006a, "STATUS_WRONG_PASSWORD", TicketProblem::Rejected),
    (0xc000_006d, "STATUS_LOGON_FAILURE", TicketProblem::Rejected),
    (0xc000_0071, "STATUS_PASSWORD_EXPIRED", TicketProblem::PasswordExpired),
    (0xc000_0072, "STATUS_ACCOUNT_DISABLED", TicketProblem::Revoked),
    (0xc000_0133, "STATUS_TIME_DIFFERENCE_AT_DC", TicketProblem::ClockSkew),
    (0xc000_0193, "STATUS_ACCOUNT_EXPIRED", TicketProblem::AccountExpired),
    (0xc000_0224, "STATUS_PASSWORD_MUST_CHANGE", TicketProblem::PasswordExpired),
    (0xc000_0234, "STATUS_ACCOUNT_LOCKED_OUT", TicketProblem::Revoked),
    (0x8007_051f, "ERROR_NO_LOGON_SERVERS", TicketProblem::KdcUnreachable),
    (0x8007_0525, "ERROR_NO_SUCH_USER", TicketProblem::UnknownAccount),
    (0x8007_052e, "ERROR_LOGON_FAILURE", TicketProblem::Rejected),
    (0x8007_0532, "ERROR_PASSWORD_EXPIRED", TicketProblem::PasswordExpired),
    (0x8007_0533, "ERROR_ACCOUNT_DISABLED", TicketProblem::Revoked),
    (0x8007_0701, "ERROR_ACCOUNT_EXPIRED", TicketProblem::AccountExpired),
    (0x8007_0773, "ERROR_PASSWORD_MUST_CHANGE", TicketProblem::PasswordExpired),
    (0x8007_0775, "ERROR_ACCOUNT_LOCKED_OUT", TicketProblem::Revoked),
];

/// What a number means for a ticket.
pub(super) fn problem(number: u32) -> TicketProblem {
    known(number).map_or(TicketProblem::Other, |(_, _, problem)| *problem)
}

/// The same of who is signed in. An account of this computer alone (`is_of_domain`: not so) has no domain controller that could
/// be silent: it has no ticket and gets none.
pub(super) fn problem_of_signed_in(number: u32, is_of_domain: bool) -> TicketProblem {
    match problem(number) {
        TicketProblem::KdcUnreachable if !is_of_domain => TicketProblem::NoTicket,
        problem => problem,
    }
}

/// `SEC_E_LOGON_DENIED (0x8009030c)`, or the number alone.
pub(super) fn shown(number: u32) -> String {
    known(number).map_or_else(|| format!("{number:#010x}"), |(_, name, _)| format!("{name} ({number:#010x})"))
}

fn known(number: u32) -> Option<&'static (u32, &'static str, TicketProblem)> {
    KNOWN.iter().find(|(known, _, _)| *known == number)
}

/// Domain and user of a login: `CORP\anna` has both, `anna@corp.example` is one name that Windows takes whole, and a name
/// alone has no domain.
pub(super) fn parts(name: &str) -> (&str, &str) {
    name.split_once('\\').unwrap_or(("", name))
}

/// Whether two names may be of one account, as far as they tell: users alike, and domains that do not contradict. The short
/// name of a domain is compared with the beginning of the long one.
pub(super) fn may_be_same(wanted: &str, found: &str) -> bool {
    let split = |name: &str| -> (String, String) {
        let (domain, user) = name
            .split_once('\\')
            .or_else(|| name.rsplit_once('@').map(|(user, domain)| (domain, user)))
            .unwrap_or(("", name));
        (domain.to_lowercase(), user.to_lowercase())
    };
    let ((one, user), (other, found)) = (split(wanted), split(found));
    let first = |domain: &str| domain.split('.').next().unwrap_or_default().to_owned();
    let is_short = !one.contains('.') || !other.contains('.');
    let is_one_domain = one.is_empty() || other.is_empty() || one == other || is_short && first(&one) == first(&other);
    user == found && is_one_domain
}

/// Whether `account` is one of a domain's, and not this computer's own: only the first can be vouched for elsewhere.
pub(super) fn is_of_domain(account: &str, computer: &str) -> bool {
    // What stands before the name of an account that Microsoft's servers know, and no domain controller of one's own.
    const OF_MICROSOFT: [&str; 2] = ["AzureAD", "MicrosoftAccount"];
    let is_elsewhere =
        |domain: &str| OF_MICROSOFT.into_iter().chain([computer]).any(|own| domain.eq_ignore_ascii_case(own));
    account.split_once('\\').is_some_and(|(domain, _)| !domain.is_empty() && !is_elsewhere(domain))
}

/// What to do where the machine account is asked for, and a person runs this program.
#[cfg(windows)]
pub(super) const NOT_THE_MACHINE: &str = "this program does not run as SYSTEM, which is the machine account to a proxy: add --as system, as an administrator";

/// Why there is no user where this program runs as `service`.
pub(super) fn not_a_person(service: &str) -> String {
    format!("this program runs as {service}, which is the machine account to a proxy: run it as the user")
}

/// Why there is neither user nor machine where this program runs as `service`.
pub(super) fn nobody(service: &str) -> String {
    format!("this program runs as {service}, which shows nobody to a proxy")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_named_as_windows_names_them() {
        for (number, text, expected) in [
            (0x8009_030c, "SEC_E_LOGON_DENIED (0x8009030c)", TicketProblem::Rejected),
            (0x8009_0303, "SEC_E_TARGET_UNKNOWN (0x80090303)", TicketProblem::UnknownService),
            (0x8009_0311, "SEC_E_NO_AUTHENTICATING_AUTHORITY (0x80090311)", TicketProblem::KdcUnreachable),
            (0xc000_0234, "STATUS_ACCOUNT_LOCKED_OUT (0xc0000234)", TicketProblem::Revoked),
            (0xc000_0001, "STATUS_UNSUCCESSFUL (0xc0000001)", TicketProblem::Other),
            (0xc000_0002, "0xc0000002", TicketProblem::Other),
        ] {
            assert_eq!((shown(number).as_str(), problem(number)), (text, expected));
        }
    }

    /// Windows says of a computer in no domain what it says where all domain controllers are out of reach.
    #[test]
    fn who_is_in_no_domain_has_no_ticket_and_no_controller_that_is_silent() {
        for (number, of_domain, of_computer) in [
            (0x8009_0311, TicketProblem::KdcUnreachable, TicketProblem::NoTicket),
            (0x8009_030e, TicketProblem::NoTicket, TicketProblem::NoTicket),
            (0x8009_0303, TicketProblem::UnknownService, TicketProblem::UnknownService),
        ] {
            assert_eq!(problem_of_signed_in(number, true), of_domain, "{number:#x}");
            assert_eq!(problem_of_signed_in(number, false), of_computer, "{number:#x}");
        }
    }

    #[test]
    fn no_number_stands_twice() {
        let numbers: std::collections::BTreeSet<u32> = KNOWN.iter().map(|(number, _, _)| *number).collect();
        assert_eq!(numbers.len(), KNOWN.len());
    }

    #[test]
    fn a_login_is_taken_apart_at_the_backslash_only() {
        assert_eq!(parts("CORP\\Zoë"), ("CORP", "Zoë"));
        assert_eq!(parts("anna@corp.example"), ("", "anna@corp.example"));
        assert_eq!(parts("anna"), ("", "anna"));
    }

    #[test]
    fn somebody_else_is_told_from_the_same_in_another_spelling() {
        for (wanted, found) in [
            ("CORP\\anna", "anna@CORP.EXAMPLE"),
            ("anna@corp.example", "Anna@CORP.EXAMPLE"),
            ("anna", "anna@CORP.EXAMPLE"),
            ("CORP\\WS01$", "WS01$@corp.example"),
        ] {
            assert!(may_be_same(wanted, found), "{wanted} {found}");
        }
        for (wanted, found) in [
            ("CORP\\anna", "bert@CORP.EXAMPLE"),
            ("anna@corp.example", "anna@corp.other"),
            ("CORP\\anna", "anna@OTHER.EXAMPLE"),
            ("anna", "WS01$@CORP.EXAMPLE"),
        ] {
            assert!(!may_be_same(wanted, found), "{wanted} {found}");
        }
    }

    #[test]
    fn a_service_is_called_by_its_own_name() {
        assert!(
            not_a_person("NetworkService")
                .starts_with("this program runs as NetworkService, which is the machine account")
        );
        assert!(!not_a_person("NetworkService").contains("SYSTEM"));
        assert!(nobody("LocalService").contains("LocalService, which shows nobody"));
    }

    #[test]
    fn an_account_of_this_computer_is_known_nowhere_else() {
        assert!(is_of_domain("CORP\\anna", "WS01"));
        assert!(!is_of_domain("ws01\\anna", "WS01"));
        assert!(!is_of_domain("AzureAD\\Anna", "WS01") && !is_of_domain("MicrosoftAccount\\anna@example.com", "WS01"));
        assert!(!is_of_domain("anna", "WS01"));
    }
}
