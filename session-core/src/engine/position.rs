//! The data that the engine stores about a session between `open` and `save`.

use std::time::{Duration, SystemTime};

use smallvec::SmallVec;

use super::content::{Head, Nonce, Nonces, Proof};
use super::deadline::Deadline;
use super::id::SessionId;
use super::lineage::Lineage;
use crate::interface::{Mark, Save, SessionDetails};
use crate::login::Login;
use crate::store::{StoreKey, Version};
use crate::{Error, SessionConfig};

/// The position of a session in the store. It is the backend state of a session.
#[derive(Debug)]
pub(super) enum Position {
    /// A record that was read.
    Live(RecordRef),
    /// A new session whose record an earlier save of this request may have created. A login with an
    /// old id copies the values of the session under the key `login_after`.
    Planned { record: RecordRef, login_after: Option<StoreKey> },
    /// A rotation replaced the id, so changes are dropped. A logout reaches the successor if
    /// `follow` is set.
    Moved { successor: StoreKey, follow: bool },
    /// A save was dropped, because the session of this record ended or moved too long ago. A logout
    /// still looks for the session.
    Lost(RecordRef),
}

impl Position {
    /// Returns the key that identifies the session in events.
    pub(super) fn key(&self) -> &StoreKey {
        match self {
            Self::Live(record) | Self::Planned { record, .. } | Self::Lost(record) => &record.key,
            Self::Moved { successor, .. } => successor,
        }
    }
}

/// A record at the version that was read.
#[derive(Clone, Debug)]
pub(super) struct RecordRef {
    /// The id that the client sent; `None` if the record was reached through a tombstone.
    pub(super) id: Option<SessionId>,
    pub(super) key: StoreKey,
    pub(super) version: Version,
    pub(super) seen: Seen,
    pub(super) created_at: SystemTime,
    pub(super) expires_at: SystemTime,
    /// The time from the last write or renewal to the expiry.
    pub(super) kept_for: Duration,
    pub(super) login: Option<Login>,
    pub(super) lineage: Lineage,
    /// The last writes of the record.
    pub(super) nonces: Nonces,
    /// Whether an earlier call may still create the record again after its removal.
    pub(super) is_retried: bool,
    /// Whether a save of this request tried to remove the record, possibly with success.
    pub(super) is_removal_tried: bool,
    /// The writes of this request that may or may not have reached the store.
    pub(super) attempts: Vec<Attempt>,
    /// The new id of a rotation of this request that may or may not have been stored.
    pub(super) successor: Option<Successor>,
    /// The new id of a rotation of this request that a later login does not use.
    pub(super) unused: Option<SessionId>,
}

/// The time of the last read or write of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    monotonic: Duration,
    /// Used to determine whether a tombstone has expired, even if the clock was set forward.
    system: SystemTime,
}

impl Seen {
    pub(super) fn now(config: &SessionConfig) -> Self {
        Self { monotonic: config.monotonic(), system: config.now() }
    }

    /// Returns the time since this moment, by the clock that has advanced more.
    pub(super) fn elapsed(&self, config: &SessionConfig) -> Duration {
        let system = config.now().duration_since(self.system).unwrap_or_default();
        config.monotonic().saturating_sub(self.monotonic).max(system)
    }
}

impl Default for Seen {
    fn default() -> Self {
        Self { monotonic: Duration::ZERO, system: SystemTime::UNIX_EPOCH }
    }
}

/// The reason why a record is removed.
#[derive(Clone, Copy)]
pub(super) enum EndedBy<'a, 'b> {
    /// A call for this owner, or the limit of the owner's sessions.
    Owner(&'a str),
    /// A logout.
    Logout,
    /// A logout whose outcome may stay unknown. In that case, a later save of the request repeats
    /// the logout.
    RetriedLogout(&'a Save<'b>),
}

impl<'a> EndedBy<'a, '_> {
    pub(super) fn owner(self) -> Option<&'a str> {
        match self {
            Self::Owner(owner) => Some(owner),
            Self::Logout | Self::RetriedLogout(_) => None,
        }
    }

    /// Remembers whether the record or its successor may have been removed.
    pub(super) fn remember_removal(self, record: &RecordRef, is_removal_tried: bool) {
        if let Self::RetriedLogout(save) = self
            && !save.is_final()
        {
            save.remember(Position::Live(RecordRef { is_removal_tried, ..record.clone() }));
        }
    }
}

/// The new id of a rotation that is not finished.
#[derive(Clone, Copy, Debug)]
pub(super) struct Successor {
    pub(super) id: SessionId,
    /// Whether the record of the new id is known to exist. Otherwise no tombstone may name it.
    pub(super) is_created: bool,
    /// Whether a login created the new id. A late tombstone of a rotation leads clients with the
    /// old id to the new id of the rotation. Therefore a login must have another id.
    pub(super) is_of_login: bool,
}

impl RecordRef {
    pub(super) fn owner(&self) -> Option<&str> {
        self.login.as_ref().map(Login::owner)
    }

    pub(super) fn is_of_owner_of(&self, other: &Self) -> bool {
        self.login.is_some() && self.owner() == other.owner()
    }

    /// Returns the details of the session with this expiry.
    pub(super) fn details(&self, expires_at: SystemTime) -> SessionDetails {
        SessionDetails::new()
            .with_handle_seed(self.lineage.0)
            .with_created_at(self.created_at)
            .with_expires_at(expires_at)
    }

    /// Returns a record that was read, without its login.
    #[inline]
    pub(super) fn read(
        key: StoreKey,
        version: Version,
        created_at: SystemTime,
        expires_at: SystemTime,
        head: Head,
    ) -> Self {
        Self {
            id: None,
            key,
            version,
            seen: Seen::default(),
            created_at,
            expires_at,
            kept_for: head.kept_for,
            login: None,
            lineage: head.lineage,
            nonces: head.nonces,
            is_retried: head.is_retried,
            is_removal_tried: false,
            attempts: Vec::new(),
            successor: None,
            unused: None,
        }
    }

    /// Returns the head of the record that a write at this time stores.
    pub(super) fn head(
        &self,
        nonces: Nonces,
        written_at: SystemTime,
        predecessor: Option<StoreKey>,
    ) -> Head {
        Head {
            nonces,
            lineage: self.lineage,
            written_at,
            kept_for: self.kept_for,
            predecessor,
            is_retried: self.is_retried,
            proof: self.login.as_ref().map(Proof::of),
        }
    }

    /// Returns a record that does not exist yet, under a new id.
    pub(super) fn planned(now: SystemTime, namespace: &str) -> Result<Self, Error> {
        let id = SessionId::generate()?;
        Ok(Self {
            id: Some(id),
            key: id.store_key(namespace),
            version: Version::new(0),
            seen: Seen::default(),
            created_at: now,
            expires_at: now,
            kept_for: Duration::ZERO,
            login: None,
            lineage: Lineage::generate()?,
            nonces: Nonces::default(),
            is_retried: false,
            is_removal_tried: false,
            attempts: Vec::new(),
            successor: None,
            unused: None,
        })
    }

    /// Returns the new record of a rotation of this record. The new record does not exist yet.
    /// `is_retried` is set if an earlier call may also create the new record. After a login, the
    /// new record is another session, with a new creation time.
    pub(super) fn moved_to(
        &self,
        (id, key): (SessionId, StoreKey),
        is_retried: bool,
        save: &Save<'_>,
    ) -> Result<Self, Error> {
        let (created_at, lineage) = match save.login() {
            Some(_) => (save.now(), Lineage::generate()?),
            None => (self.created_at, self.lineage),
        };
        Ok(Self {
            created_at,
            lineage,
            id: Some(id),
            key,
            version: Version::new(0),
            seen: Seen::default(),
            kept_for: Duration::ZERO,
            is_retried,
            is_removal_tried: false,
            attempts: Vec::new(),
            successor: None,
            unused: None,
            ..self.clone()
        })
    }
}

/// A write whose outcome is unknown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub(super) nonce: Nonce,
    /// The write contains the changes before this mark.
    pub(super) mark: Mark,
}

/// One save in progress.
pub(super) struct Saving<'a, 's> {
    pub(super) save: &'a Save<'s>,
    /// The record that contains the values of the session.
    pub(super) opened: &'a RecordRef,
    pub(super) deadline: Deadline<'a>,
    /// The writes of this save, usually one.
    attempts: SmallVec<[Attempt; 1]>,
    /// The new id of this save, if it rotates the session.
    pub(super) successor: Option<Successor>,
    /// See [`RecordRef::unused`].
    pub(super) unused: Option<SessionId>,
    /// See [`Position::Planned`].
    pub(super) login_after: Option<StoreKey>,
    /// Whether the outcome of the rotation is unknown.
    pub(super) is_unconfirmed: bool,
}

impl<'a, 's> Saving<'a, 's> {
    pub(super) fn new(save: &'a Save<'s>, opened: &'a RecordRef, deadline: Deadline<'a>) -> Self {
        let is_login = save.login().is_some();
        let successor = opened.successor.filter(|known| known.is_of_login == is_login);
        let unused = opened.successor.filter(|known| is_login && !known.is_of_login);
        Self {
            save,
            opened,
            deadline,
            attempts: SmallVec::new(),
            successor,
            unused: unused.map(|known| known.id).or(opened.unused),
            login_after: None,
            is_unconfirmed: false,
        }
    }

    /// Returns the writes of this request. A record lists the writes that it contains.
    pub(super) fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.opened.attempts.iter().chain(&self.attempts)
    }

    /// Notes that the new record of this rotation exists, before a tombstone names the record.
    pub(super) fn created_successor(&mut self, id: SessionId) {
        let is_of_login = self.save.login().is_some();
        self.successor = Some(Successor { id, is_created: true, is_of_login });
        self.remember_attempts();
    }

    /// Notes that the rotation did not happen, and that its new record is no longer needed.
    pub(super) fn forget_successor(&mut self) {
        self.successor = None;
        self.remember_attempts();
    }

    /// Discards the writes of this save, because none of them reached the session.
    pub(super) fn forget_writes(&mut self) {
        self.attempts.clear();
    }

    /// Remembers a write before it is sent, in case its outcome stays unknown.
    pub(super) fn remember(&mut self, nonce: Nonce) {
        self.attempts.push(Attempt { nonce, mark: self.save.changes().mark() });
        self.remember_attempts();
    }

    fn remember_attempts(&self) {
        if self.save.is_final() {
            return;
        }
        let mut opened = self.opened.clone();
        opened.attempts.extend(&self.attempts);
        (opened.successor, opened.unused) = (self.successor, self.unused);
        // Every record that exists lists the nonce of its last write.
        self.save.remember(if opened.nonces.is_empty() {
            Position::Planned { record: opened, login_after: self.login_after }
        } else {
            Position::Live(opened)
        });
    }
}
