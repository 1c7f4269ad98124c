//! Ending a session.

use std::ops::ControlFlow;
use std::time::SystemTime;

use super::content;
use super::deadline::Deadline;
use super::find::{DEPARTED, Found, Live, Moved, time_for_ending, tombstone_expiry};
use super::lineage::Lineage;
use super::position::{EndedBy, RecordRef, Saving};
use super::save::{Replacement, check_attached};
use super::sessions::ServerSideSessions;
use crate::interface::{CookieAction, Save, Saved};
use crate::store::{
    MAX_CLOCK_SKEW, NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey,
};
use crate::{Error, ErrorKind, Outcome};

/// The number of records that one call loads.
pub(super) const BATCH: usize = 100;

/// The result of a search for a session that a removal did not find.
enum Left {
    /// The session is in this record.
    Record(RecordRef),
    /// The owner's list has this record of the session. The list may have more records of the
    /// session, because an unfinished rotation may have left another record.
    Listed(RecordRef),
    /// The record now has another session or another owner.
    Another,
    /// The record no longer exists, and the owner's list does not have the session.
    Ended,
    /// The record no longer exists. Another id may open the session.
    Nothing,
    /// The session has moved to another backend.
    Departed,
}

impl<S: SessionStore> ServerSideSessions<S> {
    /// Ends the session, and starts another session if values were set afterwards.
    pub(super) async fn end_and_begin(
        &self,
        record: &RecordRef,
        ended_by: EndedBy<'_, '_>,
        save: &Save<'_>,
        mut deadline: Deadline<'_>,
    ) -> Result<Saved, Error> {
        check_attached(save)?;
        let mut is_ended = self.end_record(record, ended_by, &mut deadline).await?;
        for id in record.successor.map(|known| known.id).into_iter().chain(record.unused) {
            let key = self.key_of(id);
            let is_other = self.may_be_elsewhere(record, &key, &deadline).await?;
            is_ended |= self.end_planned(key, &mut deadline).await? && !is_other;
        }
        if !is_ended && save.login().is_none() {
            return Ok(Saved::dropped());
        }
        save.forget();
        if save.is_empty() {
            return Ok(emptied());
        }
        self.begin(save, deadline).await
    }

    /// Ends the session that continues under a new id, for a logout with the id from before the
    /// rotation.
    pub(super) async fn end_successor(
        &self,
        successor: StoreKey,
        save: &Save<'_>,
        deadline: Deadline<'_>,
    ) -> Result<Saved, Error> {
        match self.find_successor(&successor, true, &deadline).await? {
            Some(live) => self.end_and_begin(&live.record, EndedBy::Logout, save, deadline).await,
            None => Ok(Saved::dropped()),
        }
    }

    /// Ends the record that an earlier save of this request may have created. Returns whether this
    /// call ended a record. If a login has moved the session since, the new session belongs to
    /// another client.
    async fn end_planned(&self, key: StoreKey, deadline: &mut Deadline<'_>) -> Result<bool, Error> {
        match self.find_successor(&key, true, deadline).await? {
            Some(live) => self.end_record(&live.record, EndedBy::Logout, deadline).await,
            None => Ok(false),
        }
    }

    /// Returns whether another request may have moved the session to a record other than `key`. The
    /// tombstone of a rotation may have expired.
    async fn may_be_elsewhere(
        &self,
        record: &RecordRef,
        key: &StoreKey,
        deadline: &Deadline<'_>,
    ) -> Result<bool, Error> {
        deadline.check_lookup()?;
        let now = time_for_ending(self.config.now());
        match self.find(&record.key, now).await? {
            Found::Moved(moved) => Ok(!self.leads_to(moved, key, now, deadline).await?),
            Found::Gone => Ok(!self.is_recent(record)),
            Found::Live(_) => Ok(false),
        }
    }

    pub(super) async fn find_successor(
        &self,
        key: &StoreKey,
        only_followed: bool,
        deadline: &Deadline<'_>,
    ) -> Result<Option<Live>, Error> {
        deadline.check_lookup()?;
        let now = time_for_ending(self.config.now());
        let live = match self.find(key, now).await? {
            Found::Live(live) => Some(live),
            Found::Moved(moved) => {
                let (last, live) = self.follow(moved, now, deadline).await?;
                live.filter(|_| last.follow || !only_followed)
            }
            Found::Gone => None,
        };
        Ok(live)
    }

    /// Removes the record or its successor at any version. With an owner, removes the record only
    /// while it belongs to that owner.
    ///
    /// Returns whether no id opens the session any more. If the record no longer exists, another
    /// request may have ended the session. The other request may also have rotated the session so
    /// long ago that the tombstone has expired. If there is an owner, the owner's list shows which
    /// case applies.
    pub(super) async fn end_record(
        &self,
        record: &RecordRef,
        ended_by: EndedBy<'_, '_>,
        deadline: &mut Deadline<'_>,
    ) -> Result<bool, Error> {
        let _permit = self.queue.wait(record.key, deadline).await?;
        let owner = ended_by.owner();
        let mut target = record.clone();
        let (mut unknown, mut is_listed) = (None, false);
        loop {
            let is_tried = unknown.is_some() || record.is_removal_tried;
            let failure = match self.try_removal(record, &target, is_tried, ended_by).await {
                Ok(true) if !is_listed => return Ok(true),
                Ok(_) => deadline.check_lookup().map(|()| None)?,
                Err(error) if !deadline.allows_lookup() => return Err(error),
                Err(error) => Some(error),
            };
            let left = match self.left_of(&target, owner, deadline).await? {
                Left::Record(left) => left,
                Left::Listed(left) => {
                    is_listed = true;
                    left
                }
                Left::Another | Left::Departed => return Ok(owner.is_some()),
                Left::Ended => return Ok(true),
                Left::Nothing if owner.is_some() => return Ok(true),
                Left::Nothing => return self.is_removed(record, &target, failure.or(unknown)),
            };
            if (left.key, &left.version) == (target.key, &target.version)
                && let Some(failure) = failure
            {
                // The call did not reach the store.
                return Err(failure);
            }
            unknown = failure.or(unknown);
            target = left;
            deadline.retry()?;
        }
    }

    /// Removes the target, which is the record or its successor. Records for a repeated logout
    /// whether this call or an earlier attempt may have removed the target.
    async fn try_removal(
        &self,
        record: &RecordRef,
        target: &RecordRef,
        is_tried: bool,
        ended_by: EndedBy<'_, '_>,
    ) -> Result<bool, Error> {
        ended_by.remember_removal(record, true);
        let is_removed = self.remove(target).await?;
        ended_by.remember_removal(record, is_tried || is_removed);
        Ok(is_removed)
    }

    /// Returns whether a session without an owner has ended, after its record was removed.
    fn is_removed(
        &self,
        record: &RecordRef,
        target: &RecordRef,
        failure: Option<Error>,
    ) -> Result<bool, Error> {
        match failure {
            None if !record.is_removal_tried => Ok(false),
            // A call failed, but this call or another request has removed the record.
            _ if self.is_recent(target) => Ok(true),
            None => Ok(false),
            Some(failure) => Err(failure),
        }
    }

    /// Returns whether a tombstone of this record would still be stored, according to any clock.
    fn is_recent(&self, record: &RecordRef) -> bool {
        record.seen.elapsed(&self.config) < MAX_CLOCK_SKEW
    }

    /// Removes the record of a session that ends. If an earlier call may still create the record,
    /// stores a placeholder instead, which expires like a tombstone.
    pub(super) async fn remove(&self, record: &RecordRef) -> Result<bool, Error> {
        if !record.is_retried {
            return self.store.remove(&record.key, record.version.clone()).await;
        }
        let replaced =
            self.store.replace(&record.key, record.version.clone(), &self.ended_record()).await?;
        Ok(matches!(replaced, Replaced::Done(_)))
    }

    /// Prevents an earlier call from creating the record.
    pub(super) async fn prevent_creation(
        &self,
        planned: &RecordRef,
        deadline: &mut Deadline<'_>,
    ) -> Result<(), Error> {
        deadline.check()?;
        match self.store.create(&planned.key, &self.ended_record()).await {
            // The earlier call has created the record in the meantime.
            Err(error) if error.kind() == ErrorKind::Backend => {
                self.end_planned(planned.key, deadline).await.map(drop)
            }
            created => created.map(drop),
        }
    }

    /// Removes the record of a session that is left without values and owner, unless another
    /// request has written the record since.
    pub(super) async fn end_emptied(
        &self,
        saving: &Saving<'_, '_>,
        target: &RecordRef,
    ) -> Result<ControlFlow<(), Replacement>, Error> {
        let is_removed = match self.remove(target).await {
            Ok(is_removed) => is_removed,
            Err(error) if !saving.deadline.allows_lookup() => return Err(error),
            Err(error) => match self.find(&target.key, self.config.now()).await {
                Ok(Found::Gone) => true,
                Ok(Found::Live(live)) if live.record.version != target.version => false,
                Ok(Found::Moved(_)) => false,
                Ok(Found::Live(_)) | Err(_) => return Err(error),
            },
        };
        if !is_removed {
            return Ok(ControlFlow::Continue(Replacement::Stale));
        }
        saving.save.forget();
        Ok(ControlFlow::Break(()))
    }

    pub(super) fn ended_record(&self) -> NewRecord<'static> {
        let now = self.config.now();
        NewRecord::new(content::ENDED_SESSION, now, tombstone_expiry(now))
    }

    /// Looks for a session that a removal did not find.
    async fn left_of(
        &self,
        record: &RecordRef,
        owner: Option<&str>,
        deadline: &Deadline<'_>,
    ) -> Result<Left, Error> {
        let now = time_for_ending(self.config.now());
        let live = match self.find(&record.key, now).await? {
            Found::Live(live) => Some(live),
            Found::Moved(moved) => match self.follow(moved, now, deadline).await? {
                // A login has cut off the id and started another session. A logout also ends the
                // new session if both sessions have the same user.
                (Moved { follow: false, .. }, Some(live)) => {
                    let is_users = owner.is_none() && live.record.is_of_owner_of(record);
                    return Ok(if is_users { Left::Record(live.record) } else { Left::Another });
                }
                (last, None) if last.successor == DEPARTED => return Ok(Left::Departed),
                (_, live) => live,
            },
            Found::Gone => None,
        };
        if let Some(live) = live {
            let is_theirs = (owner.is_none() || live.record.owner() == owner)
                && live.record.lineage == record.lineage;
            return Ok(if is_theirs { Left::Record(live.record) } else { Left::Another });
        }
        let (Some(of), Some(index)) = (record.owner(), self.store.inner.owner_index()) else {
            return Ok(Left::Nothing);
        };
        deadline.check_lookup()?;
        let listed = self.find_listed(index, of, record.lineage, deadline).await?;
        Ok(listed.map_or(Left::Ended, Left::Listed))
    }

    /// Finds a session of the owner by lineage.
    async fn find_listed(
        &self,
        index: &dyn OwnerIndex,
        owner: &str,
        lineage: Lineage,
        deadline: &Deadline<'_>,
    ) -> Result<Option<RecordRef>, Error> {
        let keys = self.store.keys_of(index, owner).await?;
        let mut unread = None;
        for keys in keys.chunks(BATCH) {
            deadline.check_lookup()?;
            let now = time_for_ending(self.config.now());
            for (key, loaded) in keys.iter().zip(self.load_each(keys).await?) {
                let live = match self.follow_any(key, loaded, now, deadline).await {
                    // Another record may belong to the session.
                    Err(error) if error.is_newer_format() => {
                        unread = Some(error);
                        continue;
                    }
                    live => live?,
                };
                if let Some(live) = live
                    && live.record.lineage == lineage
                    && live.record.owner() == Some(owner)
                {
                    return Ok(Some(live.record));
                }
            }
        }
        unread.map_or(Ok(None), Err)
    }

    /// Returns the session of a loaded record, through any rotation.
    async fn follow_any(
        &self,
        key: &StoreKey,
        loaded: Result<Option<Record>, Error>,
        now: SystemTime,
        deadline: &Deadline<'_>,
    ) -> Result<Option<Live>, Error> {
        match self.judge(key, loaded?, now)? {
            Found::Live(live) => Ok(Some(live)),
            Found::Moved(moved) => Ok(self.follow(moved, now, deadline).await?.1),
            Found::Gone => Ok(None),
        }
    }
}

/// Returns the result of a save that has ended the session.
pub(super) fn emptied() -> Saved {
    Saved::new(CookieAction::Remove, Outcome::Stored)
}
