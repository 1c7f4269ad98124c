//! Planned failovers by Sentinel: the store follows the sentinels to the new master, although the
//! old one still accepts writes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use session_core::ErrorKind;
use session_core::store::{SessionStore as _, StoreKey};
use session_redis::RedisStore;
use support::{assert_works, cli, name_of, random_key, record};
use test_servers::{PrivateServer, RedisOptions, RedisSentinel, redis_sentinel_with};

const PATIENCE: Duration = Duration::from_secs(30);

async fn start() -> RedisSentinel {
    redis_sentinel_with(RedisOptions::default().password("open-sesame")).await
}

async fn store(sentinel: &RedisSentinel) -> RedisStore {
    let builder = RedisStore::sentinel(sentinel.master_name(), sentinel.urls());
    builder.password("open-sesame").connect().await.unwrap()
}

/// Prevents the sentinels from making the server a replica.
async fn refuse_to_follow(server: &PrivateServer) {
    assert_eq!(cli(server, &["ACL", "SETUSER", "default", "-replicaof", "-slaveof"]).await, "OK");
}

/// Waits until the store writes to a server. The prefix of its keys is `prefix` and `session:`.
async fn until_written(store: &RedisStore, server: &PrivateServer, prefix: &str) {
    let patience = Instant::now() + PATIENCE;
    loop {
        let key = random_key();
        let name = format!("{prefix}{}", name_of(&key));
        match store.create(&key, &record(b"")).await {
            Ok(_) if cli(server, &["EXISTS", &name]).await == "1" => return,
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
        }
        assert!(Instant::now() < patience, "the store does not write to the new master");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until each sentinel has this many clients that follow it.
async fn until_followed(sentinel: &RedisSentinel, clients: usize) {
    let patience = Instant::now() + PATIENCE;
    for sentinel in sentinel.sentinels() {
        loop {
            let all = cli(sentinel, &["CLIENT", "LIST"]).await;
            if all.lines().filter(|client| client.contains(" sub=2 ")).count() == clients {
                break;
            }
            assert!(Instant::now() < patience, "not {clients} clients follow: {all}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Creates records before, during and after a failover.
struct Writer {
    store: RedisStore,
    settled: AtomicBool,
    /// The number of acknowledged calls that started after the store used the new master.
    late: AtomicUsize,
}

/// The number of late calls after which the writers stop.
const LATE: usize = 400;

/// A record that the store acknowledged.
struct Acknowledged {
    key: StoreKey,
    at: Instant,
    /// Whether the call started after the store used the new master.
    is_late: bool,
}

impl Writer {
    async fn run(self: Arc<Self>) -> Vec<Acknowledged> {
        let mut acknowledged = Vec::new();
        while self.late.load(Ordering::SeqCst) < LATE {
            let (key, is_late) = (random_key(), self.settled.load(Ordering::SeqCst));
            match self.store.create(&key, &record(b"")).await {
                Ok(_) => {
                    acknowledged.push(Acknowledged { key, at: Instant::now(), is_late });
                    self.late.fetch_add(usize::from(is_late), Ordering::SeqCst);
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        acknowledged
    }
}

/// Without the events of the sentinels, the store would use the old master forever.
#[tokio::test]
async fn store_leaves_old_master_that_still_accepts_writes() {
    let sentinel = start().await;
    let store = store(&sentinel).await;
    refuse_to_follow(sentinel.master().await).await;
    let writer = Arc::new(Writer {
        store: store.clone(),
        settled: AtomicBool::new(false),
        late: AtomicUsize::new(0),
    });
    let writing: Vec<_> = (0..4).map(|_| tokio::spawn(Arc::clone(&writer).run())).collect();
    let old = sentinel.start_switch_over().await;
    until_written(&store, sentinel.master().await, "").await;
    writer.settled.store(true, Ordering::SeqCst);
    let mut acknowledged = Vec::new();
    for writing in writing {
        acknowledged.extend(writing.await.unwrap());
    }
    assert!(cli(old, &["ROLE"]).await.starts_with("master"), "the old master follows");

    let keys: Vec<_> = acknowledged.iter().map(|written| written.key).collect();
    let records = store.load_many(&keys).await.unwrap();
    let mut lost: Vec<_> =
        acknowledged.iter().zip(&records).filter(|(_, record)| record.is_none()).collect();
    lost.sort_by_key(|(written, _)| written.at);
    let window = lost.first().zip(lost.last()).map(|((first, _), (last, _))| last.at - first.at);
    println!("{} acknowledged, {} lost within {window:?}", acknowledged.len(), lost.len());
    assert!(!lost.iter().any(|(written, _)| written.is_late), "a write to the new master is lost");
}

#[tokio::test]
async fn store_follows_restarted_sentinels() {
    let sentinel = start().await;
    let store = store(&sentinel).await;
    until_followed(&sentinel, 1).await;
    for one in sentinel.sentinels() {
        one.restart().await;
    }
    until_followed(&sentinel, 1).await;
    refuse_to_follow(sentinel.master().await).await;
    sentinel.start_switch_over().await;
    until_written(&store, sentinel.master().await, "").await;
    until_followed(&sentinel, 1).await;
}

/// Returns the words of an ACL rule in the README.
fn rule_of_readme(start: &str, end: &str) -> Vec<&'static str> {
    let readme = include_str!("../README.md");
    let (_, rule) = readme.split_once(start).unwrap();
    rule.split_once(end).unwrap().0.split_whitespace().collect()
}

#[tokio::test]
async fn users_of_readme_have_sufficient_permissions() {
    let user = ["ACL", "SETUSER", "shop", "on", ">swordfish"];
    let on_redis = rule_of_readme("ACL SETUSER shop on >password ", "```");
    let on_sentinel = rule_of_readme("ACL SETUSER shop on >secret ", "```");
    let without_events = on_sentinel.iter().copied().filter(|word| *word != "+subscribe");
    for (events, on_sentinel) in [(true, on_sentinel.clone()), (false, without_events.collect())] {
        let sentinel = start().await;
        for one in sentinel.sentinels() {
            assert_eq!(cli(one, &[&user[..], &on_sentinel].concat()).await, "OK");
        }
        for server in sentinel.servers() {
            let rule = [&user[..], &on_redis, &["+role"]].concat();
            assert_eq!(cli(server, &rule).await, "OK");
        }
        let with_user = |url: String| url.replace("redis://", "redis://shop:swordfish@");
        let urls = sentinel.urls().into_iter().map(with_user);
        let builder = RedisStore::sentinel(sentinel.master_name(), urls);
        let builder = builder.username("shop").password("swordfish").key_prefix("shop:session:");
        let store = builder.connect().await.unwrap();
        assert_works(&store).await;
        until_followed(&sentinel, usize::from(events)).await;
        refuse_to_follow(sentinel.master().await).await;
        sentinel.start_switch_over().await;
        until_written(&store, sentinel.master().await, "shop:").await;
    }
}

#[tokio::test]
async fn dropped_store_follows_no_sentinel() {
    let sentinel = start().await;
    let store = store(&sentinel).await;
    until_followed(&sentinel, 1).await;
    assert_works(&store).await;
    // Each connection has one task that follows.
    for _ in 0..3 {
        cli(sentinel.master().await, &["CLIENT", "KILL", "TYPE", "normal"]).await;
        until_written(&store, sentinel.master().await, "").await;
    }
    until_followed(&sentinel, 1).await;
    drop(store);
    until_followed(&sentinel, 0).await;
}

#[tokio::test]
async fn store_follows_on_runtime_that_uses_it() {
    let sentinel = start().await;
    let (name, urls) = (sentinel.master_name(), sentinel.urls());
    let connect = move || {
        let builder = RedisStore::sentinel(name, urls).password("open-sesame");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { builder.connect().await.unwrap() })
    };
    let store = std::thread::spawn(connect).join().unwrap();
    until_followed(&sentinel, 0).await;
    assert_works(&store).await;
    until_followed(&sentinel, 1).await;
    std::thread::spawn(move || drop(store)).join().unwrap();
    until_followed(&sentinel, 0).await;
}
