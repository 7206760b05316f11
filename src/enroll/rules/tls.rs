//! Whether Windows' services speak TLS 1.2, without which today's endpoints do not answer them.

use crate::enroll::case::{Case, NOT_SET, shown_number};
use crate::enroll::findings::{Code, Notes};
use crate::enroll::places::{TLS_1_2_CLIENT, WIN_HTTP};
use crate::registry::Lookup;

const WINDOWS_7_SP1: u32 = 7601;
/// `WINHTTP_FLAG_SECURE_PROTOCOL_TLS1_2`, a bit of `DefaultSecureProtocols`.
const TLS_1_2: u32 = 0x800;
const DEFAULTS: &str = "DefaultSecureProtocols";

pub(super) fn check(case: &Case<'_>, notes: &mut Notes) {
    if case.windows.is_before_10() == Some(true) {
        defaults(case, notes);
    }
    schannel(case, notes);
}

/// `WinHTTP` of Windows 7 offers TLS 1.0 alone until KB3140245 is installed and this value has the bit of TLS 1.2. Windows 8.1 has it
/// by default (Microsoft, "How to enable TLS 1.2 on clients"), so that only a value which leaves it out takes it away there.
fn defaults(case: &Case<'_>, notes: &mut Notes) {
    let needs_value = case.windows.is_number(WINDOWS_7_SP1) == Some(true);
    let is = match case.snapshot.lookup(WIN_HTTP, DEFAULTS) {
        Lookup::NotKnown if needs_value => return notes.key_not_known(DEFAULTS, WIN_HTTP),
        Lookup::NotSet if needs_value => NOT_SET.to_owned(),
        Lookup::NotKnown | Lookup::NotSet => return,
        Lookup::Set(value) => match notes.number(value, DEFAULTS, WIN_HTTP) {
            Some(bits) if bits & TLS_1_2 == 0 => format!("0x{bits:X}"),
            _ => return,
        },
    };
    notes.finding(Code::Tls12Off, DEFAULTS, WIN_HTTP).is(is).should("0xA00 or 0x800, with KB3140245 installed").because(
        "Windows' services offer TLS 1.0 without it, and an endpoint or a proxy that takes TLS 1.2 alone may refuse them",
    );
}

fn schannel(case: &Case<'_>, notes: &mut Notes) {
    const NAME: &str = "Enabled";
    // Seldom set by anybody: a snapshot without it leaves nothing open that is worth a line.
    let Some(value) = case.snapshot.lookup(TLS_1_2_CLIENT, NAME).value() else { return };
    if notes.number(value, NAME, TLS_1_2_CLIENT) == Some(0) {
        notes
            .finding(Code::Tls12Off, NAME, TLS_1_2_CLIENT)
            .is(shown_number(value))
            .should("1, or not set")
            .because("TLS 1.2 is switched off for every client on this device, and Windows before 11 has no later one");
    }
}
