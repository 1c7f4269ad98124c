//! Saving the session of a request, at the commit and before the commit.

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use tokio::sync::MutexGuard;

use super::attempt::{SaveAttempt, lock};
use super::hooks::RequestHooks;
use super::sent::SentCookie;
use super::session::Shared;
use super::several::worst;
use crate::error::{Error, ErrorKind};
use crate::interface::save::SaveRequest;
use crate::interface::view::{SessionView, ViewFlags};
use crate::interface::{CookieAction, Saved};
use crate::outcome::Outcome;
use crate::session::holder::Demand;
use crate::session::state::Origin;

impl Shared {
    /// Waits until no save before the commit is in progress.
    pub(super) async fn save_permit(&self) -> MutexGuard<'_, ()> {
        // `lock` can be pending although the lock is free, if the task has used up its budget.
        match self.saving.try_lock() {
            Ok(permit) => permit,
            Err(_) => self.saving.lock().await,
        }
    }

    /// Saves the changes made so far, before the commit, together with the requested login or
    /// logout.
    pub(super) async fn save_now(&self, demand: Demand) -> Result<Outcome, Error> {
        // Either the code below finds the request committed, or the commit reads this flag and
        // waits.
        self.saved_manually.swap(true, Ordering::SeqCst);
        let _permit = self.save_permit().await;
        let is_logout = matches!(demand, Demand::LogOut);
        let new_owner = demand.new_owner().map(str::to_owned);
        let own = self.save_demand(demand).await;
        match (&own, new_owner) {
            _ if is_logout => worst(own, self.end_others(None).await),
            (Ok(Outcome::Dropped) | Err(_), _) | (_, None) => own,
            (Ok(_), Some(owner)) => self.end_others(Some(&owner)).await.and(own),
        }
    }

    async fn save_demand(&self, demand: Demand) -> Result<Outcome, Error> {
        let config = (*self.interface).config();
        let is_logout = matches!(demand, Demand::LogOut);
        let earlier = self.cell.write(|state| {
            if state.origin == Origin::Anonymous {
                let message = "session store could not be reached when this request began; \
                               the session cannot be saved";
                return Err(Error::new(ErrorKind::Unavailable, message));
            }
            demand.apply(state, config.now(), config.login_keeps())?;
            Ok(state.outcome.filter(|_| is_logout))
        })?;
        match (self.save_before_commit().await?, earlier) {
            // An earlier logout has ended the session.
            (Outcome::Unchanged, Some(earlier)) => Ok(self.cell.lock().conclude(earlier, false)),
            (outcome, _) => Ok(outcome),
        }
    }

    async fn save_before_commit(&self) -> Result<Outcome, Error> {
        if self.is_unchanged(false) {
            return Ok(self.cell.lock().conclude(Outcome::Unchanged, false));
        }
        let is_reopened = self.origin == Origin::Reopened;
        if is_reopened && self.cell.read(|state| state.data.is_new && state.intent.is_modified()) {
            let message = "session has ended or has another id, and its response has been sent: \
                           the id of a new session could not reach the client";
            return Err(Error::new(ErrorKind::Ended, message));
        }
        let (result, sent) = self.save_intent(false).await;
        if is_reopened && self.is_undelivered(&sent.action) {
            let message = "this backend stores the session in the client's cookie, \
                           and the response has been sent";
            return result.and(Err(Error::new(ErrorKind::Committed, message)));
        }
        self.send(sent);
        result
    }

    /// Replaces the header that an earlier save left for the response. This happens if a later save
    /// changes the cookie again, or finds that the header repeats an id that the session no longer
    /// has.
    pub(super) fn send(&self, cookie: SentCookie) {
        let mut sent = self.sent();
        if cookie.action != CookieAction::Keep {
            *sent = cookie;
        } else if cookie.discards
            && sent.action != CookieAction::Remove
            && (sent.unconfirmed || !self.is_undelivered(&sent.action))
        {
            *sent = SentCookie::default();
        }
    }

    fn is_undelivered(&self, action: &CookieAction) -> bool {
        match action {
            CookieAction::Set { value, .. } => {
                self.view().cookie(self.cookie_name()) != Some(value.as_str())
            }
            CookieAction::Keep | CookieAction::Remove => false,
        }
    }

    /// Saves the current intent of the session, if it is not empty. `last` is `true` for the
    /// commit. Also returns the effect on the cookie if the save fails.
    pub(super) async fn save_intent(&self, last: bool) -> (Result<Outcome, Error>, SentCookie) {
        let on_error = Mutex::new(CookieAction::Keep);
        match self.try_save(last, &on_error).await {
            Ok((outcome, sent)) => (Ok(outcome), sent),
            Err((error, sent)) => (Err(error), sent),
        }
    }

    async fn try_save(
        &self,
        last: bool,
        on_error: &Mutex<CookieAction>,
    ) -> Result<(Outcome, SentCookie), (Error, SentCookie)> {
        let (interface, view) = (&*self.interface, self.view());
        let hooks = RequestHooks { interface, request: view };
        let request = SaveRequest {
            hooks: &hooks,
            view,
            cell: &self.cell,
            cookie_name: self.cookie_name(),
            has_several_cookies: self.has_several_cookies.load(Ordering::Relaxed),
            now: interface.config().now(),
            detached: self.origin == Origin::Reopened,
            last,
            on_error,
        };
        let sets_unchanged = self.sets_unchanged.swap(false, Ordering::Relaxed);
        let keeping = |error| (error, SentCookie::default());
        let mut attempt = match SaveAttempt::start(request, sets_unchanged) {
            Ok(Some(attempt)) => attempt,
            Ok(None) => return Ok((Outcome::Unchanged, SentCookie::default())),
            Err(error) => return Err(keeping(error)),
        };
        if !attempt.needed {
            return attempt.finish_alone(Saved::unchanged());
        }
        if last && self.keeps_flashes_in_cookie(&attempt.save) {
            return attempt.finish_alone(Saved::new(CookieAction::Keep, Outcome::Stored));
        }
        match interface.save(&attempt.save).await {
            Ok(mut saved) => {
                let cookie = attempt.render_saved(&mut saved);
                let outcome = attempt.finish(saved, &cookie).map_err(keeping)?;
                Ok((outcome, cookie.map_err(keeping)?))
            }
            Err(error) => Err((error, attempt.render_error(&mut lock(on_error)))),
        }
    }

    /// Returns whether the request only read its session and no renewal is due, which is the most
    /// frequent commit. `last` is `true` for the commit.
    pub(super) fn is_unchanged(&self, last: bool) -> bool {
        let interface = &*self.interface;
        let (contents, renewal, flags) = {
            let state = self.cell.lock();
            let Some(renewal) = state.data.renewal else { return false };
            if state.intent.is_modified() {
                return false;
            }
            let flags = ViewFlags::of_save(&state.data, &state.intent, self.cell.is_accessed());
            (state.data.stored.clone(), renewal, flags)
        };
        if renewal.can_be_due(self.cell.is_accessed())
            && renewal.is_due(self.cell.is_accessed(), interface.config().now())
        {
            return false;
        }
        let view = SessionView::of(&contents, flags);
        if self.sets_unchanged.load(Ordering::Relaxed) || interface.should_set_cookie(&view) {
            self.sets_unchanged.store(true, Ordering::Relaxed);
            return false;
        }
        self.cell.lock().conclude(Outcome::Unchanged, last);
        true
    }
}
