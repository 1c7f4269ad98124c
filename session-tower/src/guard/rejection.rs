//! The response to a request that a guard denies.

use std::fmt;

use http::header::LOCATION;
use http::{HeaderValue, Response, StatusCode};
use session_core::guard::GuardError;
use session_core::{Error, ErrorKind};

use crate::response::{error_response, text_response};

/// The error of a guard, as a response. The response is a redirect, 401, 403, or the response of
/// the session's [`Error`](crate::Error).
#[derive(Debug)]
pub struct Rejection {
    inner: GuardError,
}

impl Rejection {
    /// Returns the error of the guard.
    pub fn into_inner(self) -> GuardError {
        self.inner
    }

    /// Returns the response with a text as the body.
    pub(super) fn into_text_response(self) -> Response<String> {
        let denied = match self.inner {
            GuardError::Denied(denied) => denied,
            GuardError::Session(error) => return error_response(error),
        };
        let location = denied.location().map(HeaderValue::try_from).transpose();
        let Ok(location) = location else {
            let message = "address of the login page or home page is not valid in HTTP";
            return error_response(Error::new(ErrorKind::Configuration, message));
        };
        let status = StatusCode::from_u16(denied.status()).unwrap_or(StatusCode::FORBIDDEN);
        let mut response = text_response(status, denied.text());
        if let Some(location) = location {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}

impl From<GuardError> for Rejection {
    fn from(inner: GuardError) -> Self {
        Self { inner }
    }
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Self { inner: error.into() }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.source()
    }
}

#[cfg(feature = "axum")]
impl axum::response::IntoResponse for Rejection {
    fn into_response(self) -> axum::response::Response {
        self.into_text_response().map(axum::body::Body::from)
    }
}
