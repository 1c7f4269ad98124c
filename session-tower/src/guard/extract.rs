//! The axum extractors.

use std::convert::Infallible;
use std::ops::Deref;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use session_core::guard::{Denied, GuardError, Loaded};
use session_core::{Error, ErrorKind};

use super::Rejection;
use crate::original_uri::original_uri;

/// The user whom a guard has loaded, as the argument of an axum handler: a
/// [`Users::User`](session_core::guard::Users::User).
///
/// The value is the user at the start of the request, even after a login or logout in the handler.
/// On a route with [`load_user`](session_core::guard::Guards::load_user), accept an
/// `Option<CurrentUser<T>>`, which is `None` for a visitor.
///
/// # Rejections
///
/// The response has status 401 for a visitor, and 500 if no [`GuardLayer`](super::GuardLayer) with
/// this type of user serves the route.
#[derive(Clone, Copy, Debug)]
pub struct CurrentUser<T>(pub T);

impl<T> Deref for CurrentUser<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

fn loaded<T: Clone + Send + Sync + 'static>(parts: &Parts) -> Result<Option<T>, Rejection> {
    let Some(loaded) = parts.extensions.get::<Loaded<T>>() else {
        let message = format!(
            "no guard with users of type {} serves {}; add .layer(GuardLayer::new(..))",
            std::any::type_name::<T>(),
            original_uri(&parts.extensions, &parts.uri).path()
        );
        return Err(Error::new(ErrorKind::Unconfigured, message).into());
    };
    Ok(loaded.user().cloned())
}

impl<T: Clone + Send + Sync + 'static, S: Sync> FromRequestParts<S> for CurrentUser<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let user = loaded(parts)?.ok_or(GuardError::Denied(Denied::unauthorized()))?;
        Ok(Self(user))
    }
}

impl<T: Clone + Send + Sync + 'static, S: Sync> OptionalFromRequestParts<S> for CurrentUser<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        Ok(loaded(parts)?.map(Self))
    }
}

/// The page to which a user returns after the login, as the argument of an axum handler. This type
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

impl<S: Sync> FromRequestParts<S> for Next {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self { inner: session_core::guard::Next::from_query(parts.uri.query()) })
    }
}
