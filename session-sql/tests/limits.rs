//! Settings and payloads that the store rejects.

mod support;

use session_core::ErrorKind;
use session_core::store::SessionStore as _;
use session_sql::SqlStore;
use support::{migrated_by, new_key, record};

#[tokio::test]
async fn invalid_settings_are_rejected() {
    for rejected in [
        SqlStore::connect("oracle://host").await,
        SqlStore::connect("shop.db").await,
        SqlStore::builder().table("a b").connect("sqlite::memory:").await,
    ] {
        let error = rejected.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
    }
}

#[tokio::test]
async fn payload_above_limit_changes_nothing() {
    let store = migrated_by(SqlStore::builder().max_payload(100), "sqlite::memory:").await;
    let key = new_key();
    let error = store.create(&key, &record(&[0; 101])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
    assert_eq!(store.load(&key).await.unwrap(), None);
    let version = store.create(&key, &record(&[0; 100])).await.unwrap();
    let error = store.replace(&key, version.clone(), &record(&[0; 101])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
    assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version);
}
