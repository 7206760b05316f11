//! The Windows program, run under Wine on Linux.
//!
//! In: the path of a built `waprobe.exe` in `WAPROBE_WINDOWS_EXE`; `tests/run --windows` builds it and sets that. Out: what
//! the program prints, its exit codes, and the file's own properties. Never: a word about Windows itself. What passes here
//! ran under Wine.
//!
//! Without the variable every test says loudly that it did not run, and fails where `WAPROBE_WINDOWS=1` or CI asks for it.
#![cfg(unix)]

// The servers and worlds of the tests against real software, of which only a part is needed here.
macro_rules! of_the_real_tests {
    ($($file:literal $name:ident),* $(,)?) => {
        $(
            #[path = $file]
            #[allow(dead_code, reason = "the tests against real software use the rest")]
            mod $name;
        )*
    };
}
of_the_real_tests! {
    "real/accounts.rs" accounts,
    "real/authorities.rs" authorities,
    "real/call.rs" call,
    "real/hosts.rs" hosts,
    "real/kdc.rs" kdc,
    "real/nginx.rs" nginx,
    "real/server.rs" server,
    "real/software.rs" software,
    "real/squid.rs" squid,
    "real/waprobe.rs" waprobe,
    "real/world.rs" world,
}

mod windows {
    mod wine;

    mod as_system;
    mod authentication;
    mod command;
    mod console;
    mod enroll;
    mod file;
    mod harness;
    mod lab;
    mod live;
    mod outputs;
    mod proxies;
    mod replay;
    mod roots;
    mod tickets;
}
