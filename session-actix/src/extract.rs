//! The extractor.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use session_core::ErrorKind;

use crate::{Error, RequestSession, request_session_marked};

/// The session of the request, as the argument of a handler. It dereferences to
/// [`session_core::Session`]. The methods that can fail return an [`Error`], which is a response of
/// actix-web.
///
/// # Errors
///
/// The response has status 500 if there is no middleware. If the session cannot be opened, the
/// response has the status of the [`Error`]. While the backend is unavailable, the status is 503,
/// unless the middleware has the policy
/// [`OutagePolicy::Anonymous`](crate::OutagePolicy::Anonymous).
///
/// For an `Option<Session>`, actix-web converts every error into `None`, including an outage of the
/// backend. Use `Result<Session, Error>` to handle the error.
///
/// # Examples
///
/// ```
/// use session_actix::{Error, Session};
///
/// async fn handler(session: Session) -> Result<String, Error> {
///     Ok(session.get::<String>("user")?.unwrap_or_default())
/// }
///
/// // On a route that may have no middleware:
/// async fn lenient(session: Option<Session>) -> String {
///     format!("{}", session.is_some())
/// }
///
/// // A handler that responds to an outage itself:
/// async fn patient(session: Result<Session, Error>) -> String {
///     match session {
///         Ok(session) => format!("{} keys", session.keys().len()),
///         Err(error) => format!("status {}", error.status()),
///     }
/// }
/// ```
pub type Session = MarkedSession<()>;

/// The session of the middleware with the marker `M`, for an application with several sessions.
///
/// The extractor fails with the same errors as [`Session`].
///
/// # Examples
///
/// ```
/// use session_actix::{MarkedSession, Session};
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
    pub(crate) fn new(session: session_core::Session) -> Self {
        Self { session, marker: PhantomData }
    }

    /// Returns the session without its marker, for code that does not depend on the framework.
    pub fn into_inner(self) -> session_core::Session {
        self.session
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

impl<M: 'static> FromRequest for MarkedSession<M> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = request_session_marked::<M>(request).ok_or_else(|| missing::<M>(request));
        Box::pin(async move {
            let request: RequestSession<M> = found?;
            request.session().await
        })
    }
}

fn missing<M>(request: &HttpRequest) -> session_core::Error {
    let message = format!(
        "no session middleware serves {} for marker {}; \
         add .wrap(SessionMiddleware::new(..)) to the App",
        request.path(),
        std::any::type_name::<M>()
    );
    session_core::Error::new(ErrorKind::Unconfigured, message)
}
