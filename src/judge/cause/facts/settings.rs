//! What is said of scripts that choose proxies, and of Windows' own proxy settings.
//!
//! These stand in findings and in errors, never in a row: a row says what became of its connection, and its own cause
//! gives it its status.

use super::CauseFacts;
use crate::judge::{Owner, Status};

const fn told(code: &'static str, owner: Owner, title: &'static str, remedy: &'static str) -> CauseFacts {
    CauseFacts::new(code, Status::Ok, owner, title, remedy)
}

pub(super) const PAC_DIRECT_FOR_ENDPOINT: CauseFacts = told(
    "pac.direct_for_endpoint",
    Owner::ProxyTeam,
    "The script sends hosts out directly, and there they do not get through",
    "let the script name the proxy for exactly these hosts, or open the direct route for them",
);

pub(super) const PAC_DEAD_FIRST_PROXY: CauseFacts = told(
    "pac.dead_first_proxy",
    Owner::ProxyTeam,
    "The script names a proxy first that cannot be reached, and a later one works",
    "put the first proxy back into service or take it out of the script: devices wait for it before they try the next",
);

pub(super) const PAC_FETCH_FAILED: CauseFacts = told(
    "pac.fetch_failed",
    Owner::ProxyTeam,
    "The script cannot be fetched",
    "make it reachable at this address for every device, also for the SYSTEM account",
);

pub(super) const PAC_TIMEOUT: CauseFacts = told(
    "pac.timeout",
    Owner::ProxyTeam,
    "The script does not arrive in time",
    "look at the server that keeps the script, and at what stands before it",
);

pub(super) const PAC_HTTP_STATUS: CauseFacts = told(
    "pac.http_status",
    Owner::ProxyTeam,
    "The script's server answers with something else than the script",
    "serve it with status 200 at exactly this address, without a login and without a redirect",
);

pub(super) const PAC_NOT_SCRIPT: CauseFacts = told(
    "pac.not_script",
    Owner::ProxyTeam,
    "What is served is no script",
    "find out who puts it in the script's place (a sign-in page, a block page, another file), and serve the script",
);

pub(super) const PAC_EVAL_ERROR: CauseFacts = told(
    "pac.eval_error",
    Owner::ProxyTeam,
    "The script fails, or answers what nobody understands",
    "correct the script at the place that is quoted; until then devices that ask it go out directly",
);

pub(super) const PAC_NEEDS_NEWER_ENGINE: CauseFacts = told(
    "pac.needs_newer_engine",
    Owner::ProxyTeam,
    "Windows' script engine (JScript) cannot run the PAC file",
    "write it in ECMAScript 3 (var, function, for (;;), indexOf on texts): up to Windows 11 23H2, Windows' services run PAC files \
     in jscript.dll, and go out directly or fail when it cannot; what 24H2 reads is not published",
);

pub(super) const PAC_CONTENT_TYPE: CauseFacts = told(
    "pac.content_type",
    Owner::ProxyTeam,
    "Windows' services do not take the PAC file as it is served",
    "serve it as application/x-ns-proxy-autoconfig, or from a path that ends in .pac, .dat, .js or .jvs (Microsoft KB 4025058); \
     until then Windows 10 devices go out directly",
);

pub(super) const PAC_EVAL_TIMEOUT: CauseFacts = told(
    "pac.eval_timeout",
    Owner::ProxyTeam,
    "The script does not come back with an answer",
    "look for a loop in it, or for names that it looks up and nobody answers for",
);

pub(super) const PAC_UNSUPPORTED_TOKEN: CauseFacts = told(
    "pac.unsupported_token",
    Owner::ProxyTeam,
    "The script names a kind of proxy that Windows' services pass over",
    "add an entry PROXY host:port: SOCKS, HTTPS, HTTP and QUIC are words for browsers",
);

pub(super) const PAC_FILE_URL: CauseFacts = told(
    "pac.file_url",
    Owner::DesktopTeam,
    "The script's address is a file, or another that Windows' services do not fetch",
    "serve the script over http: Windows' services fetch none from a file, a network path or an FTP server",
);

pub(super) const PAC_WPAD_NOT_FOUND: CauseFacts = told(
    "pac.wpad_not_found",
    Owner::ProxyTeam,
    "No script is found by WPAD",
    "serve wpad.dat at the name wpad of this domain, or give the devices the script's address",
);

pub(super) const CONF_SCRIPT_SERVICE_DISABLED: CauseFacts = told(
    "conf.script_service_disabled",
    Owner::DesktopTeam,
    "The service that runs PAC files (WinHttpAutoProxySvc) is disabled, and the settings name a PAC file",
    "set its start type back to manual (reg add HKLM\\SYSTEM\\CurrentControlSet\\Services\\WinHttpAutoProxySvc /v Start /t REG_DWORD /d 3 \
     /f) and restart; to switch off detection only, set DisableWpad to 1",
);

pub(super) const CONF_NONE: CauseFacts = told(
    "conf.none",
    Owner::ProxyTeam,
    "No source names a proxy",
    "nothing, where the direct route works (waprobe check says so); where it does not, publish the proxy by netsh winhttp, \
     Internet Options per machine, or WPAD",
);

pub(super) const CONF_CONTEXT_MISMATCH: CauseFacts = told(
    "conf.context_mismatch",
    Owner::DesktopTeam,
    "The user and the SYSTEM account do not use the same proxy",
    "where the user alone has a proxy, set it where SYSTEM finds it: netsh winhttp set proxy, or Internet Options per machine \
     (ProxySettingsPerUser = 0), for the diagnostic service does not read a user's script; where SYSTEM alone has one, nothing, \
     if waprobe check gets out through it",
);

pub(super) const CONF_ENV_ONLY: CauseFacts = told(
    "conf.env_only",
    Owner::DesktopTeam,
    "Only environment variables name a proxy, and Windows' services ignore them",
    "set the proxy with netsh winhttp set proxy",
);

pub(super) const CONF_TELEMETRY_PROXY_DEAD: CauseFacts = told(
    "conf.telemetry_proxy_dead",
    Owner::DesktopTeam,
    "The proxy of the policy TelemetryProxyServer cannot be reached",
    "correct TelemetryProxyServer (Configure Connected User Experiences and Telemetry), or remove the policy",
);

pub(super) const CONF_USER_AUTH_DISABLED: CauseFacts = told(
    "conf.user_auth_disabled",
    Owner::DesktopTeam,
    "A policy keeps the diagnostic service from using the signed-in user's login at the proxy",
    "choose one: let the proxy pass these hosts without a login, let it accept computer accounts, or set \
     DisableEnterpriseAuthProxy to 0 (not with Defender for Endpoint)",
);

pub(super) const CONF_MDE_CONFLICT: CauseFacts = told(
    "conf.mde_conflict",
    Owner::DesktopTeam,
    "Defender for Endpoint wants what user authentication at the proxy forbids",
    "set DisableEnterpriseAuthProxy to 1 and let the proxy pass these hosts without authentication, or admit machine \
     accounts",
);

pub(super) const CONF_HEADLESS_USER_AUTH: CauseFacts = told(
    "conf.headless_user_auth",
    Owner::ProxyTeam,
    "Nobody is signed in on this device, so nobody can answer a proxy that asks for a user",
    "nothing, where the proxy lets these hosts through without authentication or admits machine accounts; else choose one \
     of the two",
);
