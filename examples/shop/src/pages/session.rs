//! A page about the session: flags, expiry, keys and size. The page shows nothing that another
//! client could use to take over the session.

use axum::extract::State;
use axum::response::Redirect;
use maud::{Markup, html};
use session_core::SessionConfig;
use session_core::interface::{saturating_add, state_of};
use session_tower::Error;

use crate::app::Shop;
use crate::session_keys::{CART, PREFERENCES};
use crate::visitor::Visitor;

pub(crate) async fn show(visitor: Visitor, State(shop): State<Shop>) -> Result<Markup, Error> {
    let session = &visitor.session;
    // Reads the messages before the flags, because a read of the messages changes the flags. The
    // frame of the page reads the messages later, and receives the same messages.
    session.take_flashes()?;
    let token = visitor.token()?;
    // Handlers rarely need a snapshot, which is for backends and tests.
    let state = state_of(session);
    let content = html! {
        h1 { "Your session" }
        p { "The state of the session when the server generated this page." }
        dl.facts {
            (flag("permanent", session.is_permanent(),
                "The session outlives the browser, because you asked to be remembered.",
                "The session ends with the browser, unless you log in and ask to be remembered."))
            (flag("new", session.is_new(),
                "Your request sent no valid session, so this one is new and empty.",
                "Your request sent the session."))
            (flag("modified", session.is_modified(),
                "Showing the message removed it from the session, so the session is saved.",
                "Nothing changed. A permanent session is still renewed."))
            (flag("accessed", state.is_accessed(),
                "A handler obtained the session, so the response has Vary: Cookie.",
                "No handler obtained the session."))
            (end(session.is_permanent(), shop.interface.config()))
            (fact("size", &format!("{} bytes", state.payload().len()),
                "The contents as JSON, before the session is signed or stored."))
        }
        h2 { "Keys" }
        (keys(&session.keys()))
        h2 { "Try it" }
        ul {
            li { "Log in with and without “remember me”, and compare " em { "permanent" } " and " em { "ends" } "." }
            li {
                "Leave a flash message. Showing it removes it from the session, so " em { "modified" }
                " turns to yes. Then reload."
            }
        }
        form method="post" action="/session/flash" {
            (token)
            button { "Leave a flash message" }
        }
    };
    visitor.page("Session", content)
}

pub(crate) async fn leave_flash(visitor: Visitor) -> Result<Redirect, Error> {
    visitor
        .session
        .flash_in("info", "Stored by one request, shown by the next, and then removed.")?;
    Ok(Redirect::to("/session"))
}

/// Returns the time when the session expires. Only the configuration determines this time, because
/// the shop overrides no hook.
fn end(is_permanent: bool, config: &SessionConfig) -> Markup {
    if !is_permanent {
        let meaning = "The cookie has no expiry, so the browser removes it when it closes.";
        return fact("ends", "with the browser", meaning);
    }
    let end = saturating_add(config.now(), config.permanent_lifetime());
    fact("ends", &httpdate::fmt_http_date(end), "The cookie’s expiry. Each visit extends it.")
}

fn flag(name: &str, set: bool, if_set: &str, if_not: &str) -> Markup {
    if set { fact(name, "yes", if_set) } else { fact(name, "no", if_not) }
}

fn fact(name: &str, value: &str, meaning: &str) -> Markup {
    html! {
        div {
            dt { (name) }
            dd.value { (value) }
            dd { (meaning) }
        }
    }
}

fn keys(keys: &[String]) -> Markup {
    html! {
        @if keys.is_empty() {
            p { "None: the session is empty, and an empty session needs no cookie." }
        } @else {
            dl.facts {
                @for key in keys {
                    div { dt { code { (key) } } dd { (meaning(key)) } }
                }
            }
        }
    }
}

fn meaning(key: &str) -> &'static str {
    match key {
        "_label" => "The name of the session on the page of your devices.",
        "_permanent" => "The flag permanent, under Flask’s name.",
        "csrf_token" => "A random value, from which the shop derives the tokens in its forms.",
        key if key == CART.name() => "The seeds in your cart, with their numbers.",
        key if key == PREFERENCES.name() => "Theme and greeting.",
        _ => "Not this shop’s: another application shares the session.",
    }
}
