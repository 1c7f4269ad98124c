//! A Redis master with a replica, watched by three sentinels.

use std::fs;

use crate::keeper::Program;
use crate::private::{Description, PrivateServer, in_background, wait_until};
use crate::probe::Protocol;
use crate::program::installed;
use crate::redis::{self, RedisOptions};

const NAME: &str = "main";

/// Two Redis servers and three sentinels of the test's own. When the master fails, the replica takes over after a second.
#[derive(Debug)]
pub struct RedisSentinel {
    servers: Vec<PrivateServer>,
    sentinels: Vec<PrivateServer>,
}

/// A Redis of the test's own behind Sentinel: a master, a replica, three sentinels.
pub async fn redis_sentinel() -> RedisSentinel {
    in_background(RedisSentinel::start).await
}

impl RedisSentinel {
    /// The addresses of the sentinels.
    pub fn urls(&self) -> Vec<String> {
        self.sentinels.iter().map(|sentinel| sentinel.url().to_owned()).collect()
    }

    /// The name under which the sentinels know the master.
    pub fn master_name(&self) -> &'static str {
        NAME
    }

    /// The two servers that take turns as the master; the first was it at the start.
    pub fn servers(&self) -> &[PrivateServer] {
        &self.servers
    }

    /// The sentinels.
    pub fn sentinels(&self) -> &[PrivateServer] {
        &self.sentinels
    }

    /// The master, as the first sentinel sees it.
    pub async fn master(&self) -> &PrivateServer {
        let answer = self.sentinels[0].ask(&["sentinel", "get-master-addr-by-name", NAME]).await;
        self.servers
            .iter()
            .find(|server| answer.lines().nth(1) == Some(&server.port().to_string()))
            .expect("the master is one of the servers")
    }

    /// Kills the master, waits until all sentinels name the other server, and returns the killed one: its
    /// [`restart`](PrivateServer::restart) brings it back as a replica.
    pub async fn fail_over(&self) -> &PrivateServer {
        let old = self.master().await;
        old.kill().await;
        let new = self.servers.iter().find(|server| server.port() != old.port()).expect("there are two servers");
        let new_port = new.port().to_string();
        let questions: Vec<_> = self.sentinels.iter().map(|sentinel| redis::client(sentinel.port())).collect();
        let server = redis::client(new.port());
        in_background(move || {
            wait_until("the replica has taken over", || {
                let names_new = |client: &Vec<String>| {
                    let answer = redis::ask(client, &["sentinel", "get-master-addr-by-name", NAME]);
                    answer.lines().nth(1) == Some(&new_port)
                };
                questions.iter().all(names_new) && redis::ask(&server, &["role"]).starts_with("master")
            });
        })
        .await;
        old
    }

    fn start() -> RedisSentinel {
        let options = RedisOptions::default().setting("repl-diskless-sync-delay", "0").append_only();
        let master = redis::start(options.clone());
        let replica = redis::start(options.setting("replicaof", &format!("127.0.0.1 {}", master.port())));
        wait_until("the replica has copied the master", || {
            replica.ask_now(&["info", "replication"]).contains("master_link_status:up")
        });
        let sentinels = (0..3).map(|_| start_sentinel(master.port())).collect();
        let all = RedisSentinel { servers: vec![master, replica], sentinels };
        wait_until("the sentinels know each other", || all.sentinels.iter().all(knows_all));
        all
    }
}

fn start_sentinel(master: u16) -> PrivateServer {
    PrivateServer::start(
        "sentinel",
        |folder, _| Program {
            path: installed("redis-server", redis::PACKAGE),
            arguments: vec![folder.join("sentinel.conf").display().to_string(), "--sentinel".into()],
            last_signal: "KILL",
        },
        |folder, port| {
            let settings = format!(
                "bind 127.0.0.1\n\
                 port {port}\n\
                 dir {}\n\
                 sentinel monitor {NAME} 127.0.0.1 {master} 2\n\
                 sentinel down-after-milliseconds {NAME} 1000\n\
                 sentinel failover-timeout {NAME} 3000\n",
                folder.display()
            );
            fs::write(folder.join("sentinel.conf"), settings).expect("a new folder is writable");
            Description {
                url: redis::url(port),
                protocol: Some(Protocol::Redis),
                client: redis::client(port),
                stop_signal: "TERM",
                certificate_authority: None,
            }
        },
    )
}

fn knows_all(sentinel: &PrivateServer) -> bool {
    let answer = sentinel.ask_now(&["sentinel", "master", NAME]);
    let lines: Vec<&str> = answer.lines().collect();
    let is = |name: &str, value: &str| lines.windows(2).any(|pair| pair == [name, value]);
    is("num-other-sentinels", "2") && is("num-slaves", "1") && is("flags", "master")
}
