//! The cart, its buttons, and the checkout.

use axum::Form;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use session_tower::Error;

use crate::cart::{Cart, Change, Line};
use crate::catalogue;
use crate::pages::lost;
use crate::session_keys::CART;
use crate::visitor::Visitor;

pub(crate) async fn show(visitor: Visitor) -> Result<Markup, Error> {
    let content = html! {
        h1 { "Your cart" }
        @match visitor.session.get(CART)? {
            Some(cart) => (filled(&cart, visitor.account.is_some(), &visitor.token()?)),
            None => {
                p { "Your cart is empty." }
                p { a.button href="/" { "Look at the seeds" } }
            }
        }
    };
    visitor.page("Cart", content)
}

#[derive(Debug, Deserialize)]
pub(crate) struct Button {
    product: String,
    change: Change,
}

pub(crate) async fn change(
    visitor: Visitor,
    Form(button): Form<Button>,
) -> Result<Response, Error> {
    let Some(product) = catalogue::find(&button.product) else {
        return Ok(lost::no_such_page(visitor).await?.into_response());
    };
    let change = button.change;
    // With `get` and `insert`, a server-side store would lose one of two concurrent clicks.
    visitor.session.update(CART, move |cart| cart.unwrap_or_default().changed(product, change))?;
    let page = match change {
        Change::Add => {
            visitor.session.flash_in("success", format!("{} is in your cart.", product.name))?;
            "/"
        }
        Change::Remove => {
            visitor
                .session
                .flash_in("info", format!("{} is no longer in your cart.", product.name))?;
            "/cart"
        }
        Change::More | Change::Less => "/cart",
    };
    Ok(Redirect::to(page).into_response())
}

pub(crate) async fn check_out(visitor: Visitor) -> Result<Redirect, Error> {
    let session = &visitor.session;
    let Some(account) = visitor.account else {
        session.flash_in("info", "Please log in to check out. Your cart stays the same.")?;
        return Ok(Redirect::to("/login"));
    };
    let Some(cart) = session.remove(CART)? else {
        session.flash_in("error", "There is nothing in your cart to buy.")?;
        return Ok(Redirect::to("/cart"));
    };
    let thanks = format!(
        "Thank you, {}! Seeds for {} are on their way to your garden.",
        account.name,
        cart.total()
    );
    session.flash_in("success", thanks)?;
    Ok(Redirect::to("/"))
}

fn filled(cart: &Cart, logged_in: bool, token: &Markup) -> Markup {
    html! {
        ul.cart {
            @for line in cart.lines() { (entry(&line, token)) }
        }
        div.total {
            p { "Total " strong { (cart.total()) } }
            form method="post" action="/checkout" { (token) button { "Check out" } }
            @if !logged_in { p.note { "You will be asked to log in first." } }
        }
    }
}

fn entry(line: &Line, token: &Markup) -> Markup {
    let product = line.product;
    html! {
        li {
            (product.flower.picture(product.slug))
            div.what {
                h2 { (product.name) }
                p { (product.price) " a packet" }
            }
            form.quantity method="post" action="/cart" {
                (token)
                input type="hidden" name="product" value=(product.slug);
                button.step name="change" value="less" aria-label={ "One " (product.name) " less" } { "−" }
                span.number { (line.quantity) span.unseen { " packets" } }
                button.step name="change" value="more" aria-label={ "One " (product.name) " more" } { "+" }
                button.plain name="change" value="remove" { "Remove" span.unseen { " " (product.name) } }
            }
            strong.price { (line.price()) }
        }
    }
}
