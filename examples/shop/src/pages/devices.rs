//! The devices on which a user is logged in, with buttons that log the devices out.

use std::time::{Duration, SystemTime};

use axum::Form;
use axum::extract::State;
use axum::response::Redirect;
use maud::{Markup, html};
use serde::Deserialize;
use session_core::OwnedSession;
use session_core::interface::SessionPage;
use session_tower::Error;

use crate::app::Shop;
use crate::visitor::Visitor;

pub(crate) async fn show(visitor: Visitor, State(shop): State<Shop>) -> Result<Markup, Error> {
    let content = html! {
        h1 { "Your devices" }
        @if let Some(owners) = &shop.owners {
            @let owner = visitor.session.owner().unwrap_or_default();
            @let this = owners.handle_of(&visitor.session);
            @let devices = owners.page(&owner, None, SessionPage::LIMIT).await?.sessions;
            @let token = visitor.token()?;
            (list(&devices, this.as_deref(), shop.interface.config().now(), &token))
        } @else {
            p {
                "This shop stores each session in a signed cookie, in the browser. So it cannot show you the other sessions, and it "
                "cannot end them: only those browsers know them."
            }
            p { "With sessions on a server, the shop can do both. Start the shop with " code { "--store memory" } ", for example." }
        }
        p { a href="/password" { "Change your password" } }
    };
    visitor.page("Your devices", content)
}

#[derive(Deserialize)]
pub(crate) struct Which {
    handle: String,
}

pub(crate) async fn end(
    visitor: Visitor,
    State(shop): State<Shop>,
    Form(which): Form<Which>,
) -> Result<Redirect, Error> {
    if let (Some(owners), Some(owner)) = (&shop.owners, visitor.session.owner()) {
        if owners.end(&owner, &which.handle).await? {
            visitor.session.flash_in("success", "That device is logged out.")?;
        } else {
            visitor.session.flash_in("info", "That device was logged out already.")?;
        }
    }
    Ok(Redirect::to("/devices"))
}

pub(crate) async fn end_others(
    visitor: Visitor,
    State(shop): State<Shop>,
) -> Result<Redirect, Error> {
    if let Some(owners) = &shop.owners {
        let count = owners.end_others(&visitor.session).await?;
        visitor
            .session
            .flash_in("success", format!("Logged out elsewhere: {}.", devices(count)))?;
    }
    Ok(Redirect::to("/devices"))
}

fn list(devices: &[OwnedSession], this: Option<&str>, now: SystemTime, token: &Markup) -> Markup {
    html! {
        ul.devices {
            @for device in devices {
                @let label = device.label().unwrap_or("A browser");
                @let is_this = Some(device.handle()) == this;
                li {
                    div {
                        h2 { (label) @if is_this { " " span.count { "this device" } } }
                        p { "Began " (ago(device.created_at(), now)) ", last seen " (ago(device.last_seen(), now)) "." }
                    }
                    @if !is_this {
                        form method="post" action="/devices/end" {
                            (token)
                            input type="hidden" name="handle" value=(device.handle());
                            button.plain { "Log out" span.unseen { " of " (label) } }
                        }
                    }
                }
            }
        }
        @if devices.len() > 1 {
            form method="post" action="/devices/end-others" {
                (token)
                button { "Log out everywhere else" }
            }
        }
    }
}

pub(super) fn devices(count: usize) -> String {
    match count {
        0 => "no device".to_owned(),
        1 => "one device".to_owned(),
        more => format!("{more} devices"),
    }
}

/// Formats a time with the precision of the session, one minute.
fn ago(time: SystemTime, now: SystemTime) -> String {
    let minutes = now.duration_since(time).unwrap_or(Duration::ZERO).as_secs() / 60;
    let (count, unit) = match minutes {
        0..2 => return "just now".to_owned(),
        2..120 => (minutes, "minutes"),
        120..2880 => (minutes / 60, "hours"),
        _ => (minutes / 1440, "days"),
    };
    format!("{count} {unit} ago")
}
