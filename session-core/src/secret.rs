//! Secret keys: the current one signs or seals, all of them verify or open, none of them is ever shown.

use std::fmt;
use std::path::Path;

use crate::{Error, ErrorKind};

/// The fewest bytes that [`SecretKey::new`] takes.
const MINIMUM: usize = 32;

/// The key that signs or seals sessions, with the retired keys that may still verify or open them.
///
/// The bytes are used as they are, as Flask uses `SECRET_KEY`: a text key is its UTF-8 bytes, nothing is decoded.
/// `Debug` shows how many keys there are and nothing of them.
///
/// # Rotating
///
/// Make a new key, keep the old one as a fallback for as long as a session may live, then drop it:
///
/// ```
/// use session_core::SecretKey;
///
/// let old = SecretKey::new("the-key-of-last-year-0123456789abcdef")?;
/// let key = SecretKey::new("the-key-of-this-year-0123456789abcdef")?.with_fallback(&old);
/// assert_eq!(key.verifying_keys().count(), 2);
/// assert_eq!(format!("{key:?}"), "SecretKey { keys: 2, .. }");
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct SecretKey {
    current: Box<[u8]>,
    fallbacks: Vec<Box<[u8]>>,
}

impl SecretKey {
    /// A key of at least 32 bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if it is shorter: such a key can be guessed offline from one cookie.
    ///
    /// ```
    /// use session_core::SecretKey;
    ///
    /// assert!(SecretKey::new("0123456789abcdef0123456789abcdef").is_ok());
    /// assert!(SecretKey::new("secret").is_err());
    /// ```
    pub fn new(key: impl AsRef<[u8]>) -> Result<Self, Error> {
        let key = key.as_ref();
        if key.len() < MINIMUM {
            return Err(weak("the secret key", key.len()));
        }
        Ok(Self { current: key.into(), fallbacks: Vec::new() })
    }

    /// A key of any length but zero, for an existing Flask application whose key is short. Replace such a key soon:
    /// whoever guesses it writes any session.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if it is empty.
    ///
    /// ```
    /// use session_core::SecretKey;
    ///
    /// assert!(SecretKey::allow_short("dev").is_ok());
    /// assert!(SecretKey::allow_short("").is_err());
    /// ```
    pub fn allow_short(key: impl AsRef<[u8]>) -> Result<Self, Error> {
        let key = key.as_ref();
        if key.is_empty() {
            return Err(Error::new(ErrorKind::Configuration, "the secret key is empty"));
        }
        Ok(Self { current: key.into(), fallbacks: Vec::new() })
    }

    /// A new key of 32 random bytes from the operating system. It ends with the process, and with it every login.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if the operating system gives no randomness.
    ///
    /// ```
    /// use session_core::SecretKey;
    ///
    /// assert_ne!(SecretKey::generate()?, SecretKey::generate()?);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn generate() -> Result<Self, Error> {
        let mut key = [0; MINIMUM];
        getrandom::fill(&mut key).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "the operating system gave no randomness").with_source(error)
        })?;
        Ok(Self { current: key.into(), fallbacks: Vec::new() })
    }

    /// The key in an environment variable.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the variable is not set, not Unicode, or shorter than 32 bytes.
    ///
    /// ```
    /// use session_core::SecretKey;
    ///
    /// let error = SecretKey::from_env("NO_SUCH_VARIABLE").unwrap_err();
    /// assert!(error.to_string().contains("NO_SUCH_VARIABLE"));
    /// ```
    pub fn from_env(variable: &str) -> Result<Self, Error> {
        let key = std::env::var(variable).map_err(|error| {
            let problem = match error {
                std::env::VarError::NotPresent => "is not set",
                std::env::VarError::NotUnicode(_) => "is not Unicode",
            };
            Error::new(ErrorKind::Configuration, format!("the environment variable {variable} {problem}"))
        })?;
        Self::new(&key).map_err(|_| weak(&format!("the key in {variable}"), key.len()))
    }

    /// The key in a file: its bytes without one trailing line break.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the file cannot be read or holds fewer than 32 bytes.
    ///
    /// ```
    /// use session_core::SecretKey;
    ///
    /// assert!(SecretKey::from_file("/no/such/file").is_err());
    /// ```
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|error| {
            let message = format!("the key file {} cannot be read", path.display());
            Error::new(ErrorKind::Configuration, message).with_source(error)
        })?;
        let key = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let key = key.strip_suffix(b"\r").unwrap_or(key);
        Self::new(key).map_err(|_| weak(&format!("the key in {}", path.display()), key.len()))
    }

    /// Adds the keys of `retired`: they verify what they signed, and sign nothing any more.
    ///
    /// ```
    /// use session_core::SecretKey;
    ///
    /// let key = SecretKey::generate()?.with_fallback(&SecretKey::allow_short("old")?);
    /// assert_eq!(key.verifying_keys().count(), 2);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn with_fallback(mut self, retired: &Self) -> Self {
        self.fallbacks.extend(retired.verifying_keys().map(Box::from));
        self
    }

    /// The bytes of the current key, for the backend that signs.
    ///
    /// ```
    /// # use session_core::SecretKey;
    /// assert_eq!(SecretKey::allow_short("dev")?.signing_key(), b"dev");
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn signing_key(&self) -> &[u8] {
        &self.current
    }

    /// The bytes of every key, the current one first.
    ///
    /// ```
    /// # use session_core::SecretKey;
    /// let key = SecretKey::allow_short("new")?.with_fallback(&SecretKey::allow_short("old")?);
    /// assert_eq!(key.verifying_keys().collect::<Vec<_>>(), [b"new", b"old"]);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn verifying_keys(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(&*self.current).chain(self.fallbacks.iter().map(|key| &**key))
    }
}

fn weak(what: &str, length: usize) -> Error {
    Error::new(ErrorKind::Configuration, format!("{what} has {length} bytes; at least {MINIMUM} are needed"))
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("keys", &(1 + self.fallbacks.len())).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_loses_one_line_break_and_nothing_else() {
        let path = std::env::temp_dir().join(format!("session-core-key-{}", std::process::id()));
        std::fs::write(&path, "0123456789abcdef0123456789abcdef \r\n").unwrap();
        let key = SecretKey::from_file(&path).unwrap();
        std::fs::write(&path, "0123456789abcdef0123456789abcde\n").unwrap();
        let weak = SecretKey::from_file(&path).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(key.signing_key(), b"0123456789abcdef0123456789abcdef ");
        assert!(weak.to_string().ends_with("has 31 bytes; at least 32 are needed"), "{weak}");
    }

    #[test]
    fn generated_keys_are_long_enough_and_show_nothing() {
        let key = SecretKey::generate().unwrap();
        assert_eq!(key.signing_key().len(), 32);
        assert_eq!(format!("{key:?}"), "SecretKey { keys: 1, .. }");
    }
}
