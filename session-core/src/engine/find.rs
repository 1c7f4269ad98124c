//! Reading a record and judging it: live, moved, or gone.

use std::time::SystemTime;

use super::content::{self, Content, Head, Nonce};
use super::{Handle, ServerSideSessions, expiry};
use crate::{Error, SessionConfig, SessionStore, StoreKey, Version};

/// What is under a key, as far as the engine believes it.
#[expect(clippy::large_enum_variant, reason = "it is nearly always the large one, and lives for a moment")]
pub(super) enum Found {
    Live(Live),
    Moved(Moved),
    /// Nothing, or what is expired or was written by something else.
    Gone,
}

pub(super) struct Live {
    pub(super) handle: Handle,
    pub(super) head: Head,
    pub(super) payload: String,
}

/// A tombstone.
pub(super) struct Moved {
    pub(super) nonce: Nonce,
    pub(super) successor: StoreKey,
    /// Whether requests that read the old record may still change the new one.
    pub(super) follow: bool,
}

impl<S: SessionStore> ServerSideSessions<S> {
    pub(super) async fn find(&self, key: &StoreKey, config: &SessionConfig, now: SystemTime) -> Result<Found, Error> {
        let Some(record) = self.store.load(key).await? else { return Ok(Found::Gone) };
        if expiry::is_expired(config, record.created_at(), record.expires_at(), now) {
            return Ok(Found::Gone);
        }
        let (version, created_at, expires_at) = (record.version(), record.created_at(), record.expires_at());
        let owner = record.owner().map(str::to_owned);
        match content::decode(record.into_payload()) {
            Some(Content::Session(head, payload)) => {
                let lineage = head.lineage;
                let handle = Handle { id: None, key: *key, version, created_at, expires_at, owner, lineage };
                Ok(Found::Live(Live { handle, head, payload }))
            }
            Some(Content::Tombstone { nonce, successor, follow }) => {
                Ok(Found::Moved(Moved { nonce, successor, follow }))
            }
            None => {
                let session = key.log_name();
                tracing::warn!(%session, "session record was written by something else; treating it as absent");
                Ok(Found::Gone)
            }
        }
    }

    /// What a tombstone's successor has become, through as many rotations as there were. `only_followed` stops at one that
    /// cut its predecessors off.
    pub(super) async fn find_successor(
        &self,
        moved: Moved,
        only_followed: bool,
        config: &SessionConfig,
        now: SystemTime,
    ) -> Result<Option<Live>, Error> {
        let mut moved = moved;
        loop {
            if only_followed && !moved.follow {
                return Ok(None);
            }
            match self.find(&moved.successor, config, now).await? {
                Found::Live(live) => return Ok(Some(live)),
                Found::Moved(further) => moved = further,
                Found::Gone => return Ok(None),
            }
        }
    }

    /// The version that a write made whose reply was lost, if it was made.
    pub(super) async fn recover(
        &self,
        key: &StoreKey,
        nonce: Nonce,
        config: &SessionConfig,
        now: SystemTime,
    ) -> Result<Option<Version>, Error> {
        match self.find(key, config, now).await? {
            Found::Live(live) if live.head.nonce == nonce => Ok(Some(live.handle.version)),
            _ => Ok(None),
        }
    }
}
