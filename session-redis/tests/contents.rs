//! What is in Redis, and what becomes of what something else has put there.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use session_core::{ErrorKind, NewRecord, Replaced, SessionStore as _, Version};
use session_redis::{RedisStore, redis};
use sha2::{Digest as _, Sha256};
use support::requests::App;
use support::{builder, cli, hexadecimal, name_of, new_server, random_key, record, replaced, store};
use test_servers::{PrivateServer, RedisOptions, redis_cluster, redis_with};

/// Every key and every value, as bytes.
async fn dump(server: &PrivateServer) -> Vec<Vec<u8>> {
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<Vec<u8>> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    let mut all = Vec::new();
    for key in keys {
        let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut connection).await.unwrap();
        match &*kind {
            "string" => all.push(redis::cmd("GET").arg(&key).query_async(&mut connection).await.unwrap()),
            "zset" => {
                let members: Vec<Vec<u8>> =
                    redis::cmd("ZRANGE").arg(&key).arg(0).arg(-1).query_async(&mut connection).await.unwrap();
                all.extend(members);
            }
            other => unreachable!("this store writes no {other}"),
        }
        all.push(key);
    }
    all
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// What four requests of two users leave holds no id, raw, in base64 or in hexadecimal, but its hash.
async fn no_id_is_there_but_only_its_hash(store: RedisStore, servers: &[PrivateServer]) {
    let app = App::new(store);
    let mut cookies = Vec::new();
    for user in ["zoe", "lilly"] {
        let anonymous = app.get("/write/cart", "").await.cookie.unwrap();
        let session = app.get(&format!("/login/{user}"), &anonymous).await.cookie.unwrap();
        cookies.extend([anonymous, session]);
    }
    let mut all = Vec::new();
    for server in servers {
        all.extend(dump(server).await);
    }
    // Four records and two lists with a key each.
    assert_eq!(all.len(), 4 * 2 + 2 * 2);
    for cookie in cookies {
        let id = cookie.strip_prefix("session=").unwrap();
        let raw = URL_SAFE_NO_PAD.decode(id).unwrap();
        let digits = hexadecimal(&raw);
        let hash = name_of(&session_core::StoreKey::from_bytes(Sha256::digest(&raw).into()));
        assert!(all.iter().any(|text| text == hash.as_bytes()), "its hash is not there");
        for text in &all {
            for form in [id.as_bytes(), &raw, digits.as_bytes()] {
                assert!(!contains(text, form), "an id is in Redis");
            }
        }
    }
    assert!(!all.iter().any(|text| text.starts_with(b"session:") && contains(text, b"zoe")), "a key names an owner");
}

#[tokio::test]
async fn no_id_is_in_redis_but_only_its_hash() {
    let server = new_server().await;
    no_id_is_there_but_only_its_hash(store(&server).await, &[server]).await;
}

#[tokio::test]
async fn no_id_is_in_a_cluster_but_only_its_hash() {
    let cluster = redis_cluster().await;
    let store = RedisStore::cluster(cluster.urls()).connect().await.unwrap();
    no_id_is_there_but_only_its_hash(store, &cluster.nodes()[..3]).await;
}

#[tokio::test]
async fn redis_keeps_a_record_past_its_expiry_and_then_lets_it_go() {
    let server = new_server().await;
    let store = store(&server).await;
    let now = SystemTime::now();
    let hour = Duration::from_hours(1);
    let hundred_years = hour * 24 * 36_525;
    for (expires_at, left) in [
        (now + hour, hour),
        (now + hundred_years, hundred_years),
        (now - hour, Duration::ZERO),
        (SystemTime::UNIX_EPOCH, Duration::ZERO),
    ] {
        for owner in [None, Some("ada")] {
            let key = random_key();
            let record = NewRecord::new(b"", now, expires_at).owned_by(owner);
            let check = async |step: &str| {
                let life: u64 = cli(&server, &["PTTL", &name_of(&key)]).await.parse().unwrap();
                let beyond = Duration::from_millis(life).checked_sub(left).unwrap_or_default();
                assert!(beyond > Duration::from_mins(4) && beyond < Duration::from_mins(6), "{step}: {beyond:?}");
            };
            let version = store.create(&key, &record).await.unwrap();
            check("created").await;
            let long = NewRecord::new(b"", now, now + hour * 48).owned_by(owner);
            let version = replaced(&store, &key, version, &long).await;
            let version = replaced(&store, &key, version, &record).await;
            check("replaced").await;
            assert!(store.touch(&key, version, now + hour * 2000).await.unwrap());
            assert!(store.touch(&key, version, expires_at).await.unwrap());
            check("touched").await;
            assert_eq!(store.load(&key).await.unwrap().unwrap().expires_at(), expires_at);
        }
    }
}

#[tokio::test]
async fn what_something_else_wrote_is_absent_and_is_never_overwritten() {
    let server = new_server().await;
    let store = store(&server).await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    for write in [&["SET", "{}"][..], &["SET", ""], &["LPUSH", "x"], &["HSET", "field", "x"]] {
        let key = random_key();
        let name = name_of(&key);
        let command: Vec<_> = [write[0], &name].into_iter().chain(write[1..].iter().copied()).collect();
        cli(&server, &command).await;
        let before = cli(&server, &["DUMP", &name]).await;

        assert_eq!(store.load(&key).await.unwrap(), None);
        assert!(log.take().contains("WARN"), "{write:?}");
        assert_eq!(store.create(&key, &record(b"mine")).await.unwrap_err().kind(), ErrorKind::Backend);
        for version in [0, u64::MAX].map(Version::new) {
            for owner in [None, Some("ada")] {
                let mine = record(b"mine").owned_by(owner);
                assert_eq!(store.replace(&key, version, &mine).await.unwrap(), Replaced::Stale);
            }
            assert!(!store.touch(&key, version, SystemTime::now()).await.unwrap());
            assert!(!store.remove(&key, version).await.unwrap());
        }
        assert_eq!(cli(&server, &["DUMP", &name]).await, before, "{write:?}");
        assert_eq!(cli(&server, &["PTTL", &name]).await, "-1");
        assert!(!log.take().contains(&name), "a key is in the log");
    }
}

#[tokio::test]
async fn nothing_shows_a_password() {
    let server = redis_with(RedisOptions::default().password("swordfish")).await;
    let builder = builder(&server);
    assert!(!format!("{builder:?}").contains("swordfish"));
    let store = builder.connect().await.unwrap();
    assert!(!format!("{store:?}").contains("swordfish"));
    let sessions = session_redis::RedisSessions::with_store(store, session_core::SessionConfig::default());
    assert!(!format!("{sessions:?}").contains("swordfish"));
}

#[tokio::test]
async fn database_and_prefix_keep_applications_apart() {
    let server = new_server().await;
    let key = random_key();
    let stores = [
        store(&server).await,
        builder(&server).key_prefix("other:").connect().await.unwrap(),
        builder(&server).database(5).connect().await.unwrap(),
        RedisStore::builder(format!("{}6", server.url())).connect().await.unwrap(),
    ];
    for store in &stores {
        store.create(&key, &record(b"")).await.unwrap();
    }
    assert_eq!(cli(&server, &["DBSIZE"]).await, "2");
    assert_eq!(cli(&server, &["-n", "5", "DBSIZE"]).await, "1");
    assert_eq!(cli(&server, &["-n", "6", "DBSIZE"]).await, "1");
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut self.0.lock().unwrap())).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
