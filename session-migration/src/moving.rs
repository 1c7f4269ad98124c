//! Moving a session to the new backend.

use std::error::Error as _;
use std::time::Duration;

use session_core::interface::{CookieAction, Departure, Imported, OpenContext, Save, Saved};
use session_core::store::SessionStore;
use session_core::{Error, ErrorKind, Outcome, SessionInterface as _};

use crate::place::{NEW, OldPlace, Place};
use crate::sessions::import_of;
use crate::{MigratingSessions, OldSessions, id};

/// The time in which a move may start calls.
const LIMIT: Duration = Duration::from_secs(4);
/// The maximum number of attempts, in case the clock does not advance.
const MAX_ATTEMPTS: usize = 1_000;

/// The result of an attempt to move a session.
enum Step {
    /// The session is in the new backend, possibly under another id, or has ended.
    Done,
    /// Another request was faster.
    Overtaken,
    /// The session is in neither backend. Another request may have moved it in the meantime.
    Nowhere,
}

impl<S: SessionStore, O: OldSessions> MigratingSessions<S, O> {
    /// Saves a session that was opened in the old backend.
    pub(crate) async fn save_old(&self, place: &OldPlace, save: &Save<'_>) -> Result<Saved, Error> {
        if save.is_modified() && save.ends() {
            return self.end(place, save).await;
        }
        if !save.is_modified() {
            return Ok(self.renew(place, save).await);
        }
        self.change(place, save).await
    }

    /// Moves a session that the request did not change, because a renewal is due. An error does not
    /// make the request fail.
    async fn renew(&self, place: &OldPlace, save: &Save<'_>) -> Saved {
        self.change(place, save).await.unwrap_or_else(|error| {
            let (config, source) = (self.new.config(), error.source());
            let limit = config.events().log_limit();
            if let Some(suppressed) = limit.admit(&error, config.monotonic()) {
                tracing::warn!(%error, source, suppressed, "session could not be moved to the new backend");
            }
            Saved::unchanged()
        })
    }

    async fn change(&self, place: &OldPlace, save: &Save<'_>) -> Result<Saved, Error> {
        check_attached(place, save)?;
        self.move_session(place, save).await?;
        // The new backend also detects whether the session has ended.
        self.save_moved(place, save).await
    }

    /// Moves the session, unless it has ended.
    async fn move_session(&self, place: &OldPlace, save: &Save<'_>) -> Result<(), Error> {
        let (context, config) = (save.open_context(), self.new.config());
        let ends_at = config.monotonic() + LIMIT;
        let (mut lost_reply, mut nowhere) = (false, false);
        for _ in 0..MAX_ATTEMPTS {
            match self.try_move(place, &context).await {
                Ok(Step::Done) => return Ok(()),
                Ok(Step::Nowhere) if nowhere => return Ok(()),
                Ok(Step::Nowhere) => nowhere = true,
                Ok(Step::Overtaken) => {}
                // The next attempt continues from the state after this call.
                Err(error) if error.kind() == ErrorKind::Unavailable && !lost_reply => {
                    lost_reply = true;
                }
                Err(error) => return Err(error),
            }
            if config.monotonic() > ends_at {
                break;
            }
        }
        let message = "session was changed by other requests faster than it could be moved";
        Err(Error::new(ErrorKind::Conflict, message))
    }

    async fn try_move(&self, place: &OldPlace, context: &OpenContext<'_>) -> Result<Step, Error> {
        let copy = match self.new.imported_now(context, &place.id).await? {
            Imported::Copy(version) => Some(version),
            Imported::Missing => None,
            _ => return Ok(Step::Done),
        };
        match self.departure(context).await? {
            Departure::Session(opened) => {
                let import = import_of(context, place, &opened);
                let is_marked =
                    self.new.import(&import, copy).await? && self.old.depart(&opened).await?;
                if !is_marked {
                    return Ok(Step::Overtaken);
                }
                self.new.confirm_import(&place.id).await?;
            }
            Departure::Departed if copy.is_some() => {
                self.new.confirm_import(&place.id).await?;
            }
            // The copy belongs to a session that has ended.
            _ if copy.is_some() => {
                self.new.end_import(&place.id).await?;
            }
            _ => return Ok(Step::Nowhere),
        }
        Ok(Step::Done)
    }

    /// Saves a session that was opened in the old backend and has moved to the new one.
    pub(crate) async fn save_moved(
        &self,
        place: &OldPlace,
        save: &Save<'_>,
    ) -> Result<Saved, Error> {
        let has_copies = self.old.is_in_cookie();
        let import = import_of(&save.open_context(), place, &place.opened);
        let moved = self.new.after_import(&import);
        // From now on, the session is in the new backend, even if this save fails.
        save.remember(Place::New { has_copies });
        let saved = self.new.save(&save.nested(NEW).with_state_of(&moved)).await?;
        Ok(self.with_copies(has_copies, saved, save))
    }

    /// Returns the result of a save in the new backend. If a copy of the ended session is in an old
    /// cookie, the outcome is `BrowserOnly`.
    pub(crate) fn with_copies(&self, has_copies: bool, saved: Saved, save: &Save<'_>) -> Saved {
        let has_ended =
            *saved.cookie() == CookieAction::Remove && saved.outcome() == Outcome::Stored;
        if !has_copies || !has_ended || self.is_over(save.now()) {
            return saved;
        }
        let contents = saved.contents().cloned();
        Saved::new(CookieAction::Remove, Outcome::BrowserOnly).with_contents(contents)
    }
}

/// Fails if the client needs another cookie and the response was sent.
fn check_attached(place: &OldPlace, save: &Save<'_>) -> Result<(), Error> {
    let context = save.open_context();
    let is_cookie = |cookie: &str| id::is_cookie_of(cookie, &place.id);
    if !save.is_detached() || context.cookie().is_some_and(is_cookie) {
        return Ok(());
    }
    let message = "session moves to another cookie, and its response has been sent";
    Err(Error::new(ErrorKind::Committed, message))
}
