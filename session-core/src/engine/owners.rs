//! The sessions of an owner, from the store's index and the records that the index lists.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::deadline::Deadline;
use super::end::BATCH;
use super::find::{Live, time_for_ending};
use super::lineage::Lineage;
use super::listing::{Listed, is_series_of};
use super::position::{EndedBy, Position};
use super::scanned::{some_at_a_time, unfinished};
use super::sessions::ServerSideSessions;
use super::version;
use crate::events::{Event, EventSession};
use crate::interface::{Opened, SessionPage, state_of};
use crate::login::Login;
use crate::store::{OwnerIndex, SessionStore, StoreKey, Version};
use crate::{Error, ErrorKind, OwnedSession, OwnerSessions, Session, SessionConfig, async_trait};

#[async_trait]
impl<S: OwnerIndex> OwnerSessions for ServerSideSessions<S> {
    async fn page(
        &self,
        owner: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<SessionPage, Error> {
        let mut keys = self.store.keys_of(&self.store.inner, owner).await?;
        let limit = limit.clamp(1, SessionPage::LIMIT);
        // Only the position of a page depends on the order.
        if after.is_some() || keys.len() > limit {
            keys.sort_unstable();
        }
        let first = match after {
            Some(after) => {
                let after = parse_position(after)?;
                keys.partition_point(|key| *key <= after)
            }
            None => 0,
        };
        let keys = &keys[first..];
        let page = &keys[..limit.min(keys.len())];
        let sessions = self.shown_page(owner, page).await?;
        let next = page.last().filter(|_| page.len() < keys.len());
        let next = next.map(|key| URL_SAFE_NO_PAD.encode(key.as_bytes()));
        Ok(SessionPage::new(sessions, next))
    }

    fn handle_of(&self, session: &Session) -> Option<String> {
        let state = state_of(session);
        match &*state.backend_state::<Position>()? {
            Position::Live(record) => Some(record.lineage.handle(state.owner()?)),
            Position::Planned { .. } | Position::Moved { .. } | Position::Lost(_) => None,
        }
    }

    async fn end(&self, owner: &str, handle: &str) -> Result<bool, Error> {
        if !Lineage::is_handle(handle) {
            return Ok(false);
        }
        let is_wanted = |other: &Listed| other.handle == handle;
        // An unfinished rotation has another record with this handle.
        let is_last = |other: &Listed| other.live.predecessor.is_none();
        let mut ending = Ending::default();
        self.end_where(owner, is_wanted, is_last, &mut ending).await?;
        if ending.left.is_empty() && !ending.ended.is_empty() {
            return Ok(true);
        }
        Ok(ending.result()? > 0)
    }

    async fn end_others(&self, session: &Session) -> Result<usize, Error> {
        if session.is_anonymous() {
            let message = "session of the request is unknown, because the session store \
                           could not be reached when the request began";
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        let Some(owner) = session.owner() else { return Ok(0) };
        let (own, next) = (self.handle_of(session), self.next_record(session));
        let is_own = |other: &Listed| {
            Some(&other.handle) == own.as_ref() || Some(other.live.record.key) == next
        };
        let mut ending = Ending::default();
        self.end_where(&owner, |other| !is_own(other), |_| false, &mut ending).await?;
        ending.result()
    }

    async fn end_all(&self, owner: &str) -> Result<usize, Error> {
        let mut ending = Ending { with_series: true, ..Ending::default() };
        self.end_where(owner, |_| true, |_| false, &mut ending).await?;
        if ending.series > 0 {
            // A session may have been restored in the meantime.
            self.end_where(owner, |_| true, |_| false, &mut ending).await?;
        }
        ending.result()
    }
}

/// The intermediate result of a call that ends sessions of an owner.
#[derive(Default)]
struct Ending {
    with_series: bool,
    /// The handles of the sessions that the call ended.
    ended: HashSet<String>,
    /// The records of the sessions that could not be ended.
    left: HashSet<StoreKey>,
    /// The records of a newer build, which may be sessions of the owner.
    unread: HashSet<StoreKey>,
    series: usize,
    failure: Option<Error>,
}

impl<S: OwnerIndex> ServerSideSessions<S> {
    /// Returns the owner's sessions among these records, starting with the most recently seen
    /// session.
    pub(super) async fn shown_page(
        &self,
        owner: &str,
        keys: &[StoreKey],
    ) -> Result<Vec<OwnedSession>, Error> {
        let now = self.config.now();
        let mut listing = self.listed(owner, keys, now).await?;
        if let Some((_, error)) = listing.unread.pop() {
            return Err(error);
        }
        let mut sessions = listing.sessions;
        sessions.retain(|session| !session.is_orphan);
        sessions.sort_by_key(|session| {
            Reverse((session.last_seen(now), session.live.record.created_at))
        });
        // A session that is being rotated may have two records.
        let mut handles = HashSet::new();
        sessions.retain(|session| handles.insert(session.handle.clone()));
        Ok(sessions.into_iter().map(|session| session.shown(now)).collect())
    }

    /// Returns the record that a login of unknown outcome may have moved the session to.
    fn next_record(&self, session: &Session) -> Option<StoreKey> {
        match &*state_of(session).backend_state::<Position>()? {
            Position::Live(record) => record.successor.map(|successor| self.key_of(successor.id)),
            Position::Planned { .. } | Position::Moved { .. } | Position::Lost(_) => None,
        }
    }

    /// Ends the wanted sessions, and removes the records of their unfinished rotations. Loads no
    /// more records after a session for which `is_last` returns `true` has ended. Each session
    /// has its own deadline. A session that cannot be ended does not stop the call.
    async fn end_where(
        &self,
        owner: &str,
        is_wanted: impl Fn(&Listed) -> bool + Send + Sync,
        is_last: impl Fn(&Listed) -> bool + Send + Sync,
        ending: &mut Ending,
    ) -> Result<(), Error> {
        let keys = self.store.keys_of(&self.store.inner, owner).await?;
        let mut is_done = false;
        for keys in keys.chunks(BATCH) {
            if is_done {
                break;
            }
            let now = self.config.now();
            let listing = self.listed(owner, keys, time_for_ending(now)).await?;
            for (key, error) in listing.unread {
                ending.unread.insert(key);
                ending.failure.get_or_insert(error);
            }
            if ending.with_series {
                self.end_series(owner, listing.series, ending).await;
            }
            let wanted: Vec<_> = listing.sessions.into_iter().filter(&is_wanted).collect();
            let ends: Vec<_> =
                wanted.iter().map(|session| self.end_listed(owner, session)).collect();
            let results = some_at_a_time(ends).await;
            for (session, result) in wanted.into_iter().zip(results) {
                is_done |= result.is_ok() && is_last(&session);
                let is_live = !session.is_orphan && !session.has_expired(&self.config, now);
                if result.is_ok() && is_live {
                    let session = EventSession::new(Some(owner), Some(&session.handle));
                    self.store.events.report(Event::Ended { session });
                }
                let handle = is_live.then_some(session.handle);
                ending.add(session.live.record.key, handle, result.map(drop));
            }
        }
        Ok(())
    }

    async fn end_listed(&self, owner: &str, session: &Listed) -> Result<bool, Error> {
        let mut deadline = Deadline::start(&self.config);
        self.end_record(&session.live.record, EndedBy::Owner(owner), &mut deadline).await
    }

    /// Ends the remember-me series of the owner.
    async fn end_series(&self, owner: &str, series: Vec<(StoreKey, Version)>, ending: &mut Ending) {
        for (key, version) in series {
            let result = self.remove_series(owner, &key, version).await;
            ending.series += usize::from(result.is_ok());
            ending.add(key, None, result);
        }
    }
}

impl<S: SessionStore> ServerSideSessions<S> {
    /// Removes the record of a remember-me series at any version.
    pub(super) async fn remove_series(
        &self,
        owner: &str,
        key: &StoreKey,
        mut version: Version,
    ) -> Result<(), Error> {
        while !self.store.remove(key, version.clone()).await? {
            // A token has been used in the meantime.
            match self.store.load(key).await? {
                Some(record) if is_series_of(owner, &record) => version = record.version(),
                Some(record) => return version::check(record.payload()),
                None => break,
            }
        }
        Ok(())
    }
}

impl Ending {
    fn add(&mut self, key: StoreKey, handle: Option<String>, result: Result<(), Error>) {
        match result {
            Ok(()) => {
                self.left.remove(&key);
                self.ended.extend(handle);
            }
            Err(error) => {
                self.left.insert(key);
                self.failure.get_or_insert(error);
            }
        }
    }

    fn result(self) -> Result<usize, Error> {
        let left = self.left.union(&self.unread).count();
        match self.failure.filter(|_| left > 0) {
            Some(failure) => {
                let (ended, left) = (self.ended.len() as u64, left as u64);
                Err(unfinished("sessions of the owner were ended", ended, left, failure))
            }
            None => Ok(self.ended.len()),
        }
    }
}

impl Listed {
    fn has_expired(&self, config: &SessionConfig, now: SystemTime) -> bool {
        let record = &self.live.record;
        config.is_expired(record.created_at, record.expires_at, now)
    }

    /// Returns the time when the session was last seen, at most `now`.
    fn last_seen(&self, now: SystemTime) -> SystemTime {
        self.live.last_seen().min(now)
    }

    pub(super) fn shown(self, now: SystemTime) -> OwnedSession {
        self.live.shown(self.handle, now)
    }
}

impl Live {
    /// Returns the session as an entry of a list.
    pub(super) fn shown(self, handle: String, now: SystemTime) -> OwnedSession {
        let last_seen = self.last_seen().min(now);
        let session = Opened::from_payload(self.payload).map(Opened::into_session);
        let label = session.ok().and_then(|session| session.get::<String>("_label").ok().flatten());
        let login = self.record.login.as_ref();
        OwnedSession::new(handle, self.record.created_at, last_seen)
            .with_authenticated_at(login.map(Login::authenticated_at))
            .with_label(label)
    }
}

/// Parses the position after a page.
pub(super) fn parse_position(text: &str) -> Result<StoreKey, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(StoreKey::from_bytes).ok_or_else(|| {
        Error::new(ErrorKind::Malformed, "page position was not returned by an earlier page")
    })
}
