//! Completing a rotation whose outcome was unknown, when the client sends the new id.

use super::content::{self, Nonce};
use super::deadline::Deadline;
use super::find::{Found, Live, tombstone_expiry};
use super::position::RecordRef;
use super::sessions::ServerSideSessions;
use crate::Error;
use crate::store::{NewRecord, Replaced, SessionStore, StoreKey};

impl<S: SessionStore> ServerSideSessions<S> {
    /// Returns the session of an id that an error response set, because the outcome of the rotation
    /// was unknown.
    ///
    /// If the old record was not replaced, this call moves the session, with the changes that other
    /// requests have stored under the old id. If the old record no longer exists, the session was
    /// ended, and the new record is removed.
    pub(super) async fn confirm(&self, key: &StoreKey) -> Result<Found, Error> {
        let mut deadline = Deadline::start(&self.config);
        loop {
            let now = self.config.now();
            let found = self.find(key, now).await?;
            let Found::Live(live) = found else { return Ok(found) };
            let Some(predecessor) = live.predecessor else { return Ok(Found::Live(live)) };
            deadline.check()?;
            let found = self.find(&predecessor, now).await?;
            deadline.check()?;
            match found {
                Found::Moved(moved) if moved.successor == *key => {
                    if let Some(live) = self.rewrite(live, None).await? {
                        return Ok(Found::Live(live));
                    }
                }
                Found::Live(old) => self.complete(live, old).await?,
                found => {
                    self.discard(&live.record, &deadline).await;
                    return Ok(match found {
                        Found::Moved(moved) => Found::Moved(moved),
                        Found::Live(_) | Found::Gone => Found::Gone,
                    });
                }
            }
            deadline.retry()?;
        }
    }

    /// Continues the move of a session whose old record still exists. The caller checks the result.
    async fn complete(&self, new: Live, old: Live) -> Result<(), Error> {
        let base = old.record.nonces.latest();
        if !base.is_some_and(|base| new.record.nonces.contains(base)) {
            let predecessor = old.record.key;
            let RecordRef { id, key, version, created_at, .. } = new.record;
            let record = RecordRef { id, key, version, created_at, ..old.record };
            self.rewrite(Live { record, ..old }, Some(predecessor)).await?;
            return Ok(());
        }
        let bytes = content::tombstone(&new.record.key, true);
        let tombstone =
            NewRecord::new(&bytes, old.record.created_at, tombstone_expiry(self.config.now()));
        self.store.replace(&old.record.key, old.record.version.clone(), &tombstone).await.map(drop)
    }

    /// Replaces the record by the same session with another predecessor. Returns `None` if another
    /// request has replaced the record.
    pub(super) async fn rewrite(
        &self,
        live: Live,
        predecessor: Option<StoreKey>,
    ) -> Result<Option<Live>, Error> {
        let Live { record: target, written_at, payload, .. } = live;
        let nonces = target.nonces.with(Nonce::next()?);
        let head = target.head(nonces.clone(), written_at, predecessor);
        let bytes = content::session(&head, payload.len(), |bytes| {
            bytes.extend_from_slice(payload.as_bytes());
        });
        let record =
            NewRecord::new(&bytes, target.created_at, target.expires_at).owned_by(target.owner());
        Ok(match self.store.replace(&target.key, target.version.clone(), &record).await? {
            Replaced::Done(version) => {
                let record = RecordRef { version, nonces, ..target };
                Some(Live { record, written_at, predecessor, payload })
            }
            Replaced::Stale => None,
        })
    }
}
