//! The response to a request that is refused.

use std::fmt;

use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use session_core::csrf::CheckError;

use crate::error::status_of;
use crate::response::error_response;

/// The error of a handler that calls [`verify`](session_core::csrf::Csrf::verify). Its response is
/// the page of the refusal, or the response of the session's [`Error`](crate::Error).
///
/// # Examples
///
/// ```
/// use session_tower::csrf::{Csrf, Rejection};
///
/// // On a route that the settings exempt:
/// async fn upload(csrf: Csrf, body: String) -> Result<&'static str, Rejection> {
///     let token = body.lines().next().unwrap_or_default(); // in fact: a field of a multipart form
///     csrf.verify(token)?;
///     Ok("stored")
/// }
/// ```
#[derive(Debug)]
pub struct Rejection {
    inner: CheckError,
}

impl Rejection {
    /// Returns the HTTP status of the response.
    pub fn status(&self) -> StatusCode {
        match &self.inner {
            CheckError::Refused(refused) => {
                StatusCode::from_u16(refused.reason().status()).unwrap_or(StatusCode::FORBIDDEN)
            }
            CheckError::Session(error) => status_of(error.kind()),
        }
    }

    /// Returns the refusal, or the error of the session.
    pub fn into_inner(self) -> CheckError {
        self.inner
    }

    /// Returns the response with a text as the body.
    pub(super) fn into_text_response(self) -> Response<String> {
        let refused = match self.inner {
            CheckError::Refused(refused) => refused,
            CheckError::Session(error) => return error_response(error),
        };
        let mut response = Response::new(refused.page().to_owned());
        *response.status_mut() =
            StatusCode::from_u16(refused.reason().status()).unwrap_or(StatusCode::FORBIDDEN);
        for (name, value) in [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CACHE_CONTROL, "no-store"),
            (CONTENT_SECURITY_POLICY, refused.content_security_policy()),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

impl From<CheckError> for Rejection {
    fn from(inner: CheckError) -> Self {
        Self { inner }
    }
}

impl From<session_core::Error> for Rejection {
    fn from(error: session_core::Error) -> Self {
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

#[cfg(test)]
mod tests {
    use session_core::{Error, ErrorKind};

    use super::*;

    #[test]
    fn status_is_that_of_response() {
        for kind in [ErrorKind::Unavailable, ErrorKind::AmbiguousToken, ErrorKind::Backend] {
            let rejection = || Rejection::from(Error::new(kind, "an error"));
            assert_eq!(rejection().status(), rejection().into_text_response().status(), "{kind:?}");
        }
    }
}
