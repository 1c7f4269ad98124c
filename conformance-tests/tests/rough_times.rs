//! A store that loses fractions of seconds violates one rule, which names the cause.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, SystemTime};

use session_conformance::store::{StoreUnderTest, rules};
use session_core::store::{
    NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Sweep, Version,
};
use session_core::{Error, async_trait};
use session_memory::MemoryStore;

const EXACT: &str = "expiry_is_exact_and_never_earlier";

/// A store that rounds times down to this many nanoseconds.
#[derive(Clone, Debug)]
struct Rough(MemoryStore, u128);

impl Rough {
    fn round(&self, time: SystemTime) -> SystemTime {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let rest = u64::try_from(since.as_nanos() % self.1).unwrap_or_default();
        time - Duration::from_nanos(rest)
    }

    fn rounded<'a>(&self, record: &NewRecord<'a>) -> NewRecord<'a> {
        let (created_at, expires_at) = (record.created_at(), record.expires_at());
        NewRecord::new(record.payload(), self.round(created_at), self.round(expires_at))
            .owned_by(record.owner())
    }
}

#[async_trait]
impl SessionStore for Rough {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.0.load(key).await
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.0.create(key, &self.rounded(record)).await
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        self.0.replace(key, expected, &self.rounded(record)).await
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        self.0.touch(key, expected, self.round(expires_at)).await
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.0.remove(key, expected).await
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

#[async_trait]
impl OwnerIndex for Rough {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        self.0.keys_of(owner).await
    }
}

#[async_trait]
impl Sweep for Rough {
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        self.0.sweep(now, limit).await
    }
}

/// Returns the violated rules, each with its message.
async fn violated(unit: u128) -> Vec<(&'static str, String)> {
    let mut checks = Vec::new();
    for rule in rules() {
        checks.push(tokio::spawn(async move {
            let store = Rough(MemoryStore::new(), unit);
            let under_test =
                StoreUnderTest::new(store.clone()).owner_index(store.clone()).sweep(store.clone());
            let violation = rule.check(&under_test.clones(store)).await.err();
            violation.map(|violation| (rule.name(), violation.to_string()))
        }));
    }
    let mut violated = Vec::new();
    for check in checks {
        violated.extend(check.await.unwrap());
    }
    violated.retain(|(_, message)| !message.contains("the suite was not given"));
    violated
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn times_in_whole_seconds_are_reported_once() {
    let violated = violated(1_000_000_000).await;
    let names: Vec<_> = violated.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, [EXACT], "{violated:#?}");
    assert!(violated[0].1.contains("it is stored in whole seconds"), "{}", violated[0].1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn times_rounded_down_to_milliseconds_are_reported_once() {
    let violated = violated(1_000_000).await;
    let names: Vec<_> = violated.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, [EXACT], "{violated:#?}");
    assert!(violated[0].1.contains("rounded down to the millisecond"), "{}", violated[0].1);
}
