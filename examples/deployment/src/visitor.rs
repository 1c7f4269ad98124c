//! A visitor of the shop, who logs in, fills the cart and logs out.

use std::sync::Arc;
use std::time::Instant;

use crate::browser::{Cookies, Failure, Response, Server};
use crate::judge::{Ledger, Verdict};
use crate::traffic::Traffic;

/// The shop limits a cart to 99 packets of a product.
const MOST_UPDATES: u32 = 90;
const UPDATE: &str = "product=moonflower&change=more";
const ACCOUNT: &str = "user=ada&password=lovelace";

pub(crate) struct Visitor {
    server: Server,
    traffic: Arc<Traffic>,
    cookies: Cookies,
    session: Option<Ledger>,
    /// The cookies before each acknowledged logout, and the time of the logout.
    ended: Vec<(Cookies, Instant)>,
    verdict: Verdict,
}

impl Visitor {
    pub(crate) fn new(server: Server, traffic: Arc<Traffic>) -> Self {
        let (cookies, verdict) = Default::default();
        Self { server, traffic, cookies, session: None, ended: Vec::new(), verdict }
    }

    /// Sends one to three requests.
    pub(crate) async fn act(&mut self) {
        let updates = self.session.as_ref().map(Ledger::most);
        match updates {
            None => self.log_in().await,
            Some(MOST_UPDATES..) => self.log_out().await,
            Some(_) => match fastrand::u8(..100) {
                0..65 => self.update().await,
                65..75 => self.update_in_two_tabs().await,
                75..90 => _ = self.read().await,
                _ => self.log_out().await,
            },
        }
    }

    /// Reads the session, opens the ended sessions, and returns the losses since the last call.
    /// Fails if a request fails.
    pub(crate) async fn inspect(&mut self) -> Result<Verdict, Failure> {
        self.read().await?;
        let (mut still_ended, mut undone) = (Vec::new(), Verdict::default());
        for (cookies, logout) in self.ended.clone() {
            let page = self.server.get("/cart", &cookies).await?;
            if has_login(&page) {
                undone.add(Verdict::undone(logout));
            } else {
                still_ended.push((cookies, logout));
            }
        }
        // The last ten of these sessions are opened again after the next fault.
        let old = still_ended.len().saturating_sub(10);
        self.ended = still_ended.split_off(old);
        self.verdict.add(undone);
        Ok(std::mem::take(&mut self.verdict))
    }

    async fn log_in(&mut self) {
        self.cookies = Cookies::default();
        let reply = self.server.post("/login", &self.cookies, ACCOUNT).await;
        if let Some(page) = self.note(reply)
            && page.next_page() == Some("/")
        {
            self.session = Some(Ledger::new(Instant::now()));
        }
    }

    async fn update(&mut self) {
        let reply = self.server.post("/cart", &self.cookies, UPDATE).await;
        self.note_update(reply);
    }

    async fn update_in_two_tabs(&mut self) {
        let send = || self.server.post("/cart", &self.cookies, UPDATE);
        let (one, other) = tokio::join!(send(), send());
        self.note_update(one);
        self.note_update(other);
    }

    async fn read(&mut self) -> Result<(), Failure> {
        if self.session.is_none() {
            return Ok(());
        }
        let reply = self.server.get("/cart", &self.cookies).await;
        let failure = reply.as_ref().err().cloned();
        let Some(page) = self.note(reply) else { return Err(failure.unwrap_or_default()) };
        let Some(session) = &mut self.session else { return Ok(()) };
        let seen = has_login(&page).then(|| updates_in(page.body()));
        self.verdict.add(session.read(seen, Instant::now()));
        if seen.is_none() {
            self.session = None;
        }
        Ok(())
    }

    /// Logs out. The next page shows whether the session has ended. If a request fails, the outcome
    /// is unknown, and the session is not checked.
    async fn log_out(&mut self) {
        self.session = None;
        let before = self.cookies.clone();
        let reply = self.server.post("/logout", &self.cookies, "").await;
        if self.note(reply).is_none() {
            return;
        }
        let logout = Instant::now();
        let reply = self.server.get("/", &self.cookies).await;
        if let Some(page) = self.note(reply)
            && page.body().contains("You are logged out.")
        {
            self.traffic.acknowledge_logout();
            self.ended.push((before, logout));
        }
    }

    fn note_update(&mut self, reply: Result<Response, Failure>) {
        let page = self.note(reply);
        let Some(session) = &mut self.session else { return };
        if page.is_some_and(|page| page.next_page() == Some("/cart")) {
            session.acknowledge(Instant::now());
            self.traffic.acknowledge_update();
        } else {
            session.fail();
        }
    }

    fn note(&mut self, reply: Result<Response, Failure>) -> Option<Response> {
        match reply {
            Ok(response) if response.status() < 400 => {
                self.traffic.succeed();
                self.cookies.receive(&response);
                Some(response)
            }
            Ok(response) => {
                self.traffic.fail(response.status().to_string());
                None
            }
            Err(failure) => {
                self.traffic.fail(failure);
                None
            }
        }
    }
}

fn has_login(page: &Response) -> bool {
    page.body().contains("action=\"/logout\"")
}

/// Returns the quantity on the page of the cart.
fn updates_in(page: &str) -> u32 {
    let number = page.split_once("class=\"number\">").and_then(|(_, rest)| rest.split_once('<'));
    number.and_then(|(number, _)| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantity_is_read_from_page_of_cart() {
        let page = "<ul><span class=\"number\">17<span class=\"unseen\"> packets</span></span>";
        assert_eq!(updates_in(page), 17);
        assert_eq!(updates_in("<p>It is empty</p>"), 0);
    }
}
