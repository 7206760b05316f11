//! Basic (RFC 7617), in UTF-8.

use base64::Engine as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Answer, Offer, Unusable};
use crate::observation::wire_text;
use crate::plan::Scheme;

/// How much of a realm is repeated as evidence.
const KEPT_REALM: usize = 128;

/// Answers `offer` with name and password.
///
/// # Errors
/// [`Unusable`] for a name that Basic cannot carry.
pub fn answer(offer: &Offer, name: &str, password: &SecretString) -> Result<Answer, Unusable> {
    if name.contains(':') {
        return Err(Unusable(format!("the user name '{name}' has a colon, which Basic cannot carry")));
    }
    let pair = format!("{name}:{}", password.expose_secret());
    let value = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
    let realm = wire_text(offer.parameter("realm").unwrap_or_default(), KEPT_REALM);
    Ok(Answer {
        scheme: Scheme::Basic,
        value: value.into_bytes().into(),
        detail: format!("realm '{realm}'"),
        token: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::read_challenges;

    fn value(name: &str, password: &str) -> Result<String, Unusable> {
        let offers = read_challenges([br#"Basic realm="WallyWorld""#.as_slice()]);
        answer(&offers[0], name, &password.into())
            .map(|answer| String::from_utf8_lossy(answer.value.expose_secret()).into_owned())
    }

    #[test]
    fn the_examples_of_rfc_7617() {
        assert_eq!(value("Aladdin", "open sesame").as_deref(), Ok("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        assert_eq!(value("test", "123£").as_deref(), Ok("Basic dGVzdDoxMjPCow=="));
    }

    #[test]
    fn a_password_may_hold_colons_and_a_name_may_not() {
        assert_eq!(value("a", "b:c").as_deref(), Ok("Basic YTpiOmM="));
        assert!(value("a:b", "c").is_err_and(|error| error.to_string().contains("colon")));
    }

    #[test]
    fn what_is_told_of_an_answer_names_the_realm_and_not_the_password() {
        let offers = read_challenges([br#"Basic realm="WallyWorld""#.as_slice()]);
        let answer = answer(&offers[0], "anna", &"hunter2".into()).expect("a usable name");
        assert_eq!(answer.detail, "realm 'WallyWorld'");
        let told = format!("{answer:?}");
        assert!(!told.contains("hunter2") && !told.contains("YW5uYT"), "{told}");
    }
}
