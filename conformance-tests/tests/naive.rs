//! A naive store, a map in a mutex that overwrites records, violates exactly the rules listed here.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::SystemTime;

use session_conformance::store::{StoreUnderTest, rules};
use session_core::store::{NewRecord, Record, Replaced, SessionStore, StoreKey, Version};
use session_core::{Error, ManualClock, async_trait};

#[derive(Debug, Default)]
struct NaiveStore {
    records: Mutex<HashMap<StoreKey, Record>>,
}

impl NaiveStore {
    fn put(&self, key: &StoreKey, record: &NewRecord<'_>) -> Version {
        let mut records = self.records.lock().unwrap();
        let version = Version::new(records.get(key).map_or(0, |old| old.version().get() + 1));
        records.insert(*key, Record::new(version.clone(), record));
        version
    }
}

#[async_trait]
impl SessionStore for NaiveStore {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        Ok(self.records.lock().unwrap().get(key).cloned())
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        Ok(self.put(key, record))
    }

    async fn replace(
        &self,
        key: &StoreKey,
        _: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        Ok(Replaced::Done(self.put(key, record)))
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        let mut records = self.records.lock().unwrap();
        let Some(record) = records.get_mut(key) else { return Ok(false) };
        *record = record.touched(expected, expires_at);
        Ok(true)
    }

    async fn remove(&self, key: &StoreKey, _: Version) -> Result<bool, Error> {
        Ok(self.records.lock().unwrap().remove(key).is_some())
    }
}

const VIOLATED: [&str; 23] = [
    "create_of_existing_key_is_refused",
    "replace_never_creates",
    "replace_after_remove_restores_nothing",
    "replace_at_other_version_changes_nothing",
    "version_is_never_used_twice",
    "near_versions_are_other_versions",
    "touch_at_other_version_changes_nothing",
    "remove_at_other_version_changes_nothing",
    "expired_record_is_removed",
    "call_on_expired_record_does_what_it_returns",
    "record_with_earlier_expiry_is_removed",
    "expired_record_stays_removed",
    "removed_record_is_observed_nowhere",
    "refused_call_changes_nothing",
    "call_on_other_record_changes_nothing",
    "calls_in_any_order_leave_what_they_wrote",
    "concurrent_calls_have_order",
    "concurrent_calls_on_owned_record_have_order",
    "concurrent_writes_of_other_keys_are_stored",
    "concurrent_increments_are_all_counted",
    "save_after_logout_revives_nothing",
    "save_during_rotation_is_stored",
    "expired_record_of_every_kind_is_swept",
];

#[test]
fn naive_store_violates_listed_rules() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let violated = rules().filter(|rule| {
        let under_test =
            StoreUnderTest::new(NaiveStore::default()).clock(ManualClock::at(SystemTime::now()));
        let violation = runtime.block_on(rule.check(&under_test)).err();
        // It has no index, is not swept, and cannot be cloned.
        let is_lacking = |seen: &str| seen.starts_with("the suite was not given");
        violation.is_some_and(|violation| !is_lacking(violation.failure().seen()))
    });
    let violated: Vec<_> = violated.map(session_conformance::Rule::name).collect();
    assert_eq!(violated, VIOLATED);
}

mod suite {
    pub(super) const LINE: u32 = line!() + 2;

    session_conformance::store_suite!(
        async { super::NaiveStore::default() },
        ignore = "fails on purpose",
        except(remove_without_record_is_false = "excepted on purpose"),
    );
}

/// Runs this test program with these arguments. Returns its output and whether it succeeded.
fn run(arguments: &[&str]) -> (String, bool) {
    let program = std::env::current_exe().unwrap();
    let output = std::process::Command::new(program)
        .args(arguments)
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.success())
}

#[test]
fn failure_shows_rule_calls_and_results() {
    let (text, passed) = run(&["--ignored", "--exact", "suite::replace_never_creates"]);
    assert!(!passed, "{text}");
    let place = format!("{}:{}:", file!(), suite::LINE);
    for part in [
        &place,
        "rule `replace_never_creates` is violated",
        "promise   `replace` never creates a record. It returns `Stale` and changes nothing",
        "advice    Update an existing row",
        "replace(B, at 0, \"new\") = Done, version 0",
        "expected  Stale",
        "seen      Done",
    ] {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
}

#[test]
fn test_that_does_not_run_is_ignored_with_reason() {
    let (text, passed) = run(&["suite::"]);
    assert!(passed, "{text}");
    for line in [
        "test suite::replace_never_creates ... ignored, fails on purpose",
        "test suite::remove_without_record_is_false ... ignored, excepted on purpose",
    ] {
        assert!(text.contains(line), "no {line:?} in:\n{text}");
    }
    assert_eq!(text.matches("... ignored, ").count(), rules().count(), "{text}");
    assert!(text.contains("test result: ok. 0 passed; 0 failed;"), "{text}");
}

#[test]
fn each_rule_has_test() {
    let (text, _) = run(&["suite::", "--list"]);
    for rule in rules() {
        assert!(
            text.contains(&format!("suite::{}: test", rule.name())),
            "{} has no test",
            rule.name()
        );
    }
}
