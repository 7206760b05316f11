//! Folders that nobody but SYSTEM and administrators may open, and where Windows keeps its own programs.
//!
//! In: a folder's name. Out: a new folder below Windows' own folder for temporary files, or the one for what lasts; whose a file is.
//! Never: an environment variable, which a user can set for elevated programs too; a temporary folder that was there before.
#![allow(
    unsafe_code,
    reason = "a folder is given its access list when it is made, by calls into kernel32.dll and advapi32.dll"
)]

use std::io;
use std::path::{Path, PathBuf};
use std::ptr;

use windows_registry::LOCAL_MACHINE;
use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetNamedSecurityInfoW, SDDL_REVISION_1, SE_FILE_OBJECT,
};
use windows_sys::Win32::Security::{OWNER_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID, SECURITY_ATTRIBUTES};
use windows_sys::Win32::Storage::FileSystem::CreateDirectoryW;
use windows_sys::Win32::System::SystemInformation::{GetSystemDirectoryW, GetSystemWindowsDirectoryW};

use super::wide;

/// Owned by the administrators, so that an administrator who is not elevated may not change the list either; nothing is
/// inherited from above; full control for SYSTEM and the administrators, also of what is made inside.
const ONLY_SYSTEM_AND_ADMINISTRATORS: &str = "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";

/// The same, and everybody may read.
const WRITTEN_BY_ADMINISTRATORS: &str = "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)";

/// Makes the folder `name` below `C:\Windows\Temp`, with that access list from its first moment.
///
/// # Errors
/// Windows' own; also where there is such a folder already.
pub fn make_locked_folder(name: &str) -> io::Result<PathBuf> {
    let path = windows_folder()?.join("Temp").join(name);
    make(&path, ONLY_SYSTEM_AND_ADMINISTRATORS)?;
    Ok(path)
}

/// Makes a folder that SYSTEM and administrators alone may write, and everybody may read.
///
/// # Errors
/// Windows' own; also where there is such a folder already.
pub fn make_administrators_folder(path: &Path) -> io::Result<()> {
    make(path, WRITTEN_BY_ADMINISTRATORS)
}

/// `C:\ProgramData`, where programs keep what is the whole device's. Every user may make folders and files there.
///
/// # Errors
/// Windows' own.
pub fn data_folder() -> io::Result<PathBuf> {
    const DRIVE: &str = "%SystemDrive%";
    let windows = windows_folder()?;
    let drive = windows.to_string_lossy().chars().take(2).collect::<String>();
    let profiles = LOCAL_MACHINE.open(r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList");
    let set = profiles.and_then(|key| key.get_string("ProgramData")).unwrap_or_default();
    let set = match set.get(..DRIVE.len()) {
        Some(start) if start.eq_ignore_ascii_case(DRIVE) => format!("{drive}{}", &set[DRIVE.len()..]),
        _ => set,
    };
    let is_plain = Path::new(&set).is_absolute() && !set.contains('%');
    Ok(if is_plain { PathBuf::from(set) } else { PathBuf::from(format!(r"{drive}\ProgramData")) })
}

/// The security identifier of the owner of a file or folder, such as `S-1-5-32-544`.
///
/// # Errors
/// Windows' own.
pub fn owner(path: &Path) -> io::Result<String> {
    let name = wide(&path.to_string_lossy());
    let (mut owner, mut descriptor): (PSID, PSECURITY_DESCRIPTOR) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the name ends with a zero; the owner points into the descriptor, which the call allocates for us; what is null is
    // not asked for.
    let status = unsafe {
        GetNamedSecurityInfoW(
            name.as_ptr(),
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION,
            &raw mut owner,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut descriptor,
        )
    };
    if status != 0 {
        return Err(io::Error::from_raw_os_error(status.cast_signed()));
    }
    let text = super::sid::text(owner);
    // SAFETY: the descriptor was allocated by the call above and is given back once.
    unsafe { LocalFree(descriptor) };
    text.ok_or_else(|| io::Error::other("it has no owner"))
}

fn make(path: &Path, access: &str) -> io::Result<()> {
    let text = wide(access);
    let mut descriptor: PSECURITY_DESCRIPTOR = ptr::null_mut();
    // SAFETY: the text ends with a zero, and the pointer is a local that the call fills.
    let is_made = unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            text.as_ptr(),
            SDDL_REVISION_1,
            &raw mut descriptor,
            ptr::null_mut(),
        )
    };
    if is_made == 0 {
        return Err(io::Error::last_os_error());
    }
    let length = u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or(0);
    let attributes = SECURITY_ATTRIBUTES { nLength: length, lpSecurityDescriptor: descriptor, bInheritHandle: 0 };
    let folder = wide(&path.to_string_lossy());
    // SAFETY: the path ends with a zero; the attributes are a local that points at the descriptor made above.
    let is_made = unsafe { CreateDirectoryW(folder.as_ptr(), &raw const attributes) };
    let failure = io::Error::last_os_error();
    // SAFETY: the descriptor was made above and is given back once.
    unsafe { LocalFree(descriptor) };
    if is_made == 0 { Err(failure) } else { Ok(()) }
}

/// `C:\Windows\System32`
///
/// # Errors
/// Windows' own.
pub fn system_folder() -> io::Result<PathBuf> {
    // SAFETY: the call writes no more characters than it is told there is room for.
    ask(|room, length| unsafe { GetSystemDirectoryW(room, length) })
}

/// `C:\Windows`, also in a session of a terminal server.
pub(super) fn windows_folder() -> io::Result<PathBuf> {
    // SAFETY: the call writes no more characters than it is told there is room for.
    ask(|room, length| unsafe { GetSystemWindowsDirectoryW(room, length) })
}

fn ask(call: impl Fn(*mut u16, u32) -> u32) -> io::Result<PathBuf> {
    let mut room = [0_u16; 512];
    let length = call(room.as_mut_ptr(), u32::try_from(room.len()).unwrap_or(0));
    match room.get(..usize::try_from(length).unwrap_or(usize::MAX)) {
        Some([]) | None => Err(io::Error::last_os_error()),
        Some(path) => Ok(Path::new(&String::from_utf16_lossy(path)).to_path_buf()),
    }
}
