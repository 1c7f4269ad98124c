//! Records are returned unchanged, on every database.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, SystemTime};

use session_core::store::{
    MAX_CLOCK_SKEW, NewRecord, OwnerIndex as _, Replaced, SessionStore as _, Sweep as _,
};
use session_sql::SqlStore;
use support::{drop_table, new_key, on_its_own_table, record, sqlite};
use test_servers::TemporaryFolder;

async fn assert_values_are_returned_unchanged(store: &SqlStore) {
    let mebibyte: Vec<u8> = (0..=255).cycle().take(1024 * 1024).collect();
    let long = "\u{1f600}".repeat(1000);
    let owners = [
        None,
        Some(""),
        Some("ada"),
        Some("ada "),
        Some("Ada"),
        Some("ada\0"),
        Some("é'\"`\\%_;--"),
        Some(&long),
    ];
    let moments = [
        SystemTime::UNIX_EPOCH - Duration::from_millis(1500),
        SystemTime::UNIX_EPOCH,
        whole_milliseconds(),
    ];
    for payload in [&b""[..], b"\0", b"trailing ", &[0xff, 0xfe]] {
        for owner in owners {
            for moment in moments {
                assert_returned_unchanged(store, payload, owner, moment).await;
            }
        }
    }
    assert_returned_unchanged(store, &mebibyte, Some(&long), whole_milliseconds()).await;
    for owner in owners.into_iter().flatten() {
        store.create(&new_key(), &record(b"").owned_by(Some(owner))).await.unwrap();
    }
    for owner in owners.into_iter().flatten() {
        assert_eq!(store.keys_of(owner).await.unwrap().len(), 1, "{owner:?}");
    }
    assert!(store.keys_of("unknown").await.unwrap().is_empty());
}

async fn assert_returned_unchanged(
    store: &SqlStore,
    payload: &[u8],
    owner: Option<&str>,
    moment: SystemTime,
) {
    let new = NewRecord::new(payload, moment, moment + Duration::from_millis(1)).owned_by(owner);
    let key = new_key();
    let version = store.create(&key, &new).await.unwrap();
    let read = store.load(&key).await.unwrap().unwrap();
    assert!(read.payload() == payload && read.owner() == owner, "{owner:?}");
    assert_eq!((read.created_at(), read.expires_at()), (moment, moment + Duration::from_millis(1)));
    assert_eq!(read.version(), version);
    assert!(store.remove(&key, version).await.unwrap());
}

/// There are more keys than one statement has.
async fn assert_load_many_keeps_order(store: &SqlStore) {
    let missing = new_key();
    let mut keys = Vec::new();
    for number in 0..50_u8 {
        let key = new_key();
        store.create(&key, &record(&[number])).await.unwrap();
        keys.extend([key, missing, key]);
    }
    for count in [0, 1, 2, 63, 64, 65, keys.len()] {
        let records = store.load_many(&keys[..count]).await.unwrap();
        let payloads = records.iter().map(|record| Some(record.as_ref()?.payload().to_vec()));
        let expected = (0..50_u8).flat_map(|number| [Some(vec![number]), None, Some(vec![number])]);
        assert!(payloads.eq(expected.take(count)), "{count} keys");
    }
    let same = store.load_many(&keys[..1]).await.unwrap();
    assert_eq!(same[0], store.load(&keys[0]).await.unwrap());
}

/// By default, MySQL counts only the rows that an update changed.
async fn assert_touch_with_same_expiry_is_true(store: &SqlStore) {
    let (key, new) = (new_key(), record(b""));
    let version = store.create(&key, &new).await.unwrap();
    assert!(store.touch(&key, version.clone(), new.expires_at()).await.unwrap());
    assert!(store.touch(&key, version, new.expires_at()).await.unwrap());
}

async fn assert_sweep_removes_expired_up_to_limit(store: &SqlStore) {
    let now = whole_milliseconds();
    let latest = now - MAX_CLOCK_SKEW;
    let mut expired = Vec::new();
    for age in 1..=5 {
        let (key, expiry) = (new_key(), latest - Duration::from_millis(age));
        expired
            .push((key, store.create(&key, &NewRecord::new(b"", expiry, expiry)).await.unwrap()));
    }
    let just_kept = new_key();
    store.create(&just_kept, &NewRecord::new(b"", latest, latest)).await.unwrap();
    let (renewed, version) = expired[4].clone();
    assert!(store.touch(&renewed, version, now + Duration::from_mins(1)).await.unwrap());
    assert_eq!(store.sweep(now, 3).await.unwrap(), 3);
    assert_eq!(store.sweep(now, 3).await.unwrap(), 1);
    assert_eq!(store.sweep(now, 3).await.unwrap(), 0);
    assert!(
        store.load(&renewed).await.unwrap().is_some()
            && store.load(&just_kept).await.unwrap().is_some()
    );
}

async fn check(url: &str) {
    let (store, table) = on_its_own_table(url).await;
    assert_values_are_returned_unchanged(&store).await;
    assert_load_many_keeps_order(&store).await;
    assert_touch_with_same_expiry_is_true(&store).await;
    assert_sweep_removes_expired_up_to_limit(&store).await;
    assert_sweeps_and_renewals_can_overlap(&store).await;
    drop(store);
    drop_table(url, &table).await;
}

/// A record that is renewed while it expires is either swept or renewed, and no call fails.
async fn assert_sweeps_and_renewals_can_overlap(store: &SqlStore) {
    while store.sweep(SystemTime::now(), 1000).await.unwrap() > 0 {}
    let renewing = (0..6).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut renewed = 0;
            for round in 0..150 {
                let end = SystemTime::now() - MAX_CLOCK_SKEW - Duration::from_millis(2);
                let key = new_key();
                let version = store.create(&key, &NewRecord::new(b"", end, end)).await.unwrap();
                let later = SystemTime::now() + Duration::from_mins(1);
                if round % 2 == 0 {
                    renewed += u32::from(store.touch(&key, version, later).await.unwrap());
                } else {
                    let replaced = store
                        .replace(&key, version, &NewRecord::new(b"2", end, later))
                        .await
                        .unwrap();
                    renewed += u32::from(matches!(replaced, Replaced::Done(_)));
                }
            }
            renewed
        })
    });
    let renewing: Vec<_> = renewing.collect();
    let mut swept = 0;
    while renewing.iter().any(|task| !task.is_finished()) {
        swept += store.sweep(SystemTime::now(), 10).await.unwrap();
    }
    let mut renewed = 0;
    for task in renewing {
        renewed += task.await.unwrap();
    }
    swept += store.sweep(SystemTime::now(), 1000).await.unwrap();
    assert_eq!(usize::try_from(renewed).unwrap() + swept, 6 * 150);
}

fn whole_milliseconds() -> SystemTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    SystemTime::UNIX_EPOCH
        + Duration::from_secs(since.as_secs())
        + Duration::from_millis(since.subsec_millis().into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_returns_records_unchanged() {
    let folder = TemporaryFolder::new();
    check(&sqlite(&folder)).await;
}

mod shared {
    use super::{check, support};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres_returns_records_unchanged() {
        check(test_servers::postgres().await.url()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres_behind_pgbouncer_returns_records_unchanged() {
        check(&support::pgbouncer().await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn mariadb_returns_records_unchanged() {
        check(test_servers::mysql().await.url()).await;
    }
}
