//! The extractors.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use session_core::guard::{Denied, GuardError, Loaded};
use session_core::{Error, ErrorKind};

use super::Rejection;

/// The user whom a guard has loaded, as the argument of a handler: a
/// [`Users::User`](session_core::guard::Users::User).
///
/// The value is the user at the start of the request, even after a login or logout in the handler.
/// On a route with [`load_user`](session_core::guard::Guards::load_user), accept an
/// `Option<CurrentUser<T>>`, which is `None` for a visitor.
///
/// # Errors
///
/// The response has status 401 for a visitor, and 500 if no
/// [`GuardMiddleware`](super::GuardMiddleware) with this type of user serves the route.
#[derive(Clone, Copy, Debug)]
pub struct CurrentUser<T>(pub T);

impl<T> Deref for CurrentUser<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone + 'static> FromRequest for CurrentUser<T> {
    type Error = Rejection;
    type Future = Ready<Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let user = match request.extensions().get::<Loaded<T>>() {
            Some(loaded) => loaded
                .user()
                .cloned()
                .ok_or_else(|| Rejection::from(GuardError::Denied(Denied::unauthorized()))),
            None => Err(missing::<T>(request).into()),
        };
        ready(user.map(Self))
    }
}

fn missing<T>(request: &HttpRequest) -> Error {
    let message = format!(
        "no guard with users of type {} serves {}; add .wrap(GuardMiddleware::new(..))",
        std::any::type_name::<T>(),
        request.path()
    );
    Error::new(ErrorKind::Unconfigured, message)
}

/// The page to which a user returns after the login, as the argument of a handler. This type
/// dereferences to [`session_core::guard::Next`].
#[derive(Clone, Debug, Default)]
pub struct Next {
    inner: session_core::guard::Next,
}

impl Deref for Next {
    type Target = session_core::guard::Next;

    fn deref(&self) -> &session_core::guard::Next {
        &self.inner
    }
}

impl FromRequest for Next {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let inner = session_core::guard::Next::from_query(request.uri().query());
        ready(Ok(Self { inner }))
    }
}
