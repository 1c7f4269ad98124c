//! Sessions that move here from another backend; see [`Import`].

use std::time::SystemTime;

use super::content::{self, Head, Nonce, Nonces, Proof};
use super::deadline::Deadline;
use super::find::Found;
use super::id::SessionId;
use super::lineage::Lineage;
use super::opening::opened;
use super::position::{Position, RecordRef, Seen};
use super::sessions::ServerSideSessions;
use crate::events::Event;
use crate::interface::{Import, Imported, OpenContext, Opened};
use crate::store::{NewRecord, Record, Replaced, SessionStore, StoreKey, Version};
use crate::{Error, ErrorKind};

/// Sessions that move here from another backend, for interfaces such as `MigratingSessions` of
/// `session-migration`; see [`Import`].
impl<S: SessionStore> ServerSideSessions<S> {
    /// Returns the state of a session that may have moved here. The state may be as old as a copy
    /// in a cache.
    ///
    /// # Errors
    ///
    /// Returns the errors of the store.
    pub async fn imported(
        &self,
        context: &OpenContext<'_>,
        id: &[u8; 32],
    ) -> Result<Imported, Error> {
        let id = SessionId::of_import(*id);
        let record = self.store.load_recent(&self.key_of(id)).await?;
        let state = self.import_state(context, id, record)?;
        if matches!(&state, Imported::Session(opened) if opened.is_new()) {
            self.report(Event::RotatedId { count: 1 });
        }
        Ok(state)
    }

    /// Returns the current state of a session that may have moved here, for a save.
    ///
    /// # Errors
    ///
    /// Returns the errors of the store.
    pub async fn imported_now(
        &self,
        context: &OpenContext<'_>,
        id: &[u8; 32],
    ) -> Result<Imported, Error> {
        let id = SessionId::of_import(*id);
        let record = self.store.load(&self.key_of(id)).await?;
        self.import_state(context, id, record)
    }

    /// Stores a copy of a session, or replaces the copy at the version `copy`. Returns `false` and
    /// changes nothing if the record has another state.
    ///
    /// The caller must have loaded this state before it loaded the session from the old backend.
    /// Otherwise this method could replace a copy by an older copy.
    ///
    /// # Errors
    ///
    /// Returns the errors of the store.
    pub async fn import(&self, import: &Import, copy: Option<Version>) -> Result<bool, Error> {
        let target = self.imported_record(import);
        let contents = &import.contents;
        let append = |bytes: &mut Vec<u8>| contents.append_payload(bytes);
        let bytes = copy_of(&target, self.config.now(), contents.payload_len(), append);
        let record = NewRecord::new(&bytes, target.created_at, target.expires_at);
        self.store_copy(&target.key, copy, &record.owned_by(target.owner())).await
    }

    /// Converts a copy to a session, after the old backend has marked the original session as
    /// moved. Returns `false` if the session has ended since.
    ///
    /// # Errors
    ///
    /// Returns the errors of the store, and [`ErrorKind::Conflict`] if other requests were faster.
    pub async fn confirm_import(&self, id: &[u8; 32]) -> Result<bool, Error> {
        self.confirm_import_of(&self.key_of(SessionId::of_import(*id))).await
    }

    /// Prevents a session from moving here, or ends the session if only a copy exists. Returns
    /// `false` and changes nothing if the session has moved.
    ///
    /// # Errors
    ///
    /// Returns the errors of the store, and [`ErrorKind::Conflict`] if other requests were faster.
    pub async fn end_import(&self, id: &[u8; 32]) -> Result<bool, Error> {
        self.end_import_of(&self.key_of(SessionId::of_import(*id))).await
    }

    /// Returns the backend state of a request that opened the session in the old backend, after the
    /// session has moved here. A save with this state applies the changes of the request to the
    /// current values. The save also detects whether the session has another id or has ended in the
    /// meantime.
    pub fn after_import(&self, import: &Import) -> Opened {
        Opened::new().with_backend_state(Position::Live(self.imported_record(import)))
    }

    fn import_state(
        &self,
        context: &OpenContext<'_>,
        id: SessionId,
        record: Option<Record>,
    ) -> Result<Imported, Error> {
        let Some(record) = record else { return Ok(Imported::Missing) };
        let version = record.version();
        Ok(match self.judge_any(&self.key_of(id), Some(record), context.now())? {
            Found::Live(live) if live.is_copy() => Imported::Copy(version),
            Found::Gone => Imported::Ended,
            found => Imported::Session(Box::new(opened(context, id, found))),
        })
    }

    /// Returns the record of an import, at a version that the record never has. The version is at
    /// most the version of the copy.
    fn imported_record(&self, import: &Import) -> RecordRef {
        let id = SessionId::of_import(import.id);
        let (key, now, lifetime) = (self.key_of(id), self.config.now(), import.contents.lifetime());
        let latest = self.config.record_expiry(lifetime, import.created_at, now);
        RecordRef {
            id: Some(id),
            key,
            version: Version::new(0),
            seen: Seen::now(&self.config),
            created_at: import.created_at,
            expires_at: import.expires_at.map_or(latest, |expiry| expiry.min(latest)),
            kept_for: self.config.record_lifetime(lifetime),
            login: import.contents.login().cloned(),
            lineage: Lineage(import.lineage),
            nonces: Nonces::default().with(Nonce::of_import(&key)),
            is_retried: true,
            is_removal_tried: false,
            attempts: Vec::new(),
            successor: None,
            unused: None,
        }
    }

    /// Stores a copy, or replaces the copy at this version. Returns `false` and changes nothing if
    /// the record has another state.
    pub(super) async fn store_copy(
        &self,
        key: &StoreKey,
        copy: Option<Version>,
        record: &NewRecord<'_>,
    ) -> Result<bool, Error> {
        match copy {
            None => self.create_if_missing(key, record).await,
            Some(version) => self.replace_copy(key, version, record).await,
        }
    }

    /// Confirms the import with this key; see [`confirm_import`](Self::confirm_import).
    pub(super) async fn confirm_import_of(&self, key: &StoreKey) -> Result<bool, Error> {
        let mut deadline = Deadline::start(&self.config);
        loop {
            let record = self.store.load(key).await?;
            match self.judge_any(key, record, self.config.now())? {
                Found::Live(live) if live.is_copy() => {
                    if self.rewrite(live, None).await?.is_some() {
                        return Ok(true);
                    }
                }
                Found::Live(_) | Found::Moved(_) => return Ok(true),
                Found::Gone => return Ok(false),
            }
            deadline.retry()?;
        }
    }

    /// Ends the import with this key; see [`end_import`](Self::end_import).
    pub(super) async fn end_import_of(&self, key: &StoreKey) -> Result<bool, Error> {
        let mut deadline = Deadline::start(&self.config);
        loop {
            let now = self.config.now();
            let Some(record) = self.store.load(key).await? else {
                if self.create_if_missing(key, &self.ended_record()).await? {
                    return Ok(true);
                }
                deadline.retry()?;
                continue;
            };
            let version = record.version();
            match self.judge_any(key, Some(record), now)? {
                Found::Live(live) if live.is_copy() => {
                    if self.replace_copy(key, version, &self.ended_record()).await? {
                        return Ok(true);
                    }
                }
                Found::Live(_) | Found::Moved(_) => return Ok(false),
                Found::Gone => return Ok(true),
            }
            deadline.retry()?;
        }
    }

    async fn create_if_missing(
        &self,
        key: &StoreKey,
        record: &NewRecord<'_>,
    ) -> Result<bool, Error> {
        match self.store.create(key, record).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Backend => {
                let exists = self.store.load(key).await?.is_some();
                if exists { Ok(false) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }

    async fn replace_copy(
        &self,
        key: &StoreKey,
        version: Version,
        record: &NewRecord<'_>,
    ) -> Result<bool, Error> {
        let replaced = self.store.replace(key, version, record).await?;
        Ok(matches!(replaced, Replaced::Done(_)))
    }
}

/// Returns the payload of a copy of the session of a record.
pub(super) fn copy_of(
    record: &RecordRef,
    written_at: SystemTime,
    payload_len: usize,
    append_payload: impl FnOnce(&mut Vec<u8>),
) -> Vec<u8> {
    let head = Head {
        nonces: Nonces::default().with(Nonce::of_import(&record.key)),
        lineage: record.lineage,
        written_at,
        kept_for: record.kept_for,
        predecessor: Some(record.key),
        // A late call may create the record again.
        is_retried: true,
        proof: record.login.as_ref().map(Proof::of),
    };
    content::session(&head, payload_len, append_payload)
}
