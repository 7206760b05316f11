//! waprobe: can Windows diagnostic data get out, over which route, and who has to change what if not?
//!
//! The stages follow each other, and what one makes is the next one's argument:
//! `catalogue → plan → probe → observation → judge → impact → answer → report`. Everything behind `observation` is pure, so a
//! recorded run can be judged again anywhere.

pub mod answer;
pub mod as_system;
pub mod auth;
pub mod catalogue;
pub mod certificate;
pub mod cli;
pub mod enroll;
pub mod harmless;
pub mod impact;
pub mod judge;
pub mod lab;
pub mod net;
pub mod observation;
pub mod plan;
pub mod probe;
pub mod proxies;
pub mod registry;
mod replacement;
pub mod report;
#[cfg(windows)]
pub mod windows;
