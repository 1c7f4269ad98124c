//! The page for visitors without an account. A user is redirected to the home page.

use maud::{Markup, html};
use session_tower::Error;

use crate::accounts::ADA;
use crate::visitor::Visitor;

pub(crate) async fn show(visitor: Visitor) -> Result<Markup, Error> {
    let content = html! {
        h1 { "New here?" }
        p {
            "There is one account, which every visitor may use: user " code { (ADA.user) } ", password "
            code { (ADA.password) } "."
        }
        p { a href="/login" { "Use it" } " to see what a login does." }
    };
    visitor.page("New here?", content)
}
