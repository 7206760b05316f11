//! Names as people write them, and as Kerberos does.

/// The principal of a login: `anna@corp.example`, `CORP\anna`, or `anna` in the default realm.
///
/// Realms stand in capital letters wherever Windows keeps them, and people write domains as they stand in addresses. What
/// stands before a backslash is, when it has no dot, the short name of a domain, which Kerberos does not know: it is taken for
/// the default realm where it is how that begins, and otherwise for a realm of that name.
///
/// # Errors
/// Where there is no realm, a fragment that says so.
pub(super) fn of_login(name: &str, default_realm: Option<&str>) -> Result<String, String> {
    if let Some((domain, user)) = name.split_once('\\') {
        let is_begun_by_domain = |realm: &&str| {
            realm.split('.').next().is_some_and(|label| label.eq_ignore_ascii_case(domain)) && !domain.contains('.')
        };
        let realm = default_realm.filter(is_begun_by_domain).map_or_else(|| domain.to_uppercase(), str::to_owned);
        return Ok(format!("{}@{realm}", escaped(user)));
    }
    if let Some((user, realm)) = name.rsplit_once('@') {
        let default = default_realm.filter(|default| default.eq_ignore_ascii_case(realm));
        return Ok(format!("{}@{}", escaped(user), default.map_or_else(|| realm.to_uppercase(), str::to_owned)));
    }
    match default_realm {
        Some(realm) => Ok(format!("{}@{realm}", escaped(name))),
        None => Err(format!("there is no default realm for '{name}': write the name as user@REALM")),
    }
}

/// Whether both name the same account. A directory may answer in its own spelling.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Whether `service` is `HTTP/host@…`.
pub(super) fn is_service_of(service: &str, host: &str) -> bool {
    let name = service.split_once('@').map_or(service, |(name, _)| name);
    name.split_once('/').is_some_and(|(_, named)| named.eq_ignore_ascii_case(host))
}

/// What would end the name or its part, marked as belonging to it.
fn escaped(user: &str) -> String {
    user.replace('\\', "\\\\").replace('@', "\\@")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_names_its_principal_in_every_form() {
        for (name, principal) in [
            ("anna", "anna@CORP.EXAMPLE"),
            ("WS01$", "WS01$@CORP.EXAMPLE"),
            ("anna@CORP.EXAMPLE", "anna@CORP.EXAMPLE"),
            ("anna@corp.example", "anna@CORP.EXAMPLE"),
            ("anna@other.example", "anna@OTHER.EXAMPLE"),
            ("CORP\\anna", "anna@CORP.EXAMPLE"),
            ("corp\\anna", "anna@CORP.EXAMPLE"),
            ("corp.example\\anna", "anna@CORP.EXAMPLE"),
            ("OTHER\\anna", "anna@OTHER"),
            ("other.example\\anna", "anna@OTHER.EXAMPLE"),
            ("CORP\\an\\na", "an\\\\na@CORP.EXAMPLE"),
            ("CORP\\anna@mail.example", "anna\\@mail.example@CORP.EXAMPLE"),
            ("an@na@corp.example", "an\\@na@CORP.EXAMPLE"),
        ] {
            assert_eq!(of_login(name, Some("CORP.EXAMPLE")).as_deref(), Ok(principal), "{name}");
        }
    }

    #[test]
    fn a_realm_that_is_configured_in_small_letters_stays_so() {
        assert_eq!(of_login("anna@LAB.example", Some("lab.example")).as_deref(), Ok("anna@lab.example"));
    }

    #[test]
    fn without_a_default_realm_the_name_has_to_bring_one() {
        assert_eq!(of_login("anna@corp.example", None).as_deref(), Ok("anna@CORP.EXAMPLE"));
        assert!(of_login("anna", None).is_err_and(|error| error.contains("user@REALM")));
    }

    #[test]
    fn a_service_is_told_from_that_of_another_host() {
        assert!(is_service_of("HTTP/Proxy.corp.example@CORP.EXAMPLE", "proxy.corp.example"));
        assert!(!is_service_of("HTTP/node1.corp.example@CORP.EXAMPLE", "proxy.corp.example"));
        assert!(!is_service_of("nonsense", "proxy.corp.example"));
    }
}
