//! The Windows program, run under Wine on Linux.
//!
//! In: the path of a built `waprobe.exe` in `WAPROBE_WINDOWS_EXE`; `tests/run --windows` builds it and sets that. Out: what
//! the program prints, its exit codes, and the file's own properties. Never: a word about Windows itself. What passes here
//! ran under Wine.
//!
//! Without the variable every test says loudly that it did not run, and fails where `WAPROBE_WINDOWS=1` or CI asks for it.
#![cfg(unix)]

mod windows {
    mod wine;

    mod command;
    mod console;
    mod enroll;
    mod file;
    mod harness;
    mod lab;
    mod live;
    mod proxies;
    mod replay;
    mod roots;
}
