//! The extractor.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use session_core::ErrorKind;
use session_core::remember::RememberRequest;

use crate::Error;

/// An extractor with which a handler remembers the browser of the request.
///
/// # Errors
///
/// The response has status 500 if there is no [`RememberMiddleware`](super::RememberMiddleware),
/// and the status of the [`Error`] if the session cannot be opened.
#[derive(Clone, Debug)]
pub struct Remember {
    inner: session_core::remember::Remember,
}

impl Remember {
    /// Remembers this browser; see [`session_core::remember::Remember::start`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub async fn start(&self) -> Result<(), Error> {
        Ok(self.inner.start().await?)
    }
}

impl FromRequest for Remember {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = request.extensions().get::<RememberRequest>().cloned();
        let found = found.ok_or_else(|| {
            let message = format!(
                "no remember-me middleware serves {}; \
                 add .wrap(RememberMiddleware::new(..)) to the App",
                request.path()
            );
            session_core::Error::new(ErrorKind::Unconfigured, message)
        });
        Box::pin(async move { Ok(Self { inner: found?.open().await? }) })
    }
}
