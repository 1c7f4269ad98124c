//! A wrapper of `OwnerSessions` that notes each call.

use std::sync::Arc;

use session_core::interface::SessionPage;
use session_core::{Error, OwnedSession, OwnerSessions, Session, SessionInterface};

use crate::harness::interface::InterfaceUnderTest;
use crate::harness::interface::browser::Browser;
use crate::report::{Calls, Failure, chain};

pub(crate) struct Owners {
    sessions: Arc<dyn OwnerSessions>,
    calls: Calls,
}

/// An owner that no other test uses, and its name in messages.
pub(crate) struct Owner {
    pub(crate) name: &'static str,
    pub(crate) id: String,
}

/// Returns an owner that no other test uses.
pub(crate) fn somebody(name: &'static str) -> Owner {
    Owner { name, id: format!("{name}-{}", fastrand::u64(..)) }
}

/// The maximum number of pages of a list. No rule creates as many sessions.
const MOST_PAGES: usize = 20;

impl Owners {
    pub(crate) fn new(sessions: Arc<dyn OwnerSessions>, calls: Calls) -> Self {
        Self { sessions, calls }
    }

    /// Returns all sessions of an owner.
    pub(crate) async fn list(&self, owner: &Owner) -> Result<Vec<OwnedSession>, Failure> {
        Ok(self.pages(owner, SessionPage::LIMIT).await?.0)
    }

    /// Returns the sessions on all pages of a list, and the length of the longest page.
    pub(crate) async fn pages(
        &self,
        owner: &Owner,
        limit: usize,
    ) -> Result<(Vec<OwnedSession>, usize), Failure> {
        let first = self.page(owner, None, limit).await?;
        let length = first.sessions.len();
        let (rest, longest) = self.pages_after(owner, first.next, limit).await?;
        Ok(([first.sessions, rest].concat(), longest.max(length)))
    }

    /// Returns the sessions on the pages after a position, and the length of the longest of these
    /// pages. Returns no sessions if there is no position.
    pub(crate) async fn pages_after(
        &self,
        owner: &Owner,
        mut after: Option<String>,
        limit: usize,
    ) -> Result<(Vec<OwnedSession>, usize), Failure> {
        let (mut sessions, mut longest) = (Vec::new(), 0);
        for _ in 1..MOST_PAGES {
            let Some(position) = after else { return Ok((sessions, longest)) };
            let page = self.page(owner, Some(&position), limit).await?;
            longest = longest.max(page.sessions.len());
            sessions.extend(page.sessions);
            after = page.next;
        }
        Err(self.calls.failure("a last page", format!("none in {MOST_PAGES} pages")))
    }

    /// Returns one page of a list.
    pub(crate) async fn page(
        &self,
        owner: &Owner,
        after: Option<&str>,
        limit: usize,
    ) -> Result<SessionPage, Failure> {
        let position = if after.is_some() { "a position" } else { "None" };
        let what = format!("page({}, {position}, {limit})", owner.name);
        let page = self.told(&what, self.sessions.page(&owner.id, after, limit).await)?;
        let next = if page.next.is_some() { "a position" } else { "the last page" };
        self.calls.note(format!("{what} = {} sessions, {next}", page.sessions.len()));
        Ok(page)
    }

    /// Returns the only session of an owner.
    pub(crate) async fn only(&self, owner: &Owner) -> Result<OwnedSession, Failure> {
        let mut listed = self.list(owner).await?;
        match (listed.pop(), listed.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Err(self.calls.failure("one session", "none, or several")),
        }
    }

    pub(crate) fn handle_of(&self, session: &Session) -> Option<String> {
        self.sessions.handle_of(session)
    }

    pub(crate) async fn end(&self, owner: &Owner, listed: &OwnedSession) -> Result<bool, Failure> {
        let what = format!("end({}, a handle)", owner.name);
        let ended = self.told(&what, self.sessions.end(&owner.id, listed.handle()).await)?;
        self.calls.note(format!("{what} = {ended}"));
        Ok(ended)
    }

    pub(crate) async fn end_others(&self, session: &Session) -> Result<usize, Failure> {
        let ended =
            self.told("end_others(this session)", self.sessions.end_others(session).await)?;
        self.calls.note(format!("end_others(this session) = {ended}"));
        Ok(ended)
    }

    pub(crate) async fn end_all(&self, owner: &Owner) -> Result<usize, Failure> {
        let what = format!("end_all({})", owner.name);
        let ended = self.told(&what, self.sessions.end_all(&owner.id).await)?;
        self.calls.note(format!("{what} = {ended}"));
        Ok(ended)
    }

    pub(crate) fn told<T>(&self, what: &str, result: Result<T, Error>) -> Result<T, Failure> {
        result.map_err(|error| {
            self.calls.note(format!("{what} = an error"));
            self.calls
                .failure("no error", format!("the error {:?}: {}", error.kind(), chain(&error)))
        })
    }
}

impl InterfaceUnderTest {
    /// Returns a browser in which an owner has logged in. The session has `n` = 1.
    pub(crate) async fn logged_in(
        &self,
        name: &'static str,
        interface: &Arc<dyn SessionInterface>,
        owner: &Owner,
    ) -> Result<Browser, Failure> {
        let mut browser = self.browser(name, interface);
        browser.log_in("insert n = 1, ", |session| session.insert("n", 1), &owner.id).await?;
        Ok(browser)
    }
}
