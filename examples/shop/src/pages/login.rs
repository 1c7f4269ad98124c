//! Login and logout.

use axum::Form;
use axum::extract::State;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Uri};
use axum::response::Redirect;
use maud::{Markup, html};
use serde::Deserialize;
use session_core::Outcome;
use session_tower::Error;
use session_tower::guard::Next;
use session_tower::remember::Remember;

use crate::accounts::{self, ADA};
use crate::app::Shop;
use crate::device;
use crate::session_keys::CART;
use crate::visitor::Visitor;

pub(crate) async fn show(visitor: Visitor) -> Result<Markup, Error> {
    let content = html! {
        h1 { "Log in" }
        p {
            "There is one account: user " code { (ADA.user) } ", password " code { (ADA.password) } "."
        }
        p { a href="/join" { "New here?" } }
        // The form has no action. The browser therefore sends it to the current address, which
        // contains the page to which the user returns.
        form.card method="post" {
            (visitor.token()?)
            label for="user" { "User" }
            input #user name="user" autocomplete="username" autocapitalize="none" spellcheck="false" required;
            label for="password" { "Password" }
            input #password name="password" type="password" autocomplete="current-password" required;
            label.choice {
                input name="remember" type="checkbox" value="yes";
                span { "Remember me when the browser is closed" }
            }
            button { "Log in" }
        }
    };
    visitor.page("Log in", content)
}

#[derive(Deserialize)]
pub(crate) struct Credentials {
    user: String,
    password: String,
    /// Present only if the box is ticked.
    remember: Option<String>,
}

pub(crate) async fn log_in(
    visitor: Visitor,
    remember: Result<Remember, Error>,
    next: Next,
    uri: Uri,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Form(form): Form<Credentials>,
) -> Result<Redirect, Error> {
    let session = &visitor.session;
    let Some(account) = accounts::check(form.user.trim(), &form.password) else {
        session.flash_in("error", "That user and password do not belong together.")?;
        return Ok(Redirect::to(uri.path_and_query().map_or("/login", PathAndQuery::as_str)));
    };
    session.log_in(account.user, Some(account.stamp)).await?;
    match form.remember {
        // The session ends with the browser. The token in another cookie starts the next session.
        Some(_) if shop.remembers => remember?.start().await?,
        remember => session.set_permanent(remember.is_some())?,
    }
    if shop.owners.is_some() {
        session.set_label(&device::label(&headers))?;
    }
    session.flash_in("success", format!("Welcome, {}. You are logged in.", account.name))?;
    let home = if session.contains_key(CART.name()) { "/cart" } else { "/" };
    Ok(Redirect::to(next.or(home)))
}

pub(crate) async fn log_out(visitor: Visitor) -> Result<Redirect, Error> {
    let message = match visitor.session.log_out().await? {
        Outcome::Dropped => "You may still be logged in. Please try again.",
        _ => "You are logged out.",
    };
    visitor.session.flash_in("info", message)?;
    Ok(Redirect::to("/"))
}
