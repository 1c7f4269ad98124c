//! The response to a request that a guard denies.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, HeaderValue, LOCATION};
use actix_web::{HttpResponse, ResponseError};
use session_core::ErrorKind;
use session_core::guard::{Denied, GuardError};

use crate::Error;

/// The error of a guard, as a response. The response is a redirect, 401, 403, or the response of
/// the session's [`Error`].
#[derive(Debug)]
pub struct Rejection {
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Denied(Denied),
    Session(Error),
}

impl From<GuardError> for Rejection {
    fn from(error: GuardError) -> Self {
        let inner = match error {
            GuardError::Denied(denied) => Inner::Denied(denied),
            GuardError::Session(error) => Inner::Session(error.into()),
        };
        Self { inner }
    }
}

impl From<session_core::Error> for Rejection {
    fn from(error: session_core::Error) -> Self {
        Self { inner: Inner::Session(error.into()) }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner {
            Inner::Denied(denied) => write!(f, "guard denied the request with {}", denied.status()),
            Inner::Session(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.inner {
            Inner::Denied(_) => None,
            Inner::Session(error) => error.source(),
        }
    }
}

impl ResponseError for Rejection {
    fn status_code(&self) -> StatusCode {
        match &self.inner {
            Inner::Denied(denied) => {
                StatusCode::from_u16(denied.status()).unwrap_or(StatusCode::FORBIDDEN)
            }
            Inner::Session(error) => error.status(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        let denied = match &self.inner {
            Inner::Denied(denied) => denied,
            Inner::Session(error) => return error.error_response(),
        };
        let Ok(location) = denied.location().map(HeaderValue::try_from).transpose() else {
            let message = "address of the login page or home page is not valid in HTTP";
            let error = session_core::Error::new(ErrorKind::Configuration, message);
            return Error::from(error).error_response();
        };
        let mut response = HttpResponse::build(self.status_code());
        response.content_type(ContentType::plaintext());
        if let Some(location) = location {
            response.insert_header((LOCATION, location));
        }
        response.body(denied.text())
    }
}
