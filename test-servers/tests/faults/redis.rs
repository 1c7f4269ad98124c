//! Causes the faults on one Redis server and on a Cluster.

use session_core::store::SessionStore as _;
use session_redis::{RedisStore, RedisStoreBuilder};
use test_servers::{PrivateServer, RedisOptions, redis_with};

use super::{Backend, Call, DEADLINE, Fault, KEY, connecting, connecting_to_silence, creating};

const PASSWORD: &str = "redis-test-password";

/// The list of the owner `ada`.
const LIST: &str = "session:owner:\\xfd\\xee\\x43\\x0d\\x40\\xbd\\x57\\xde\\xea\\xc1\\x86\\xcd\\x97\\x90\\x03\\x3d\\x0f\\x06\\xf9\\x09\\xa8\\x80\\x6e\\x7c\\xe6\\xe7\\x17\\xab\\x7c\\x7d\\x50\\x29";

pub(super) struct OneServer(PrivateServer);

/// A Cluster of one node.
pub(super) struct OneNode(PrivateServer);

impl OneServer {
    pub(super) async fn start() -> Self {
        Self(redis_with(RedisOptions::default().password(PASSWORD)).await)
    }
}

impl OneNode {
    pub(super) async fn start() -> Self {
        let options = RedisOptions::default().password(PASSWORD).setting("cluster-enabled", "yes");
        let node = redis_with(options).await;
        node.ask(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
        while !node.ask(&["CLUSTER", "INFO"]).await.contains("cluster_state:ok") {}
        Self(node)
    }
}

impl Backend for OneServer {
    const NAME: &str = "redis";

    async fn call(&self, fault: Fault) -> Call<'_> {
        let at = |url: String| RedisStore::builder(url).deadline(DEADLINE);
        match fault {
            Fault::Address => {
                connecting(at("redis://:wrong-word@127.0.0.1/x".to_owned()).connect())
            }
            Fault::ReadOnly => {
                let store = at(self.0.url().to_owned()).connect().await.unwrap();
                self.0.ask(&["REPLICAOF", "127.0.0.1", "1"]).await;
                let call = creating(store);
                Box::pin(async move {
                    let created = call.await;
                    self.0.ask(&["REPLICAOF", "NO", "ONE"]).await;
                    created
                })
            }
            Fault::FullDisk => {
                self.0.ask(&["CONFIG", "SET", "maxmemory", "0"]).await;
                // A folder is in the place of the snapshot.
                std::fs::create_dir(self.0.folder().join("dump.rdb")).unwrap();
                self.0.ask(&["CONFIG", "SET", "save", "1 1"]).await;
                self.0.ask(&["BGSAVE"]).await;
                while !self
                    .0
                    .ask(&["INFO", "persistence"])
                    .await
                    .contains("rdb_last_bgsave_status:err")
                {}
                creating(at(self.0.url().to_owned()).connect().await.unwrap())
            }
            _ => call(&self.0, fault, at).await,
        }
    }
}

impl Backend for OneNode {
    const NAME: &str = "redis";

    async fn call(&self, fault: Fault) -> Call<'_> {
        let at = |url: String| RedisStore::cluster([url]).deadline(DEADLINE);
        match fault {
            Fault::Address => connecting(RedisStore::cluster::<String>([]).connect()),
            Fault::SomethingElse => {
                let server = redis_with(RedisOptions::default()).await;
                let url = server.url().to_owned();
                Box::pin(async move {
                    let connected = at(url).connect().await;
                    drop(server);
                    connected.map(drop)
                })
            }
            _ => call(&self.0, fault, at).await,
        }
    }
}

/// Causes the faults that are the same on both.
async fn call<'a>(
    server: &PrivateServer,
    fault: Fault,
    at: impl Fn(String) -> RedisStoreBuilder + 'a,
) -> Call<'a> {
    let url = server.url().to_owned();
    let name = format!("session:{}", "\\xab".repeat(32));
    match fault {
        Fault::WrongPassword => connecting(at(url).password("wrong-word").connect()),
        Fault::Unreachable => {
            connecting(at(url.replace(&server.port().to_string(), "1")).connect())
        }
        Fault::Silent => connecting_to_silence(move |port| {
            at(format!("redis://:wrong-word@127.0.0.1:{port}")).connect()
        }),
        Fault::ForeignRecord => {
            server.ask(&["SET", &name, "of another program"]).await;
            let store = at(url).connect().await.unwrap();
            assert_eq!(store.load(&KEY).await.unwrap(), None);
            creating(store)
        }
        Fault::ForeignList => {
            server.ask(&["DEL", &name]).await;
            server.ask(&["SET", LIST, "not a list"]).await;
            creating(at(url).connect().await.unwrap())
        }
        Fault::LongPayload => creating(at(url).max_payload(100).connect().await.unwrap()),
        Fault::NoRights => {
            server.ask(&["DEL", LIST]).await;
            server
                .ask(&[
                    "ACL",
                    "SETUSER",
                    "reader",
                    "on",
                    ">reader-test-password",
                    "~*",
                    "+@all",
                    "-set",
                ])
                .await;
            creating(
                at(url)
                    .username("reader")
                    .password("reader-test-password")
                    .connect()
                    .await
                    .unwrap(),
            )
        }
        Fault::FullMemory => {
            let store = at(url).connect().await.unwrap();
            server.ask(&["CONFIG", "SET", "maxmemory", "1"]).await;
            creating(store)
        }
        Fault::Hangs => {
            let store = at(url).connect().await.unwrap();
            server.pause().await;
            creating(store)
        }
        other => unreachable!("{other:?} is not the same on both"),
    }
}
