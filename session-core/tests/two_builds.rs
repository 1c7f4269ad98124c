//! Two builds on one store, during traffic: this build, and a newer build that supports version 2
//! of the records. The newer build writes version 1 until a setting enables version 2.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../src/engine/mod.rs"]
#[expect(unreachable_pub, reason = "it is public in its own crate")]
#[allow(dead_code, unused_imports, reason = "what only the crate itself uses")]
mod engine;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use crate::store::{NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Version};
// The items that the engine imports from `crate`.
use session_core::*;

/// The versions of the newer build.
mod record_format {
    use std::cell::Cell;

    pub(crate) const NEWEST: u8 = 2;

    thread_local! {
        static WRITTEN: Cell<u8> = const { Cell::new(1) };
    }

    pub(crate) fn written() -> u8 {
        WRITTEN.get()
    }

    pub(super) fn write(version: u8) {
        WRITTEN.set(version);
    }
}

const SESSIONS: usize = 8;
const ROUNDS: usize = 40;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Build {
    Old,
    Newer,
}

/// The connection of one build to a store that both share.
#[derive(Clone, Debug)]
struct Store {
    build: Build,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    records: HashMap<StoreKey, Record>,
    versions: u64,
}

impl Store {
    /// Waits, so that calls of other requests come in between.
    async fn lock(&self) -> MutexGuard<'_, Shared> {
        tokio::task::yield_now().await;
        self.shared.lock().unwrap()
    }

    /// Returns whether the record has this version. The old build must not change a newer record.
    fn is_at(&self, shared: &Shared, key: &StoreKey, expected: Version) -> bool {
        let record = shared.records.get(key).filter(|record| record.version() == expected);
        assert!(
            self.build == Build::Newer || !record.is_some_and(is_newer),
            "the old build changes a newer record"
        );
        record.is_some()
    }

    fn newer_records(&self) -> usize {
        self.shared.lock().unwrap().records.values().filter(|record| is_newer(record)).count()
    }
}

fn is_newer(record: &Record) -> bool {
    record.payload().starts_with(b"\xffsr\x02")
}

impl Shared {
    fn next(&mut self) -> Version {
        self.versions += 1;
        Version::new(self.versions)
    }
}

#[async_trait]
impl SessionStore for Store {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        Ok(self.lock().await.records.get(key).cloned())
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let mut shared = self.lock().await;
        let version = shared.next();
        assert!(shared.records.insert(*key, Record::new(version.clone(), record)).is_none());
        Ok(version)
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        let mut shared = self.lock().await;
        if !self.is_at(&shared, key, expected) {
            return Ok(Replaced::Stale);
        }
        let version = shared.next();
        shared.records.insert(*key, Record::new(version.clone(), record));
        Ok(Replaced::Done(version))
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        let mut shared = self.lock().await;
        let is_there = self.is_at(&shared, key, expected);
        if is_there {
            let version = shared.next();
            let touched = shared.records[key].touched(version, expires_at);
            shared.records.insert(*key, touched);
        }
        Ok(is_there)
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let mut shared = self.lock().await;
        Ok(self.is_at(&shared, key, expected) && shared.records.remove(key).is_some())
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

#[async_trait]
impl OwnerIndex for Store {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let shared = self.lock().await;
        let theirs = shared.records.iter().filter(|(_, record)| record.owner() == Some(owner));
        Ok(theirs.map(|(key, _)| *key).collect())
    }
}

/// One instance of each build.
struct Deployment {
    store: Store,
    old: Arc<ServerSideSessions<Store>>,
    newer: Arc<engine::ServerSideSessions<Store>>,
}

impl Deployment {
    fn new() -> Self {
        record_format::write(1);
        let (config, shared) = (SessionConfig::default(), Arc::default());
        let newer = Store { build: Build::Newer, shared };
        let old = Store { build: Build::Old, ..newer.clone() };
        Self {
            store: old.clone(),
            old: Arc::new(ServerSideSessions::new(old, config.clone())),
            newer: Arc::new(engine::ServerSideSessions::new(newer, config)),
        }
    }

    fn sessions(&self, build: Build) -> Arc<dyn SessionInterface> {
        match build {
            Build::Old => Arc::clone(&self.old) as _,
            Build::Newer => Arc::clone(&self.newer) as _,
        }
    }

    /// Logs in once for each session, alternately on both builds.
    async fn begin(&self) -> Vec<String> {
        let mut cookies = Vec::new();
        for number in 0..SESSIONS {
            let build = if number % 2 == 0 { Build::Old } else { Build::Newer };
            let log_in = async |session: &Session| session.log_in("ada", None).await;
            cookies.push(respond(self.sessions(build), "", log_in).await.unwrap());
        }
        cookies
    }

    /// Increments a number in every session, in overlapping requests on both builds. Returns the
    /// results of each session on each build.
    async fn traffic(&self, cookies: &[String]) -> Vec<(usize, Build, Result<String, Error>)> {
        let mut running = Vec::new();
        for _ in 0..ROUNDS {
            for (number, cookie) in cookies.iter().enumerate() {
                for build in [Build::Old, Build::Newer] {
                    let (sessions, cookie) = (self.sessions(build), cookie.clone());
                    let request = async move { respond(sessions, &cookie, increment).await };
                    running.push((number, build, tokio::spawn(request)));
                }
            }
        }
        let mut results = Vec::new();
        for (number, build, request) in running {
            results.push((number, build, request.await.unwrap()));
        }
        results
    }

    async fn count(&self, build: Build, cookie: &str) -> Result<Option<u64>, Error> {
        let view = request::RequestView::builder()
            .cookie_header(format!("session={cookie}").as_bytes())
            .build();
        let request =
            request::RequestSession::with_shared(self.sessions(build), view, OutagePolicy::Refuse);
        request.session().await?.get("n")
    }
}

async fn increment(session: &Session) -> Result<(), Error> {
    session.update("n", |n: Option<u64>| Some(n.unwrap_or(0) + 1))
}

/// Runs a request. Returns the cookie of the client afterwards.
async fn respond(
    sessions: Arc<dyn SessionInterface>,
    cookie: &str,
    handler: impl AsyncFnOnce(&Session) -> Result<(), Error>,
) -> Result<String, Error> {
    let header = format!("session={cookie}");
    let view = request::RequestView::builder().cookie_header(header.as_bytes()).build();
    let request = request::RequestSession::with_shared(sessions, view, OutagePolicy::Refuse);
    let opened = request.session().await;
    let done = match &opened {
        Ok(session) => handler(session).await,
        Err(_) => Ok(()),
    };
    let request::Committed { headers, error } = request.commit().await;
    let result = opened.map(drop).and(done).and(error.map_or(Ok(()), Err));
    assert!(result.is_ok() || headers.set_cookie().is_none(), "an error replaces the cookie");
    result?;
    let set = headers.set_cookie().and_then(|header| header.split([';', '=']).nth(1));
    Ok(set.unwrap_or(cookie).to_owned())
}

#[tokio::test]
async fn builds_share_store_until_version_2_is_enabled() {
    let deployment = Deployment::new();
    let cookies = deployment.begin().await;
    for (number, build, result) in deployment.traffic(&cookies).await {
        assert_eq!(result.unwrap(), cookies[number], "{build:?}");
    }
    for cookie in &cookies {
        for build in [Build::Old, Build::Newer] {
            let count = deployment.count(build, cookie).await.unwrap();
            assert_eq!(count, Some(2 * ROUNDS as u64));
        }
    }
    assert_eq!(deployment.store.newer_records(), 0);

    // A change of the id on one build is followed by the other.
    for (build, other) in [(Build::Old, Build::Newer), (Build::Newer, Build::Old)] {
        let rotate = async |session: &Session| session.rotate_id();
        let next = respond(deployment.sessions(build), &cookies[0], rotate).await;
        assert!(deployment.count(other, &next.unwrap()).await.is_ok());
    }
    assert_eq!(deployment.old.end_all("ada").await.unwrap(), SESSIONS);
}

#[tokio::test]
async fn old_build_changes_nothing_after_version_2_is_enabled() {
    let deployment = Deployment::new();
    let cookies = deployment.begin().await;
    record_format::write(2);
    let mut counts = [0; SESSIONS];
    let mut refused = 0;
    for (number, build, result) in deployment.traffic(&cookies).await {
        match result {
            Ok(_) => counts[number] += 1,
            Err(error) => {
                assert_eq!(build, Build::Old, "{error}");
                assert_eq!(error.kind(), ErrorKind::Unavailable);
                assert!(error.is_newer_format(), "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
    assert_eq!(deployment.store.newer_records(), SESSIONS);
    for (cookie, count) in cookies.iter().zip(counts) {
        assert_eq!(deployment.count(Build::Newer, cookie).await.unwrap(), Some(count));
        assert!(deployment.count(Build::Old, cookie).await.unwrap_err().is_newer_format());
    }
    let error = deployment.old.end_all("ada").await.unwrap_err();
    assert!(error.is_newer_format(), "{error}");
    assert_eq!(deployment.store.newer_records(), SESSIONS);

    // After the setting is removed, a write makes each session readable again.
    record_format::write(1);
    for cookie in &cookies {
        respond(deployment.sessions(Build::Newer), cookie, increment).await.unwrap();
        respond(deployment.sessions(Build::Old), cookie, increment).await.unwrap();
    }
    assert_eq!(deployment.store.newer_records(), 0);
    assert_eq!(deployment.old.end_all("ada").await.unwrap(), SESSIONS);
}
