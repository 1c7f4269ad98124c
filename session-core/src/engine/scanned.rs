//! Loads the records of a page of a scan, and ends the sessions among them.

use std::collections::{HashMap, HashSet};
use std::time::SystemTime;

use futures_util::future::join_all;

use super::content;
use super::deadline::Deadline;
use super::end::BATCH;
use super::find::{DEPARTED, Found, Live, time_for_ending};
use super::position::EndedBy;
use super::sessions::ServerSideSessions;
use crate::Error;
use crate::events::{Event, EventSession};
use crate::interface::session_handle;
use crate::store::{Record, Scan, SessionStore, StoreKey, Version};

/// The number of sessions that are ended at a time. A store can then remove several records with
/// one statement or commit, and other requests wait for only a few removals.
const CONCURRENT: usize = 24;

/// The sessions that [`AllSessions::end`](crate::admin::AllSessions::end) ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Selection {
    /// All sessions, and all series that [remember](crate::remember) a browser.
    All,
    /// Sessions that were created, or whose user last logged in, before this time.
    CreatedBefore(SystemTime),
    /// Sessions that no request has written or renewed since this time. Requests that only read may
    /// have used the session since; see [`last_seen`](crate::OwnedSession::last_seen).
    NotSeenSince(SystemTime),
}

/// The records under the scanned keys.
#[derive(Default)]
struct Scanned {
    live: Vec<Live>,
    /// The successors of the tombstones.
    moved: Vec<StoreKey>,
    /// The keys of sessions that have moved to another backend.
    departed: Vec<StoreKey>,
    /// The records of remember-me series, with their owners.
    series: Vec<(StoreKey, Version, String)>,
    /// The errors of records that a newer build wrote.
    unread: Vec<Error>,
}

/// The sessions of some keys.
pub(super) struct Finished {
    /// The live sessions, without records of unfinished rotations and copies of sessions of another
    /// backend.
    pub(super) live: Vec<Live>,
    /// The keys of sessions that have moved to another backend.
    pub(super) departed: Vec<StoreKey>,
    /// The number of records of a newer build.
    pub(super) unread: usize,
}

/// The intermediate result of a call for the sessions of all owners.
pub(super) struct Total {
    /// The action of the call for messages, such as `sessions were ended`.
    action: &'static str,
    done: u64,
    /// The number of sessions for which the call failed.
    left: u64,
    failure: Option<Error>,
}

impl<S: SessionStore> ServerSideSessions<S> {
    /// Loads the sessions under these keys.
    pub(super) async fn finished(
        &self,
        keys: Vec<StoreKey>,
        now: SystemTime,
    ) -> Result<Finished, Error> {
        let mut scanned = self.scanned(&distinct(keys), now).await?;
        scanned.live.retain(|live| !live.is_copy());
        let predecessors: Vec<_> =
            scanned.live.iter().filter_map(|live| live.predecessor).collect();
        let loaded = self.load_each(&predecessors).await?;
        let mut found = HashMap::new();
        for (key, loaded) in predecessors.into_iter().zip(loaded) {
            // If a newer build wrote the predecessor, it is unknown whether the rotation is
            // finished. The session is listed in this case.
            if let Ok(record) = loaded
                && let Ok(judged) = self.judge(&key, record, now)
            {
                found.insert(key, judged);
            }
        }
        scanned.live.retain(|live| {
            let predecessor = live.predecessor.and_then(|key| found.get(&key));
            match predecessor {
                Some(Found::Live(_)) => false,
                Some(Found::Moved(moved)) => moved.successor == live.record.key,
                Some(Found::Gone) | None => true,
            }
        });
        let Scanned { live, departed, unread, .. } = scanned;
        Ok(Finished { live, departed, unread: unread.len() })
    }

    async fn scanned(&self, keys: &[StoreKey], now: SystemTime) -> Result<Scanned, Error> {
        let mut scanned = Scanned::default();
        for keys in keys.chunks(BATCH) {
            for (key, loaded) in keys.iter().zip(self.load_each(keys).await?) {
                match loaded.and_then(|record| self.sort_scanned(&mut scanned, key, record, now)) {
                    Err(error) if error.is_newer_format() => scanned.unread.push(error),
                    sorted => sorted?,
                }
            }
        }
        Ok(scanned)
    }

    fn sort_scanned(
        &self,
        scanned: &mut Scanned,
        key: &StoreKey,
        record: Option<Record>,
        now: SystemTime,
    ) -> Result<(), Error> {
        if let Some(record) = &record
            && let Some(owner) = record.owner()
            && content::is_series(record.payload())
        {
            scanned.series.push((*key, record.version(), owner.to_owned()));
            return Ok(());
        }
        match self.judge_any(key, record, now)? {
            Found::Live(live) => scanned.live.push(live),
            Found::Moved(moved) if moved.successor == DEPARTED => scanned.departed.push(*key),
            Found::Moved(moved) => scanned.moved.push(moved.successor),
            Found::Gone => {}
        }
        Ok(())
    }

    /// Ends the selected sessions among these records and their successors.
    async fn end_among(
        &self,
        keys: Vec<StoreKey>,
        selection: Selection,
        total: &mut Total,
    ) -> Result<(), Error> {
        let mut keys = distinct(keys);
        let mut seen: HashSet<_> = keys.iter().copied().collect();
        while !keys.is_empty() {
            let now = self.config.now();
            let Scanned { mut live, moved, series, unread, .. } =
                self.scanned(&keys, time_for_ending(now)).await?;
            for error in unread {
                total.add_failure(error);
            }
            if selection == Selection::All {
                self.end_all_series(series, total).await;
            }
            live.retain(|live| selection.includes(live));
            let ends: Vec<_> = live.iter().map(|live| self.end_live(live, selection)).collect();
            let results = some_at_a_time(ends).await;
            for (live, result) in live.iter().zip(results) {
                total.add(result.map(|has_ended| has_ended && self.report_end(live, now)));
            }
            // A rotation may have moved a session to a part that was scanned before.
            keys = moved.into_iter().filter(|key| seen.insert(*key)).collect();
        }
        Ok(())
    }

    async fn end_live(&self, live: &Live, selection: Selection) -> Result<bool, Error> {
        let mut deadline = Deadline::start(&self.config);
        if let Selection::NotSeenSince(_) = selection {
            // A record with another version has been used in the meantime.
            return self.remove(&live.record).await;
        }
        let owner = live.record.owner();
        let ended_by = owner.map_or(EndedBy::Logout, EndedBy::Owner);
        self.end_record(&live.record, ended_by, &mut deadline).await
    }

    /// Reports that a session ended, unless it had expired or no client has its id. Returns whether
    /// the end was reported.
    fn report_end(&self, live: &Live, now: SystemTime) -> bool {
        let record = &live.record;
        if live.is_copy() || self.config.is_expired(record.created_at, record.expires_at, now) {
            return false;
        }
        let handle = session_handle(&record.lineage.0, record.owner());
        let session = EventSession::new(record.owner(), Some(&handle));
        self.store.events.report(Event::Ended { session });
        true
    }

    async fn end_all_series(&self, series: Vec<(StoreKey, Version, String)>, total: &mut Total) {
        let ends: Vec<_> = series
            .iter()
            .map(|(key, version, owner)| self.remove_series(owner, key, version.clone()))
            .collect();
        let results = some_at_a_time(ends).await;
        results.into_iter().filter_map(Result::err).for_each(|error| total.add_failure(error));
    }
}

impl<S: Scan> ServerSideSessions<S> {
    /// Scans the store once, and ends the selected sessions.
    pub(super) async fn end_selected(
        &self,
        selection: Selection,
        total: &mut Total,
    ) -> Result<(), Error> {
        let mut after = None::<String>;
        loop {
            let page = self.store.scan(after.as_deref(), BATCH).await;
            let page = page.map_err(|error| total.stopped(error))?;
            let ended = self.end_among(page.keys, selection, total).await;
            ended.map_err(|error| total.stopped(error))?;
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

impl Selection {
    fn includes(self, live: &Live) -> bool {
        match self {
            Self::All => true,
            Self::CreatedBefore(time) => live.record.created_at < time,
            Self::NotSeenSince(time) => live.last_seen() < time,
        }
    }
}

impl Total {
    pub(super) fn new(action: &'static str) -> Self {
        Self { action, done: 0, left: 0, failure: None }
    }

    /// Adds the result for one session: whether it is done.
    pub(super) fn add(&mut self, result: Result<bool, Error>) {
        match result {
            Ok(is_done) => self.done += u64::from(is_done),
            Err(failure) => self.add_failure(failure),
        }
    }

    /// Resets the number of sessions that are left, before a second scan.
    pub(super) fn begin_again(&mut self) {
        (self.left, self.failure) = (0, None);
    }

    fn add_failure(&mut self, failure: Error) {
        self.left += 1;
        self.failure.get_or_insert(failure);
    }

    pub(super) fn stopped(&self, failure: Error) -> Error {
        let message = format!("{} {} before the store failed", self.done, self.action);
        Error::new(failure.kind(), message).with_source(failure)
    }

    pub(super) fn result(self) -> Result<u64, Error> {
        let Self { action, done, left, failure } = self;
        failure.map_or(Ok(done), |failure| Err(unfinished(action, done, left, failure)))
    }
}

/// Returns the error of a call that failed for some sessions.
pub(super) fn unfinished(action: &str, done: u64, left: u64, failure: Error) -> Error {
    let reason = if failure.is_newer_format() {
        "a newer build wrote their records"
    } else {
        "the store failed"
    };
    let message = format!("{done} {action}, and {left} are left because {reason}");
    Error::new(failure.kind(), message).with_source(failure)
}

/// Runs at most [`CONCURRENT`] calls at a time, and returns their results in order.
pub(super) async fn some_at_a_time<T>(calls: Vec<impl Future<Output = T>>) -> Vec<T> {
    let (mut calls, mut results) = (calls.into_iter(), Vec::new());
    loop {
        let some: Vec<_> = calls.by_ref().take(CONCURRENT).collect();
        if some.is_empty() {
            return results;
        }
        results.extend(join_all(some).await);
    }
}

fn distinct(mut keys: Vec<StoreKey>) -> Vec<StoreKey> {
    keys.sort_unstable();
    keys.dedup();
    keys
}
