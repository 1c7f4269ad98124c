//! The error type of all crates: a kind, a message and a source.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// The error of a session operation.
///
/// Use [`kind`](Error::kind) to choose the treatment of an error. [`source`](StdError::source)
/// returns the underlying error. The message never contains a secret, a cookie value or a session
/// id.
///
/// In a handler, use the `Error` of the adapter, such as `session_tower::Error`. The operator `?`
/// converts this error into the error of the adapter. The HTTP status of the adapter's error is 503
/// for [`ErrorKind::Unavailable`], 400 for [`ErrorKind::AmbiguousToken`], and 500 otherwise.
///
/// # Examples
///
/// ```
/// use session_core::{ErrorKind, Session};
///
/// fn cart(session: &Session) -> Result<Vec<u64>, session_core::Error> {
///     match session.get("cart") {
///         // An older version of the application stored something else under this key.
///         Err(error) if error.kind() == ErrorKind::Value => Ok(Vec::new()),
///         result => Ok(result?.unwrap_or_default()),
///     }
/// }
/// # let session = session_core::interface::Opened::new().into_session();
/// # session.insert("cart", "not a list")?;
/// # assert_eq!(cart(&session)?, Vec::<u64>::new());
/// # Ok::<(), session_core::Error>(())
/// ```
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    is_newer_format: bool,
    message: Cow<'static, str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is missing or contradictory, or browsers would reject the cookie. Retrying does
    /// not help until the setting is corrected.
    Configuration,
    /// No session interface serves this request. A layer, a key or a backend is missing.
    Unconfigured,
    /// The backend could not be reached or did not reply in time. A retry may succeed, unless the
    /// stored data has a [newer format](Error::is_newer_format) than this build reads.
    Unavailable,
    /// The backend replied with a failure or with an unexpected reply.
    Backend,
    /// Stored data is not a session.
    Malformed,
    /// A value does not have the requested type or cannot be written as JSON. Other keys are
    /// unaffected.
    Value,
    /// The response was committed. The session can be read but no longer changed. If no handler
    /// obtained the session before the commit, the session can no longer be obtained.
    Committed,
    /// The reopened session has ended, or another request has changed its id. Nothing was stored.
    /// Close the socket or the stream. A function that needs a login, such as
    /// [`Remember::start`](crate::remember::Remember::start), also fails with this kind if no user
    /// is logged in.
    Ended,
    /// The save timed out because other requests changed the session repeatedly, or the result of
    /// an earlier save is unknown. Nothing was overwritten. A login also fails with this kind if
    /// another request ended all sessions of the user, or if later logins exceeded
    /// [`max_sessions`](crate::SessionConfig::max_sessions).
    Conflict,
    /// The session or its cookie exceeds a limit.
    TooLarge,
    /// The request has the session token in a header and a session cookie, or in several headers.
    /// The client must send only one token; see
    /// [`token_header`](crate::config::SessionConfigBuilder::token_header).
    AmbiguousToken,
    /// The function that [`Session::update`](crate::Session::update) runs tried to change or save
    /// the same session. This change was not made, and the update itself is unaffected. The parsing
    /// of a value in [`Session::remove`](crate::Session::remove) can also cause this error.
    Reentrant,
}

impl Error {
    /// Returns an error with a kind and a message. The message is logged, so it must not contain a
    /// secret or a cookie value.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        let (message, is_newer_format) = (message.into(), false);
        Self { inner: Box::new(Inner { kind, is_newer_format, message, source: None }) }
    }

    /// Returns an error of the kind [`ErrorKind::Unavailable`], for stored data in a newer version
    /// of its format than this build reads.
    ///
    /// A backend that finds such data must return this error and must not change the data. The
    /// client then keeps its cookie, and the session is available again after the upgrade. The
    /// error is not counted as an [outage](crate::events::Event::OutageBegan).
    #[must_use]
    pub fn newer_format(message: impl Into<Cow<'static, str>>) -> Self {
        let mut error = Self::new(ErrorKind::Unavailable, message);
        error.inner.is_newer_format = true;
        error
    }

    /// Sets the underlying error. It is also logged, so it must not contain a secret or a cookie
    /// value.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Returns the kind.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Returns whether [`newer_format`](Self::newer_format) returned the error or its source,
    /// because a newer build wrote the data. A retry does not help until this build is upgraded.
    pub fn is_newer_format(&self) -> bool {
        let source = self.source().and_then(|source| source.downcast_ref::<Self>());
        self.inner.is_newer_format || source.is_some_and(Self::is_newer_format)
    }
}

/// Converts the error, for a `main` that returns [`std::io::Result`]. The session error is the
/// inner error.
impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        Self::other(error)
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
