//! The trusted roots of Windows' store, each with the physical store that holds it.
//!
//! In: the stores of the computer and of the account that runs this. Out: what they hold, as bytes, and where. Never: a chain,
//! a download, a change to a store.
#![allow(unsafe_code, reason = "the certificate stores are opened, walked and closed by calls into crypt32.dll")]

use std::collections::HashSet;
use std::ffi::{CStr, c_void};
use std::io;
use std::ptr;

use windows_registry::LOCAL_MACHINE;
use windows_sys::Win32::Foundation::{CRYPT_E_NOT_FOUND, SetLastError};
use windows_sys::Win32::Security::Cryptography::{
    CERT_CONTEXT, CERT_FIND_PROP_ONLY_ENHKEY_USAGE_FLAG, CERT_STORE_OPEN_EXISTING_FLAG, CERT_STORE_PROV_PHYSICAL_W,
    CERT_STORE_PROV_SYSTEM_REGISTRY_W, CERT_STORE_PROV_SYSTEM_W, CERT_STORE_READONLY_FLAG,
    CERT_SYSTEM_STORE_CURRENT_USER, CERT_SYSTEM_STORE_LOCAL_MACHINE, CTL_USAGE, CertCloseStore,
    CertEnumCertificatesInStore, CertFreeCertificateContext, CertGetEnhancedKeyUsage, CertOpenStore, HCERTSTORE,
};
use windows_sys::core::PCSTR;

use crate::certificate::Certificate;
use crate::certificate::place::{RootPlace, RootPlaces};

/// What the stores hold.
#[derive(Debug, Clone, Default)]
pub struct StoreRead {
    pub roots: Vec<Certificate>,
    pub places: RootPlaces,
    /// Windows fetches further roots of Microsoft's programme when they are first needed.
    pub on_demand: bool,
    /// What could not be read, and what was left out.
    pub problems: Vec<String>,
}

/// The locations of `CertOpenStore` that its bindings give as numbers before the shift.
const LOCAL_MACHINE_GROUP_POLICY: u32 = 8 << 16;
const LOCAL_MACHINE_ENTERPRISE: u32 = 9 << 16;
const CURRENT_USER_GROUP_POLICY: u32 = 7 << 16;

/// What a store that is not there leaves as the last error; Wine's leaves none.
const NOT_FOUND: u32 = CRYPT_E_NOT_FOUND.cast_unsigned();

/// More certificates are in no store that a person keeps.
const MOST_CERTIFICATES: usize = 20_000;

/// A place, the physical store that is it, and the registry key behind that, for a system that opens no physical stores.
struct Behind {
    place: RootPlace,
    physical: (u32, &'static str),
    registry: Option<(u32, &'static str)>,
}

const BEHIND_ROOT: [Behind; 7] = [
    Behind {
        place: RootPlace::AuthRoot,
        physical: (CERT_SYSTEM_STORE_LOCAL_MACHINE, r"Root\.AuthRoot"),
        registry: Some((CERT_SYSTEM_STORE_LOCAL_MACHINE, "AuthRoot")),
    },
    Behind {
        place: RootPlace::Registry,
        physical: (CERT_SYSTEM_STORE_LOCAL_MACHINE, r"Root\.Default"),
        registry: Some((CERT_SYSTEM_STORE_LOCAL_MACHINE, "Root")),
    },
    Behind {
        place: RootPlace::GroupPolicy,
        physical: (CERT_SYSTEM_STORE_LOCAL_MACHINE, r"Root\.GroupPolicy"),
        registry: Some((LOCAL_MACHINE_GROUP_POLICY, "Root")),
    },
    Behind {
        place: RootPlace::Enterprise,
        physical: (CERT_SYSTEM_STORE_LOCAL_MACHINE, r"Root\.Enterprise"),
        registry: Some((LOCAL_MACHINE_ENTERPRISE, "Root")),
    },
    Behind {
        place: RootPlace::SmartCard,
        physical: (CERT_SYSTEM_STORE_LOCAL_MACHINE, r"Root\.SmartCard"),
        registry: None,
    },
    Behind {
        place: RootPlace::User,
        physical: (CERT_SYSTEM_STORE_CURRENT_USER, r"Root\.Default"),
        registry: Some((CERT_SYSTEM_STORE_CURRENT_USER, "Root")),
    },
    Behind {
        place: RootPlace::UserGroupPolicy,
        physical: (CERT_SYSTEM_STORE_CURRENT_USER, r"Root\.GroupPolicy"),
        registry: Some((CURRENT_USER_GROUP_POLICY, "Root")),
    },
];

/// Reads the roots that Windows trusts for servers, for the computer and for the account that runs this.
#[must_use]
pub fn trusted_roots() -> StoreRead {
    let mut read = StoreRead { on_demand: fetches_roots(), ..StoreRead::default() };
    let both = [(CERT_SYSTEM_STORE_LOCAL_MACHINE, "computer"), (CERT_SYSTEM_STORE_CURRENT_USER, "user")];
    let mut trusted: Vec<Certificate> = Vec::new();
    for (location, whose) in both {
        match certificates(CERT_STORE_PROV_SYSTEM_W, location, "Root") {
            Ok(found) => trusted.extend(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => read.problems.push(format!("could not read the {whose}'s trusted roots: {error}")),
        }
    }
    let mut untrusted = HashSet::new();
    for (location, whose) in both {
        match certificates(CERT_STORE_PROV_SYSTEM_W, location, "Disallowed") {
            Ok(found) => untrusted.extend(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => read.problems.push(format!("could not read the {whose}'s untrusted certificates: {error}")),
        }
    }
    let mut seen = HashSet::new();
    trusted.retain(|root| seen.insert(root.clone()));
    let all = trusted.len();
    trusted.retain(|root| !untrusted.contains(root));
    if trusted.len() < all {
        read.problems.push(format!(
            "{} of Windows' trusted roots stand among its untrusted certificates too, and are not trusted",
            all - trusted.len()
        ));
    }
    for root in &trusted {
        read.places.insert(*root.sha256(), std::collections::BTreeSet::new());
    }
    let mut is_whole = true;
    for Behind { place, physical, registry } in BEHIND_ROOT {
        let found = certificates(CERT_STORE_PROV_PHYSICAL_W, physical.0, physical.1);
        let found = found.or_else(|error| match registry {
            Some((location, name)) => certificates(CERT_STORE_PROV_SYSTEM_REGISTRY_W, location, name),
            None => Err(error),
        });
        match found {
            Ok(found) => {
                for root in found {
                    if let Some(places) = read.places.get_mut(root.sha256()) {
                        places.insert(place);
                    }
                }
            }
            // A place that holds nothing need not be there at all.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                read.problems.push(format!("could not read which roots are from {}: {error}", physical.1));
                is_whole = false;
            }
        }
    }
    // A root may come from what could not be read; that it comes from elsewhere would be a guess.
    for places in read.places.values_mut().filter(|places| is_whole && places.is_empty()) {
        places.insert(RootPlace::Elsewhere);
    }
    read.roots = trusted;
    read
}

/// Whether Windows takes in roots of Microsoft's programme by itself, which it does unless a policy forbids it.
fn fetches_roots() -> bool {
    let policy = LOCAL_MACHINE.open(r"SOFTWARE\Policies\Microsoft\SystemCertificates\AuthRoot");
    policy.and_then(|key| key.get_u32("DisableRootAutoUpdate")).unwrap_or_default() == 0
}

/// A store that is closed when this goes.
struct Store(HCERTSTORE);

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: the handle came from `CertOpenStore`, is not null, and is closed here alone.
        unsafe { CertCloseStore(self.0, 0) };
    }
}

/// The certificates of one store that count for servers.
fn certificates(provider: PCSTR, location: u32, name: &str) -> io::Result<Vec<Certificate>> {
    let name: Vec<u16> = name.encode_utf16().chain([0]).collect();
    let flags = location | CERT_STORE_READONLY_FLAG | CERT_STORE_OPEN_EXISTING_FLAG;
    // SAFETY: sets this thread's last error, so that a failure that leaves none behind is not told by an older one.
    unsafe { SetLastError(0) };
    // SAFETY: the provider is one of those that take a name in UTF-16 with a zero at its end, which outlives the call; no
    // cryptographic provider and no encoding is given.
    let handle = unsafe { CertOpenStore(provider, 0, 0, flags, name.as_ptr().cast::<c_void>()) };
    if handle.is_null() {
        let error = io::Error::last_os_error();
        let is_missing = matches!(error.raw_os_error().map(i32::cast_unsigned), Some(0 | NOT_FOUND));
        return Err(if is_missing { io::ErrorKind::NotFound.into() } else { error });
    }
    let store = Store(handle);
    let mut found = Vec::new();
    let mut context: *mut CERT_CONTEXT = ptr::null_mut();
    while found.len() < MOST_CERTIFICATES {
        // SAFETY: the store is open; the context is null or the one that the last call gave, which this call frees.
        context = unsafe { CertEnumCertificatesInStore(store.0, context) };
        if context.is_null() {
            return Ok(found);
        }
        if serves(context) {
            // SAFETY: the context is valid until it is given back, and names its own bytes with their count; they are copied.
            let der = unsafe {
                std::slice::from_raw_parts((*context).pbCertEncoded, (*context).cbCertEncoded as usize).to_vec()
            };
            found.push(Certificate::from_der(der));
        }
    }
    // SAFETY: the walk ends early, so that the context is still ours to free.
    unsafe { CertFreeCertificateContext(context) };
    Ok(found)
}

/// Whether the store lets this root vouch for servers: a root may be kept for other purposes alone.
fn serves(context: *const CERT_CONTEXT) -> bool {
    const SERVERS: &CStr = c"1.3.6.1.5.5.7.3.1";
    const ANYTHING: &CStr = c"2.5.29.37.0";

    let mut length = 0;
    let flags = CERT_FIND_PROP_ONLY_ENHKEY_USAGE_FLAG;
    // SAFETY: the context is valid; without a buffer only the length is written.
    let has_purposes = unsafe { CertGetEnhancedKeyUsage(context, flags, ptr::null_mut(), &raw mut length) } != 0;
    if !has_purposes {
        // No such property: it is good for everything.
        return true;
    }
    // The structure wants its pointers aligned.
    let mut buffer = vec![0_u64; (length as usize).div_ceil(8)];
    if buffer.len() * 8 < size_of::<CTL_USAGE>() {
        return true;
    }
    let usage = buffer.as_mut_ptr().cast::<CTL_USAGE>();
    // SAFETY: the buffer has at least the length that was asked for, and is aligned for the structure and its pointers.
    if unsafe { CertGetEnhancedKeyUsage(context, flags, usage, &raw mut length) } == 0 {
        return true;
    }
    // SAFETY: the call filled the structure.
    let (count, names) = unsafe { ((*usage).cUsageIdentifier as usize, (*usage).rgpszUsageIdentifier) };
    (0..count).any(|place| {
        // SAFETY: there are that many pointers to texts with a zero at their end, all inside of the buffer.
        let name = unsafe { CStr::from_ptr((*names.add(place)).cast()) };
        name == SERVERS || name == ANYTHING
    })
}
