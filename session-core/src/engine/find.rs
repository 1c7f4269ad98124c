//! Reads a record and classifies it as live, moved or removed.

use std::time::{Duration, SystemTime};

use super::content::{self, Content, Head};
use super::deadline::Deadline;
use super::position::{RecordRef, Saving, Seen};
use super::sessions::ServerSideSessions;
use super::version;
use crate::interface::Mark;
use crate::login::Login;
use crate::store::{MAX_CLOCK_SKEW, Record, SessionStore, StoreKey};
use crate::{Error, ErrorKind};

/// The result of a search for a key in the store.
#[expect(clippy::large_enum_variant, reason = "values are short-lived and nearly always large")]
pub(super) enum Found {
    Live(Live),
    Moved(Moved),
    /// Nothing, or a record that has expired or that the engine did not write.
    Gone,
}

pub(super) struct Live {
    pub(super) record: RecordRef,
    /// The time of the last write, to the millisecond.
    pub(super) written_at: SystemTime,
    /// See [`Head::predecessor`].
    pub(super) predecessor: Option<StoreKey>,
    pub(super) payload: String,
}

/// A tombstone.
#[derive(Clone, Copy)]
pub(super) struct Moved {
    pub(super) successor: StoreKey,
    /// Whether requests that read the old record may still change the new record.
    pub(super) follow: bool,
    /// Whether the old id is no longer recognized. A request that sends it receives an empty
    /// session.
    pub(super) is_old: bool,
}

/// The time for which the old id is recognized. This time is longer than a browser needs to receive
/// the new cookie.
const OLD_ID_LIFE: Duration = Duration::from_secs(10);
/// The time for which a tombstone is stored afterwards. A request on a server with another clock
/// may have opened the session before the rotation.
const TOMBSTONE_SLACK: Duration = Duration::from_secs(2 * MAX_CLOCK_SKEW.as_secs());

/// The successor of a session that has moved to another backend. No id has this key.
pub(super) const DEPARTED: StoreKey = StoreKey::from_bytes([0; 32]);

/// Returns the expiry of a tombstone that is written now.
pub(super) fn tombstone_expiry(now: SystemTime) -> SystemTime {
    now + OLD_ID_LIFE + TOMBSTONE_SLACK
}

impl Live {
    /// Returns whether this record is a copy of a session of another backend. No id opens a copy.
    pub(super) fn is_copy(&self) -> bool {
        self.predecessor == Some(self.record.key)
    }

    /// Returns the time when the record was last written or renewed. A renewal extends the expiry
    /// by as much as the write did, unless the absolute timeout limits it.
    pub(super) fn last_seen(&self) -> SystemTime {
        let RecordRef { expires_at, kept_for, .. } = self.record;
        let renewed_at = expires_at.checked_sub(kept_for).unwrap_or(self.written_at);
        renewed_at.max(self.written_at)
    }
}

/// Returns whether the id of a tombstone is no longer recognized.
fn is_old(
    successor: &StoreKey,
    created_at: SystemTime,
    expires_at: SystemTime,
    now: SystemTime,
) -> bool {
    if *successor == DEPARTED {
        return now > tombstone_expiry(created_at);
    }
    expires_at.checked_sub(TOMBSTONE_SLACK).is_none_or(|end| now > end)
}

/// Returns the login of a record with an owner.
fn login(owner: &str, head: &Head, created_at: SystemTime) -> Login {
    head.proof.as_ref().map_or_else(|| Login::new(owner, created_at), |proof| proof.login_of(owner))
}

/// Returns the time that is compared with the expiry when a session is ended. On a server with
/// another clock, the session may still be live.
pub(super) fn time_for_ending(now: SystemTime) -> SystemTime {
    now.checked_sub(MAX_CLOCK_SKEW).unwrap_or(now)
}

impl<S: SessionStore> ServerSideSessions<S> {
    pub(super) async fn find(&self, key: &StoreKey, now: SystemTime) -> Result<Found, Error> {
        self.judge(key, self.store.load(key).await?, now)
    }

    /// Classifies a loaded record. A copy of a session of another backend is not a session. Fails
    /// if a newer build wrote the record.
    pub(super) fn judge(
        &self,
        key: &StoreKey,
        record: Option<Record>,
        now: SystemTime,
    ) -> Result<Found, Error> {
        self.classify(key, record, now, false)
    }

    /// Classifies a loaded record, which may also be a copy. Fails if a newer build wrote the
    /// record.
    pub(super) fn judge_any(
        &self,
        key: &StoreKey,
        record: Option<Record>,
        now: SystemTime,
    ) -> Result<Found, Error> {
        self.classify(key, record, now, true)
    }

    fn classify(
        &self,
        key: &StoreKey,
        record: Option<Record>,
        now: SystemTime,
        accepts_copy: bool,
    ) -> Result<Found, Error> {
        let Some(record) = record else { return Ok(Found::Gone) };
        if self.config.is_expired(record.created_at(), record.expires_at(), now) {
            return Ok(Found::Gone);
        }
        version::check(record.payload())?;
        let (version, created_at) = (record.version(), record.created_at());
        let (expires_at, owner) = (record.expires_at(), record.owner().map(str::to_owned));
        Ok(match content::decode(record.into_payload()) {
            Some(Content::Session(head, _)) if !accepts_copy && head.is_of_copy(key) => Found::Gone,
            Some(Content::Session(head, payload)) => {
                let (written_at, predecessor) = (head.written_at, head.predecessor);
                let login = owner.map(|owner| login(&owner, &head, created_at));
                let seen = Seen::now(&self.config);
                let record = RecordRef {
                    seen,
                    login,
                    ..RecordRef::read(*key, version, created_at, expires_at, head)
                };
                Found::Live(Live { record, written_at, predecessor, payload })
            }
            Some(Content::Tombstone { successor, follow }) => {
                let is_old = is_old(&successor, created_at, expires_at, now);
                Found::Moved(Moved { successor, follow, is_old })
            }
            Some(Content::Ended | Content::Series) => Found::Gone,
            None => {
                let session = key.log_name();
                tracing::warn!(%session, "session record was written by another program; treating it as absent");
                Found::Gone
            }
        })
    }

    /// Loads the record that a tombstone names, through any number of rotations. Also returns the
    /// last tombstone. Its `follow` is `false` if one of the rotations cut off the old id.
    pub(super) async fn follow(
        &self,
        mut moved: Moved,
        now: SystemTime,
        deadline: &Deadline<'_>,
    ) -> Result<(Moved, Option<Live>), Error> {
        while moved.successor != DEPARTED {
            deadline.check_lookup()?;
            match self.find(&moved.successor, now).await? {
                Found::Live(live) => return Ok((moved, Some(live))),
                Found::Moved(further) => {
                    moved = Moved { follow: moved.follow && further.follow, ..further };
                }
                Found::Gone => break,
            }
        }
        Ok((moved, None))
    }

    /// Returns whether this tombstone leads to the key, directly or through other tombstones.
    pub(super) async fn leads_to(
        &self,
        mut moved: Moved,
        key: &StoreKey,
        now: SystemTime,
        deadline: &Deadline<'_>,
    ) -> Result<bool, Error> {
        while moved.successor != *key && moved.successor != DEPARTED {
            deadline.check_lookup()?;
            match self.find(&moved.successor, now).await? {
                Found::Moved(further) => moved = further,
                Found::Live(_) | Found::Gone => return Ok(false),
            }
        }
        Ok(moved.successor == *key)
    }

    /// Returns the record that [`follow`](Self::follow) finds, unless the old id was cut off.
    pub(super) async fn successor(
        &self,
        moved: Moved,
        now: SystemTime,
        deadline: &Deadline<'_>,
    ) -> Result<Option<Live>, Error> {
        if !moved.follow {
            return Ok(None);
        }
        let (last, live) = self.follow(moved, now, deadline).await?;
        Ok(live.filter(|_| last.follow))
    }
}

/// Returns the mark after which a newer record does not have the changes of this request.
///
/// # Errors
///
/// [`ErrorKind::Conflict`] if an earlier write of this request has an unknown outcome, and the
/// record no longer lists writes of that time.
pub(super) fn missing_changes(saving: &Saving<'_, '_>, newer: &RecordRef) -> Result<Mark, Error> {
    let opened = saving.opened;
    let stored = saving.attempts().filter(|attempt| newer.nonces.contains(attempt.nonce));
    if let Some(mark) = stored.map(|attempt| attempt.mark).max() {
        return Ok(mark);
    }
    if opened.attempts.is_empty() {
        return Ok(Mark::default());
    }
    if opened.nonces.latest().is_some_and(|base| newer.nonces.contains(base)) {
        return Ok(Mark::default());
    }
    let message = "an earlier save of this session has an unknown outcome, and other requests \
                   have changed the session since; nothing was saved now";
    Err(Error::new(ErrorKind::Conflict, message))
}
