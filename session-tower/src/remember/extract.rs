//! The axum extractor.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use http::request::Parts;
use session_core::ErrorKind;
use session_core::remember::RememberRequest;

use crate::Error;
use crate::original_uri::original_uri;

/// An axum extractor with which a handler remembers the browser of the request. This type
/// dereferences to [`session_core::remember::Remember`].
///
/// # Rejections
///
/// The response has status 500 if there is no [`RememberLayer`](super::RememberLayer), and the
/// status of the [`Error`] if the session cannot be opened.
#[derive(Clone, Debug)]
pub struct Remember {
    inner: session_core::remember::Remember,
}

impl Deref for Remember {
    type Target = session_core::remember::Remember;

    fn deref(&self) -> &session_core::remember::Remember {
        &self.inner
    }
}

impl<S: Sync> FromRequestParts<S> for Remember {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let Some(request) = parts.extensions.get::<RememberRequest>().cloned() else {
            let message = format!(
                "no remember-me layer serves {}; add .layer(RememberLayer::new(..)) to the router",
                original_uri(&parts.extensions, &parts.uri).path()
            );
            return Err(session_core::Error::new(ErrorKind::Unconfigured, message).into());
        };
        Ok(Self { inner: request.open().await? })
    }
}
