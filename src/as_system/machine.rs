//! The machine on which an errand is sent.

use std::path::PathBuf;

use super::caller::{Patience, Place};
use super::task::Scheduler;

/// Whether a task can be made that runs as SYSTEM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// This process is SYSTEM's already.
    IsSystem,
    Ready,
    /// The rights of an administrator are not there, or not switched on.
    NotElevated,
    NotWindows,
}

/// What an errand needs of the machine.
pub trait Machine {
    fn readiness(&self) -> Readiness;
    fn scheduler(&self) -> &dyn Scheduler;
    fn place(&self) -> &dyn Place;

    /// The program to send, where it is not the one that this process runs.
    fn program(&self) -> Option<PathBuf> {
        None
    }

    /// The bounds to wait within, where they are not the usual ones.
    fn patience(&self, usual: Patience) -> Patience {
        usual
    }
}

#[cfg(windows)]
pub use this::ThisMachine;

#[cfg(windows)]
mod this {
    use std::io;
    use std::path::PathBuf;

    use super::{Machine, Place, Readiness, Scheduler};
    use crate::as_system::task::Schtasks;
    use crate::windows::account::{self, Account};
    use crate::windows::{console, locked};

    /// This Windows.
    #[derive(Debug)]
    pub struct ThisMachine {
        scheduler: Schtasks,
    }

    impl Default for ThisMachine {
        fn default() -> Self {
            // Without a folder the program is not found, which is told when it is needed.
            let program = locked::system_folder().unwrap_or_default().join("schtasks.exe");
            Self { scheduler: Schtasks { program, decode: console::text_of } }
        }
    }

    impl Machine for ThisMachine {
        fn readiness(&self) -> Readiness {
            if account::account() == Account::LocalSystem {
                Readiness::IsSystem
            } else if account::is_elevated() {
                Readiness::Ready
            } else {
                Readiness::NotElevated
            }
        }

        fn scheduler(&self) -> &dyn Scheduler {
            &self.scheduler
        }

        fn place(&self) -> &dyn Place {
            self
        }
    }

    impl Place for ThisMachine {
        fn make(&self, name: &str) -> io::Result<PathBuf> {
            locked::make_locked_folder(name)
        }
    }
}
