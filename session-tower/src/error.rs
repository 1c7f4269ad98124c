//! The error of a handler that uses its session, and the response for this error.

use std::fmt;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode};
use session_core::config::SystemClock;
use session_core::events::LogLimit;
use session_core::{Clock as _, ErrorKind};

/// The limit of the log events of this process.
static LIMIT: LogLimit = LogLimit::new();

/// The time in seconds after which a client may repeat a request that failed in an outage.
const SECONDS: &str = "1";

/// A [`session_core::Error`] with an HTTP status, so that `?` works in a handler.
///
/// The response has the status and a short fixed text, and does not contain the error. The error
/// itself is logged, unless the client caused the error.
///
/// # Examples
///
/// ```
/// use session_tower::Error;
///
/// fn remember(session: session_core::Session) -> Result<(), Error> {
///     session.insert("user", "ada")?;
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Error {
    inner: session_core::Error,
}

impl Error {
    /// Returns the kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind()
    }

    /// Returns 503 if the backend could not be reached, 400 if the request has several session
    /// tokens ([`ErrorKind::AmbiguousToken`]), and 500 otherwise.
    pub fn status(&self) -> StatusCode {
        status_of(self.inner.kind())
    }

    /// Returns the text of the response.
    pub(crate) fn text(&self) -> &'static str {
        match self.inner.kind() {
            ErrorKind::Unavailable => "The session store is unavailable. Please try again.\n",
            ErrorKind::AmbiguousToken => "The request has several session tokens.\n",
            _ => "The session failed.\n",
        }
    }

    pub(crate) fn log(&self) {
        if self.status() == StatusCode::BAD_REQUEST {
            return;
        }
        let Some(suppressed) = LIMIT.admit(&self.inner, SystemClock.monotonic()) else { return };
        let source = std::error::Error::source(&self.inner);
        tracing::error!(error = %self.inner, source, suppressed, "session failed");
    }
}

/// Adds `Retry-After` to the response to an outage.
pub(crate) fn allow_retry(status: StatusCode, headers: &mut HeaderMap) {
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static(SECONDS));
    }
}

/// Returns the status of the response to an error of this kind.
pub(crate) fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::AmbiguousToken => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<session_core::Error> for Error {
    fn from(inner: session_core::Error) -> Self {
        Self { inner }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.inner)
    }
}

#[cfg(feature = "axum")]
impl axum::response::IntoResponse for Error {
    fn into_response(self) -> axum::response::Response {
        self.log();
        let mut response = (self.status(), self.text()).into_response();
        allow_retry(response.status(), response.headers_mut());
        response
    }
}
