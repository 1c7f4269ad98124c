//! What is stored comes back, whatever it is, on every database.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, SystemTime};

use session_core::{NewRecord, OwnerIndex as _, Replaced, SessionStore as _, Sweep as _};
use session_sql::SqlStore;
use support::{drop_table, new_key, on_its_own_table, record, sqlite};
use test_servers::TemporaryFolder;

async fn everything_comes_back(store: &SqlStore) {
    let mebibyte: Vec<u8> = (0..=255).cycle().take(1024 * 1024).collect();
    let long = "\u{1f600}".repeat(1000);
    let owners =
        [None, Some(""), Some("ada"), Some("ada "), Some("Ada"), Some("ada\0"), Some("é'\"`\\%_;--"), Some(&long)];
    let moments = [SystemTime::UNIX_EPOCH - Duration::from_millis(1500), SystemTime::UNIX_EPOCH, whole_milliseconds()];
    for payload in [&b""[..], b"\0", b"trailing ", &[0xff, 0xfe]] {
        for owner in owners {
            for moment in moments {
                comes_back(store, payload, owner, moment).await;
            }
        }
    }
    comes_back(store, &mebibyte, Some(&long), whole_milliseconds()).await;
    for owner in owners.into_iter().flatten() {
        store.create(&new_key(), &record(b"").owned_by(Some(owner))).await.unwrap();
    }
    for owner in owners.into_iter().flatten() {
        assert_eq!(store.keys_of(owner).await.unwrap().len(), 1, "{owner:?}");
    }
    assert!(store.keys_of("nobody").await.unwrap().is_empty());
}

async fn comes_back(store: &SqlStore, payload: &[u8], owner: Option<&str>, moment: SystemTime) {
    let new = NewRecord::new(payload, moment, moment + Duration::from_millis(1)).owned_by(owner);
    let key = new_key();
    let version = store.create(&key, &new).await.unwrap();
    let read = store.load(&key).await.unwrap().unwrap();
    assert!(read.payload() == payload && read.owner() == owner, "{owner:?}");
    assert_eq!((read.created_at(), read.expires_at()), (moment, moment + Duration::from_millis(1)));
    assert_eq!(read.version(), version);
    assert!(store.remove(&key, version).await.unwrap());
}

/// Also when nothing changes: MySQL counts the rows that an update changed, unless it is asked for those that it found.
async fn touch_at_the_same_moment_is_true(store: &SqlStore) {
    let (key, new) = (new_key(), record(b""));
    let version = store.create(&key, &new).await.unwrap();
    assert!(store.touch(&key, version, new.expires_at()).await.unwrap());
    assert!(store.touch(&key, version, new.expires_at()).await.unwrap());
}

async fn a_sweep_takes_what_has_expired_and_no_more_than_it_is_told(store: &SqlStore) {
    let now = whole_milliseconds();
    let mut expired = Vec::new();
    for age in 1..=5 {
        let (key, end) = (new_key(), now - Duration::from_millis(age));
        expired.push((key, store.create(&key, &NewRecord::new(b"", end, end)).await.unwrap()));
    }
    let at_its_end = new_key();
    store.create(&at_its_end, &NewRecord::new(b"", now, now)).await.unwrap();
    let (renewed, version) = expired[4];
    assert!(store.touch(&renewed, version, now + Duration::from_mins(1)).await.unwrap());
    assert_eq!(store.sweep(now, 3).await.unwrap(), 3);
    assert_eq!(store.sweep(now, 3).await.unwrap(), 1);
    assert_eq!(store.sweep(now, 3).await.unwrap(), 0);
    assert!(store.load(&renewed).await.unwrap().is_some() && store.load(&at_its_end).await.unwrap().is_some());
}

async fn checked(url: &str) {
    let (store, table) = on_its_own_table(url).await;
    everything_comes_back(&store).await;
    touch_at_the_same_moment_is_true(&store).await;
    a_sweep_takes_what_has_expired_and_no_more_than_it_is_told(&store).await;
    sweeps_and_renewals_do_not_disturb_each_other(&store).await;
    drop(store);
    drop_table(url, &table).await;
}

/// Renewed in the same moments in which it expires, a record is either swept or lives; and no call fails.
async fn sweeps_and_renewals_do_not_disturb_each_other(store: &SqlStore) {
    while store.sweep(SystemTime::now(), 1000).await.unwrap() > 0 {}
    let renewing = (0..6).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut renewed = 0;
            for round in 0..150 {
                let (key, end) = (new_key(), SystemTime::now() - Duration::from_millis(2));
                let version = store.create(&key, &NewRecord::new(b"", end, end)).await.unwrap();
                let later = SystemTime::now() + Duration::from_mins(1);
                if round % 2 == 0 {
                    renewed += u32::from(store.touch(&key, version, later).await.unwrap());
                } else {
                    let replaced = store.replace(&key, version, &NewRecord::new(b"2", end, later)).await.unwrap();
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
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs()) + Duration::from_millis(since.subsec_millis().into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_everything_exactly() {
    let folder = TemporaryFolder::new();
    checked(&sqlite(&folder)).await;
}

mod shared {
    use super::{checked, support};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres_keeps_everything_exactly() {
        checked(test_servers::postgres().await.url()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres_behind_pgbouncer_keeps_everything_exactly() {
        checked(&support::pgbouncer().await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn mariadb_keeps_everything_exactly() {
        checked(test_servers::mysql().await.url()).await;
    }
}
