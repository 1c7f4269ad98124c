//! The extractor.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use session_core::ErrorKind;

use crate::{Error, RequestSession, request_session};

/// The session of the request, for a handler. It dereferences to [`session_core::Session`].
///
/// With two layers, the marker says which: `Session<Admin>`.
///
/// ```
/// use session_actix::{Error, Session};
///
/// async fn handler(session: Session) -> Result<String, Error> {
///     Ok(session.get::<String>("user")?.unwrap_or_default())
/// }
///
/// // Where the middleware may be missing:
/// async fn lenient(session: Option<Session>) -> String {
///     format!("{}", session.is_some())
/// }
///
/// // Where the handler itself says what happens while the backend is down:
/// async fn patient(session: Result<Session, Error>) -> String {
///     session.map_or_else(|error| format!("{}", error.status()), |session| format!("{}", session.len()))
/// }
/// ```
///
/// # Errors
///
/// 500 if there is no middleware, and whatever [`Error`] gives if the session could not be opened: 503 while the backend is
/// down, unless the middleware chose [`OnOutage::Anonymous`](crate::OnOutage::Anonymous).
///
/// actix-web makes `None` of every error, so an `Option<Session>` is `None` also while the backend is down.
pub struct Session<M = ()> {
    session: session_core::Session,
    marker: PhantomData<fn() -> M>,
}

impl<M> Session<M> {
    /// The session without its marker, to hand on to code that knows no framework.
    ///
    /// ```
    /// use session_actix::Session;
    ///
    /// async fn handler(session: Session) {
    ///     let session: session_core::Session = session.into_inner();
    ///     actix_web::rt::spawn(async move { session.len() });
    /// }
    /// ```
    pub fn into_inner(self) -> session_core::Session {
        self.session
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

impl<M: 'static> FromRequest for Session<M> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = request_session::<M>(request).ok_or_else(|| missing::<M>(request));
        Box::pin(async move {
            let session = RequestSession::session(&found?).await?;
            Ok(Self { session, marker: PhantomData })
        })
    }
}

fn missing<M>(request: &HttpRequest) -> session_core::Error {
    let message = format!(
        "no session middleware serves {}: add .wrap(SessionMiddleware::new(..)) to the App, for marker {}",
        request.path(),
        std::any::type_name::<M>()
    );
    session_core::Error::new(ErrorKind::Unconfigured, message)
}
