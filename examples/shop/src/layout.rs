//! The frame of every page: the head, the header with the user's name, the flash messages and the
//! footer.

use maud::{DOCTYPE, Markup, html};
use session_core::Flash;
use session_tower::Error;

use crate::session_keys::{CART, PREFERENCES};
use crate::visitor::Visitor;

impl Visitor {
    /// Returns a page with the pending flash messages.
    pub(crate) fn page(&self, title: &str, content: Markup) -> Result<Markup, Error> {
        let flashes = self.session.take_flashes()?;
        self.frame(title, &flashes, content)
    }

    /// Returns an error page without flash messages. The pending messages stay for the next page.
    pub(crate) fn page_without_flashes(
        &self,
        title: &str,
        content: Markup,
    ) -> Result<Markup, Error> {
        self.frame(title, &[], content)
    }

    fn frame(&self, title: &str, flashes: &[Flash], content: Markup) -> Result<Markup, Error> {
        let theme = self.session.get(PREFERENCES)?.unwrap_or_default().theme;
        Ok(html! {
            (DOCTYPE)
            html lang="en" data-theme=(theme.value()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (title) " · Dusk Garden" }
                    link rel="stylesheet" href="/style.css";
                    link rel="icon" href="/icon.svg" type="image/svg+xml";
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    (self.header(title)?)
                    main #main {
                        (messages(flashes))
                        (content)
                    }
                    footer {
                        p { "A demonstration: nothing is sold and nothing is charged." }
                        p { a href="/session" { "What your session holds right now" } }
                    }
                }
            }
        })
    }

    fn header(&self, title: &str) -> Result<Markup, Error> {
        let count = self.session.get(CART)?.map_or(0, |cart| cart.count());
        let current = |name| (name == title).then_some("page");
        Ok(html! {
            header.top {
                a.brand href="/" { span.moon aria-hidden="true" {} "Dusk Garden" }
                nav aria-label="Shop" {
                    a href="/" aria-current=[current("Seeds")] { "Seeds" }
                    a href="/cart" aria-current=[current("Cart")] {
                        "Cart"
                        @if count > 0 { " " span.count { (count) span.unseen { " in it" } } }
                    }
                    a href="/preferences" aria-current=[current("Preferences")] { "Preferences" }
                    a href="/session" aria-current=[current("Session")] { "Session" }
                    @if self.account.is_some() { a href="/devices" aria-current=[current("Your devices")] { "Devices" } }
                }
                div.user {
                    @if let Some(account) = self.account {
                        span { (account.name) }
                        form method="post" action="/logout" {
                            (self.token()?)
                            button.plain { "Log out" }
                        }
                    } @else {
                        a href="/login" aria-current=[current("Log in")] { "Log in" }
                    }
                }
            }
        })
    }
}

fn messages(flashes: &[Flash]) -> Markup {
    html! {
        @if !flashes.is_empty() {
            div.flashes role="status" {
                @for flash in flashes {
                    p class={ "flash " (flash.category()) } { (flash.text()) }
                }
            }
        }
    }
}
