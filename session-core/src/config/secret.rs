//! Secret keys: a current key that signs or seals cookies, and retired keys that still verify or
//! open them.

use std::fmt;
use std::path::Path;

use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::weakness::{MINIMUM, Weakness};
use crate::error::{Error, ErrorKind};

/// The secret key of cookie sessions: a current key that signs or seals them, and retired keys that
/// still verify or open them.
///
/// The bytes are used unchanged, as with Flask's `SECRET_KEY`. A text key is used as its UTF-8
/// bytes, and nothing is decoded. `Debug` shows only the number of keys.
///
/// # Weak keys
///
/// An attacker who has one cookie can try keys offline. Therefore [`new`](Self::new),
/// [`from_env`](Self::from_env) and [`from_file`](Self::from_file) refuse a key that
///
/// - has fewer than 32 bytes,
/// - has fewer than six distinct bytes,
/// - is a pattern that is repeated at least twice, or
/// - is published in the documentation of Flask, Superset or this project, or has the prefix
///   `django-insecure-`.
///
/// # Memory
///
/// The bytes of the key, and of the keys that the backends derive from it, are overwritten with
/// zeros when the keys are dropped. The copies of the caller, the environment of the process, and
/// swapped pages are not overwritten. The copies that the hash functions make on the stack while
/// they derive a key are not overwritten either.
///
/// # Key rotation
///
/// To change the key, make the new key the current key and add the old key with
/// [`with_fallback`](Self::with_fallback). Remove the old key when no cookie or token that it
/// signed is valid any more. This is the case after the
/// [`permanent_lifetime`](crate::SessionConfig::permanent_lifetime), a longer
/// [`set_lifetime`](crate::Session::set_lifetime), or the lifetime of
/// [remember-me](crate::remember::RememberMe::with_lifetime).
///
/// # Examples
///
/// ```
/// use session_core::config::SecretKey;
///
/// let old = SecretKey::generate()?;
/// let key = SecretKey::generate()?.with_fallback(&old);
/// assert_eq!(format!("{key:?}"), "SecretKey { keys: 2, .. }");
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct SecretKey {
    current: Key,
    fallbacks: Vec<Key>,
}

/// The bytes of one key. They are overwritten when the key is dropped.
type Key = Zeroizing<Box<[u8]>>;

impl ZeroizeOnDrop for SecretKey {}

impl SecretKey {
    /// Returns a key from at least 32 random bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the key is [weak](Self#weak-keys). The error names the rule.
    pub fn new(key: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::named("secret key", key.as_ref())
    }

    /// Returns a key, or an error that refers to the key by `name`.
    fn named(name: &str, key: &[u8]) -> Result<Self, Error> {
        if let Some(weakness) = Weakness::of(key) {
            return Err(Error::new(ErrorKind::Configuration, format!("{name} {weakness}")));
        }
        Ok(Self::of(key))
    }

    fn of(key: &[u8]) -> Self {
        Self { current: Key::new(key.into()), fallbacks: Vec::new() }
    }

    /// Returns a key of any length except zero, for a Flask application that has a short key.
    ///
    /// A warning is logged if the key is [weak](Self#weak-keys). Replace a weak key soon, because
    /// an attacker can guess it offline from one cookie, and then forge any session.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the key is empty.
    pub fn with_any_length(key: impl AsRef<[u8]>) -> Result<Self, Error> {
        let key = key.as_ref();
        if key.is_empty() {
            return Err(Error::new(
                ErrorKind::Configuration,
                "secret key is empty; use at least 32 bytes",
            ));
        }
        if key.len() < MINIMUM {
            tracing::warn!(
                length = key.len(),
                minimum = MINIMUM,
                "secret key is short; an attacker can guess it from one cookie"
            );
        }
        if let Some(weakness) = Weakness::of_any_length(key) {
            tracing::warn!(%weakness, "secret key is weak; an attacker can guess it from one cookie");
        }
        Ok(Self::of(key))
    }

    /// Returns a new key of 32 random bytes from the operating system, for tests and development.
    ///
    /// The key is lost when the process exits. Every session that it signed or sealed is then
    /// invalid.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if the operating system provides no random bytes.
    pub fn generate() -> Result<Self, Error> {
        let mut key = Zeroizing::new([0; MINIMUM]);
        getrandom::fill(&mut *key).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "cannot read random bytes from the operating system")
                .with_source(error)
        })?;
        Ok(Self::of(&*key))
    }

    /// Returns the key in an environment variable.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the variable is not set, is not Unicode, or has a
    /// [weak](Self#weak-keys) key.
    pub fn from_env(variable: &str) -> Result<Self, Error> {
        let key = std::env::var(variable).map(Zeroizing::new).map_err(|error| {
            let problem = match error {
                std::env::VarError::NotPresent => "is not set",
                std::env::VarError::NotUnicode(_) => "is not Unicode",
            };
            Error::new(
                ErrorKind::Configuration,
                format!(
                    "environment variable {variable} {problem}; \
                     set it to a secret key of at least {MINIMUM} bytes"
                ),
            )
        })?;
        Self::named(&format!("secret key in {variable}"), key.as_bytes())
    }

    /// Returns the key in a file: the bytes of the file without one trailing line break.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the file cannot be read or has a [weak](Self#weak-keys) key.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map(Zeroizing::new).map_err(|error| {
            let message = format!("secret key file {} cannot be read", path.display());
            Error::new(ErrorKind::Configuration, message).with_source(error)
        })?;
        let key = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let key = key.strip_suffix(b"\r").unwrap_or(key);
        Self::named(&format!("secret key in {}", path.display()), key)
    }

    /// Adds all keys of `retired`. These keys still verify or open existing cookies, but do not
    /// sign or seal new cookies. This is Flask's `SECRET_KEY_FALLBACKS`.
    #[must_use]
    pub fn with_fallback(mut self, retired: &Self) -> Self {
        self.fallbacks.extend(retired.verifying_keys().map(|key| Key::new(key.into())));
        self
    }

    /// Returns the bytes of the current key, for cookie backends.
    pub fn signing_key(&self) -> &[u8] {
        &self.current
    }

    /// Returns the bytes of all keys, for cookie backends. The current key is the first.
    pub fn verifying_keys(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(&self.current).chain(&self.fallbacks).map(|key| &***key)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey")
            .field("keys", &(1 + self.fallbacks.len()))
            .finish_non_exhaustive()
    }
}

/// Checks at compile time that values of this type are overwritten when they are dropped.
pub(crate) const fn is_overwritten<T: ZeroizeOnDrop>() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_file_loses_only_one_line_break() {
        let path = std::env::temp_dir().join(format!("session-core-key-{}", std::process::id()));
        std::fs::write(&path, "test-key-7Qd0pXw4ZrLk9Vm2Bn8Ys5T \r\n").unwrap();
        let key = SecretKey::from_file(&path).unwrap();
        std::fs::write(&path, "test-key-7Qd0pXw4ZrLk9Vm2Bn8Ys5\n").unwrap();
        let weak = SecretKey::from_file(&path).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(key.signing_key(), b"test-key-7Qd0pXw4ZrLk9Vm2Bn8Ys5T ");
        assert!(weak.to_string().ends_with("has 31 bytes; it needs at least 32"), "{weak}");
    }

    #[test]
    fn weak_key_is_refused_and_error_names_rule() {
        for (key, rule) in [
            ("abc", "secret key has 3 bytes; it needs at least 32"),
            (&"a".repeat(40), "secret key has 1 distinct bytes; it needs at least 6"),
            (&"0123456789".repeat(4), "secret key repeats a pattern of 10 bytes"),
            ("CHANGE_ME_TO_A_COMPLEX_RANDOM_SECRET", "secret key is a published key"),
        ] {
            let error = SecretKey::new(key).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{key}");
            assert!(error.to_string().starts_with(rule), "{key}: {error}");
            SecretKey::with_any_length(key).unwrap();
        }
        let error = SecretKey::with_any_length("").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
    }

    #[test]
    fn weak_key_in_file_is_refused_with_rule_and_path() {
        let path = std::env::temp_dir().join(format!("session-core-weak-{}", std::process::id()));
        std::fs::write(&path, [b'x'; 33]).unwrap();
        let error = SecretKey::from_file(&path).unwrap_err().to_string();
        std::fs::remove_file(&path).unwrap();
        let expected = format!("secret key in {} has 1 distinct bytes", path.display());
        assert!(error.starts_with(&expected), "{error}");
    }

    #[test]
    fn keys_are_overwritten_when_they_are_dropped() {
        fn is_overwritten<T: ZeroizeOnDrop>(_: &T) {}
        let key = SecretKey::generate().unwrap();
        let SecretKey { current, fallbacks } = &key.clone().with_fallback(&key);
        is_overwritten(current);
        fallbacks.iter().for_each(is_overwritten);
    }

    #[test]
    fn generated_key_has_32_bytes_and_debug_hides_it() {
        let key = SecretKey::generate().unwrap();
        assert_eq!(key.signing_key().len(), 32);
        assert_eq!(format!("{key:?}"), "SecretKey { keys: 1, .. }");
    }
}
