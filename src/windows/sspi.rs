//! SSPI: tokens that Windows makes, of whoever is signed in or of a name and a password.
//!
//! In: a package, a login or none, a service, and what the other side said. Out: tokens, names, or Windows' number for why
//! there is none. Never: an opinion on that number, memory that SSPI allocates for a token (Wine ignores the wish for it, and
//! a buffer of our own suits Windows as well).
#![allow(unsafe_code, reason = "SSPI is called through secur32.dll; each block says why it may")]

use std::ptr;
use std::sync::Arc;

use secrecy::zeroize::Zeroize as _;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use windows_sys::Win32::Security::Authentication::Identity::{
    AcquireCredentialsHandleW, DeleteSecurityContext, FreeContextBuffer, FreeCredentialsHandle, ISC_REQ_CONNECTION,
    InitializeSecurityContextW, QueryContextAttributesW, QueryCredentialsAttributesW, QuerySecurityPackageInfoW,
    SECBUFFER_TOKEN, SECBUFFER_VERSION, SECPKG_ATTR_NATIVE_NAMES, SECPKG_CRED_ATTR_NAMES, SECPKG_CRED_OUTBOUND,
    SECURITY_NATIVE_DREP, SecBuffer, SecBufferDesc, SecPkgContext_NativeNamesW, SecPkgCredentials_NamesW, SecPkgInfoW,
};
use windows_sys::Win32::Security::Credentials::SecHandle;
use windows_sys::Win32::System::Rpc::{SEC_WINNT_AUTH_IDENTITY_UNICODE, SEC_WINNT_AUTH_IDENTITY_W};

use super::wide;

/// Group memberships make tokens long; nobody's are longer, whatever a package says.
const LARGEST_ROOM: u32 = 256 << 10;
const SMALLEST_ROOM: u32 = 4 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Package {
    Kerberos,
    Ntlm,
}

/// A name as Windows takes it, in two parts, and its password.
#[derive(Debug)]
pub struct Login<'a> {
    /// Empty for a user principal name, or for a name that the other side looks up.
    pub domain: &'a str,
    pub user: &'a str,
    pub password: &'a SecretString,
}

/// What a call answered in place of success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub call: &'static str,
    pub number: u32,
}

/// Somebody who can be vouched for.
#[derive(Debug)]
pub struct Credential {
    handle: Handle,
    /// The longest token of this package.
    room: usize,
}

/// One exchange of tokens with one service.
#[derive(Debug)]
pub struct Exchange {
    credential: Arc<Credential>,
    /// Ends with a zero.
    target: Vec<u16>,
    context: Option<Handle>,
}

struct Handle(SecHandle);

impl std::fmt::Debug for Handle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Handle")
    }
}

impl Package {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kerberos => "Kerberos",
            Self::Ntlm => "NTLM",
        }
    }

    /// The longest token that the package makes.
    ///
    /// # Errors
    /// Where Windows has no such package.
    pub fn room(self) -> Result<usize, Refusal> {
        let name = wide(self.name());
        let mut about: *mut SecPkgInfoW = ptr::null_mut();
        // SAFETY: the name ends with a zero and outlives the call, which writes one pointer to a local.
        check("QuerySecurityPackageInfo", unsafe { QuerySecurityPackageInfoW(name.as_ptr(), &raw mut about) })?;
        if about.is_null() {
            return Ok(LARGEST_ROOM as usize);
        }
        // SAFETY: the call succeeded, so that the pointer is to a whole structure, which is read before it is released.
        let room = unsafe { (*about).cbMaxToken };
        // SAFETY: the structure was allocated by SSPI for us and is released once.
        unsafe { FreeContextBuffer(about.cast()) };
        Ok(room.clamp(SMALLEST_ROOM, LARGEST_ROOM) as usize)
    }
}

impl Credential {
    /// Of a login, or of whoever this process runs as.
    ///
    /// # Errors
    /// Windows' number.
    pub fn acquire(package: Package, login: Option<&Login<'_>>) -> Result<Self, Refusal> {
        let room = package.room()?;
        let name = wide(package.name());
        let mut handle = Handle(SecHandle { dwLower: 0, dwUpper: 0 });
        let mut login = login.map(Wide::of);
        let identity = login.as_mut().map(Wide::identity);
        let identity: *const SEC_WINNT_AUTH_IDENTITY_W = identity.as_ref().map_or(ptr::null(), ptr::from_ref);
        let mut expiry = 0;
        // SAFETY: the name ends with a zero; the identity, where there is one, points to buffers of the lengths that it says,
        // which outlive the call and are copied by it; the handle and the expiry are locals; what is null may be null.
        let status = unsafe {
            AcquireCredentialsHandleW(
                ptr::null(),
                name.as_ptr(),
                SECPKG_CRED_OUTBOUND,
                ptr::null(),
                identity.cast(),
                None,
                ptr::null(),
                &raw mut handle.0,
                &raw mut expiry,
            )
        };
        check("AcquireCredentialsHandle", status)?;
        Ok(Self { handle, room })
    }

    /// Whose it is, where the package says so.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        let mut names = SecPkgCredentials_NamesW::default();
        // SAFETY: the handle is a live credential, and the structure is the one that this attribute fills in.
        let status = unsafe {
            QueryCredentialsAttributesW(&raw const self.handle.0, SECPKG_CRED_ATTR_NAMES, (&raw mut names).cast())
        };
        (status == 0).then(|| taken(names.sUserName)).flatten()
    }
}

impl Exchange {
    #[must_use]
    pub fn new(credential: Arc<Credential>, target: &str) -> Self {
        Self { credential, target: wide(target), context: None }
    }

    /// The next token, made in answer to `said`; nothing was said before the first.
    ///
    /// # Errors
    /// Windows' number.
    pub fn step(&mut self, said: Option<&[u8]>) -> Result<SecretSlice<u8>, Refusal> {
        let mut room = vec![0_u8; self.credential.room];
        let mut token = buffer(&mut room);
        let mut answer = SecBufferDesc { ulVersion: SECBUFFER_VERSION, cBuffers: 1, pBuffers: &raw mut token };
        let mut said = said.map(<[u8]>::to_vec);
        let mut heard = said.as_mut().map(|said| buffer(said)).unwrap_or_default();
        let question = SecBufferDesc { ulVersion: SECBUFFER_VERSION, cBuffers: 1, pBuffers: &raw mut heard };
        let question = if said.is_some() { &raw const question } else { ptr::null() };
        let before = self.context.as_ref().map_or(ptr::null(), |context| &raw const context.0);
        let mut after = self.context.as_ref().map_or(SecHandle { dwLower: 0, dwUpper: 0 }, |context| context.0);
        let (mut attributes, mut expiry) = (0, 0);
        // SAFETY: the credential is live, the context is none or of this credential, the target ends with a zero, both
        // descriptions point to one buffer each, of the length that it says, and everything outlives the call.
        let status = unsafe {
            InitializeSecurityContextW(
                &raw const self.credential.handle.0,
                before,
                self.target.as_ptr(),
                ISC_REQ_CONNECTION,
                0,
                SECURITY_NATIVE_DREP,
                question,
                0,
                &raw mut after,
                &raw mut answer,
                &raw mut attributes,
                &raw mut expiry,
            )
        };
        // The length is that of the buffer where the call failed, so the status is looked at first.
        check("InitializeSecurityContext", status)?;
        self.context = Some(match self.context.take() {
            Some(context) if context.0.dwLower == after.dwLower && context.0.dwUpper == after.dwUpper => context,
            _ => Handle(after),
        });
        room.truncate(usize::try_from(token.cbBuffer).unwrap_or(0));
        Ok(room.into())
    }

    /// Whose the exchange is and for which service, where the package says so.
    #[must_use]
    pub fn names(&self) -> Option<(String, String)> {
        let context = self.context.as_ref()?;
        let mut names = SecPkgContext_NativeNamesW::default();
        // SAFETY: the handle is a live context, and the structure is the one that this attribute fills in.
        let status =
            unsafe { QueryContextAttributesW(&raw const context.0, SECPKG_ATTR_NATIVE_NAMES, (&raw mut names).cast()) };
        if status != 0 {
            return None;
        }
        let (client, server) = (taken(names.sClientName), taken(names.sServerName));
        client.map(|client| (client, server.unwrap_or_default()))
    }
}

impl Drop for Credential {
    fn drop(&mut self) {
        // SAFETY: the handle was given by AcquireCredentialsHandle and is released once; exchanges hold the credential.
        unsafe { FreeCredentialsHandle(&raw const self.handle.0) };
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(context) = &self.context {
            // SAFETY: the handle was given by InitializeSecurityContext and is released once.
            unsafe { DeleteSecurityContext(&raw const context.0) };
        }
    }
}

/// A login in Windows' characters, wiped when it is dropped.
struct Wide {
    user: Vec<u16>,
    domain: Vec<u16>,
    password: Vec<u16>,
}

impl Wide {
    fn of(login: &Login<'_>) -> Self {
        Self { user: wide(login.user), domain: wide(login.domain), password: wide(login.password.expose_secret()) }
    }

    fn identity(&mut self) -> SEC_WINNT_AUTH_IDENTITY_W {
        // Without the zero at the end.
        let length = |text: &[u16]| u32::try_from(text.len().saturating_sub(1)).unwrap_or(0);
        SEC_WINNT_AUTH_IDENTITY_W {
            UserLength: length(&self.user),
            User: self.user.as_mut_ptr(),
            DomainLength: length(&self.domain),
            Domain: self.domain.as_mut_ptr(),
            PasswordLength: length(&self.password),
            Password: self.password.as_mut_ptr(),
            Flags: SEC_WINNT_AUTH_IDENTITY_UNICODE,
        }
    }
}

impl Drop for Wide {
    fn drop(&mut self) {
        self.password.zeroize();
    }
}

fn buffer(bytes: &mut [u8]) -> SecBuffer {
    SecBuffer {
        cbBuffer: u32::try_from(bytes.len()).unwrap_or(0),
        BufferType: SECBUFFER_TOKEN,
        pvBuffer: bytes.as_mut_ptr().cast(),
    }
}

/// Reads a text that SSPI allocated for us, and gives it back.
fn taken(text: *mut u16) -> Option<String> {
    /// No name is as long; a text without an end is not read for ever.
    const LONGEST: usize = 1024;
    if text.is_null() {
        return None;
    }
    let mut length = 0;
    // SAFETY: SSPI's names end with a zero, and nothing behind it is read.
    while length < LONGEST && unsafe { *text.add(length) } != 0 {
        length += 1;
    }
    // SAFETY: these characters were just read.
    let name = String::from_utf16_lossy(unsafe { std::slice::from_raw_parts(text, length) });
    // SAFETY: the text was allocated by SSPI for us and is released once.
    unsafe { FreeContextBuffer(text.cast()) };
    (!name.is_empty()).then_some(name)
}

/// Negative numbers are failures; of the positive ones, some say that more is to come.
fn check(call: &'static str, status: i32) -> Result<(), Refusal> {
    if status < 0 { Err(Refusal { call, number: status.cast_unsigned() }) } else { Ok(()) }
}
