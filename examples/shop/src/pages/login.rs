//! Login and logout.

use axum::Form;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Redirect;
use maud::{Markup, html};
use serde::Deserialize;
use session_core::Outcome;
use session_tower::Error;

use crate::accounts::{self, ADA};
use crate::app::Shop;
use crate::device;
use crate::session_keys::{CART, USER};
use crate::visitor::Visitor;

pub(crate) async fn show(visitor: Visitor) -> Result<Markup, Error> {
    let content = html! {
        h1 { "Log in" }
        p {
            "There is one account: user " code { (ADA.user) } ", password " code { (ADA.password) } "."
        }
        form.card method="post" action="/login" {
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
    State(shop): State<Shop>,
    headers: HeaderMap,
    Form(form): Form<Credentials>,
) -> Result<Redirect, Error> {
    let session = &visitor.session;
    let Some(account) = accounts::check(form.user.trim(), &form.password) else {
        session.flash_in("error", "That user and password do not belong together.")?;
        return Ok(Redirect::to("/login"));
    };
    session.log_in(account.user, None).await?;
    session.insert(USER, account.user.to_owned())?;
    session.set_permanent(form.remember.is_some())?;
    if shop.owners.is_some() {
        session.set_label(&device::label(&headers))?;
    }
    session.flash_in("success", format!("Welcome, {}. You are logged in.", account.name))?;
    Ok(Redirect::to(if session.contains_key(CART.name()) { "/cart" } else { "/" }))
}

pub(crate) async fn log_out(visitor: Visitor) -> Result<Redirect, Error> {
    let message = match visitor.session.log_out().await? {
        Outcome::Dropped => "You may still be logged in. Please try again.",
        _ => "You are logged out.",
    };
    visitor.session.flash_in("info", message)?;
    Ok(Redirect::to("/"))
}
