//! The response to a refused request.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::{HttpResponse, ResponseError};
use session_core::csrf::CheckError;

use crate::Error;

/// The error of a handler that calls [`Csrf::verify`](super::Csrf::verify). Its response is the
/// page of the refusal, or the response of the session's [`Error`].
///
/// # Examples
///
/// ```
/// use session_actix::csrf::{Csrf, Rejection};
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
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Refused(session_core::csrf::Refused),
    Session(Error),
}

impl From<CheckError> for Rejection {
    fn from(error: CheckError) -> Self {
        let inner = match error {
            CheckError::Refused(refused) => Inner::Refused(refused),
            CheckError::Session(error) => Inner::Session(error.into()),
        };
        Self { inner }
    }
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Self { inner: Inner::Session(error) }
    }
}

impl From<session_core::Error> for Rejection {
    fn from(error: session_core::Error) -> Self {
        Error::from(error).into()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner {
            Inner::Refused(refused) => refused.fmt(f),
            Inner::Session(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.inner {
            Inner::Refused(_) => None,
            Inner::Session(error) => error.source(),
        }
    }
}

impl ResponseError for Rejection {
    fn status_code(&self) -> StatusCode {
        match &self.inner {
            Inner::Refused(refused) => {
                StatusCode::from_u16(refused.reason().status()).unwrap_or(StatusCode::FORBIDDEN)
            }
            Inner::Session(error) => error.status(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        match &self.inner {
            Inner::Refused(refused) => HttpResponse::build(self.status_code())
                .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
                .insert_header((CACHE_CONTROL, "no-store"))
                .insert_header((CONTENT_SECURITY_POLICY, refused.content_security_policy()))
                .body(refused.page().to_owned()),
            Inner::Session(error) => error.error_response(),
        }
    }
}
