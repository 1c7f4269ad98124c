//! The session of a request, for code that is not a handler.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use actix_web::HttpMessage;
use session_core::request::SessionStack;

use crate::{Error, MarkedSession};

/// The session of a request before it is opened. This type dereferences to
/// [`session_core::request::RequestSession`].
pub struct RequestSession<M = ()> {
    inner: session_core::request::RequestSession,
    marker: PhantomData<fn() -> M>,
}

impl<M> RequestSession<M> {
    /// Opens the session, or returns the session if it is open; see
    /// [`session_core::request::RequestSession::session`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`session_core::request::RequestSession::session`].
    pub async fn session(&self) -> Result<MarkedSession<M>, Error> {
        Ok(MarkedSession::new(self.inner.session().await?))
    }
}

impl<M> Deref for RequestSession<M> {
    type Target = session_core::request::RequestSession;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl<M> Clone for RequestSession<M> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), marker: PhantomData }
    }
}

impl<M> fmt::Debug for RequestSession<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// Returns the session of a request, for code that is not a handler, such as middleware that loads
/// the user. Returns `None` if there is no [`SessionMiddleware`](crate::SessionMiddleware).
///
/// This function does not open the session. [`RequestSession::session`] opens it.
///
/// # Examples
///
/// ```
/// use actix_web::body::MessageBody;
/// use actix_web::dev::{ServiceRequest, ServiceResponse};
/// use actix_web::middleware::{Next, from_fn};
/// use actix_web::{App, HttpMessage as _};
/// use session_actix::request_session;
///
/// async fn load_user(
///     request: ServiceRequest,
///     next: Next<impl MessageBody>,
/// ) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
///     if let Some(handle) = request_session(&request) {
///         if let Some(user) = handle.session().await?.get::<String>("user")? {
///             request.extensions_mut().insert(user);
///         }
///     }
///     next.call(request).await
/// }
///
/// let app = App::new().wrap(from_fn(load_user));
/// ```
pub fn request_session(request: &impl HttpMessage) -> Option<RequestSession> {
    request_session_marked::<()>(request)
}

/// Returns the session of the innermost [`SessionMiddleware`](crate::SessionMiddleware) with the
/// marker `M`; see [`request_session`].
pub fn request_session_marked<M: 'static>(request: &impl HttpMessage) -> Option<RequestSession<M>> {
    let inner = request.extensions().get::<SessionStack>()?.get::<M>()?;
    Some(RequestSession { inner, marker: PhantomData })
}
