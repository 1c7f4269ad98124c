//! A master, a replica, and three Sentinels that watch them.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::{Redis, free_port, temporary_folder};

pub(crate) struct Watched {
    pub(crate) master: Redis,
    pub(crate) replica: Redis,
    pub(crate) sentinels: Vec<Redis>,
}

impl Watched {
    pub(crate) const MASTER: &'static str = "sessions";

    /// With the password `secret` on the servers.
    pub(crate) fn start() -> Self {
        let password = ["--requirepass", "secret", "--masterauth", "secret", "--repl-diskless-sync-delay", "0"];
        let master = Redis::start_with(&password);
        let master_port = master.port().to_string();
        let mut follow = password.to_vec();
        follow.extend(["--replicaof", "127.0.0.1", &master_port]);
        let replica = Redis::start_with(&follow);
        let sentinels = (0..3).map(|_| sentinel(master.port())).collect();
        let watched = Self { master, replica, sentinels };
        watched.wait_until_all_know_each_other();
        watched
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.sentinels.iter().map(Redis::url).collect()
    }

    /// The port that the Sentinels name.
    pub(crate) fn master_port(&self) -> u16 {
        let address = self.sentinels[0].cli(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", Self::MASTER]);
        address.lines().nth(1).unwrap().parse().unwrap()
    }

    fn wait_until_all_know_each_other(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let knows = |sentinel: &Redis| {
            let info = sentinel.cli(&["INFO", "sentinel"]);
            info.contains("status=ok") && info.contains("slaves=1,sentinels=3")
        };
        let follows = || {
            let info = self.replica.cli(&["-a", "secret", "--no-auth-warning", "INFO", "replication"]);
            info.contains("master_link_status:up")
        };
        while !(self.sentinels.iter().all(knows) && follows()) {
            assert!(Instant::now() < deadline, "{}", self.sentinels[0].log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn sentinel(master: u16) -> Redis {
    let (folder, port) = (temporary_folder(), free_port());
    let name = Watched::MASTER;
    let mut configuration = format!("port {port}\nsentinel monitor {name} 127.0.0.1 {master} 2\n");
    for setting in
        ["auth-pass sessions secret", "down-after-milliseconds sessions 1000", "failover-timeout sessions 3000"]
    {
        writeln!(configuration, "sentinel {setting}").unwrap();
    }
    let file = folder.join("sentinel.conf");
    std::fs::write(&file, configuration).unwrap();
    Redis::start_in(folder, port, vec![file.to_str().unwrap().to_owned(), "--sentinel".to_owned()])
}
