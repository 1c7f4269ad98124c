//! Rotation: a session moves to a new id, with everything that other requests store in the
//! meantime.

use super::content;
use super::deadline::Deadline;
use super::find::{Found, Live, Moved, tombstone_expiry};
use super::id::SessionId;
use super::lineage::Lineage;
use super::login::LoginBase;
use super::position::{Position, RecordRef, Saving};
use super::save::{Replacement, set_cookie, stored};
use super::sessions::ServerSideSessions;
use super::write::{found, merge};
use crate::interface::{Contents, CookieAction, IdChange, Mark, Save, Saved};
use crate::store::{NewRecord, Replaced, SessionStore, StoreKey};
use crate::{Error, ErrorKind, Outcome};

impl<S: SessionStore> ServerSideSessions<S> {
    /// Moves the session to a new id: first the new record, then a tombstone in place of the old
    /// one.
    pub(super) async fn rotate(&self, mut saving: Saving<'_, '_>) -> Result<Saved, Error> {
        let _permit = self.queue.wait(saving.opened.key, &saving.deadline).await?;
        let Some((mut new, contents)) = self.create_successor(&mut saving).await? else {
            return Ok(Saved::dropped());
        };
        let moved = self.move_to(&mut saving, &mut new, contents).await;
        // A tombstone that names the new record may still be applied.
        let may_be_moved = saving.is_unconfirmed || saving.opened.successor.is_some();
        let is_lost_login = saving.save.is_login() && saving.save.is_final();
        if moved.is_err() && (!may_be_moved || is_lost_login) {
            self.discard(&new, &saving.deadline).await;
        }
        moved
    }

    /// Creates the new record. If an earlier save of this request may have created it, continues
    /// from that record. Returns `None` if that save has moved the session, and another request has
    /// ended the session since.
    async fn create_successor(
        &self,
        saving: &mut Saving<'_, '_>,
    ) -> Result<Option<(RecordRef, Contents)>, Error> {
        let (opened, save) = (saving.opened, saving.save);
        let planned = opened.planned_successor()?;
        saving.rotate_to(planned.id);
        loop {
            let known = match opened.successor {
                Some(_) => self.find(&planned.key, self.config.now()).await?,
                None => Found::Gone,
            };
            let Found::Live(live) = known else {
                if opened.successor.is_some() && self.is_over(opened, &planned.key, save).await? {
                    return Ok(None);
                }
                let contents = save.contents();
                let created =
                    self.create(saving, planned.clone(), &contents, Some(opened.key)).await;
                match created {
                    // An earlier call created it just now.
                    Err(error)
                        if error.kind() == ErrorKind::Backend && opened.successor.is_some() =>
                    {
                        saving.deadline.retry().map_err(|_| error)?;
                        continue;
                    }
                    created => return Ok(Some((created?, contents))),
                }
            };
            match self.update_successor(saving, planned.id, live).await? {
                None => saving.deadline.retry()?,
                updated => return Ok(updated),
            }
        }
    }

    /// Stores the changes since an earlier save in the new record that it has created. Returns
    /// `None` if another request was faster.
    async fn update_successor(
        &self,
        saving: &mut Saving<'_, '_>,
        id: Option<SessionId>,
        live: Live,
    ) -> Result<Option<(RecordRef, Contents)>, Error> {
        let contents = merge(saving.opened, &live.record, live.payload, saving.save)?;
        let target = RecordRef { id, ..live.record };
        Ok(match self.replace(saving, target, &contents, live.head.predecessor).await? {
            Replacement::Done(record) => Some((record, contents)),
            Replacement::Found(live) => Some((RecordRef { id, ..live.record }, contents)),
            Replacement::Stale(_) => None,
        })
    }

    /// Whether the session was moved to a record that is gone. A login starts again in any case: it
    /// has removed the record itself if its outcome was unknown.
    async fn is_over(
        &self,
        opened: &RecordRef,
        successor: &StoreKey,
        save: &Save<'_>,
    ) -> Result<bool, Error> {
        if save.is_login() {
            return Ok(false);
        }
        let found = self.find(&opened.key, self.config.now()).await?;
        Ok(matches!(found, Found::Moved(moved) if moved.successor == *successor))
    }

    async fn move_to(
        &self,
        saving: &mut Saving<'_, '_>,
        new: &mut RecordRef,
        mut contents: Contents,
    ) -> Result<Saved, Error> {
        let (opened, save) = (saving.opened, saving.save);
        let mut old = opened.clone();
        loop {
            saving.deadline.check()?;
            let Some(found) = self.bury(saving, &old, new, &contents).await? else {
                return Ok(rotated(new.clone(), contents, save));
            };
            let newer = match found {
                Found::Moved(moved) if !save.is_login() => {
                    self.discard(new, &saving.deadline).await;
                    return self.join(saving, moved).await;
                }
                Found::Moved(moved) => match self.login_base(moved, &new.key, saving).await? {
                    LoginBase::Done => return Ok(rotated(new.clone(), contents, save)),
                    LoginBase::Session(live) => Some(live),
                    LoginBase::New(contents) => {
                        return self.start_over(saving, new.clone(), contents).await;
                    }
                },
                Found::Live(live) => Some(live),
                Found::Gone => None,
            };
            saving.deadline.retry()?;
            let Some(newer) = newer else {
                return self.rotate_nothing(saving, new.clone()).await;
            };
            old = newer.record.clone();
            let Some(carried) = self.carry_over(saving, new.clone(), newer).await? else {
                // All sessions of the owner were ended in the meantime.
                return Ok(Saved::dropped());
            };
            (*new, contents) = carried;
        }
    }

    /// Stores a newer version of the old record in the new one. Returns `None` if that is gone.
    async fn carry_over(
        &self,
        saving: &mut Saving<'_, '_>,
        mut new: RecordRef,
        newer: Live,
    ) -> Result<Option<(RecordRef, Contents)>, Error> {
        let contents = merge(saving.opened, &newer.record, newer.payload, saving.save)?;
        new.nonces = newer.record.nonces;
        let predecessor = Some(newer.record.key);
        Ok(match self.replace(saving, new, &contents, predecessor).await? {
            Replacement::Done(record) | Replacement::Found(Live { record, .. }) => {
                Some((record, contents))
            }
            Replacement::Stale(_) => None,
        })
    }

    /// Replaces the old record by the tombstone. Returns what is there instead if that fails. The
    /// tombstone has no owner, because owners list sessions.
    async fn bury(
        &self,
        saving: &mut Saving<'_, '_>,
        old: &RecordRef,
        new: &RecordRef,
        contents: &Contents,
    ) -> Result<Option<Found>, Error> {
        let follow = saving.save.id_change() != IdChange::CutOff;
        let bytes = content::tombstone(&new.key, follow);
        let record = NewRecord::new(&bytes, old.created_at, tombstone_expiry(self.config.now()));
        let failure = match self.store.replace(&old.key, old.version, &record).await {
            Ok(Replaced::Done(_)) => return Ok(None),
            Ok(Replaced::Stale) => {
                saving.deadline.check_lookup()?;
                None
            }
            Err(error) if !saving.deadline.allows_lookup() => {
                return Err(saving.leave_unconfirmed(new, contents, error));
            }
            Err(error) => Some(error),
        };
        let found = self.find(&old.key, self.config.now()).await;
        match (failure, found) {
            (_, Ok(Found::Moved(moved))) if moved.successor == new.key => Ok(None),
            (Some(failure), Ok(Found::Live(live))) if live.record.version == old.version => {
                Err(saving.leave_unconfirmed(new, contents, failure))
            }
            (_, Ok(found)) => Ok(Some(found)),
            (None, Err(error)) => Err(error),
            (Some(failure), Err(_)) => Err(saving.leave_unconfirmed(new, contents, failure)),
        }
    }

    /// Stores the changes in the successor of another rotation, whose request sends the new id.
    async fn join(&self, saving: &mut Saving<'_, '_>, moved: Moved) -> Result<Saved, Error> {
        let (opened, save) = (saving.opened, saving.save);
        saving.rotate_to(None);
        saving.deadline.check_lookup()?;
        let successor = self.successor(moved, true, self.config.now()).await?;
        let Some(live) = successor else { return Ok(Saved::dropped()) };
        if save.changes().is_empty() && save.owner_change().is_none() {
            return Ok(Saved::new(CookieAction::Keep, Outcome::Stored));
        }
        let contents = merge(opened, &live.record, live.payload, save)?;
        saving.deadline.check()?;
        match self.replace(saving, live.record, &contents, None).await? {
            Replacement::Done(record) => Ok(rotated(record, contents, save)),
            Replacement::Found(live) => found(live, save),
            Replacement::Stale(stale) => Ok(self.write_again(saving, stale).await?.saved),
        }
    }

    /// The session was ended while it was rotated. It stays ended, but a login starts a new session
    /// from its own changes.
    async fn rotate_nothing(
        &self,
        saving: &mut Saving<'_, '_>,
        new: RecordRef,
    ) -> Result<Saved, Error> {
        if !saving.save.is_login() {
            self.discard(&new, &saving.deadline).await;
            return Ok(Saved::dropped());
        }
        let contents = saving.save.merge("{}", None, Mark::default())?;
        self.start_over(saving, new, contents).await
    }

    /// Makes the new record of a login a session that is not the successor of another.
    async fn start_over(
        &self,
        saving: &mut Saving<'_, '_>,
        new: RecordRef,
        contents: Contents,
    ) -> Result<Saved, Error> {
        let save = saving.save;
        saving.deadline.check()?;
        let fresh = RecordRef { created_at: save.now(), lineage: Lineage::generate()?, ..new };
        match self.replace(saving, fresh, &contents, None).await? {
            Replacement::Done(record) => Ok(rotated(record, contents, save)),
            Replacement::Found(live) => found(live, save),
            Replacement::Stale(_) => Ok(Saved::dropped()),
        }
    }

    /// Removes the record of a rotation that did not happen. If the removal fails or the deadline
    /// has passed, the record stays until it expires. Lists of the owner's sessions leave it out.
    pub(super) async fn discard(&self, new: &RecordRef, deadline: &Deadline<'_>) {
        if deadline.allows_lookup() {
            let _ = self.remove(new).await;
        }
    }
}

impl Saving<'_, '_> {
    /// Lets the error response set the new id if the store may have moved the session, or may still
    /// do it. A failure that the store replied with is final. A login whose outcome is unknown must
    /// not be the client's.
    fn leave_unconfirmed(&mut self, new: &RecordRef, contents: &Contents, failure: Error) -> Error {
        if failure.kind() != ErrorKind::Unavailable {
            return failure;
        }
        self.is_unconfirmed = true;
        if let Some(id) = new.id
            && !self.save.is_login()
        {
            let cookie = set_cookie(id.to_unconfirmed_cookie(), new, contents);
            self.save.set_cookie_on_error(cookie);
        }
        failure
    }
}

fn rotated(new: RecordRef, contents: Contents, save: &Save<'_>) -> Saved {
    let saved = stored(save, &new, &contents);
    save.remember(Position::Live(new));
    saved.with_contents(contents)
}
