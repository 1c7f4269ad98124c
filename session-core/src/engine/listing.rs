//! The records that an owner's index lists, loaded and checked.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::time::SystemTime;

use super::content;
use super::end::BATCH;
use super::find::{Found, Live, Moved};
use super::sessions::ServerSideSessions;
use crate::Error;
use crate::store::{Record, SessionStore, StoreKey, Version};

/// The number of unfinished rotations that a listing recognizes. Each rotation needs a load.
const CHECKED_ROTATIONS: usize = 10;

/// A record that has the owner.
pub(super) struct Listed {
    pub(super) live: Live,
    pub(super) handle: String,
    /// Whether an unfinished rotation left the record. No client has the id of such a record.
    pub(super) is_orphan: bool,
    /// Whether the tombstone of its rotation was found.
    is_moved: bool,
}

/// The records that were loaded for one listing. Each key is loaded at most once.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) sessions: Vec<Listed>,
    /// The records of remember-me series of the owner.
    pub(super) series: Vec<(StoreKey, Version)>,
    /// The records of a newer build. They may be sessions of the owner.
    pub(super) unread: Vec<(StoreKey, Error)>,
    index_of: HashMap<StoreKey, usize>,
    seen: HashSet<StoreKey>,
}

impl<S: SessionStore> ServerSideSessions<S> {
    /// Loads the records of these keys and lists the records of the owner. If a record was rotated
    /// in the meantime, its successor is loaded.
    ///
    /// For `n` live records, this method loads at most `n` plus [`CHECKED_ROTATIONS`] records, and
    /// the records that other requests rotate at the same time.
    pub(super) async fn listed(
        &self,
        owner: &str,
        keys: &[StoreKey],
        now: SystemTime,
    ) -> Result<Listing, Error> {
        let mut listing = Listing { seen: keys.iter().copied().collect(), ..Listing::default() };
        let mut moved = Vec::new();
        for keys in keys.chunks(BATCH) {
            for (key, loaded) in keys.iter().zip(self.load_each(keys).await?) {
                if let Ok(Some(record)) = &loaded
                    && is_series_of(owner, record)
                {
                    listing.series.push((*key, record.version()));
                }
                moved.extend(self.sort(&mut listing, owner, key, loaded, now)?);
            }
        }
        let mut successors = HashSet::new();
        while let Some(Moved { successor, .. }) = moved.pop() {
            successors.insert(successor);
            if !listing.seen.insert(successor) {
                continue;
            }
            let loaded = self.store.load(&successor).await;
            moved.extend(self.sort(&mut listing, owner, &successor, loaded, now)?);
        }
        for record in &mut listing.sessions {
            record.is_moved = successors.contains(&record.live.record.key);
        }
        self.find_orphans(&mut listing, now).await?;
        Ok(listing)
    }

    /// Loads the records of these keys. Returns a separate error for each record that a newer build
    /// wrote.
    pub(super) async fn load_each(
        &self,
        keys: &[StoreKey],
    ) -> Result<Vec<Result<Option<Record>, Error>>, Error> {
        match self.store.load_many(keys).await {
            Ok(records) => return Ok(records.into_iter().map(Ok).collect()),
            Err(error) if error.is_newer_format() => {}
            Err(error) => return Err(error),
        }
        let mut records = Vec::with_capacity(keys.len());
        for key in keys {
            let loaded = self.store.load(key).await;
            records.push(match loaded {
                Err(error) if !error.is_newer_format() => return Err(error),
                loaded => loaded,
            });
        }
        Ok(records)
    }

    /// Adds a loaded record to a listing, or returns the tombstone. A record of a newer build may
    /// be a session of the owner, unless it has another owner.
    fn sort(
        &self,
        listing: &mut Listing,
        owner: &str,
        key: &StoreKey,
        loaded: Result<Option<Record>, Error>,
        now: SystemTime,
    ) -> Result<Option<Moved>, Error> {
        let record = match loaded {
            Err(error) if error.is_newer_format() => {
                listing.unread.push((*key, error));
                return Ok(None);
            }
            loaded => loaded?,
        };
        let other = record.as_ref().and_then(Record::owner).filter(|other| *other != owner);
        let is_of_other = other.is_some();
        // A copy of a session of another backend looks like an unfinished rotation.
        match self.judge_any(key, record, now) {
            Ok(Found::Live(live)) => listing.add(owner, live),
            Ok(Found::Moved(moved)) => return Ok(Some(moved)),
            Ok(Found::Gone) => {}
            Err(_) if is_of_other => {}
            Err(error) => listing.unread.push((*key, error)),
        }
        Ok(None)
    }

    /// Marks the records of unfinished rotations. The predecessor of such a record is live, or has
    /// another successor.
    ///
    /// An expired tombstone looks like an ended session. In that case the record is listed, because
    /// a list may show an extra session but must not omit a session. Records beyond the newest
    /// [`CHECKED_ROTATIONS`] are listed for the same reason.
    async fn find_orphans(&self, listing: &mut Listing, now: SystemTime) -> Result<(), Error> {
        let Listing { sessions: listed, index_of, unread, .. } = listing;
        let mut unknown = Vec::new();
        for (index, record) in listed.iter_mut().enumerate() {
            let Some(predecessor) = record.live.predecessor.filter(|_| !record.is_moved) else {
                continue;
            };
            record.is_orphan = index_of.contains_key(&predecessor);
            if !record.is_orphan {
                unknown.push((Reverse(record.live.written_at), index, predecessor));
            }
        }
        unknown.sort_unstable_by_key(|(written_at, ..)| *written_at);
        for (_, index, predecessor) in unknown.into_iter().take(CHECKED_ROTATIONS) {
            let key = listed[index].live.record.key;
            listed[index].is_orphan = match self.find(&predecessor, now).await {
                Ok(Found::Live(_)) => true,
                Ok(Found::Moved(moved)) => moved.successor != key,
                Ok(Found::Gone) => false,
                Err(error) if error.is_newer_format() => {
                    unread.push((predecessor, error));
                    false
                }
                Err(error) => return Err(error),
            };
        }
        Ok(())
    }
}

impl Listing {
    fn add(&mut self, owner: &str, live: Live) {
        if live.record.owner() == Some(owner) {
            self.index_of.insert(live.record.key, self.sessions.len());
            let handle = live.record.lineage.handle(owner);
            self.sessions.push(Listed { live, handle, is_orphan: false, is_moved: false });
        }
    }
}

/// Returns whether a record is a remember-me series of the owner.
pub(super) fn is_series_of(owner: &str, record: &Record) -> bool {
    record.owner() == Some(owner) && content::is_series(record.payload())
}
