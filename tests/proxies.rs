//! Which proxy would be used, by whom, and why: settings and scripts, without a network.

mod proxies {
    #[cfg(feature = "pac")]
    mod check;
    mod command;
    #[cfg(feature = "pac")]
    mod engines;
    #[cfg(feature = "pac")]
    mod pac;
    #[cfg(feature = "pac")]
    mod settings;
}
