//! Requests with several cookies of the session's name. The cause is a change of the cookie's
//! domain or path, or another host of the site.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::try_join_all;

use super::session::{Several, Shared};
use crate::error::Error;
use crate::events::Event;
use crate::interface::CookieAction;
use crate::outcome::Outcome;
use crate::request_view::RequestView;
use crate::session::Login;
use crate::session::holder::{Demand, Holder as _};
use crate::session::state::{Data, Origin};

/// The maximum number of cookies that are tried.
const MAX_TRIED: usize = 4;

impl Shared {
    /// Opens the session of each cookie and chooses the session to use.
    pub(super) async fn open_several(&self) -> Result<(Data, Origin), Error> {
        let mut values: Vec<&str> = Vec::with_capacity(MAX_TRIED);
        for value in self.view.cookies(self.cookie_name()) {
            if values.len() < MAX_TRIED && !values.contains(&value) {
                values.push(value);
            }
        }
        let candidates: Vec<_> = values.into_iter().map(|value| self.with_cookie(value)).collect();
        try_join_all(candidates.iter().map(|candidate| candidate.open_first())).await?;
        Ok(self.choose(candidates))
    }

    /// Chooses the session to use, and stores the other sessions for a logout.
    fn choose(&self, mut candidates: Vec<Arc<Self>>) -> (Data, Origin) {
        let first = candidates.first().map(|first| first.opened()).unwrap_or_default();
        candidates.retain(|candidate| !candidate.cell.read(|state| state.data.is_new));
        if candidates.is_empty() {
            self.report_several(false);
            self.keep(None, candidates);
            return first;
        }
        let Some(chosen) = chosen(&candidates) else {
            self.report_several(true);
            self.keep(None, candidates);
            return (Data::fresh(), self.origin.clone());
        };
        self.report_several(false);
        let chosen = candidates.remove(chosen);
        self.keep(Some(chosen.view.clone()), candidates);
        // The response sets the cookie again, which replaces the other cookies that can be
        // replaced.
        self.sets_unchanged.store(true, Ordering::Relaxed);
        chosen.opened()
    }

    fn report_several(&self, of_different_users: bool) {
        let event = Event::SeveralCookies { of_different_users, count: 1 };
        (*self.interface).config().events().report(event);
    }

    fn keep(&self, view: Option<RequestView>, others: Vec<Arc<Self>>) {
        // If another attempt opened the session, the first result stays.
        let _kept = self.several.set(Box::new(Several { view, others }));
    }

    fn opened(&self) -> (Data, Origin) {
        self.cell.read(|state| (state.data.clone(), state.origin.clone()))
    }

    /// Ends sessions of the other cookies. A logout ends all of them, and a login ends the sessions
    /// of other users. Otherwise the next request would open one of these sessions, or no session.
    pub(super) async fn end_others(&self, spared: Option<&str>) -> Result<Outcome, Error> {
        let mut ended = Ok(Outcome::Unchanged);
        for other in self.several.get().map_or(&[][..], |several| &several.others) {
            let owner = other.cell.read(|state| state.data.stored.owner().map(str::to_owned));
            if spared.is_some() && (owner.is_none() || owner.as_deref() == spared) {
                continue;
            }
            ended = worst(ended, Arc::clone(other).save(Demand::LogOut).await);
            let removal = std::mem::take(&mut *other.sent());
            if spared.is_none() && self.sent().action == CookieAction::Keep {
                *self.sent() = removal;
            }
        }
        ended
    }

    /// Retries the end of the other sessions that could not be ended.
    pub(super) async fn end_others_again(&self) -> Result<(), Error> {
        for other in self.several.get().map_or(&[][..], |several| &several.others) {
            if other.cell.read(|state| state.intent.is_modified()) {
                other.save_intent(true).await.0?;
            }
        }
        Ok(())
    }
}

/// Returns the position of the session to use, or `None` if the sessions belong to different users.
///
/// The order of cookies is not reliable, because any host of the site can set some of them. A
/// session with a login is preferred to a session of a visitor. Of several logins of one user, the
/// latest login is preferred.
fn chosen(opened: &[Arc<Shared>]) -> Option<usize> {
    let mut best: Option<(usize, Login)> = None;
    for (index, session) in opened.iter().enumerate() {
        let login = session.cell.read(|state| state.data.stored.login.clone());
        let Some(login) = login else { continue };
        match &best {
            Some((_, best)) if best.owner() != login.owner() => return None,
            Some((_, best)) if best.authenticated_at() >= login.authenticated_at() => {}
            _ => best = Some((index, login)),
        }
    }
    Some(best.map_or(0, |(index, _)| index))
}

/// Returns the weaker outcome, or an error.
pub(super) fn worst(
    one: Result<Outcome, Error>,
    other: Result<Outcome, Error>,
) -> Result<Outcome, Error> {
    let promise = |outcome| match outcome {
        Outcome::Unchanged => 0,
        Outcome::Stored => 1,
        Outcome::BrowserOnly => 2,
        Outcome::Dropped => 3,
    };
    let (one, other) = (one?, other?);
    Ok(if promise(other) > promise(one) { other } else { one })
}
