//! The error of a handler that uses its session, and the response it becomes.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, ResponseError};
use session_core::ErrorKind;

/// A [`session_core::Error`] that knows its HTTP status, so that `?` works in a handler.
///
/// As a response it has a status and a short text that tells a client nothing of the inside; the whole of it is logged.
///
/// ```
/// use session_actix::{Error, Session};
///
/// async fn remember(session: Session) -> Result<&'static str, Error> {
///     session.insert("user", "ada")?;
///     Ok("remembered")
/// }
/// ```
#[derive(Debug)]
pub struct Error {
    inner: session_core::Error,
}

impl Error {
    /// What the error means.
    ///
    /// ```
    /// use session_core::ErrorKind;
    ///
    /// let error = session_core::Error::new(ErrorKind::Unavailable, "no store");
    /// assert_eq!(session_actix::Error::from(error).kind(), ErrorKind::Unavailable);
    /// ```
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind()
    }

    /// 503 if the backend could not be reached, otherwise 500: none of these is the client's fault.
    ///
    /// ```
    /// use session_core::ErrorKind;
    ///
    /// let error = session_core::Error::new(ErrorKind::Unavailable, "no store");
    /// assert_eq!(session_actix::Error::from(error).status(), 503);
    /// ```
    pub fn status(&self) -> StatusCode {
        match self.inner.kind() {
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn log(&self) {
        let source = std::error::Error::source(&self.inner);
        tracing::error!(error = %self.inner, source, "session failed");
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

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.log();
        let text = match self.status() {
            StatusCode::SERVICE_UNAVAILABLE => "The session store is unavailable. Please try again.\n",
            _ => "The session failed.\n",
        };
        HttpResponse::build(self.status()).content_type(ContentType::plaintext()).body(text)
    }
}
