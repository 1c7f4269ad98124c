//! One attempt to save a session: the calls of the hooks, the `Set-Cookie` header, and the state of
//! the session afterwards.

use std::error::Error as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::report::LifeChange;
use super::sent::SentCookie;
use crate::config::OversizePolicy;
use crate::cookie::{check_name, check_value, render_removal, render_set};
use crate::error::{Error, ErrorKind};
use crate::interface::save::SaveRequest;
use crate::interface::{CookieAction, Save, Saved};
use crate::outcome::Outcome;
use crate::session::holder::Cell;
use crate::session::intent::Intent;
use crate::session::state::{Origin, State};
use crate::session::stored::StoredData;
use crate::session::{Lifetime, Mark, Renewal, SessionDetails};

/// One attempt to save. The attempt has removed the intent from the session, and restores the
/// intent if the attempt fails or is dropped.
pub(super) struct SaveAttempt<'a> {
    pub(super) save: Save<'a>,
    /// Whether there are changes to save.
    pub(super) needed: bool,
    finished: bool,
}

impl<'a> SaveAttempt<'a> {
    /// Removes the intent from the session. Returns `None` if the session is never saved. Fails if
    /// the cookie could not be set after the save.
    pub(super) fn start(
        request: SaveRequest<'a>,
        sets_unchanged: bool,
    ) -> Result<Option<Self>, Error> {
        let (data, intent) = {
            let mut state = request.cell.lock();
            if matches!(state.origin, Origin::Anonymous | Origin::Null(_)) {
                return Ok(None);
            }
            (state.data.clone(), std::mem::take(&mut state.intent))
        };
        let save = Save::new(request, data, intent, request.cell.is_accessed());
        let mut attempt = Self { save, needed: true, finished: false };
        // If the save ends the session, no hook is called before the end is stored.
        if !attempt.save.ends() {
            attempt.needed = attempt.save.call_hooks(sets_unchanged);
            if attempt.save.should_set_cookie() {
                check_attributes(&attempt.save)?;
            }
        }
        Ok(Some(attempt))
    }

    /// Renders the `Set-Cookie` header of a save that succeeded.
    pub(super) fn render_saved(&self, saved: &mut Saved) -> Result<SentCookie, Error> {
        match self.render(std::mem::take(&mut saved.cookie), saved.outcome) {
            // A failed renewal loses no data. A save with changes returns the error.
            Err(error) if error.kind() == ErrorKind::TooLarge && !self.save.is_modified() => {
                tracing::warn!(%error, source = error.source(), suppressed = 0_u64, "session could not be renewed");
                saved.outcome = Outcome::Unchanged;
                Ok(SentCookie::default())
            }
            rendered => rendered,
        }
    }

    /// Renders the `Set-Cookie` header of a save that failed.
    pub(super) fn render_error(&self, action: &mut CookieAction) -> SentCookie {
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

    /// Renders the headers that remove the other cookies if the request sent several cookies of the
    /// same name.
    fn removals(&self) -> Box<[String]> {
        let (save, name) = (&self.save, self.save.cookie_name());
        if !save.request.has_several_cookies {
            return Box::default();
        }
        let others = save.config().other_attributes(name, save.cookie_attributes());
        others.iter().map(|attributes| render_removal(name, attributes)).collect()
    }

    /// Returns the lifetime of a cookie that is set, or `Some(None)` for a cookie that is removed.
    #[expect(clippy::option_option, reason = "a cookie that is removed has no lifetime")]
    fn new_lifetime(&self, cookie: &Result<SentCookie, Error>) -> Option<Option<Lifetime>> {
        match cookie.as_ref().ok()?.action {
            CookieAction::Set { .. } => Some(Some(self.save.lifetime())),
            CookieAction::Remove => Some(None),
            CookieAction::Keep => None,
        }
    }

    /// Finishes without a call to the backend.
    pub(super) fn finish_alone(
        mut self,
        saved: Saved,
    ) -> Result<(Outcome, SentCookie), (Error, SentCookie)> {
        match self.finish(saved, &Ok(SentCookie::default())) {
            Ok(outcome) => Ok((outcome, SentCookie::default())),
            Err(error) => Err((error, SentCookie::default())),
        }
    }

    /// Updates the session to the stored data, with the changes made since the start of the save.
    /// Returns the outcome.
    pub(super) fn finish(
        &mut self,
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
            // A session that starts later has no owner, even if `clear` has ended this session.
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
    state.data.is_removed |= is_removed;
    if is_removed || saved.outcome == Outcome::Dropped {
        state.data.details = SessionDetails::new();
    }
    if let Some(details) = saved.details.take() {
        state.data.details = details;
    }
}

pub(super) fn lock(action: &Mutex<CookieAction>) -> MutexGuard<'_, CookieAction> {
    action.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Updates the session to the merged contents, with the changes made since the start of the save.
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
        // An update runs the caller's code. Therefore the lock is not held here.
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

/// Checks the name and the attributes of the cookie, unless they are the configured ones.
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
