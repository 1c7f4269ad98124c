//! The axum extractor.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use session_core::ErrorKind;

use crate::layer::request_session_marked;
use crate::original_uri::original_uri;
use crate::{Error, RequestSession};

/// The session of the request, as the argument of an axum handler. It dereferences to
/// [`session_core::Session`].
///
/// # Rejections
///
/// The response has status 500 if there is no layer. If the session cannot be opened, the response
/// has the status of the [`Error`]. While the backend is unavailable, the status is 503, unless the
/// layer has the policy [`OutagePolicy::Anonymous`](crate::OutagePolicy::Anonymous).
///
/// # Examples
///
/// ```
/// use session_tower::{Error, Session};
///
/// async fn handler(session: Session) -> Result<String, Error> {
///     Ok(session.get::<String>("user")?.unwrap_or_default())
/// }
///
/// // On a route that may have no layer:
/// async fn lenient(session: Option<Session>) -> String {
///     format!("{}", session.is_some())
/// }
/// ```
pub type Session = MarkedSession<()>;

/// The session of the layer with the marker `M`, for an application with several sessions.
///
/// The rejections are the same as for [`Session`].
///
/// # Examples
///
/// ```
/// use session_tower::{MarkedSession, Session};
///
/// struct Admin;
///
/// async fn handler(session: Session, admin: MarkedSession<Admin>) {}
/// ```
pub struct MarkedSession<M> {
    session: session_core::Session,
    marker: PhantomData<fn() -> M>,
}

impl<M> MarkedSession<M> {
    /// Returns the session without its marker, for code that does not depend on the framework.
    pub fn into_inner(self) -> session_core::Session {
        self.session
    }

    async fn open(request: RequestSession) -> Result<Self, Error> {
        let session = request.session().await?;
        Ok(Self { session, marker: PhantomData })
    }
}

impl<M> Deref for MarkedSession<M> {
    type Target = session_core::Session;

    fn deref(&self) -> &session_core::Session {
        &self.session
    }
}

impl<M> Clone for MarkedSession<M> {
    fn clone(&self) -> Self {
        Self { session: self.session.clone(), marker: PhantomData }
    }
}

impl<M> fmt::Debug for MarkedSession<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.session.fmt(f)
    }
}

impl<M: 'static, S: Sync> FromRequestParts<S> for MarkedSession<M> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let Some(request) = request_session_marked::<M>(&parts.extensions) else {
            let message = format!(
                "no session layer serves {} for marker {}; \
                 add .layer(SessionLayer::new(..)) to the router",
                original_uri(&parts.extensions, &parts.uri).path(),
                std::any::type_name::<M>()
            );
            return Err(session_core::Error::new(ErrorKind::Unconfigured, message).into());
        };
        Self::open(request).await
    }
}

impl<M: 'static, S: Sync> OptionalFromRequestParts<S> for MarkedSession<M> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Error> {
        match request_session_marked::<M>(&parts.extensions) {
            Some(request) => Self::open(request).await.map(Some),
            None => Ok(None),
        }
    }
}
