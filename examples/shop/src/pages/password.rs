//! Changing the password, for which the guard requires a recent login.

use axum::Form;
use axum::extract::State;
use axum::response::Redirect;
use maud::{Markup, html};
use serde::Deserialize;
use session_tower::Error;
use session_tower::guard::CurrentUser;

use super::devices::devices;
use crate::accounts::{self, Account};
use crate::app::Shop;
use crate::visitor::Visitor;

pub(crate) async fn show(
    visitor: Visitor,
    CurrentUser(account): CurrentUser<&'static Account>,
) -> Result<Markup, Error> {
    let content = html! {
        h1 { "Change your password" }
        p { "In this demonstration the password stays the same. The effect on your sessions is real." }
        form.card method="post" action="/password" {
            (visitor.token()?)
            // Sets the user name for password managers.
            input type="text" name="user" value=(account.user) autocomplete="username" aria-label="User" hidden;
            label for="current" { "Current password" }
            input #current name="current" type="password" autocomplete="current-password" required;
            label for="new" { "New password" }
            input #new name="new" type="password" autocomplete="new-password" required;
            button { "Change it, and log out everywhere else" }
        }
    };
    visitor.page("Change your password", content)
}

#[derive(Deserialize)]
pub(crate) struct Passwords {
    current: String,
}

/// Runs all steps except the change of the password, because the login page shows the password.
pub(crate) async fn change(
    visitor: Visitor,
    CurrentUser(account): CurrentUser<&'static Account>,
    State(shop): State<Shop>,
    Form(form): Form<Passwords>,
) -> Result<Redirect, Error> {
    let session = &visitor.session;
    if accounts::check(account.user, &form.current).is_none() {
        session.flash_in("error", "That is not your password.")?;
        return Ok(Redirect::to("/password"));
    }
    // A real shop stores the new password and a new stamp first. The stamp also ends sessions in
    // cookies. The login invalidates all copies of this session's cookie. In the other order, a
    // copy could be rotated to another id first.
    session.log_in(account.user, Some(account.stamp)).await?;
    let message = match &shop.owners {
        Some(owners) => {
            let count = owners.end_others(session).await?;
            format!("Your session has a new id. Logged out elsewhere: {}.", devices(count))
        }
        None => "A new stamp would log you out elsewhere.".to_owned(),
    };
    session.flash_in("success", message)?;
    Ok(Redirect::to("/devices"))
}
