//! The home page: a greeting, and the products.

use maud::{Markup, html};
use session_tower::Error;

use crate::catalogue::{PRODUCTS, Product};
use crate::session_keys::PREFERENCES;
use crate::visitor::Visitor;

pub(crate) async fn show(visitor: Visitor) -> Result<Markup, Error> {
    let greeting = visitor.session.get(PREFERENCES)?.unwrap_or_default().greeting;
    let token = visitor.token()?;
    let content = html! {
        section.hero {
            h1 {
                span lang=(greeting.language()) { (greeting.words()) }
                @if let Some(account) = visitor.account { ", " (account.name) }
                "."
            }
            p { "Seeds for a garden that wakes up when you come home." }
        }
        ul.shelf {
            @for product in &PRODUCTS { (packet(product, &token)) }
        }
    };
    visitor.page("Seeds", content)
}

fn packet(product: &Product, token: &Markup) -> Markup {
    html! {
        li.packet id=(product.slug) {
            (product.flower.picture(product.slug))
            div.label {
                h2 { (product.name) }
                p.latin lang="la" { (product.latin) }
                p { (product.story) }
                form.buy method="post" action="/cart" {
                    (token)
                    span.price { (product.price) }
                    input type="hidden" name="product" value=(product.slug);
                    button name="change" value="add" {
                        "Add" span.unseen { " " (product.name) } " to cart"
                    }
                }
            }
        }
    }
}
