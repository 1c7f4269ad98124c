//! The page for unknown addresses.

use axum::http::StatusCode;
use maud::{Markup, html};
use session_tower::Error;

use crate::visitor::Visitor;

pub(crate) async fn no_such_page(visitor: Visitor) -> Result<(StatusCode, Markup), Error> {
    let content = html! {
        h1 { "Nothing grows here" }
        p { "This page does not exist. Your cart and your login are unchanged." }
        p { a.button href="/" { "Back to the seeds" } }
    };
    let page = visitor.page_without_flashes("Not found", content)?;
    Ok((StatusCode::NOT_FOUND, page))
}
