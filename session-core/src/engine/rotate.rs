//! Rotation moves a session to a new id, with all changes that other requests store in the
//! meantime.

use std::ops::ControlFlow;

use super::content;
use super::deadline::Deadline;
use super::end::emptied;
use super::find::{Found, Live, Moved, tombstone_expiry};
use super::lineage::Lineage;
use super::login::LoginBase;
use super::position::{Position, RecordRef, Saving};
use super::save::{Replacement, stored};
use super::sessions::ServerSideSessions;
use super::successor::Created;
use super::write::{found, merge};
use crate::interface::{Contents, CookieAction, IdChange, Mark, Save, Saved};
use crate::store::{NewRecord, Replaced, SessionStore};
use crate::{Error, ErrorKind, Outcome};

impl<S: SessionStore> ServerSideSessions<S> {
    /// Moves the session to a new id. Creates the new record first, and then replaces the old
    /// record by a tombstone.
    pub(super) async fn rotate(&self, mut saving: Saving<'_, '_>) -> Result<Saved, Error> {
        let rotated = self.try_rotate(&mut saving).await;
        match rotated {
            Ok(_) => self.remove_unused(&saving).await,
            Err(_) => self.fail_rotation(&saving).await,
        }
        rotated
    }

    async fn try_rotate(&self, saving: &mut Saving<'_, '_>) -> Result<Saved, Error> {
        let _permit = self.queue.wait(saving.opened.key, &saving.deadline).await?;
        let is_login = saving.save.login().is_some();
        loop {
            match self.create_successor(saving).await? {
                Created::Record(mut new, contents) => {
                    let moved = self.move_to(saving, &mut new, contents).await;
                    if moved.is_err() {
                        self.abandon(saving, &new).await;
                    }
                    if let Some(saved) = moved? {
                        return Ok(saved);
                    }
                }
                Created::MovedOn(moved) if !is_login => return self.join(saving, moved).await,
                Created::Ended if !is_login => return Ok(Saved::dropped()),
                Created::MovedOn(_) | Created::Ended => {}
            }
            // A login moves the session once more, or starts another session.
            saving.forget_successor();
            saving.deadline.retry()?;
        }
    }

    /// Replaces the old record by a tombstone as soon as the new record has all contents of the old
    /// record. Returns `None` if a login must start again.
    async fn move_to(
        &self,
        saving: &mut Saving<'_, '_>,
        new: &mut RecordRef,
        mut contents: Contents,
    ) -> Result<Option<Saved>, Error> {
        let (opened, save) = (saving.opened, saving.save);
        let mut old = opened.clone();
        loop {
            let Some(found) = self.bury(saving, &old, new).await? else {
                return Ok(Some(self.finish(saving, new, contents).await));
            };
            let base = self.rotation_base(saving, new, &contents, found).await?;
            let newer = match base {
                ControlFlow::Continue(newer) => newer,
                ControlFlow::Break(saved) => return Ok(saved),
            };
            saving.deadline.retry()?;
            old = newer.record.clone();
            if let Some(carried) = self.carry_over(saving, new.clone(), newer).await? {
                (*new, contents) = carried;
                continue;
            }
            match self.reload_successor(saving).await? {
                // An earlier save has created the new record in the meantime. The loop continues
                // from the old record.
                Some(Created::Record(record, reloaded)) => {
                    (old, *new, contents) = (opened.clone(), record, reloaded);
                }
                Some(Created::MovedOn(_) | Created::Ended) => return Ok(overtaken(new, save)),
                // All sessions of the owner were ended in the meantime.
                None => return Ok((save.login().is_none()).then(Saved::dropped)),
            }
        }
    }

    /// Returns the result of a rotation that was stored. A session without values and without an
    /// owner ends.
    async fn finish(&self, saving: &Saving<'_, '_>, new: &RecordRef, contents: Contents) -> Saved {
        if contents.is_empty()
            && let Ok(ControlFlow::Break(())) = Box::pin(self.end_emptied(saving, new)).await
        {
            return emptied().with_contents(contents);
        }
        rotated(new.clone(), contents, saving.save)
    }

    /// Returns the base for continuing a rotation that did not replace the old record.
    async fn rotation_base(
        &self,
        saving: &mut Saving<'_, '_>,
        new: &RecordRef,
        contents: &Contents,
        found: Found,
    ) -> Result<ControlFlow<Option<Saved>, Live>, Error> {
        let save = saving.save;
        Ok(match found {
            Found::Live(live) => ControlFlow::Continue(live),
            Found::Gone => ControlFlow::Break(self.rotate_nothing(saving, new.clone()).await?),
            Found::Moved(moved) if save.login().is_none() => {
                self.discard(new, &saving.deadline).await;
                // The changes are in a record that never became the session.
                saving.forget_writes();
                ControlFlow::Break(Some(self.join(saving, moved).await?))
            }
            Found::Moved(moved) => match self.login_base(moved, &new.key, saving).await? {
                LoginBase::Session(live) => ControlFlow::Continue(live),
                LoginBase::Done => {
                    ControlFlow::Break(Some(rotated(new.clone(), contents.clone(), save)))
                }
                LoginBase::New(contents) => {
                    ControlFlow::Break(self.start_over(saving, new.clone(), contents).await?)
                }
            },
        })
    }

    /// Stores a newer version of the old record in the new record. Returns `None` if the new record
    /// was changed or removed.
    async fn carry_over(
        &self,
        saving: &mut Saving<'_, '_>,
        mut new: RecordRef,
        newer: Live,
    ) -> Result<Option<(RecordRef, Contents)>, Error> {
        let contents = merge(saving, &newer.record, newer.payload)?;
        new.nonces = newer.record.nonces;
        let predecessor = Some(newer.record.key);
        Ok(match self.replace(saving, &mut new, &contents, predecessor).await? {
            Replacement::Done => Some((new, contents)),
            Replacement::Found(live) => Some((live.record, contents)),
            Replacement::Stale => None,
        })
    }

    /// Replaces the old record by the tombstone. If the replacement fails, returns the current
    /// state of the old record. The tombstone has no owner, because an owner's list contains only
    /// sessions.
    async fn bury(
        &self,
        saving: &mut Saving<'_, '_>,
        old: &RecordRef,
        new: &RecordRef,
    ) -> Result<Option<Found>, Error> {
        saving.deadline.check()?;
        let follow = saving.save.id_change() != IdChange::CutOff;
        let bytes = content::tombstone(&new.key, follow);
        let record = NewRecord::new(&bytes, old.created_at, tombstone_expiry(self.config.now()));
        let failure = match self.store.replace(&old.key, old.version.clone(), &record).await {
            Ok(Replaced::Done(_)) => return Ok(None),
            Ok(Replaced::Stale) => {
                saving.deadline.check_lookup()?;
                None
            }
            Err(error) => {
                // An error reply of the store is final.
                let is_unknown = error.kind() == ErrorKind::Unavailable;
                if !saving.deadline.allows_lookup() {
                    saving.is_unconfirmed |= is_unknown;
                    return Err(error);
                }
                Some((error, is_unknown))
            }
        };
        let found = self.find(&old.key, self.config.now()).await;
        let (failure, is_unknown) = match (failure, found) {
            (_, Ok(Found::Moved(moved))) if moved.successor == new.key => return Ok(None),
            (Some(failure), Ok(Found::Live(live))) if live.record.version == old.version => failure,
            (_, Ok(found)) => return Ok(Some(found)),
            (None, Err(error)) => return Err(error),
            (Some(failure), Err(_)) => failure,
        };
        saving.is_unconfirmed |= is_unknown;
        Err(failure)
    }

    /// Stores the changes in the successor of another rotation. The response to the request of that
    /// rotation sets the new id.
    async fn join(&self, saving: &mut Saving<'_, '_>, moved: Moved) -> Result<Saved, Error> {
        let save = saving.save;
        saving.forget_successor();
        let now = self.config.now();
        let successor = self.successor(moved, now, &saving.deadline).await?;
        let Some(live) = successor else { return Ok(Saved::dropped()) };
        if save.changes().is_empty() {
            return found(live, save);
        }
        let contents = merge(saving, &live.record, live.payload)?;
        let mut target = live.record;
        let ControlFlow::Continue(replacement) =
            self.replace_or_end(saving, &mut target, &contents).await?
        else {
            return Ok(emptied().with_contents(contents));
        };
        match replacement {
            Replacement::Done => Ok(rotated(target, contents, save)),
            Replacement::Found(live) => found(*live, save),
            Replacement::Stale => Ok(self.write_again(saving, target).await?.saved),
        }
    }

    /// Handles a session that was ended during its rotation. The session stays ended, but a login
    /// starts a new session from the login's own changes.
    async fn rotate_nothing(
        &self,
        saving: &mut Saving<'_, '_>,
        new: RecordRef,
    ) -> Result<Option<Saved>, Error> {
        if saving.save.login().is_none() {
            self.discard(&new, &saving.deadline).await;
            return Ok(Some(Saved::dropped()));
        }
        let contents = saving.save.merge("{}", None, Mark::default())?;
        self.start_over(saving, new, contents).await
    }

    /// Stores the new record of a login as a session that is not the successor of another session.
    /// Returns `None` if all sessions of the owner were ended in the meantime.
    async fn start_over(
        &self,
        saving: &mut Saving<'_, '_>,
        new: RecordRef,
        contents: Contents,
    ) -> Result<Option<Saved>, Error> {
        let save = saving.save;
        let mut fresh = RecordRef { created_at: save.now(), lineage: Lineage::generate()?, ..new };
        match self.replace(saving, &mut fresh, &contents, None).await? {
            Replacement::Done => Ok(Some(rotated(fresh, contents, save))),
            Replacement::Found(live) => found(*live, save).map(Some),
            Replacement::Stale => Ok(None),
        }
    }

    /// Removes the record of a rotation that was not completed. If the removal fails or the
    /// deadline has passed, the record stays until it expires. Lists of the owner's sessions omit
    /// the record. Returns whether the record was removed.
    pub(super) async fn discard(&self, new: &RecordRef, deadline: &Deadline<'_>) -> bool {
        deadline.allows_lookup() && self.remove(new).await.is_ok_and(|removed| removed)
    }
}

/// Returns the result of a rotation whose new record had the changes before another request
/// continued from this record. Returns `None` for a login, which needs a session.
fn overtaken(new: &RecordRef, save: &Save<'_>) -> Option<Saved> {
    if save.login().is_some() {
        return None;
    }
    save.remember(Position::Moved { successor: new.key, follow: true });
    Some(Saved::new(CookieAction::Keep, Outcome::Stored))
}

fn rotated(new: RecordRef, contents: Contents, save: &Save<'_>) -> Saved {
    let saved = stored(save, &new, &contents);
    save.remember(Position::Live(new));
    saved.with_contents(contents)
}
