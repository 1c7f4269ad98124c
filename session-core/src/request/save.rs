//! Saving the session of a request: at the commit, and before it.

use std::error::Error as _;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::hooks::RequestHooks;
use super::report::LifeChange;
use super::sent::SentCookie;
use super::session::Shared;
use super::several::worst;
use crate::config::OversizePolicy;
use crate::cookie::{check_name, check_value, render_removal, render_set};
use crate::error::{Error, ErrorKind};
use crate::interface::save::SaveRequest;
use crate::interface::view::{SessionView, ViewFlags};
use crate::interface::{CookieAction, Save, Saved};
use crate::session::holder::{Cell, Demand};
use crate::session::intent::Intent;
use crate::session::state::{Origin, State};
use crate::session::stored::StoredData;
use crate::session::{Lifetime, Mark, Outcome, Renewal, SessionDetails};

impl Shared {
    /// Saves the changes made so far, before the commit, and does what is demanded with them.
    pub(super) async fn save_now(&self, demand: Demand) -> Result<Outcome, Error> {
        // Either this sees the commit below, or the commit sees this and waits.
        self.saved_manually.swap(true, Ordering::SeqCst);
        let _permit = self.saving.lock().await;
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

    /// Replaces the header that an earlier save left for the response, if a later save changes the
    /// cookie again, or finds that the header repeats an id that is not this session's any more.
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

    /// Saves what the session wants now, if there is anything to save. `last` is the commit. Also
    /// returns what happens to the cookie if it fails.
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
        let interface = &*self.interface;
        let view = self.view();
        let hooks = RequestHooks { interface, request: view };
        let request = SaveRequest {
            hooks: &hooks,
            view,
            cell: &self.cell,
            cookie_name: self.cookie_name(),
            now: interface.config().now(),
            detached: self.origin == Origin::Reopened,
            last,
            on_error,
        };
        let sets_unchanged = self.sets_unchanged.swap(false, Ordering::Relaxed);
        let keeping = |error| (error, SentCookie::default());
        let attempt = SaveAttempt::start(request, sets_unchanged).map_err(keeping)?;
        let Some(attempt) = attempt else {
            return Ok((Outcome::Unchanged, SentCookie::default()));
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

    /// Whether the request only read its session and no renewal is due: the most frequent commit,
    /// which `last` is.
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

/// One attempt to save. It has taken the intent out of the session, and returns it if it fails or
/// is dropped.
struct SaveAttempt<'a> {
    save: Save<'a>,
    /// Whether there is anything to save.
    needed: bool,
    finished: bool,
}

impl<'a> SaveAttempt<'a> {
    /// Takes what the session wants; `None` if the session is never saved. Fails if the cookie
    /// could not be set afterwards.
    fn start(request: SaveRequest<'a>, sets_unchanged: bool) -> Result<Option<Self>, Error> {
        let (data, intent) = {
            let mut state = request.cell.lock();
            if matches!(state.origin, Origin::Anonymous | Origin::Null(_)) {
                return Ok(None);
            }
            (state.data.clone(), std::mem::take(&mut state.intent))
        };
        let save = Save::new(request, data, intent, request.cell.is_accessed());
        let mut attempt = Self { save, needed: true, finished: false };
        // No hook is called before the end of a session is stored.
        if !attempt.save.ends() {
            attempt.needed = attempt.save.call_hooks(sets_unchanged);
            if attempt.save.should_set_cookie() {
                check_attributes(&attempt.save)?;
            }
        }
        Ok(Some(attempt))
    }

    /// Renders the `Set-Cookie` header of a save that succeeded.
    fn render_saved(&self, saved: &mut Saved) -> Result<SentCookie, Error> {
        match self.render(std::mem::take(&mut saved.cookie), saved.outcome) {
            // A renewal loses nothing by it. A request that changes the session fails.
            Err(error) if error.kind() == ErrorKind::TooLarge && !self.save.is_modified() => {
                tracing::warn!(%error, source = error.source(), "session could not be renewed");
                saved.outcome = Outcome::Unchanged;
                Ok(SentCookie::default())
            }
            rendered => rendered,
        }
    }

    /// Renders the `Set-Cookie` header of a save that failed.
    fn render_error(&self, action: &mut CookieAction) -> SentCookie {
        let sent = self.render(std::mem::take(action), Outcome::Unchanged).unwrap_or_default();
        SentCookie { unconfirmed: true, ..sent }
    }

    /// Renders the `Set-Cookie` header.
    fn render(&self, action: CookieAction, outcome: Outcome) -> Result<SentCookie, Error> {
        let save = &self.save;
        let discards = action == CookieAction::Keep && outcome != Outcome::Unchanged;
        let is_token = save.config().token().is_some();
        let header = match &action {
            CookieAction::Set { value, .. } if is_token && save.should_set_cookie() => {
                check_value(value)?;
                check_size(save, value.clone(), value.len())?
            }
            CookieAction::Remove if is_token => String::new(),
            CookieAction::Set { value, expires } if save.should_set_cookie() => {
                check_attributes(save)?;
                let (name, attributes) = (save.cookie_name(), save.cookie_attributes());
                let header = render_set(name, value, *expires, save.now(), attributes)?;
                check_size(save, header, value.len())?
            }
            CookieAction::Remove => {
                check_attributes(save)?;
                render_removal(save.cookie_name(), save.cookie_attributes())
            }
            CookieAction::Keep | CookieAction::Set { .. } => {
                return Ok(SentCookie { discards, ..SentCookie::default() });
            }
        };
        let removals = self.removals();
        Ok(SentCookie { action, header: Some(header), removals, discards, unconfirmed: false })
    }

    /// Renders the headers that remove other cookies of the name, if the request sent several.
    fn removals(&self) -> Box<[String]> {
        let (save, name) = (&self.save, self.save.cookie_name());
        if !save.request().has_several_cookies(name) {
            return Box::default();
        }
        let others = save.config().other_attributes(name, save.cookie_attributes());
        others.iter().map(|attributes| render_removal(name, attributes)).collect()
    }

    /// Returns the lifetime of a cookie that is set, or `Some(None)` for one that is removed.
    #[expect(clippy::option_option, reason = "a cookie that is removed has no lifetime")]
    fn new_lifetime(&self, cookie: &Result<SentCookie, Error>) -> Option<Option<Lifetime>> {
        match cookie.as_ref().ok()?.action {
            CookieAction::Set { .. } => Some(Some(self.save.lifetime())),
            CookieAction::Remove => Some(None),
            CookieAction::Keep => None,
        }
    }

    /// Finishes without a call of the backend.
    fn finish_alone(self, saved: Saved) -> Result<(Outcome, SentCookie), (Error, SentCookie)> {
        match self.finish(saved, &Ok(SentCookie::default())) {
            Ok(outcome) => Ok((outcome, SentCookie::default())),
            Err(error) => Err((error, SentCookie::default())),
        }
    }

    /// Continues the session from what was stored, with the changes made since.
    /// Returns what became of the session.
    fn finish(
        mut self,
        mut saved: Saved,
        cookie: &Result<SentCookie, Error>,
    ) -> Result<Outcome, Error> {
        self.finished = true;
        let lifetime = self.new_lifetime(cookie);
        let cell = self.save.request.cell;
        if let Some(contents) = saved.contents.take() {
            merge(cell, contents.stored, self.save.config().login_keeps())?;
        }
        let mut state = cell.lock();
        if let Some(lifetime) = lifetime {
            state.data.lifetime = lifetime;
            // A session that begins later has no owner, even if `clear` has ended this one.
            if lifetime.is_none() && state.intent.login.is_none() {
                state.data.stored.login = None;
            }
        }
        note_details(&mut state, &mut saved, lifetime == Some(None));
        // If the cookie could not be set, the next save must try again.
        state.intent.write |= cookie.is_err();
        let change = LifeChange::of(&self.save, saved.outcome, matches!(lifetime, Some(Some(_))));
        if change.changes_login() {
            state.data.known_login = self.save.login().cloned();
        }
        let after = change.is_any().then(|| state.data.identity());
        let outcome = apply(&mut state, &saved, self.save.is_final());
        drop(state);
        if let Some(after) = after {
            change.report(&self.save, &after);
        }
        Ok(outcome)
    }
}

fn note_details(state: &mut State, saved: &mut Saved, is_removed: bool) {
    if is_removed || saved.outcome == Outcome::Dropped {
        state.data.details = SessionDetails::new();
    }
    if let Some(details) = saved.details.take() {
        state.data.details = details;
    }
}

fn lock(action: &Mutex<CookieAction>) -> MutexGuard<'_, CookieAction> {
    action.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows the merged contents, with the changes made since the save began.
fn merge(cell: &Cell, stored: StoredData, kept: Option<&[String]>) -> Result<(), Error> {
    loop {
        let (later, login, revision) = {
            let mut state = cell.lock();
            if state.intent.changes.is_empty() && state.intent.login.is_none() {
                show(&mut state, stored);
                return Ok(());
            }
            (state.intent.clone(), state.data.stored.login.clone(), state.revision)
        };
        // An update runs the caller's code, so not under the lock.
        let mut merged = stored.clone();
        later.apply_since(Mark::default(), &mut merged, login.as_ref(), kept)?;
        let mut state = cell.lock();
        if state.revision == revision {
            show(&mut state, merged);
            return Ok(());
        }
    }
}

fn show(state: &mut State, merged: StoredData) {
    state.data.stored = merged;
    state.revision += 1;
}

fn apply(state: &mut State, saved: &Saved, last: bool) -> Outcome {
    if saved.outcome == Outcome::Stored {
        state.data.renewal = Some(saved.renewal.unwrap_or_else(Renewal::never));
    }
    state.conclude(saved.outcome, last)
}

impl Drop for SaveAttempt<'_> {
    fn drop(&mut self) {
        if !self.finished {
            let mut state = self.save.request.cell.lock();
            let later = std::mem::take(&mut state.intent);
            state.intent = Intent::merged(self.save.take_intent(), later);
        }
    }
}

/// Checks the name and the attributes of the cookie, unless they are those of the configuration.
fn check_attributes(save: &Save<'_>) -> Result<(), Error> {
    let (name, attributes, config) = (save.cookie_name(), save.cookie_attributes(), save.config());
    let configured = std::ptr::eq(name, config.cookie_name())
        && std::ptr::eq(attributes, config.cookie_attributes());
    if configured { Ok(()) } else { check_name(name, attributes) }
}

/// Applies the policy for cookies that are too large.
fn check_size(save: &Save<'_>, header: String, value: usize) -> Result<String, Error> {
    let limit = save.config().max_cookie_size();
    if limit == 0 || header.len() <= limit {
        return Ok(header);
    }
    let (size, extra) = (header.len(), header.len() - value);
    if save.config().oversize() == OversizePolicy::Refuse {
        let message = format!(
            "session cookie of {size} bytes ({value} of value, {extra} of name and attributes) \
             exceeds the limit of {limit} bytes; store less in the session or use a server-side backend"
        );
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    tracing::warn!(
        value,
        attributes = extra,
        size,
        limit,
        "session cookie is larger than the limit; browsers may ignore it"
    );
    Ok(header)
}
