//! The axum extractor.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use http::request::Parts;
use session_core::ErrorKind;
use session_core::csrf::CsrfRequest;

use crate::Error;
use crate::original_uri::original_uri;

/// The CSRF protection of the request, as the argument of an axum handler. It creates the tokens of
/// forms. This type dereferences to [`session_core::csrf::Csrf`].
///
/// # Rejections
///
/// The response has status 500 if there is no [`CsrfLayer`](super::CsrfLayer), and the status of
/// the [`Error`] if the session cannot be opened.
#[derive(Clone, Debug)]
pub struct Csrf {
    inner: session_core::csrf::Csrf,
}

impl Deref for Csrf {
    type Target = session_core::csrf::Csrf;

    fn deref(&self) -> &session_core::csrf::Csrf {
        &self.inner
    }
}

impl<S: Sync> FromRequestParts<S> for Csrf {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let Some(request) = parts.extensions.get::<CsrfRequest>().cloned() else {
            let message = format!(
                "no CSRF layer serves {}; add .layer(CsrfLayer::new(..)) to the router",
                original_uri(&parts.extensions, &parts.uri).path()
            );
            return Err(session_core::Error::new(ErrorKind::Unconfigured, message).into());
        };
        Ok(Self { inner: request.open().await? })
    }
}
