//! The one error type of the ecosystem: a kind to act on, a message to read, a source to trace.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// Why a session operation failed.
///
/// The message never holds a secret, a cookie value or a session id. [`kind`](Error::kind) says what to do about it
/// and [`source`](StdError::source) what lay beneath.
///
/// ```
/// use session_core::{ErrorKind, Session};
///
/// let session = Session::new();
/// session.insert("cart", "not a list")?;
/// let error = session.get::<Vec<u64>>("cart").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Value);
/// assert!(std::error::Error::source(&error).is_some());
/// # Ok::<(), session_core::Error>(())
/// ```
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What an [`Error`] means for its receiver.
///
/// ```
/// use session_core::{ErrorKind, SecretKey};
///
/// let error = SecretKey::new("too short").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Configuration);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is missing, contradictory or would be dropped by browsers. Nothing will work until it is mended.
    Configuration,
    /// No session interface serves this request: a layer, a key or a backend is missing.
    Unconfigured,
    /// The backend could not be reached or did not answer in time. The same call may succeed later.
    Unavailable,
    /// The backend answered with a failure, or with something that makes no sense.
    Backend,
    /// Stored bytes are not a session.
    Malformed,
    /// One value does not fit the type asked for, or cannot be written as JSON. Other keys are unaffected.
    Value,
    /// The response has been committed: the session can be read, but no longer changed.
    Sealed,
    /// The session kept changing under this request until its time was up. Nothing was overwritten.
    Conflict,
    /// The session or its cookie is larger than the configuration allows.
    TooLarge,
}

impl Error {
    /// An error of a kind, with a message for whoever reads the log. Put no secret and no cookie value into it.
    ///
    /// ```
    /// use session_core::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Unavailable, "the session store did not answer");
    /// assert_eq!(error.to_string(), "the session store did not answer");
    /// ```
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { inner: Box::new(Inner { kind, message: message.into(), source: None }) }
    }

    /// The same error, with what caused it.
    ///
    /// ```
    /// use session_core::{Error, ErrorKind};
    /// use std::error::Error as _;
    ///
    /// let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    /// let error = Error::new(ErrorKind::Unavailable, "no store").with_source(refused);
    /// assert_eq!(error.source().unwrap().to_string(), "connection refused");
    /// ```
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// What the error means for its receiver.
    ///
    /// ```
    /// # use session_core::{Error, ErrorKind};
    /// let error = Error::new(ErrorKind::TooLarge, "too much");
    /// assert_eq!(error.kind(), ErrorKind::TooLarge);
    /// ```
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("message", &self.inner.message)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
