//! The registry of the signing keys of this process. It prevents a key from signing sessions of two
//! namespaces.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use session_core::config::SecretKey;
use session_core::{Error, ErrorKind};
use sha2::{Digest as _, Sha256};

/// A hash of a key and of its derivation.
type Identity = [u8; 32];

static IN_USE: Mutex<Vec<(Identity, Weak<str>)>> = Mutex::new(Vec::new());

/// Registers these keys as signing keys of a namespace until the returned value is dropped.
/// `derivation` distinguishes different uses of the keys.
///
/// # Errors
///
/// [`ErrorKind::Configuration`] if one of the keys signs sessions of another namespace.
pub(crate) fn register(
    key: &SecretKey,
    derivation: &[&[u8]],
    namespace: &str,
) -> Result<Arc<str>, Error> {
    let identities: Vec<_> = key.verifying_keys().map(|key| identity(key, derivation)).collect();
    let mut in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    in_use.retain(|(_, namespace)| namespace.strong_count() > 0);
    let is_taken = |(used, other): &(Identity, Weak<str>)| {
        identities.contains(used) && other.upgrade().is_some_and(|other| *other != *namespace)
    };
    if in_use.iter().any(is_taken) {
        let message = "another signed cookie of this process has the same key and another \
                       namespace, so each would accept the cookies of the other; set another salt \
                       or the same namespace";
        return Err(Error::new(ErrorKind::Configuration, message));
    }
    let registration = Arc::from(namespace);
    in_use.extend(identities.into_iter().map(|used| (used, Arc::downgrade(&registration))));
    Ok(registration)
}

fn identity(key: &[u8], derivation: &[&[u8]]) -> Identity {
    let mut hash = Sha256::new();
    for part in derivation.iter().chain([&key]) {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
