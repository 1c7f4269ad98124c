//! The connection of a store: permissions, scripts and lifetime.

use std::time::{Duration, Instant, SystemTime};

use session_core::ErrorKind;
use session_core::store::{OwnerIndex as _, SessionStore as _};
use session_redis::RedisStore;

use crate::support::{
    DEADLINE, assert_works, builder, cli, new_server, random_key, record, replaced, store,
};

#[tokio::test]
async fn user_of_readme_has_sufficient_permissions() {
    let server = new_server().await;
    let readme = include_str!("../../README.md");
    let (_, rule) = readme.split_once("ACL SETUSER shop on >password ").unwrap();
    let (rule, _) = rule.split_once("```").unwrap();
    let words: Vec<_> = ["ACL", "SETUSER", "shop", "on", ">swordfish"]
        .into_iter()
        .chain(rule.split_whitespace())
        .collect();
    assert_eq!(cli(&server, &words).await, "OK");
    let as_shop = || builder(&server).username("shop").password("swordfish").deadline(DEADLINE);
    assert_works(&as_shop().key_prefix("shop:session:").database(1).connect().await.unwrap()).await;
    let other_prefix = as_shop().connect().await.unwrap();
    assert_eq!(other_prefix.load(&random_key()).await.unwrap_err().kind(), ErrorKind::Backend);
}

#[tokio::test]
async fn scripts_are_sent_again_after_redis_forgot_them() {
    let server = new_server().await;
    let store = store(&server).await;
    let key = random_key();
    let mut version = store.create(&key, &record(b"").owned_by(Some("ada"))).await.unwrap();
    for round in 0..10 {
        cli(&server, &["SCRIPT", "FLUSH"]).await;
        version = replaced(&store, &key, version, &record(b"").owned_by(Some("ada"))).await;
        cli(&server, &["SCRIPT", "FLUSH"]).await;
        let later = SystemTime::now() + Duration::from_secs((1 << round) * 3600);
        assert!(store.touch(&key, version.clone(), later).await.unwrap());
    }
    cli(&server, &["SCRIPT", "FLUSH"]).await;
    assert!(store.remove(&key, version).await.unwrap());
    assert!(store.keys_of("ada").await.unwrap().is_empty());
}

#[tokio::test]
async fn store_outlives_runtime_that_connected_it() {
    let server = new_server().await;
    let url = server.url().to_owned();
    let connect = async move { RedisStore::builder(url).connect().await.unwrap() };
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let thread = std::thread::spawn(move || runtime().block_on(connect));
    let store = thread.join().unwrap();
    assert_works(&store).await;
}

#[tokio::test]
async fn dropped_store_closes_its_connection() {
    let server = new_server().await;
    let before = cli(&server, &["CLIENT", "LIST", "TYPE", "normal"]).await.lines().count();
    let store = store(&server).await;
    assert_works(&store).await;
    assert_eq!(
        cli(&server, &["CLIENT", "LIST", "TYPE", "normal"]).await.lines().count(),
        before + 1
    );
    drop(store);
    let patience = Instant::now() + Duration::from_secs(5);
    while cli(&server, &["CLIENT", "LIST", "TYPE", "normal"]).await.lines().count() > before {
        assert!(Instant::now() < patience, "the connection is still open");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
