//! Credentials that change while a store is connected.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use session_core::store::{Credentials, SessionStore as _};
use session_core::{Error, ErrorKind};
use session_redis::{RedisStore, RedisStoreBuilder};
use test_servers::{PrivateServer, RedisOptions, redis_cluster, redis_sentinel_with};

use crate::support::{DEADLINE, assert_works, cli, new_server, random_key, record};

/// A secret that the test changes, and how often it was read.
#[derive(Clone, Default)]
struct Secret {
    password: Arc<Mutex<Option<String>>>,
    calls: Arc<AtomicUsize>,
}

impl Secret {
    fn set(&self, password: Option<&str>) {
        *self.password.lock().unwrap() = password.map(str::to_owned);
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn provide(&self) -> Result<Credentials, Error> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let password = self.password.lock().unwrap().clone();
        let missing = || Error::new(ErrorKind::Unavailable, "the vault is sealed");
        Ok(Credentials::new("shop", password.ok_or_else(missing)?))
    }

    fn of(&self, builder: RedisStoreBuilder) -> RedisStoreBuilder {
        let secret = self.clone();
        builder.deadline(DEADLINE * 4).credentials(move || std::future::ready(secret.provide()))
    }
}

async fn set_password(server: &PrivateServer, password: &str) {
    let password = format!(">{password}");
    cli(server, &["ACL", "SETUSER", "shop", "reset", "on", &password, "~*", "&*", "+@all"]).await;
}

/// Ends the connections of the user.
async fn disconnect(server: &PrivateServer) {
    cli(server, &["CLIENT", "KILL", "USER", "shop"]).await;
}

async fn assert_follows_password(servers: &[&PrivateServer], builder: RedisStoreBuilder) {
    let secret = Secret::default();
    secret.set(Some("first-password"));
    for server in servers {
        set_password(server, "first-password").await;
    }
    let store = secret.of(builder).connect().await.unwrap();
    let connected = secret.calls();
    assert!(connected >= 1);
    for _ in 0..10 {
        assert_works(&store).await;
    }
    assert_eq!(secret.calls(), connected, "an open connection needs no credentials");

    for server in servers {
        set_password(server, "second-password").await;
    }
    secret.set(Some("second-password"));
    for server in servers {
        disconnect(server).await;
    }
    until_works(&store).await;
    assert!(secret.calls() > connected);
}

/// A call may meet a connection that was just closed.
async fn until_works(store: &RedisStore) {
    for _ in 0..20 {
        if store.load(&random_key()).await.is_ok() {
            break;
        }
    }
    for _ in 0..10 {
        assert_works(store).await;
    }
}

#[tokio::test]
async fn store_follows_changed_password() {
    let server = new_server().await;
    assert_follows_password(&[&server], RedisStore::builder(server.url())).await;
}

#[tokio::test]
async fn cluster_store_follows_changed_password() {
    let cluster = redis_cluster().await;
    let nodes: Vec<_> = cluster.nodes().iter().collect();
    assert_follows_password(&nodes, RedisStore::cluster(cluster.urls())).await;
}

#[tokio::test]
async fn sentinel_store_follows_changed_password() {
    let sentinel = redis_sentinel_with(RedisOptions::default()).await;
    let servers: Vec<_> = sentinel.servers().iter().collect();
    let builder = RedisStore::sentinel(sentinel.master_name(), sentinel.urls());
    assert_follows_password(&servers, builder).await;
}

#[tokio::test]
async fn failing_provider_makes_store_unavailable() {
    let server = new_server().await;
    set_password(&server, "first-password").await;
    let secret = Secret::default();
    let connect = || secret.of(RedisStore::builder(server.url())).connect();
    let error = connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(format!("{error:?}").contains("the vault is sealed"), "{error:?}");

    secret.set(Some("wrong-password"));
    let error = connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backend, "{error:?}");
    assert!(!format!("{error:?}").contains("wrong-password"), "{error:?}");

    secret.set(Some("first-password"));
    let store = connect().await.unwrap();
    secret.set(None);
    disconnect(&server).await;
    let mut last = store.create(&random_key(), &record(b"")).await;
    for _ in 0..20 {
        if last.is_err() {
            break;
        }
        last = store.create(&random_key(), &record(b"")).await;
    }
    assert_eq!(last.unwrap_err().kind(), ErrorKind::Unavailable);
    secret.set(Some("first-password"));
    until_works(&store).await;
}
