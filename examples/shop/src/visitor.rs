//! The visitor of a request. An extractor passes the visitor to a handler.

use axum::RequestPartsExt as _;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use session_tower::csrf::Csrf;
use session_tower::guard::CurrentUser;
use session_tower::{Error, Session};

use crate::accounts::Account;

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

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let session = parts.extract::<Session>().await.map_err(IntoResponse::into_response)?;
        let user = parts.extract::<Option<CurrentUser<&'static Account>>>().await;
        let account = user.map_err(IntoResponse::into_response)?.map(|CurrentUser(user)| user);
        let csrf = parts.extract::<Csrf>().await.map_err(IntoResponse::into_response)?;
        Ok(Self { session, account, csrf })
    }
}
