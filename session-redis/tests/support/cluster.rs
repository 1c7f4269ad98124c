//! A Cluster of three masters, each with a replica.

use std::process::Command;
use std::time::{Duration, Instant};

use super::{Redis, free_port};

pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Redis>,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let nodes: Vec<_> = (0..6)
            .map(|_| {
                let bus = free_port().to_string();
                let mut all =
                    vec!["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", "1500"];
                all.extend(["--repl-diskless-sync-delay", "0", "--cluster-replica-validity-factor", "0"]);
                all.extend(arguments);
                Redis::start_with(&all)
            })
            .collect();
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]);
        create.args(nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())));
        let output = create.args(["--cluster-replicas", "1", "--cluster-yes"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let cluster = Self { nodes };
        cluster.wait_until_whole();
        cluster
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }

    /// Waits until each node serves all slots and every replica follows its master.
    fn wait_until_whole(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let whole = |node: &Redis| {
            let replication = node.cli(&["INFO", "replication"]);
            let follows = replication.contains("master_link_status:up");
            let leads = replication.contains("state=online");
            node.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok") && (follows || leads)
        };
        while !self.nodes.iter().all(whole) {
            assert!(Instant::now() < deadline, "the cluster does not come up: {}", self.nodes[0].log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The place of the master that has a key.
    pub(crate) fn master_of(&self, name: &str) -> usize {
        let slot = self.nodes[0].cli(&["CLUSTER", "KEYSLOT", name]);
        let slot: u16 = slot.parse().unwrap();
        let serves = |node: &Redis| {
            let nodes = node.cli(&["CLUSTER", "NODES"]);
            let own = nodes.lines().find(|line| line.contains("myself")).unwrap().to_owned();
            own.contains("master")
                && own.split(' ').skip(8).any(|range| match range.split_once('-') {
                    Some((first, last)) => {
                        first.parse::<u16>().is_ok_and(|first| first <= slot)
                            && last.parse::<u16>().is_ok_and(|last| slot <= last)
                    }
                    None => range.parse() == Ok(slot),
                })
        };
        self.nodes.iter().position(serves).unwrap()
    }
}
