//! What this machine says of itself beside its registry: its services, files, tasks and its kernel.
//!
//! In: names. Out: plain values, "not there", or nothing where Windows does not say. Never: a change, a decision, or a word in
//! the language of the display.
#![allow(unsafe_code, reason = "services, file versions and the kernel's version are answered into structures of C")]

use std::ffi::c_void;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io, ptr};

use windows_sys::Wdk::System::SystemServices::RtlGetVersion;
use windows_sys::Win32::Foundation::{ERROR_SERVICE_DOES_NOT_EXIST, GetLastError};
use windows_sys::Win32::Storage::FileSystem::{
    GetFileVersionInfoSizeW, GetFileVersionInfoW, VS_FIXEDFILEINFO, VerQueryValueW,
};
use windows_sys::Win32::System::Services::{
    CloseServiceHandle, OpenSCManagerW, OpenServiceW, QUERY_SERVICE_CONFIGW, QueryServiceConfigW, QueryServiceStatus,
    SC_HANDLE, SC_MANAGER_CONNECT, SERVICE_QUERY_CONFIG, SERVICE_QUERY_STATUS, SERVICE_RUNNING, SERVICE_STATUS,
};
use windows_sys::Win32::System::SystemInformation::OSVERSIONINFOEXW;

use super::{locked, wide};
use crate::registry::{Kernel, Machine, Service, StartType};

/// The machine that this program runs on.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThisMachine;

/// Microsoft's limit for the answer of `QueryServiceConfigW` is 8 kB.
const LARGEST_CONFIG: u32 = 8 << 10;
/// A version resource is some kilobytes long.
const LARGEST_VERSION: u32 = 1 << 20;
/// `VER_NT_WORKSTATION` of the kernel's headers.
const WORKSTATION: u8 = 1;
const TASK_DEADLINE: Duration = Duration::from_secs(10);
const LARGEST_DEFINITION: u64 = 1 << 20;

impl Machine for ThisMachine {
    fn service(&self, name: &str) -> Option<Option<Service>> {
        // SAFETY: null stands for this machine and its active database.
        let manager = Handle::of(unsafe { OpenSCManagerW(ptr::null(), ptr::null(), SC_MANAGER_CONNECT) })?;
        let name = wide(name);
        // SAFETY: the manager is open, and the name ends in a NUL and outlives the call.
        let service = unsafe { OpenServiceW(manager.0, name.as_ptr(), SERVICE_QUERY_STATUS | SERVICE_QUERY_CONFIG) };
        let Some(service) = Handle::of(service) else {
            // SAFETY: the last error of this thread, which nothing has touched since.
            return (unsafe { GetLastError() } == ERROR_SERVICE_DOES_NOT_EXIST).then_some(None);
        };
        let start = start_type(&service)?;
        Some(Some(Service { start, running: is_running(&service) }))
    }

    fn file_version(&self, name: &str) -> Option<Option<[u32; 4]>> {
        let path = locked::windows_folder().ok()?.join("System32").join(name);
        match fs::metadata(&path) {
            Ok(_) => file_version(&wide(path.to_str()?)).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(None),
            Err(_) => None,
        }
    }

    fn task_definition(&self, path: &str) -> Option<Option<Vec<u8>>> {
        let system = locked::windows_folder().ok()?.join("System32");
        let file = system.join("Tasks").join(path.trim_start_matches('\\'));
        match fs::metadata(&file) {
            Ok(found) if found.len() <= LARGEST_DEFINITION => {
                if let Ok(bytes) = fs::read(&file) {
                    return Some(Some(bytes));
                }
            }
            // Administrators alone may read that folder; the scheduler's own program tells others too.
            Ok(_) | Err(_) => {}
        }
        asked_of_scheduler(&system, path).map(Some)
    }

    fn has_pending_xml(&self) -> Option<bool> {
        locked::windows_folder().ok()?.join(r"winsxs\pending.xml").try_exists().ok()
    }

    fn kernel(&self) -> Option<Kernel> {
        let mut found = OSVERSIONINFOEXW {
            dwOSVersionInfoSize: u32::try_from(size_of::<OSVERSIONINFOEXW>()).ok()?,
            ..Default::default()
        };
        // SAFETY: the longer structure begins as the shorter one does, and its size says which of them it is.
        let status = unsafe { RtlGetVersion(ptr::from_mut(&mut found).cast()) };
        (status == 0).then_some(Kernel {
            version: (found.dwMajorVersion, found.dwMinorVersion),
            build: found.dwBuildNumber,
            is_server: found.wProductType != WORKSTATION,
        })
    }
}

/// A handle of the service manager's, closed when dropped.
struct Handle(SC_HANDLE);

impl Handle {
    fn of(handle: SC_HANDLE) -> Option<Self> {
        // Not then_some: a handle made for nothing would be dropped, and closing it changes the last error.
        (!handle.is_null()).then(|| Self(handle))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it was opened by the service manager, and nobody has closed it.
        unsafe { CloseServiceHandle(self.0) };
    }
}

fn start_type(service: &Handle) -> Option<StartType> {
    // In words that are aligned for the structure.
    let mut buffer = vec![0_u64; LARGEST_CONFIG as usize / 8];
    let mut needed = 0;
    // SAFETY: the buffer is as long as is said, and aligned.
    let done = unsafe { QueryServiceConfigW(service.0, buffer.as_mut_ptr().cast(), LARGEST_CONFIG, &raw mut needed) };
    if done == 0 {
        return None;
    }
    // SAFETY: the call has filled the structure, which is shorter than the buffer.
    let config = unsafe { &*buffer.as_ptr().cast::<QUERY_SERVICE_CONFIGW>() };
    Some(StartType::from_number(config.dwStartType))
}

fn is_running(service: &Handle) -> Option<bool> {
    let mut status = SERVICE_STATUS::default();
    // SAFETY: the structure is ours to be filled.
    let done = unsafe { QueryServiceStatus(service.0, &raw mut status) };
    (done != 0).then_some(status.dwCurrentState == SERVICE_RUNNING)
}

fn file_version(path: &[u16]) -> Option<[u32; 4]> {
    let mut unused = 0;
    // SAFETY: the path ends in a NUL and outlives the call.
    let size = unsafe { GetFileVersionInfoSizeW(path.as_ptr(), &raw mut unused) };
    if size == 0 || size > LARGEST_VERSION {
        return None;
    }
    let mut buffer = vec![0_u64; (size as usize).div_ceil(8)];
    // SAFETY: the buffer is at least as long as is said.
    if unsafe { GetFileVersionInfoW(path.as_ptr(), 0, size, buffer.as_mut_ptr().cast()) } == 0 {
        return None;
    }
    let (mut found, mut length): (*mut c_void, u32) = (ptr::null_mut(), 0);
    let root = wide(r"\");
    // SAFETY: the buffer holds what the call before has put there, and the name ends in a NUL.
    let done = unsafe { VerQueryValueW(buffer.as_ptr().cast(), root.as_ptr(), &raw mut found, &raw mut length) };
    if done == 0 || found.is_null() || (length as usize) < size_of::<VS_FIXEDFILEINFO>() {
        return None;
    }
    // SAFETY: the answer lies inside of the buffer, is as long as this structure, and may lie anywhere.
    let info = unsafe { found.cast::<VS_FIXEDFILEINFO>().read_unaligned() };
    let halves = |number: u32| [number >> 16, number & 0xffff];
    let ([major, minor], [build, revision]) = (halves(info.dwFileVersionMS), halves(info.dwFileVersionLS));
    Some([major, minor, build, revision])
}

/// The task's definition as the scheduler's program prints it; its XML is the same in every language.
fn asked_of_scheduler(system: &std::path::Path, path: &str) -> Option<Vec<u8>> {
    let mut child = Command::new(system.join("schtasks.exe"))
        .args(["/query", "/tn", path, "/xml"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut output = child.stdout.take()?;
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(&mut output, LARGEST_DEFINITION), &mut bytes).map(|_| bytes)
    });
    let began = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if began.elapsed() < TASK_DEADLINE => std::thread::sleep(Duration::from_millis(20)),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
        }
    };
    let bytes = reader.join().ok()?.ok()?;
    status.is_some_and(|status| status.success()).then_some(bytes)
}
