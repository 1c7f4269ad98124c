//! Records of a newer format: each call fails with `Unavailable` and changes nothing.

use std::time::{Duration, SystemTime};

use session_core::store::{OwnerIndex as _, SessionStore as _, StoreKey, Version};
use session_core::{Error, ErrorKind, OwnerSessions as _, SessionConfig};
use session_redis::{RedisSessions, RedisStore, redis};
use sha2::{Digest as _, Sha256};
use test_servers::PrivateServer;

use crate::support::requests::App;
use crate::support::{
    assert_works, cli, name_of, new_server, new_valkey, random_key, record, store,
};

/// Changes the format of a record to one that this build does not know.
async fn make_newer(server: &PrivateServer, key: &StoreKey) {
    cli(server, &["SETRANGE", &name_of(key), "1", "\\x02"]).await;
}

/// Returns everything in Redis.
async fn everything(server: &PrivateServer) -> Vec<(Vec<u8>, Vec<u8>, u64)> {
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut names: Vec<Vec<u8>> =
        redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    names.sort_unstable();
    let mut all = Vec::new();
    for name in names {
        let mut dump = redis::pipe();
        dump.cmd("DUMP").arg(&name).cmd("PEXPIRETIME").arg(&name);
        let (value, expiry) = dump.query_async(&mut connection).await.unwrap();
        all.push((name, value, expiry));
    }
    all
}

fn assert_unavailable<T: std::fmt::Debug>(result: Result<T, Error>) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.is_newer_format(), "{error}");
}

#[tokio::test]
async fn calls_on_newer_record_are_unavailable_and_change_nothing() {
    for server in [new_server().await, new_valkey().await] {
        assert_calls_change_nothing(&server).await;
    }
}

async fn assert_calls_change_nothing(server: &PrivateServer) {
    let store = store(server).await;
    for owner in [None, Some("ada")] {
        let key = random_key();
        let old = store.create(&key, &record(b"one").owned_by(owner)).await.unwrap();
        make_newer(server, &key).await;
        let before = everything(server).await;
        assert_unavailable(store.load(&key).await);
        assert_unavailable(store.load_many(&[random_key(), key]).await);
        assert_unavailable(store.create(&key, &record(b"new")).await);
        for expected in [old, Version::new(7)] {
            for owner in [None, Some("ada"), Some("eve")] {
                let new = record(b"two").owned_by(owner);
                assert_unavailable(store.replace(&key, expected.clone(), &new).await);
            }
            for hours in [0, 1000] {
                let expires_at = SystemTime::now() + Duration::from_secs(hours * 3600);
                assert_unavailable(store.touch(&key, expected.clone(), expires_at).await);
            }
            assert_unavailable(store.remove(&key, expected).await);
        }
        assert_eq!(everything(server).await, before, "{owner:?}");
    }
    assert_eq!(store.keys_of("ada").await.unwrap().len(), 1);
    assert_works(&store).await;
}

/// Returns the key of a session.
fn key_of(cookie: &str) -> StoreKey {
    use base64::Engine as _;
    let id = cookie.strip_prefix("session=").unwrap();
    let id = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(id).unwrap();
    StoreKey::from_bytes(Sha256::new().chain_update(id).chain_update("session").finalize().into())
}

#[tokio::test]
async fn requests_and_owner_pages_with_newer_record_are_unavailable() {
    let server = new_server().await;
    let store: RedisStore = store(&server).await;
    let app = App::new(store.clone());
    let sessions = RedisSessions::new(store, SessionConfig::default());
    let cookie = app.get("/login/ada", "").await.cookie.unwrap();
    make_newer(&server, &key_of(&cookie)).await;
    let before = everything(&server).await;
    for path in ["/read", "/write/cart", "/login/ada", "/login/eve", "/logout"] {
        let response = app.get(path, &cookie).await;
        assert_eq!((response.status.as_u16(), response.cookie), (503, None), "{path}");
    }
    assert_unavailable(sessions.page("ada", None, 100).await);
    assert_unavailable(sessions.end_all("ada").await);
    assert_eq!(everything(&server).await, before);
}
