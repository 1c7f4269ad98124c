//! Moves all sessions of a store to another store, while applications use both.

use super::admin::AllSessions;
use super::deadline::Deadline;
use super::end::BATCH;
use super::find::{DEPARTED, Found, Live};
use super::import::copy_of;
use super::scanned::{Finished, Total, some_at_a_time};
use super::sessions::ServerSideSessions;
use crate::store::{NewRecord, Scan, SessionStore, StoreKey, Version};
use crate::{Error, ErrorKind};

/// The result of [`AllSessions::move_to`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct MovedSessions {
    /// The number of sessions that the call moved.
    pub moved: u64,
    /// The number of records that the call cannot move, because a newer build wrote them.
    pub unread: u64,
}

impl<S: Scan> AllSessions<'_, S> {
    /// Moves every session to another store, and returns the number of moved sessions.
    ///
    /// All processes of the application must already use `MigratingSessions` of the crate
    /// `session-migration`. This store is their old backend, and `new` is their new one. A process
    /// that only has this store opens an empty session in place of a moved session.
    ///
    /// A moved session keeps its id, handle, values, login and times, so the application sets no
    /// cookie. Requests may write, rotate and end sessions during the call. A session that a
    /// request creates here or moves to a new id during the call may stay. Remember-me series stay.
    /// Repeat the call until it moves no session.
    ///
    /// Each session moves in the steps that [`Import`](crate::interface::Import) describes. The
    /// future can be dropped at any time. The next call, or the next request with the session,
    /// finishes an interrupted move.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Configuration`] if the two backends have different namespaces, because the
    ///   keys of the sessions would differ.
    /// - Otherwise the first error of a store.
    ///
    /// If some sessions cannot be moved, the call moves the others, and the error contains the
    /// numbers of moved and remaining sessions. If the store fails to return a page, the call
    /// stops. Repeating the call is safe.
    pub async fn move_to<N: SessionStore>(
        &self,
        new: &ServerSideSessions<N>,
    ) -> Result<MovedSessions, Error> {
        let old = self.sessions();
        if old.config.namespace() != new.config.namespace() {
            let message = "old and new session backend have different namespaces; \
                           configure the same namespace";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        let (mut total, mut unread, mut after) =
            (Total::new("sessions were moved"), 0, None::<String>);
        loop {
            let page = old.store.scan(after.as_deref(), BATCH).await;
            let page = page.map_err(|error| total.stopped(error))?;
            let found = old.finished(page.keys, old.config.now()).await;
            let found = found.map_err(|error| total.stopped(error))?;
            let Finished { live, departed, .. } = found;
            unread += found.unread as u64;
            let moves: Vec<_> =
                live.iter().map(|live| old.move_key(new, &live.record.key)).collect();
            for moved in some_at_a_time(moves).await {
                total.add(moved);
            }
            let copies = new.copies_among(&departed).await;
            let copies = copies.map_err(|error| total.stopped(error))?;
            let confirmed = copies.iter().map(|key| new.confirm_import_of(key)).collect();
            for moved in some_at_a_time(confirmed).await {
                total.add(moved);
            }
            after = page.next;
            if after.is_none() {
                return total.result().map(|moved| MovedSessions { moved, unread });
            }
        }
    }
}

/// The state of a session in the store to which it moves.
enum Arriving {
    Missing,
    Copy(Version),
    /// The session has moved or has ended.
    Decided,
}

impl<S: SessionStore> ServerSideSessions<S> {
    /// Moves the session with this key. Returns `false` if the session has ended, has another id or
    /// was moved by another call.
    async fn move_key<N: SessionStore>(
        &self,
        new: &ServerSideSessions<N>,
        key: &StoreKey,
    ) -> Result<bool, Error> {
        let mut deadline = Deadline::start(&self.config);
        loop {
            // The copy must be read before the session. Otherwise an older state could replace it.
            let copy = match new.arriving(key).await? {
                Arriving::Missing => None,
                Arriving::Copy(version) => Some(version),
                Arriving::Decided => return Ok(false),
            };
            match self.find(key, self.config.now()).await? {
                Found::Live(live) => {
                    let is_marked = new.import_live(&live, copy).await?
                        && self.mark_departed(&live.record).await?;
                    if is_marked {
                        return new.confirm_import_of(key).await;
                    }
                }
                Found::Moved(_) | Found::Gone if copy.is_none() => return Ok(false),
                Found::Moved(moved) if moved.successor == DEPARTED => {
                    return new.confirm_import_of(key).await;
                }
                // The copy belongs to a session that has ended.
                Found::Moved(_) | Found::Gone => {
                    new.end_import_of(key).await?;
                    return Ok(false);
                }
            }
            deadline.retry()?;
        }
    }

    async fn arriving(&self, key: &StoreKey) -> Result<Arriving, Error> {
        let Some(record) = self.store.load(key).await? else { return Ok(Arriving::Missing) };
        let version = record.version();
        Ok(match self.judge_any(key, Some(record), self.config.now())? {
            Found::Live(live) if live.is_copy() => Arriving::Copy(version),
            _ => Arriving::Decided,
        })
    }

    /// Returns the keys that have a copy. If the sessions have departed, earlier moves were
    /// interrupted.
    async fn copies_among(&self, keys: &[StoreKey]) -> Result<Vec<StoreKey>, Error> {
        let mut copies = Vec::new();
        for keys in keys.chunks(BATCH) {
            for (key, loaded) in keys.iter().zip(self.load_each(keys).await?) {
                let found =
                    loaded.and_then(|record| self.judge_any(key, record, self.config.now()));
                if matches!(found, Ok(Found::Live(live)) if live.is_copy()) {
                    copies.push(*key);
                }
            }
        }
        Ok(copies)
    }

    /// Stores a copy of a session of another store under the same key; see
    /// [`import`](Self::import).
    async fn import_live(&self, live: &Live, copy: Option<Version>) -> Result<bool, Error> {
        let record = &live.record;
        let append = |bytes: &mut Vec<u8>| bytes.extend_from_slice(live.payload.as_bytes());
        let bytes = copy_of(record, live.written_at, live.payload.len(), append);
        let copied = NewRecord::new(&bytes, record.created_at, record.expires_at);
        self.store_copy(&record.key, copy, &copied.owned_by(record.owner())).await
    }
}
