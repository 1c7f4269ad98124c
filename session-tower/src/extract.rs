//! The axum extractor.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use session_core::ErrorKind;

use crate::layer::request_session;
use crate::{Error, RequestSession};

/// The session of the request, for an axum handler. It dereferences to [`session_core::Session`].
///
/// With two layers, the marker says which: `Session<Admin>`.
///
/// ```
/// use session_tower::{Error, Session};
///
/// async fn handler(session: Session) -> Result<String, Error> {
///     Ok(session.get::<String>("user")?.unwrap_or_default())
/// }
///
/// // Where the layer may be missing:
/// async fn lenient(session: Option<Session>) -> String {
///     format!("{}", session.is_some())
/// }
/// ```
///
/// # Rejections
///
/// 500 if there is no layer, and whatever [`Error`] gives if the session could not be opened: 503 while the backend is
/// down, unless the layer chose [`OnOutage::Anonymous`](crate::OnOutage::Anonymous).
pub struct Session<M = ()> {
    session: session_core::Session,
    marker: PhantomData<fn() -> M>,
}

impl<M> Session<M> {
    /// The session without its marker, to hand on to code that knows no framework.
    ///
    /// ```
    /// use session_tower::Session;
    ///
    /// async fn handler(session: Session) {
    ///     let session: session_core::Session = session.into_inner();
    ///     tokio::spawn(async move { session.len() });
    /// }
    /// ```
    pub fn into_inner(self) -> session_core::Session {
        self.session
    }

    async fn open(request: RequestSession) -> Result<Self, Error> {
        let session = request.session().await?;
        Ok(Self { session, marker: PhantomData })
    }
}

impl<M> Deref for Session<M> {
    type Target = session_core::Session;

    fn deref(&self) -> &session_core::Session {
        &self.session
    }
}

impl<M> Clone for Session<M> {
    fn clone(&self) -> Self {
        Self { session: self.session.clone(), marker: PhantomData }
    }
}

impl<M> fmt::Debug for Session<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.session.fmt(f)
    }
}

impl<M: 'static, S: Sync> FromRequestParts<S> for Session<M> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let Some(request) = request_session::<M>(&parts.extensions) else {
            let message = format!(
                "no session layer serves {}: add .layer(SessionLayer::new(..)) to the router, for marker {}",
                parts.uri.path(),
                std::any::type_name::<M>()
            );
            return Err(session_core::Error::new(ErrorKind::Unconfigured, message).into());
        };
        Self::open(request).await
    }
}

impl<M: 'static, S: Sync> OptionalFromRequestParts<S> for Session<M> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Error> {
        match request_session::<M>(&parts.extensions) {
            Some(request) => Self::open(request).await.map(Some),
            None => Ok(None),
        }
    }
}
