//! The extractor.

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use session_core::ErrorKind;
use session_core::csrf::CsrfRequest;

use super::Rejection;
use crate::Error;

/// The CSRF protection of the request, as the argument of a handler. It creates the tokens of
/// forms, and dereferences to [`session_core::csrf::Csrf`]. Its methods return errors that are
/// responses of actix-web.
///
/// # Errors
///
/// The response has status 500 if there is no [`CsrfMiddleware`](super::CsrfMiddleware), and the
/// status of the [`Error`] if the session cannot be opened.
#[derive(Clone, Debug)]
pub struct Csrf {
    inner: session_core::csrf::Csrf,
}

impl Csrf {
    /// Returns a token for the forms of this response; see [`session_core::csrf::Csrf::token`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub fn token(&self) -> Result<String, Error> {
        Ok(self.inner.token()?)
    }

    /// Checks the request with a token from the body; see [`session_core::csrf::Csrf::verify`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub fn verify(&self, token: &str) -> Result<(), Rejection> {
        Ok(self.inner.verify(token)?)
    }
}

impl Deref for Csrf {
    type Target = session_core::csrf::Csrf;

    fn deref(&self) -> &session_core::csrf::Csrf {
        &self.inner
    }
}

impl FromRequest for Csrf {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = request.extensions().get::<CsrfRequest>().cloned();
        let found = found.ok_or_else(|| {
            let message = format!(
                "no CSRF middleware serves {}; add .wrap(CsrfMiddleware::new(..)) to the App",
                request.path()
            );
            session_core::Error::new(ErrorKind::Unconfigured, message)
        });
        Box::pin(async move { Ok(Self { inner: found?.open().await? }) })
    }
}
