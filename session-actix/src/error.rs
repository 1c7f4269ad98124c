//! The error of a handler that uses its session, and the response for this error.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentType};
use actix_web::{HttpResponse, ResponseError};
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
/// use session_actix::{Error, Session};
///
/// async fn remember(session: Session) -> Result<&'static str, Error> {
///     session.insert("user", "ada")?;
///     Ok("remembered")
/// }
/// ```
///
/// The methods of the [`Session`](crate::Session) return this error, so that `?` also works in a
/// function that returns `actix_web::Error`. A function that accepts a [`session_core::Session`]
/// returns a [`session_core::Error`], which actix-web does not convert:
///
/// ```
/// use session_actix::{Error, Session};
///
/// fn cart(session: &session_core::Session) -> Result<Vec<u64>, session_core::Error> {
///     Ok(session.get("cart")?.unwrap_or_default())
/// }
///
/// async fn show(session: Session) -> Result<String, actix_web::Error> {
///     Ok(format!("{} items", cart(&session).map_err(Error::from)?.len()))
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
        match self.inner.kind() {
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::AmbiguousToken => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn log(&self) {
        if self.status() == StatusCode::BAD_REQUEST {
            return;
        }
        let Some(suppressed) = LIMIT.admit(&self.inner, SystemClock.monotonic()) else { return };
        let source = std::error::Error::source(&self.inner);
        tracing::error!(error = %self.inner, source, suppressed, "session failed");
    }
}

impl From<session_core::Error> for Error {
    fn from(inner: session_core::Error) -> Self {
        Self { inner }
    }
}

/// A conversion for functions that do not depend on the framework.
impl From<Error> for session_core::Error {
    fn from(error: Error) -> Self {
        error.inner
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

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.log();
        let text = match self.status() {
            StatusCode::SERVICE_UNAVAILABLE => {
                "The session store is unavailable. Please try again.\n"
            }
            StatusCode::BAD_REQUEST => "The request has several session tokens.\n",
            _ => "The session failed.\n",
        };
        let mut response = HttpResponse::build(self.status());
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((header::RETRY_AFTER, SECONDS));
        }
        response.content_type(ContentType::plaintext()).body(text)
    }
}
