//! Ending a session that was opened in the old backend.

use session_core::interface::{CookieAction, Imported, Save, Saved};
use session_core::store::SessionStore;
use session_core::{Error, ErrorKind, Outcome, SessionInterface as _};

use crate::place::{NEW, OLD, OldPlace};
use crate::{MigratingSessions, OldSessions};

impl<S: SessionStore, O: OldSessions> MigratingSessions<S, O> {
    /// Ends the session in the old backend, and in the new backend if the session has moved there.
    ///
    /// A request that moves the session at the same time stores the copy before it marks the old
    /// session. Therefore the copy exists if the old backend no longer has the session.
    pub(crate) async fn end(&self, place: &OldPlace, save: &Save<'_>) -> Result<Saved, Error> {
        check_attached(save)?;
        let is_over = self.is_over(save.now());
        let in_old = if is_over { Outcome::Stored } else { self.end_in_old(save).await? };
        let found = self.new.imported_now(&save.open_context(), &place.id).await?;
        let has_ended = match found {
            Imported::Session(_) => false,
            // A request that overlaps this request could still move the session of a cookie.
            Imported::Missing if self.old.is_in_cookie() && !is_over => {
                self.new.end_import(&place.id).await?
            }
            Imported::Copy(_) => self.new.end_import(&place.id).await?,
            _ => true,
        };
        if !has_ended {
            return self.save_moved(place, save).await;
        }
        let is_known = !matches!(found, Imported::Missing);
        let outcome = if in_old == Outcome::Dropped && is_known { Outcome::Stored } else { in_old };
        self.after_end(outcome, save).await
    }

    /// Saves a session that has another id in the old backend.
    pub(crate) async fn save_rotated(&self, save: &Save<'_>) -> Result<Saved, Error> {
        if save.is_modified() && save.ends() {
            check_attached(save)?;
            let outcome = self.end_in_old(save).await?;
            return self.after_end(outcome, save).await;
        }
        if save.login().is_some() {
            return self.new.save(&save.nested(NEW)).await;
        }
        Ok(if save.is_modified() { Saved::dropped() } else { Saved::unchanged() })
    }

    async fn end_in_old(&self, save: &Save<'_>) -> Result<Outcome, Error> {
        Ok(self.old.save(&save.nested(OLD).ending()).await?.outcome())
    }

    /// Creates another session if values were set after the end.
    async fn after_end(&self, outcome: Outcome, save: &Save<'_>) -> Result<Saved, Error> {
        if outcome == Outcome::Dropped && save.login().is_none() {
            return Ok(Saved::dropped());
        }
        save.forget();
        if save.is_empty() {
            return Ok(Saved::new(CookieAction::Remove, outcome));
        }
        self.new.save(&save.nested(NEW)).await
    }
}

/// Fails if the save creates a session and the response was already sent.
fn check_attached(save: &Save<'_>) -> Result<(), Error> {
    if !save.is_detached() || save.is_empty() {
        return Ok(());
    }
    let message = "session has ended, and its response has been sent: \
                   the id of a new session could not reach the client";
    Err(Error::new(ErrorKind::Ended, message))
}
