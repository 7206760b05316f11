//! How data finds its way out: the user's authentication, a proxy of its own, another collector.

use crate::enroll::case::{Case, NOT_SET, ProxyApproach, Setting, shown, shown_number};
use crate::enroll::findings::{Code, Notes, RemarkCode};
use crate::enroll::places::{ADVANCED_THREAT_PROTECTION, CURRENT_VERSION, POLICY, PREFERENCE};
use crate::registry::Value;

const AUTH_PROXY: &str = "DisableEnterpriseAuthProxy";
const TELEMETRY_PROXY: &str = "TelemetryProxyServer";
const ENDPOINT: &str = "ConfigureMicrosoft365UploadEndpoint";
const WINDOWS_10_1703: u32 = 15063;

pub(super) fn check(case: &Case<'_>, notes: &mut Notes) {
    let auth = auth_proxy(case, notes);
    if case.approach == Some(ProxyApproach::User) {
        user_approach(case, auth, notes);
    }
    defender_for_endpoint(case, auth, notes);
    telemetry_proxy(case, auth, notes);
    upload_endpoint(case, notes);
}

const NO_VERSION_FOR_USER: &str =
    "which versions answer a proxy as the signed-in user depends on the version: --os says which Windows this is";
/// The enrolment page asks for Windows 10 1703; the deployment script's page (exit code 29) has it as the default of Windows 7, and
/// wants `DisableEnterpriseAuthProxy` = 0 on 8.1.
const EARLIER: &str = "Microsoft's documents differ on whether Windows 7 and 8.1 answer a proxy as the signed-in user: the enrolment page \
     wants Windows 10 1703 or later, the deployment script's page takes earlier versions too. Let the hosts through without a login, or by the \
     machine's account.";

/// `DisableEnterpriseAuthProxy` and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AuthProxy {
    /// Explicitly allowed.
    Allowed(&'static str),
    Disabled(&'static str),
    NotSet,
    NotKnown,
}

fn auth_proxy(case: &Case<'_>, notes: &mut Notes) -> AuthProxy {
    let (value, key) = match case.setting(AUTH_PROXY) {
        Setting::Policy(value) => (value, POLICY),
        Setting::Preference(value) => (value, PREFERENCE),
        Setting::NotSet => return AuthProxy::NotSet,
        Setting::MaybeOverridden(_) => {
            notes.key_not_known(AUTH_PROXY, POLICY);
            return AuthProxy::NotKnown;
        }
        Setting::NotKnown(key) => {
            notes.key_not_known(AUTH_PROXY, key);
            return AuthProxy::NotKnown;
        }
    };
    match value.as_dword() {
        Some(0) => AuthProxy::Allowed(key),
        Some(1) => {
            if case.approach.is_none() {
                notes.remark(
                    RemarkCode::AuthProxyOff,
                    format!("{AUTH_PROXY} is 1: data leaves in the context of the system only, so a proxy must let it through or accept the machine account."),
                );
            }
            AuthProxy::Disabled(key)
        }
        _ => {
            notes
                .finding(Code::AuthProxyInvalid, AUTH_PROXY, key)
                .is(shown_number(value))
                .should("0, 1 or not set; as REG_DWORD")
                .ur_exit((case.approach == Some(ProxyApproach::User)).then_some(30))
                .because("only 0 and 1 mean something here");
            AuthProxy::NotKnown
        }
    }
}

fn user_approach(case: &Case<'_>, auth: AuthProxy, notes: &mut Notes) {
    if let AuthProxy::Disabled(key) = auth {
        notes
            .finding(Code::AuthProxyUser, AUTH_PROXY, key)
            .is("1")
            .should("0, or not set")
            .ur_exit(30)
            .because("the signed-in user is meant to answer the proxy, and this value forbids it");
    }
    match case.windows.is_windows_10() {
        None => return notes.not_checked("Windows version", CURRENT_VERSION, NO_VERSION_FOR_USER),
        Some(false) => return notes.remark(RemarkCode::AuthProxyEarlier, EARLIER),
        Some(true) => {}
    }
    if case.windows.at_least(WINDOWS_10_1703, 0) == Some(false) {
        notes
            .finding(Code::AuthProxyVersion, "Windows version", "the Windows version")
            .is(case.windows.label.clone())
            .should("Windows 10 1703 or later, or another way past the proxy")
            .because("before 1703 Windows 10 does not answer a proxy as the signed-in user");
    }
}

fn defender_for_endpoint(case: &Case<'_>, auth: AuthProxy, notes: &mut Notes) {
    const ONBOARDED: &str = "OnboardingState";
    let lookup = case.snapshot.lookup(ADVANCED_THREAT_PROTECTION, ONBOARDED);
    let user = case.approach == Some(ProxyApproach::User);
    let key = match auth {
        AuthProxy::Allowed(key) => key,
        AuthProxy::NotSet if user => POLICY,
        _ => return,
    };
    let Ok(value) = notes.known(lookup, ONBOARDED, ADVANCED_THREAT_PROTECTION) else { return };
    if value.and_then(Value::as_dword) != Some(1) {
        return;
    }
    notes
        .finding(Code::AuthProxyDefender, AUTH_PROXY, key)
        .is(if auth == AuthProxy::NotSet { NOT_SET } else { "0" })
        .should("1, and a bypass or machine accounts at the proxy")
        .because("this device is onboarded to Defender for Endpoint, which wants 1; it cannot be combined with the user's authentication at the proxy");
}

fn telemetry_proxy(case: &Case<'_>, auth: AuthProxy, notes: &mut Notes) {
    let (value, key) = match case.setting(TELEMETRY_PROXY) {
        Setting::Policy(value) => (value, POLICY),
        Setting::Preference(value) | Setting::MaybeOverridden(value) => (value, PREFERENCE),
        Setting::NotSet => return,
        Setting::NotKnown(key) => return notes.key_not_known(TELEMETRY_PROXY, key),
    };
    let server = match value {
        Value::Sz(text) if is_host_and_port(text) => text,
        _ => {
            return notes
                .finding(Code::TelemetryProxyInvalid, case.policy_name(TELEMETRY_PROXY), key)
                .is(shown(value))
                .should("host:port as REG_SZ, or not set")
                .because("Windows takes the proxy for diagnostic data in this form only");
        }
    };
    if let AuthProxy::Allowed(auth_key) = auth {
        notes
            .finding(Code::TelemetryProxyConflict, AUTH_PROXY, auth_key)
            .is(format!("0, while {TELEMETRY_PROXY} is {server}"))
            .should("1")
            .ur_exit(46)
            .because("a proxy for diagnostic data alone is used in the context of the system, and the deployment script wants 1 with it");
        return;
    }
    notes.remark(
        RemarkCode::TelemetryProxy,
        format!("{TELEMETRY_PROXY} sends diagnostic data through {server}; if that proxy fails, data stays on the device, and some components do not use it."),
    );
}

/// `proxy.example:8080`, without scheme, path or user.
fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let host_fits = !host.is_empty()
        && host.chars().all(|character| character.is_ascii_alphanumeric() || "-._[]:".contains(character))
        && (host.starts_with('[') || !host.contains(':'));
    host_fits && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

fn upload_endpoint(case: &Case<'_>, notes: &mut Notes) {
    let (value, key) = match case.setting(ENDPOINT) {
        Setting::Policy(value) => (value, POLICY),
        Setting::Preference(value) | Setting::MaybeOverridden(value) => (value, PREFERENCE),
        Setting::NotSet => return,
        Setting::NotKnown(key) => return notes.key_not_known(ENDPOINT, key),
    };
    if matches!(value, Value::Sz(text) if text.is_empty()) {
        return;
    }
    notes
        .finding(Code::UploadEndpoint, ENDPOINT, key)
        .is(shown(value))
        .should("not set")
        .because("data goes to this host in place of Microsoft's, and what it does not pass on never arrives");
}

#[cfg(test)]
mod forms {
    use super::is_host_and_port;

    #[test]
    fn a_proxy_is_a_host_and_a_port() {
        for good in ["proxy:8080", "proxy.example.com:80", "10.0.0.1:3128", "[::1]:8080"] {
            assert!(is_host_and_port(good), "{good}");
        }
        for bad in [
            "",
            "proxy",
            "proxy:",
            ":8080",
            "http://proxy:8080",
            "proxy:0",
            "proxy:99999",
            "proxy:80/",
            "a b:80",
            "::1:80",
            "proxy:+80",
        ] {
            assert!(!is_host_and_port(bad), "{bad}");
        }
    }
}
