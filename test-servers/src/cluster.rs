//! A Redis Cluster of three masters with one replica each.

use std::process::Command;
use std::thread;

use crate::private::{PrivateServer, in_background, wait_until};
use crate::program::run;
use crate::redis::{self, RedisOptions, ask};

/// Six private Redis servers that form a Cluster. When a master fails, its replica takes over after
/// two seconds.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<PrivateServer>,
}

/// Starts a private Redis Cluster of three masters with one replica each.
pub async fn redis_cluster() -> RedisCluster {
    redis_cluster_with(RedisOptions::default()).await
}

/// Starts a private Redis Cluster as [`redis_cluster`] does, with options for all nodes.
pub async fn redis_cluster_with(options: RedisOptions) -> RedisCluster {
    in_background(move || RedisCluster::start(&options.over(node_options()))).await
}

impl RedisCluster {
    /// Returns the addresses of all nodes.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.url().to_owned()).collect()
    }

    /// Returns the nodes. The first three are masters at the start.
    pub fn nodes(&self) -> &[PrivateServer] {
        &self.nodes
    }

    /// Returns the master that serves a key now, according to the first node that replies.
    pub async fn master_of(&self, key: &str) -> &PrivateServer {
        for node in &self.nodes {
            if let Some(port) = served_by(node, key).await {
                return self
                    .nodes
                    .iter()
                    .find(|node| node.port() == port)
                    .expect("a master is one of the nodes");
            }
        }
        panic!("no node of the Cluster names the master of {key}")
    }

    /// Kills the master that serves a key, waits until its replica has taken over, and returns the
    /// killed server. After a [`restart`](PrivateServer::restart), that server is a replica.
    pub async fn fail_over(&self, key: &str) -> &PrivateServer {
        let old = self.master_of(key).await;
        old.kill().await;
        let others: Vec<_> = self
            .nodes
            .iter()
            .filter(|node| node.port() != old.port())
            .map(PrivateServer::client)
            .collect();
        let (key, old_port) = (key.to_owned(), old.port());
        in_background(move || {
            let slot = ask(&others[0], &["cluster", "keyslot", &key])
                .trim()
                .parse()
                .expect("a slot is a number");
            wait_until("the replica has taken over", || {
                others.iter().all(|node| {
                    ask(node, &["cluster", "info"]).contains("cluster_state:ok")
                        && master_of_slot(&ask(node, &["cluster", "nodes"]), slot)
                            .is_some_and(|master| master != old_port)
                })
            });
        })
        .await;
        old
    }

    /// Waits until all nodes are running and agree, and each replica has the data of its master.
    pub async fn settle(&self) {
        let clients: Vec<_> = self.nodes.iter().map(PrivateServer::client).collect();
        in_background(move || {
            wait_until("all nodes of the Cluster agree", || {
                clients.iter().all(|node| agrees(node))
            });
        })
        .await;
    }

    fn start(options: &RedisOptions) -> RedisCluster {
        let nodes = thread::scope(|scope| {
            let starting: Vec<_> = (0..6).map(|_| scope.spawn(|| redis::start(options))).collect();
            starting.into_iter().map(|node| node.join().expect("each node starts")).collect()
        });
        let cluster = RedisCluster { nodes };
        let client = cluster.nodes[0].client();
        let addresses = cluster.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port()));
        run(Command::new(&client[0])
            .args(&client[1..])
            .args(["--cluster", "create"])
            .args(addresses)
            .args(["--cluster-replicas", "1", "--cluster-yes"]));
        wait_until("all nodes of the Cluster agree", || {
            cluster.nodes.iter().all(|node| agrees(&node.client()))
        });
        cluster
    }
}

/// Returns `None` if the node is not running.
async fn served_by(node: &PrivateServer, key: &str) -> Option<u16> {
    let (node, key) = (node.client(), key.to_owned());
    in_background(move || {
        let slot = ask(&node, &["cluster", "keyslot", &key]).trim().parse().ok()?;
        master_of_slot(&ask(&node, &["cluster", "nodes"]), slot)
    })
    .await
}

fn node_options() -> RedisOptions {
    RedisOptions::default()
        .setting("cluster-enabled", "yes")
        .setting("cluster-node-timeout", "2000")
        .setting("cluster-replica-validity-factor", "0")
        .setting("repl-diskless-sync-delay", "0")
        .append_only()
}

fn agrees(node: &[String]) -> bool {
    let table = ask(node, &["cluster", "nodes"]);
    let replicas = table.lines().filter(|line| line.contains("slave")).count();
    let knows_all = table.lines().count() == 6 && replicas == 3 && !table.contains("handshake");
    let replication = ask(node, &["info", "replication"]);
    let is_synchronized =
        replication.contains("master_link_status:up") || replication.contains("state=online");
    knows_all && is_synchronized && ask(node, &["cluster", "info"]).contains("cluster_state:ok")
}

/// Parses lines such as `id 127.0.0.1:7000@17000 master - 0 0 1 connected 0-5460 5462`.
fn master_of_slot(table: &str, slot: u16) -> Option<u16> {
    let serves = |slots: &str| {
        let (first, last) = slots.split_once('-').unwrap_or((slots, slots));
        first.parse().is_ok_and(|first: u16| first <= slot)
            && last.parse().is_ok_and(|last: u16| slot <= last)
    };
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        let is_master = fields.get(2)?.split(',').any(|flag| flag == "master");
        let address = fields.get(1)?.split('@').next()?;
        (is_master && fields.iter().skip(8).any(|slots| serves(slots)))
            .then(|| address.rsplit(':').next()?.parse().ok())?
    })
}
