//! Devices whose settings lead somewhere else than their services need, and some whose settings are as they should be.

use std::fmt::Write as _;

use crate::lab::blueprint::{Blueprint, Place, ProxyPlace, ScriptPlan, ScriptSource};
use crate::lab::login::Gate;
use crate::lab::proxy::ProxyPlan;
use crate::lab::running::SCRIPT_URL;
use crate::lab::scenarios::EVERYTHING;
use crate::lab::story::USER;

/// What a device's registry holds of proxies, as far as a scenario cares; the rest is there and empty.
#[derive(Default)]
struct Device {
    /// What `netsh winhttp set proxy` was given.
    win_http: Option<&'static str>,
    /// Values of the policies for data collection.
    policies: Vec<String>,
    /// Values of Internet Options, of SYSTEM and of whoever is signed in.
    system: Vec<String>,
    user: Vec<String>,
    /// Keys beside these, each with a value.
    more: Vec<(&'static str, &'static str)>,
    /// Nobody is signed in, and the hives of all users say so.
    is_deserted: bool,
}

const OPTIONS: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings";
const SYSTEM: &str = r"HKEY_USERS\S-1-5-18";
const USERS: &str = r"HKEY_CURRENT_USER";

impl Device {
    /// As `reg export` writes it.
    fn export(&self) -> String {
        const POLICIES: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows";
        let mut text = "Windows Registry Editor Version 5.00\r\n".to_owned();
        let mut key = |path: &str, values: &[String]| {
            let _ = write!(text, "\r\n[{path}]\r\n");
            for value in values {
                let _ = write!(text, "{value}\r\n");
            }
        };
        key(&format!(r"{POLICIES}\DataCollection"), &self.policies);
        key(&format!(r"{POLICIES}\CurrentVersion\Internet Settings"), &[]);
        let saved = format!("\"WinHttpSettings\"=hex:{}", in_hex(&win_http_settings(self.win_http)));
        key(&format!(r"HKEY_LOCAL_MACHINE\{OPTIONS}\Connections"), &[saved]);
        if self.is_deserted {
            key("HKEY_USERS", &[]);
            key(SYSTEM, &[]);
        }
        key(&format!(r"{SYSTEM}\{OPTIONS}"), &self.system);
        key(&format!(r"{SYSTEM}\{OPTIONS}\Connections"), &[]);
        if !self.is_deserted {
            key(&format!(r"{USERS}\{OPTIONS}"), &self.user);
            key(&format!(r"{USERS}\{OPTIONS}\Connections"), &[]);
        }
        for (path, value) in &self.more {
            key(path, &[(*value).to_owned()]);
        }
        text
    }
}

/// The value in which WinHTTP keeps its proxy: a version, a counter, what is switched on, the proxy, its exceptions.
fn win_http_settings(proxy: Option<&str>) -> Vec<u8> {
    let (switched_on, proxy) = proxy.map_or((1_u32, ""), |proxy| (3, proxy));
    let length = u32::try_from(proxy.len()).unwrap_or_default();
    let mut bytes: Vec<u8> = [0x18, 7, switched_on, length].into_iter().flat_map(u32::to_le_bytes).collect();
    bytes.extend(proxy.bytes());
    bytes.extend(0_u32.to_le_bytes());
    bytes
}

fn in_hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(",")
}

const OPEN: &str = "open.proxy.lab:8080";
const ASKING: &str = "asking.proxy.lab:8080";

/// Internet Options with this proxy.
fn options(proxy: &str) -> Vec<String> {
    vec!["\"ProxyEnable\"=dword:00000001".to_owned(), format!("\"ProxyServer\"=\"{proxy}\"")]
}

fn script_at(url: &str) -> Vec<String> {
    vec![format!("\"AutoConfigURL\"=\"{url}\"")]
}

fn policy(name: &str, value: u32) -> String {
    format!("\"{name}\"=dword:{value:08x}")
}

fn telemetry_proxy(proxy: &str) -> String {
    format!("\"TelemetryProxyServer\"=\"{proxy}\"")
}

/// A world that this device is in, with a proxy that leads out.
fn world(device: &Device) -> Blueprint {
    Blueprint::of_device(device.export()).proxy(ProxyPlan::open("open"))
}

/// Nothing leads out directly, and nothing has to.
pub(super) fn in_order() -> Blueprint {
    let device = Device { win_http: Some(OPEN), user: options(OPEN), ..Device::default() };
    world(&device).everything(Place::Closed).control(Place::Closed)
}

/// The firewall lets nothing out directly, and the control neither: those rows accuse nobody, and the settings do.
pub(super) fn for_users_alone() -> Blueprint {
    world(&Device { user: options(OPEN), ..Device::default() })
        .everything(Place::Closed)
        .control(Place::Closed)
        .expect_on("direct", EVERYTHING, "inconclusive", "tcp.refused")
}

pub(super) fn for_users_harmless() -> Blueprint {
    world(&Device { user: options(OPEN), ..Device::default() })
}

pub(super) fn none() -> Blueprint {
    world(&Device::default()).everything(Place::Closed).expect_on("direct", EVERYTHING, "blocked", "tcp.refused")
}

pub(super) fn variables_alone() -> Blueprint {
    const VARIABLE: (&str, &str) = (r"HKEY_CURRENT_USER\Environment", "\"HTTPS_PROXY\"=\"http://open.proxy.lab:8080\"");
    world(&Device { more: vec![VARIABLE], ..Device::default() }).everything(Place::Closed).expect_on(
        "direct",
        EVERYTHING,
        "blocked",
        "tcp.refused",
    )
}

/// Users have a proxy that works; the service is sent to another. That is one cause, and no difference between accounts beside it.
pub(super) fn dead_policy() -> Blueprint {
    let device = Device {
        win_http: Some(OPEN),
        policies: vec![telemetry_proxy("gone.proxy.lab:8080")],
        user: options(OPEN),
        ..Device::default()
    };
    world(&device).proxy_at(ProxyPlan::open("gone"), ProxyPlace::Closed).expect_on(
        "http://gone.proxy.lab:8080|bypass",
        EVERYTHING,
        "blocked",
        "proxy.tcp_refused",
    )
}

/// A world whose only proxy asks for a name.
fn asking(device: &Device) -> Blueprint {
    Blueprint::of_device(device.export()).proxy(ProxyPlan::open("asking").gate(Gate::Basic(USER))).expect_on(
        "http://asking.proxy.lab:8080|bypass",
        EVERYTHING,
        "blocked",
        "pauth.required",
    )
}

pub(super) fn no_name_for_services() -> Blueprint {
    asking(&Device {
        win_http: Some(ASKING),
        policies: vec![policy("DisableEnterpriseAuthProxy", 1)],
        user: options(ASKING),
        ..Device::default()
    })
}

pub(super) fn nobody_signed_in() -> Blueprint {
    asking(&Device { win_http: Some(ASKING), is_deserted: true, ..Device::default() })
}

pub(super) fn nobody_signed_in_harmless() -> Blueprint {
    world(&Device { win_http: Some(OPEN), is_deserted: true, ..Device::default() })
}

/// Everything gets out; what is wrong is what two products want of one setting.
pub(super) fn defender_onboarded() -> Blueprint {
    const ONBOARDED: (&str, &str) = (
        r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows Advanced Threat Protection\Status",
        "\"OnboardingState\"=dword:00000001",
    );
    world(&Device {
        win_http: Some(OPEN),
        policies: vec![policy("DisableEnterpriseAuthProxy", 0)],
        user: options(OPEN),
        more: vec![ONBOARDED],
        ..Device::default()
    })
}

/// SYSTEM has a proxy, and the user's script is nothing that a service reads.
pub(super) fn script_in_a_file() -> Blueprint {
    world(&Device { win_http: Some(OPEN), user: script_at("file:///C:/proxy/proxy.pac"), ..Device::default() })
}

/// SYSTEM and the user have the same script; the host that it forgets is blocked directly.
pub(super) fn naming_a_script() -> Blueprint {
    const SCRIPT: &str = r#"
function FindProxyForURL(url, host) {
    if (host == "watson.telemetry.microsoft.com") return "DIRECT";
    return "PROXY open.proxy.lab:8080";
}
"#;
    let device = Device { system: script_at(SCRIPT_URL), user: script_at(SCRIPT_URL), ..Device::default() };
    let script = ScriptPlan { source: ScriptSource::Settings, ..ScriptPlan::served(SCRIPT) };
    Blueprint { script: Some(script), ..world(&device) }.place("watson", Place::Closed).expect_on(
        "direct",
        &["watson"],
        "blocked",
        "tcp.refused",
    )
}

/// The same script for both, and the service that would run it is disabled.
pub(super) fn script_service_disabled() -> Blueprint {
    const SCRIPT: &str = "function FindProxyForURL(url, host) { return \"PROXY open.proxy.lab:8080\"; }";
    const SERVICE: (&str, &str) =
        (r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\WinHttpAutoProxySvc", "\"Start\"=dword:00000004");
    let device =
        Device { system: script_at(SCRIPT_URL), user: script_at(SCRIPT_URL), more: vec![SERVICE], ..Device::default() };
    let script = ScriptPlan { source: ScriptSource::Settings, ..ScriptPlan::served(SCRIPT) };
    Blueprint { script: Some(script), ..world(&device) }
}
