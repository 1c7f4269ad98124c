//! The main points of the store contract, and the properties of files.

use std::error::Error as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use file_store::FileStore;
use session_core::ErrorKind;
use session_core::store::{NewRecord, Record, Replaced, SessionStore, StoreKey, Sweep, Version};
use tempfile::TempDir;

const KEY: StoreKey = StoreKey::from_bytes([0xab; 32]);

fn time(seconds: u64, nanoseconds: u32) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds)
}

fn file_of_key(directory: &Path) -> PathBuf {
    directory.join("ab").join("ab".repeat(32))
}

#[tokio::test]
async fn record_is_loaded_unchanged_by_other_handle() {
    let directory = TempDir::new().unwrap();
    let (one, other) =
        (FileStore::open(directory.path()).unwrap(), FileStore::open(directory.path()).unwrap());
    let payload: Vec<u8> = (0..=u8::MAX).chain(*b"\n\n{}").collect();
    let (created_at, expires_at) = (time(1, 999_999_999), time(253_402_300_799, 1));
    for (number, owner) in [None, Some(""), Some("ada\n\"\u{0}é")].into_iter().enumerate() {
        let key = StoreKey::from_bytes([u8::try_from(number).unwrap(); 32]);
        let new = NewRecord::new(&payload, created_at, expires_at).owned_by(owner);
        let version = one.create(&key, &new).await.unwrap();
        assert!(other.load(&key).await.unwrap() == Some(Record::new(version.clone(), &new)));

        assert!(other.touch(&key, version.clone(), time(9, 123_456_789)).await.unwrap());
        let touched = one.load(&key).await.unwrap().unwrap();
        assert!(
            touched == Record::new(version, &new).touched(touched.version(), time(9, 123_456_789))
        );
    }
}

#[tokio::test]
async fn only_current_version_changes_and_versions_are_unique() {
    let directory = TempDir::new().unwrap();
    let store = FileStore::open(directory.path()).unwrap();
    let (one, two) = (
        NewRecord::new(b"one", time(1, 0), time(2, 0)),
        NewRecord::new(b"two", time(1, 0), time(2, 0)),
    );
    let absent = Version::new(0);
    assert_eq!(store.replace(&KEY, absent.clone(), &one).await.unwrap(), Replaced::Stale);
    assert!(!store.touch(&KEY, absent.clone(), time(3, 0)).await.unwrap());
    assert!(!store.remove(&KEY, absent).await.unwrap());
    assert_eq!(store.load(&KEY).await.unwrap(), None);

    let first = store.create(&KEY, &one).await.unwrap();
    assert_eq!(store.create(&KEY, &two).await.unwrap_err().kind(), ErrorKind::Backend);
    assert!(store.load(&KEY).await.unwrap() == Some(Record::new(first.clone(), &one)));
    let Replaced::Done(second) = store.replace(&KEY, first.clone(), &two).await.unwrap() else {
        panic!("stale")
    };
    assert_eq!(store.replace(&KEY, first.clone(), &one).await.unwrap(), Replaced::Stale);
    assert!(!store.touch(&KEY, first.clone(), time(3, 0)).await.unwrap());
    assert!(!store.remove(&KEY, first.clone()).await.unwrap());
    assert!(store.load(&KEY).await.unwrap() == Some(Record::new(second.clone(), &two)));

    assert!(store.remove(&KEY, second.clone()).await.unwrap());
    assert_eq!(store.load(&KEY).await.unwrap(), None);
    let third = store.create(&KEY, &one).await.unwrap();
    assert!(third != first && third != second && first != second);
}

#[tokio::test]
async fn invalid_file_stays_and_fails_without_its_contents() {
    let directory = TempDir::new().unwrap();
    let store = FileStore::open(directory.path()).unwrap();
    let record = NewRecord::new(b"payload", time(1, 0), time(2, 0)).owned_by(Some("ada"));
    store.create(&KEY, &record).await.unwrap();
    let whole = fs::read(file_of_key(directory.path())).unwrap();
    let cut = &whole[..whole.len() - 1];
    for garbage in
        [&b""[..], b"secret", b"\n", b"{\"version\":\"secret\"}\npayload", b"\xff\xfe\n", cut]
    {
        fs::write(file_of_key(directory.path()), garbage).unwrap();
        let errors = [
            store.load(&KEY).await.unwrap_err(),
            store.create(&KEY, &record).await.unwrap_err(),
            store.replace(&KEY, Version::new(0), &record).await.unwrap_err(),
            store.touch(&KEY, Version::new(0), time(3, 0)).await.unwrap_err(),
            store.remove(&KEY, Version::new(0)).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Backend);
            assert_eq!(error.source().unwrap().to_string(), "no record");
            assert!(
                !format!("{error:?}").contains("secret") && !format!("{error:?}").contains("abab")
            );
        }
        assert_eq!(store.sweep(time(9, 0), 10).await.unwrap(), 0);
        assert_eq!(fs::read(file_of_key(directory.path())).unwrap(), garbage);
    }
}

#[tokio::test]
async fn sweep_removes_expired_records_up_to_limit() {
    let directory = TempDir::new().unwrap();
    let store = FileStore::open(directory.path()).unwrap();
    for number in 0..10 {
        let record = NewRecord::new(b"payload", time(1, 0), time(100, u32::from(number)));
        store.create(&StoreKey::from_bytes([number; 32]), &record).await.unwrap();
    }
    let now = time(100, 7);
    assert_eq!(store.sweep(now, 0).await.unwrap(), 0);
    assert_eq!(store.sweep(now, 5).await.unwrap(), 5);
    assert_eq!(store.sweep(now, 5).await.unwrap(), 2);
    assert_eq!(store.sweep(now, 5).await.unwrap(), 0);
    for number in 0..10 {
        let there = store.load(&StoreKey::from_bytes([number; 32])).await.unwrap().is_some();
        assert_eq!(there, number >= 7, "{number}");
    }
}

#[tokio::test]
async fn unusable_directory_is_unavailable() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(FileStore::open(&file).unwrap_err().kind(), ErrorKind::Unavailable);

    let store = FileStore::open(directory.path().join("new").join("store")).unwrap();
    fs::remove_dir_all(directory.path().join("new")).unwrap();
    let error = store.create(&KEY, &NewRecord::new(b"", time(1, 0), time(2, 0))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.source().is_some());
}
