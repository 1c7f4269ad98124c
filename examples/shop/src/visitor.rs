//! The visitor of a request. A middleware loads the user before every page, and an extractor passes
//! the visitor to a handler.

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use maud::{Markup, html};
use session_tower::csrf::Csrf;
use session_tower::{Error, Session, request_session};

use crate::accounts::{self, Account};
use crate::session_keys::USER;

/// The visitor's session, and the account if the visitor is logged in.
#[derive(Debug)]
pub(crate) struct Visitor {
    pub(crate) session: Session,
    pub(crate) account: Option<&'static Account>,
    csrf: Csrf,
}

impl Visitor {
    /// Returns the hidden field of every form: a token for browsers that do not send the origin of
    /// a form.
    pub(crate) fn token(&self) -> Result<Markup, Error> {
        let token = self.csrf.token()?;
        Ok(html! { input type="hidden" name="csrf_token" value=(token); })
    }
}

/// Middleware that adds the account of the session's user to the request, for [`Visitor`].
pub(crate) async fn load_user(mut request: Request, next: Next) -> Result<Response, Error> {
    if let Some(handle) = request_session(request.extensions()) {
        let user = handle.session().await?.get(USER)?;
        if let Some(account) = user.and_then(|user| accounts::find(&user)) {
            request.extensions_mut().insert(account);
        }
    }
    Ok(next.run(request).await)
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let session = <Session as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        let csrf = <Csrf as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        Ok(Self { session, account: parts.extensions.get().copied(), csrf })
    }
}
