//! The C library, loaded when it is first needed, behind safe types.
//!
//! In: names, a password, a keytab's path. Out: handles that release themselves, a token, names in words. Never: an opinion
//! on an error, a call with another mechanism than Kerberos (a credential of one mechanism is silently ignored by a call
//! with another, and somebody else's ticket goes out in its place).
#![expect(unsafe_code, reason = "the one module that calls C; each block says why it may")]

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

/// Debian, Red Hat and SUSE call MIT's library by the first name; Heimdal's has the second.
const FILES: [&str; 2] = ["libgssapi_krb5.so.2", "libgssapi.so.3"];

/// Object identifiers in DER, without tag and length.
mod object {
    /// 1.2.840.113554.1.2.2, the mechanism (RFC 4121).
    pub const KERBEROS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02];
    /// 1.2.840.113554.1.2.2.1, a principal as Kerberos writes it.
    pub const PRINCIPAL: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02, 0x01];
    /// 1.2.840.113554.1.2.1.4, `service@host` (RFC 2743 §4.1).
    pub const HOST_BASED_SERVICE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x01, 0x04];
}

/// The upper half of a major status: the routine failed (RFC 2744 §3.9.1).
const FAILED: u32 = 0xffff_0000;
const INITIATE: c_int = 1;
const MECHANISM_CODE: c_int = 2;
const GENERAL_CODE: c_int = 1;
/// More lines than any library has to say about one status.
const MOST_LINES: usize = 4;
/// Tokens hold a ticket, which holds group memberships; nobody's are longer.
const LONGEST_TOKEN: usize = 256 << 10;
const LONGEST_TEXT: usize = 1024;

#[repr(C)]
struct Buffer {
    length: usize,
    value: *mut c_void,
}

#[repr(C)]
struct Object {
    length: u32,
    elements: *mut c_void,
}

#[repr(C)]
struct Objects {
    count: usize,
    elements: *mut Object,
}

#[repr(C)]
struct StoreElement {
    key: *const c_char,
    value: *const c_char,
}

#[repr(C)]
struct Store {
    count: u32,
    elements: *mut StoreElement,
}

type Handle = *mut c_void;
type ReleaseName = unsafe extern "C" fn(*mut u32, *mut Handle) -> u32;
type ReleaseBuffer = unsafe extern "C" fn(*mut u32, *mut Buffer) -> u32;
type DeleteContext = unsafe extern "C" fn(*mut u32, *mut Handle, *mut Buffer) -> u32;
type ImportName = unsafe extern "C" fn(*mut u32, *mut Buffer, *mut Object, *mut Handle) -> u32;
type CanonicalizeName = unsafe extern "C" fn(*mut u32, Handle, *mut Object, *mut Handle) -> u32;
type DisplayName = unsafe extern "C" fn(*mut u32, Handle, *mut Buffer, *mut *mut Object) -> u32;
type DisplayStatus = unsafe extern "C" fn(*mut u32, u32, c_int, *mut Object, *mut u32, *mut Buffer) -> u32;
type AcquireCredential =
    unsafe extern "C" fn(*mut u32, Handle, u32, *mut Objects, c_int, *mut Handle, *mut *mut Objects, *mut u32) -> u32;
type AcquireFrom = unsafe extern "C" fn(
    *mut u32,
    Handle,
    u32,
    *mut Objects,
    c_int,
    *const Store,
    *mut Handle,
    *mut *mut Objects,
    *mut u32,
) -> u32;
type AcquireWithPassword = unsafe extern "C" fn(
    *mut u32,
    Handle,
    *mut Buffer,
    u32,
    *mut Objects,
    c_int,
    *mut Handle,
    *mut *mut Objects,
    *mut u32,
) -> u32;
type InquireCredential =
    unsafe extern "C" fn(*mut u32, Handle, *mut Handle, *mut u32, *mut c_int, *mut *mut Objects) -> u32;
type InitiateContext = unsafe extern "C" fn(
    *mut u32,
    Handle,
    *mut Handle,
    Handle,
    *mut Object,
    u32,
    u32,
    *mut c_void,
    *mut Buffer,
    *mut *mut Object,
    *mut Buffer,
    *mut u32,
    *mut u32,
) -> u32;
type InquireContext = unsafe extern "C" fn(
    *mut u32,
    Handle,
    *mut Handle,
    *mut Handle,
    *mut u32,
    *mut *mut Object,
    *mut u32,
    *mut c_int,
    *mut c_int,
) -> u32;

/// The functions of GSS-API that are used (RFC 2744, and two of MIT's extensions).
#[derive(Debug)]
pub(super) struct Library {
    release_name: ReleaseName,
    release_credential: ReleaseName,
    release_buffer: ReleaseBuffer,
    delete_context: DeleteContext,
    import_name: ImportName,
    canonicalize_name: CanonicalizeName,
    display_name: DisplayName,
    display_status: DisplayStatus,
    acquire_credential: AcquireCredential,
    /// Not in every Heimdal.
    acquire_from: Option<AcquireFrom>,
    acquire_with_password: Option<AcquireWithPassword>,
    inquire_credential: InquireCredential,
    initiate_context: InitiateContext,
    inquire_context: InquireContext,
}

/// What a call said when it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    pub major: u32,
    pub minor: u32,
    /// Both in the library's words.
    pub text: String,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// `name@REALM`, `HTTP/host@`
    Principal,
    /// `HTTP@host`
    Service,
}

#[derive(Debug)]
pub(super) struct Name {
    library: &'static Library,
    handle: Handle,
}

#[derive(Debug)]
pub(super) struct Credential {
    library: &'static Library,
    handle: Handle,
}

// SAFETY: a credential is only read after it was acquired, and both libraries guard what changes inside by a lock of theirs
// (RFC 2743 §1 asks nothing of callers in this respect).
unsafe impl Send for Credential {}
// SAFETY: as above.
unsafe impl Sync for Credential {}

/// An open exchange, which ends with its first token.
struct Context {
    library: &'static Library,
    handle: Handle,
}

/// Memory of the library's that holds an answer.
struct Answer {
    library: &'static Library,
    buffer: Buffer,
}

/// A first token, whose it is and what it is for.
#[derive(Debug)]
pub(super) struct Initiated {
    pub token: SecretSlice<u8>,
    pub initiator: String,
    pub service: String,
}

impl Library {
    /// The library of this machine, loaded once and never unloaded: a call may be under way when the program ends.
    ///
    /// # Errors
    /// Which files were looked for.
    pub fn of_this_machine() -> Result<&'static Self, String> {
        static LOADED: OnceLock<Result<Library, String>> = OnceLock::new();
        LOADED.get_or_init(|| Self::load(&FILES)).as_ref().map_err(Clone::clone)
    }

    fn load(files: &[&str]) -> Result<Self, String> {
        // What such a program loads brings a second C library along, which is sound only by luck.
        if cfg!(any(target_feature = "crt-static", feature = "linked-statically")) {
            return Err(
                "no GSSAPI library can be used by this program, which is linked statically: take the dynamic one"
                    .to_owned(),
            );
        }
        let mut incomplete = None;
        for file in files {
            // SAFETY: these are the names of GSS-API libraries, whose initialisers only set up their own memory.
            let Ok(library) = (unsafe { libloading::Library::new(*file) }) else { continue };
            match Self::symbols(Box::leak(Box::new(library))) {
                Ok(library) => return Ok(library),
                Err(error) => incomplete = Some(format!("{file} is no usable GSSAPI library: {error}")),
            }
        }
        Err(incomplete.unwrap_or_else(|| format!("no GSSAPI library ({}) is installed", files.join(", "))))
    }

    fn symbols(library: &'static libloading::Library) -> Result<Self, libloading::Error> {
        // SAFETY: the types are those of RFC 2744 §5 and, for the two extensions, of MIT's and Heimdal's gssapi_ext.h; the
        // library stays loaded for as long as the program runs.
        unsafe {
            Ok(Self {
                release_name: *library.get(b"gss_release_name\0")?,
                release_credential: *library.get(b"gss_release_cred\0")?,
                release_buffer: *library.get(b"gss_release_buffer\0")?,
                delete_context: *library.get(b"gss_delete_sec_context\0")?,
                import_name: *library.get(b"gss_import_name\0")?,
                canonicalize_name: *library.get(b"gss_canonicalize_name\0")?,
                display_name: *library.get(b"gss_display_name\0")?,
                display_status: *library.get(b"gss_display_status\0")?,
                acquire_credential: *library.get(b"gss_acquire_cred\0")?,
                acquire_from: library.get(b"gss_acquire_cred_from\0").ok().map(|symbol| *symbol),
                acquire_with_password: library.get(b"gss_acquire_cred_with_password\0").ok().map(|symbol| *symbol),
                inquire_credential: *library.get(b"gss_inquire_cred\0")?,
                initiate_context: *library.get(b"gss_init_sec_context\0")?,
                inquire_context: *library.get(b"gss_inquire_context\0")?,
            })
        }
    }

    pub fn name(&'static self, text: &str, kind: Kind) -> Result<Name, Status> {
        let (mut minor, mut name) = (0, Name { library: self, handle: ptr::null_mut() });
        let mut text = buffer(text.as_bytes());
        let mut kind = object(match kind {
            Kind::Principal => object::PRINCIPAL,
            Kind::Service => object::HOST_BASED_SERVICE,
        });
        // SAFETY: every pointer is to a live local; the library copies the text and the kind, and writes the handle.
        let major = unsafe { (self.import_name)(&raw mut minor, &raw mut text, &raw mut kind, &raw mut name.handle) };
        self.check(major, minor).map(|()| name)
    }

    /// The principal that the mechanism makes of a name: it completes the realm.
    pub fn canonical(&'static self, name: &Name) -> Result<String, Status> {
        let (mut minor, mut canonical) = (0, Name { library: self, handle: ptr::null_mut() });
        let mut mechanism = object(object::KERBEROS);
        // SAFETY: `name` is a live handle of this library, the others are live locals; the handle is written.
        let major = unsafe {
            (self.canonicalize_name)(&raw mut minor, name.handle, &raw mut mechanism, &raw mut canonical.handle)
        };
        self.check(major, minor)?;
        canonical.text()
    }

    /// The credential that is there without anything being given.
    pub fn default_credential(&'static self) -> Result<Credential, Status> {
        self.acquire(|minor, mechanisms, credential| {
            // SAFETY: the pointers are to live locals of `acquire`; no name means the default, and what is not wanted is
            // null, as §5.2 permits.
            unsafe {
                (self.acquire_credential)(
                    minor,
                    ptr::null_mut(),
                    u32::MAX,
                    mechanisms,
                    INITIATE,
                    credential,
                    ptr::null_mut(),
                    ptr::null_mut(),
                )
            }
        })
    }

    pub fn credential_by_password(&'static self, name: &Name, password: &SecretString) -> Result<Credential, Status> {
        let call = self.acquire_with_password.ok_or_else(|| missing("takes no password"))?;
        let mut password = buffer(password.expose_secret().as_bytes());
        self.acquire(|minor, mechanisms, credential| {
            // SAFETY: `name` is a live handle of this library, the other pointers are to live locals; the library copies
            // the password, and what is not wanted is null, as the default function permits.
            unsafe {
                call(
                    minor,
                    name.handle,
                    &raw mut password,
                    u32::MAX,
                    mechanisms,
                    INITIATE,
                    credential,
                    ptr::null_mut(),
                    ptr::null_mut(),
                )
            }
        })
    }

    /// From the places that `store` names, and from no others: `client_keytab`, `ccache`.
    pub fn credential_from(&'static self, name: &Name, store: &[(&str, &str)]) -> Result<Credential, Status> {
        let call = self.acquire_from.ok_or_else(|| missing("takes no keytab"))?;
        let text = |text: &str| CString::new(text).map_err(|_| missing("takes no path with a zero byte"));
        let texts: Vec<(CString, CString)> =
            store.iter().map(|(key, value)| Ok((text(key)?, text(value)?))).collect::<Result<_, Status>>()?;
        let mut elements: Vec<StoreElement> =
            texts.iter().map(|(key, value)| StoreElement { key: key.as_ptr(), value: value.as_ptr() }).collect();
        let count = u32::try_from(elements.len()).unwrap_or(0);
        let store = Store { count, elements: elements.as_mut_ptr() };
        self.acquire(|minor, mechanisms, credential| {
            // SAFETY: `name` is a live handle of this library, the other pointers are to live locals; `store` points to
            // `elements`, and those to `texts`, which all outlive the call.
            unsafe {
                call(
                    minor,
                    name.handle,
                    u32::MAX,
                    mechanisms,
                    INITIATE,
                    &raw const store,
                    credential,
                    ptr::null_mut(),
                    ptr::null_mut(),
                )
            }
        })
    }

    fn acquire(
        &'static self,
        call: impl FnOnce(*mut u32, *mut Objects, *mut Handle) -> u32,
    ) -> Result<Credential, Status> {
        let (mut minor, mut credential) = (0, Credential { library: self, handle: ptr::null_mut() });
        let mut mechanism = object(object::KERBEROS);
        let mut mechanisms = Objects { count: 1, elements: &raw mut mechanism };
        let major = call(&raw mut minor, &raw mut mechanisms, &raw mut credential.handle);
        self.check(major, minor).map(|()| credential)
    }

    /// The first token for `target`, by Kerberos alone, without asking the other side for a proof of its own: there is
    /// nothing to be said after it.
    pub fn initiate(&'static self, credential: &Credential, target: &Name) -> Result<Initiated, Status> {
        let (mut minor, mut context) = (0, Context { library: self, handle: ptr::null_mut() });
        let (mut mechanism, mut token) = (object(object::KERBEROS), self.answer());
        // SAFETY: `credential` and `target` are live handles of this library, the context is new, and what is not wanted or
        // not there yet (channel bindings, the other side's token, what was granted) is null, as §5.19 permits.
        let major = unsafe {
            (self.initiate_context)(
                &raw mut minor,
                credential.handle,
                &raw mut context.handle,
                target.handle,
                &raw mut mechanism,
                0,
                0,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                &raw mut token.buffer,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        self.check(major, minor)?;
        let token = token.bytes(LONGEST_TOKEN).to_vec().into();
        let (initiator, service) = context.names()?;
        Ok(Initiated { token, initiator, service })
    }

    fn check(&'static self, major: u32, minor: u32) -> Result<(), Status> {
        if major & FAILED == 0 {
            return Ok(());
        }
        let general = self.words(major, GENERAL_CODE);
        let particular = self.words(minor, MECHANISM_CODE);
        // The general word for "see the other one" says nothing.
        let text = if particular.is_empty() { general } else { particular };
        Err(Status { major, minor, text })
    }

    fn words(&'static self, code: u32, kind: c_int) -> String {
        let (mut more, mut lines) = (0, Vec::new());
        for _ in 0..MOST_LINES {
            let (mut minor, mut mechanism, mut text) = (0, object(object::KERBEROS), self.answer());
            // SAFETY: every pointer is to a live local; the library writes the text and whether there is more.
            let major = unsafe {
                (self.display_status)(
                    &raw mut minor,
                    code,
                    kind,
                    &raw mut mechanism,
                    &raw mut more,
                    &raw mut text.buffer,
                )
            };
            if major & FAILED != 0 {
                break;
            }
            lines.push(text.text());
            if more == 0 {
                break;
            }
        }
        lines.join(", ")
    }

    fn answer(&'static self) -> Answer {
        Answer { library: self, buffer: Buffer { length: 0, value: ptr::null_mut() } }
    }
}

impl Name {
    pub fn text(&self) -> Result<String, Status> {
        let (mut minor, mut text) = (0, self.library.answer());
        // SAFETY: the handle is live, the text is a live local that the library writes, its kind is not wanted.
        let major =
            unsafe { (self.library.display_name)(&raw mut minor, self.handle, &raw mut text.buffer, ptr::null_mut()) };
        self.library.check(major, minor).map(|()| text.text())
    }
}

impl Credential {
    /// Whose it is, and for how many seconds more.
    pub fn principal(&self) -> Result<(String, u32), Status> {
        let (mut minor, mut lifetime, mut name) = (0, 0, Name { library: self.library, handle: ptr::null_mut() });
        // SAFETY: the handle is live, name and lifetime are live locals that the library writes, the rest is not wanted.
        let major = unsafe {
            (self.library.inquire_credential)(
                &raw mut minor,
                self.handle,
                &raw mut name.handle,
                &raw mut lifetime,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        self.library.check(major, minor)?;
        Ok((name.text()?, lifetime))
    }
}

impl Context {
    /// The initiator's and the acceptor's.
    fn names(&self) -> Result<(String, String), Status> {
        let mut minor = 0;
        let name = || Name { library: self.library, handle: ptr::null_mut() };
        let (mut initiator, mut service) = (name(), name());
        // SAFETY: the handle is live, both names are live locals that the library writes, the rest is not wanted.
        let major = unsafe {
            (self.library.inquire_context)(
                &raw mut minor,
                self.handle,
                &raw mut initiator.handle,
                &raw mut service.handle,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        self.library.check(major, minor)?;
        let service = service.text()?;
        // Without a realm, when the KDC was asked which one it is.
        let service = service.strip_suffix('@').map(str::to_owned).unwrap_or(service);
        Ok((initiator.text()?, service))
    }
}

impl Answer {
    fn bytes(&self, bound: usize) -> &[u8] {
        if self.buffer.value.is_null() {
            return &[];
        }
        // SAFETY: the library wrote `length` bytes there, which stay until they are released when this value is dropped.
        unsafe { std::slice::from_raw_parts(self.buffer.value.cast(), self.buffer.length.min(bound)) }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes(LONGEST_TEXT)).into_owned()
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let mut minor = 0;
        if !self.handle.is_null() {
            // SAFETY: the handle came from this library and is released once.
            unsafe { (self.library.release_name)(&raw mut minor, &raw mut self.handle) };
        }
    }
}

impl Drop for Credential {
    fn drop(&mut self) {
        let mut minor = 0;
        if !self.handle.is_null() {
            // SAFETY: the handle came from this library and is released once.
            unsafe { (self.library.release_credential)(&raw mut minor, &raw mut self.handle) };
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        let mut minor = 0;
        if !self.handle.is_null() {
            // SAFETY: the handle came from this library and is released once; no last token is wanted.
            unsafe { (self.library.delete_context)(&raw mut minor, &raw mut self.handle, ptr::null_mut()) };
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let mut minor = 0;
        // SAFETY: the library wrote the buffer, or it is empty, which it permits; it is released once.
        unsafe { (self.library.release_buffer)(&raw mut minor, &raw mut self.buffer) };
    }
}

fn missing(what: &str) -> Status {
    Status { major: 0, minor: 0, text: format!("this GSSAPI library {what}") }
}

/// For reading only, though C has no word for it.
fn buffer(bytes: &[u8]) -> Buffer {
    Buffer { length: bytes.len(), value: bytes.as_ptr().cast_mut().cast() }
}

/// For reading only, as above.
fn object(bytes: &'static [u8]) -> Object {
    Object { length: u32::try_from(bytes.len()).unwrap_or(0), elements: bytes.as_ptr().cast_mut().cast() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_the_library_says_which_one_is_missing() {
        let missing = Library::load(&["libgssapi-of-nobody.so.9"]).expect_err("it does not exist");
        assert_eq!(missing, "no GSSAPI library (libgssapi-of-nobody.so.9) is installed");
        let other = Library::load(&["libc.so.6"]).expect_err("it is another library");
        assert!(other.starts_with("libc.so.6 is no usable GSSAPI library: "), "{other}");
    }
}
