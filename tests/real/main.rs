//! waprobe against the software that people really run: Squid, nginx, dnsmasq, certificates by openssl, curl as the
//! witness that sees nothing.
//!
//! In: the built program, driven by its command line alone. Out: its reports, read as JSON, and its exit codes. Never: the
//! library of this package, because a judge must not confirm itself; and never an address other than loopback.
//!
//! `tests/run` installs the software and gives the tests a network namespace. Without the software they say so and pass,
//! except where `CI=true` or `WAPROBE_REAL=required` is set: there a test that cannot run is a failure.
#![cfg(unix)]

mod accounts;
mod authorities;
mod call;
mod dnsmasq;
mod domain;
mod hosts;
mod kdc;
mod nginx;
mod server;
mod software;
mod squid;
mod waprobe;
mod world;

mod authentication;
mod denial;
mod denied_by_name;
mod device_settings;
mod domain_accounts;
mod domain_tickets;
mod follow_ups;
mod guest;
mod inspection;
mod interruption;
mod kerberos;
mod names;
mod nodes;
mod old_suites;
mod origins;
mod other_proxies;
mod packets;
mod ports;
mod recordings;
mod refusals_on_the_way;
mod scripts;
mod signatures;
mod windows_authentication;
