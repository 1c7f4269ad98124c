//! A Redis master with a replica, monitored by three sentinels.

use std::fs;

use crate::keeper::Program;
use crate::private::{PrivateServer, in_background, wait_until};
use crate::program::installed;
use crate::proxy::{Proxy, proxy};
use crate::redis::{self, RedisOptions};

const NAME: &str = "main";

/// Two private Redis servers and three sentinels. When the master fails, the replica takes over
/// after two seconds.
#[derive(Debug)]
pub struct RedisSentinel {
    servers: Vec<PrivateServer>,
    sentinels: Vec<PrivateServer>,
    proxies: Vec<Proxy>,
}

/// Starts a private Redis behind Sentinel: a master, a replica and three sentinels.
pub async fn redis_sentinel() -> RedisSentinel {
    redis_sentinel_with(RedisOptions::default()).await
}

/// Like [`redis_sentinel`], with options. The password applies to the servers only; the sentinels
/// require none. TLS applies to all.
pub async fn redis_sentinel_with(options: RedisOptions) -> RedisSentinel {
    in_background(move || RedisSentinel::start(&options.over(server_options()), Vec::new())).await
}

/// Like [`redis_sentinel_with`], with a [proxy](RedisSentinel::proxies) in front of each server.
/// The clients, the sentinels and the replica connect through the proxies.
pub async fn redis_sentinel_behind_proxies(options: RedisOptions) -> RedisSentinel {
    // Port 0 refuses connections until the servers have their ports.
    let proxies = vec![proxy(0).await, proxy(0).await];
    in_background(move || RedisSentinel::start(&options.over(server_options()), proxies)).await
}

impl RedisSentinel {
    /// Returns the addresses of the sentinels.
    pub fn urls(&self) -> Vec<String> {
        self.sentinels.iter().map(|sentinel| sentinel.url().to_owned()).collect()
    }

    /// Returns the name of the master in the Sentinels.
    pub fn master_name(&self) -> &'static str {
        NAME
    }

    /// Returns the two servers, each of which can be the master. The first is the master at the
    /// start.
    pub fn servers(&self) -> &[PrivateServer] {
        &self.servers
    }

    /// Returns the sentinels.
    pub fn sentinels(&self) -> &[PrivateServer] {
        &self.sentinels
    }

    /// Returns the proxies in front of the servers, in the same order; empty without proxies.
    pub fn proxies(&self) -> &[Proxy] {
        &self.proxies
    }

    /// Returns the master according to the first sentinel.
    pub async fn master(&self) -> &PrivateServer {
        let answer = self.sentinels[0].ask(&["sentinel", "get-master-addr-by-name", NAME]).await;
        let named = |(index, _): &(usize, &PrivateServer)| {
            answer.lines().nth(1) == Some(&self.public_port(*index).to_string())
        };
        let found = self.servers.iter().enumerate().find(named);
        found.expect("the master is one of the servers").1
    }

    /// Kills the master, waits until all sentinels name the other server, and returns the killed
    /// server. After a [`restart`](PrivateServer::restart), that server is a replica.
    pub async fn fail_over(&self) -> &PrivateServer {
        let old = self.master().await;
        old.kill().await;
        self.until_it_is_replaced(old).await;
        old
    }

    /// Makes the sentinels promote the other server, waits until they have, and returns the old
    /// master, which is now a replica.
    pub async fn switch_over(&self) -> &PrivateServer {
        let old = self.start_switch_over().await;
        let server = old.client();
        in_background(move || {
            wait_until("the old master follows", || {
                redis::ask(&server, &["role"]).starts_with("slave")
            });
        })
        .await;
        old
    }

    /// Makes the sentinels promote the other server, waits until all of them name it, and returns
    /// the old master.
    ///
    /// For several seconds, the old master still accepts writes, which are lost.
    pub async fn start_switch_over(&self) -> &PrivateServer {
        let old = self.master().await;
        let sentinel = self.sentinels[0].client();
        in_background(move || {
            let begins =
                || redis::ask(&sentinel, &["sentinel", "failover", NAME]).starts_with("OK");
            wait_until("a sentinel begins", begins);
        })
        .await;
        self.until_it_is_replaced(old).await;
        old
    }

    async fn until_it_is_replaced(&self, old: &PrivateServer) {
        let new = self
            .servers
            .iter()
            .position(|server| server.port() != old.port())
            .expect("there are two servers");
        let new_port = self.public_port(new).to_string();
        let new = &self.servers[new];
        let sentinels: Vec<_> = self.sentinels.iter().map(PrivateServer::client).collect();
        let server = new.client();
        in_background(move || {
            wait_until("the replica has taken over", || {
                let names_new = |sentinel: &Vec<String>| {
                    let answer =
                        redis::ask(sentinel, &["sentinel", "get-master-addr-by-name", NAME]);
                    answer.lines().nth(1) == Some(&new_port)
                };
                sentinels.iter().all(names_new)
                    && redis::ask(&server, &["role"]).starts_with("master")
            });
        })
        .await;
    }

    /// Returns the port at which the sentinels and the clients reach a server.
    fn public_port(&self, server: usize) -> u16 {
        self.proxies.get(server).map_or(self.servers[server].port(), Proxy::port)
    }

    fn start(options: &RedisOptions, proxies: Vec<Proxy>) -> RedisSentinel {
        let start = |server: usize, options: RedisOptions| {
            let Some(proxy) = proxies.get(server) else { return redis::start(&options) };
            let port = proxy.port().to_string();
            let announced = options.setting("replica-announce-ip", "127.0.0.1");
            let server = redis::start(&announced.setting("replica-announce-port", &port));
            proxy.lead_to(server.port());
            server
        };
        let master = start(0, options.clone());
        let master_port = proxies.first().map_or(master.port(), Proxy::port);
        let following = options.clone().setting("replicaof", &format!("127.0.0.1 {master_port}"));
        let replica = start(1, following);
        wait_until("the replica has copied the master", || {
            replica.ask_now(&["info", "replication"]).contains("master_link_status:up")
        });
        let sentinels = (0..3).map(|_| start_sentinel(options, master_port)).collect();
        let all = RedisSentinel { servers: vec![master, replica], sentinels, proxies };
        wait_until("the sentinels know each other", || all.sentinels.iter().all(knows_all));
        all
    }
}

fn server_options() -> RedisOptions {
    RedisOptions::default().setting("repl-diskless-sync-delay", "0").append_only()
}

fn start_sentinel(options: &RedisOptions, master: u16) -> PrivateServer {
    let certificates = options.certificates.as_ref();
    PrivateServer::start(
        "sentinel",
        |folder, _| Program {
            path: installed("redis-server", redis::PACKAGE),
            arguments: vec![
                folder.join("sentinel.conf").display().to_string(),
                "--sentinel".into(),
            ],
            last_signal: "KILL",
        },
        |folder, port| {
            let mut lines =
                redis::listening(certificates.map(|certificates| &**certificates), port);
            lines.push(("dir", folder.display().to_string()));
            lines.push(("sentinel monitor", format!("{NAME} 127.0.0.1 {master} 2")));
            // Sentinels send a PING each second. One that arrives late must not be a failure.
            lines.push(("sentinel down-after-milliseconds", format!("{NAME} 2000")));
            lines.push(("sentinel failover-timeout", format!("{NAME} 3000")));
            lines.extend(
                options
                    .password
                    .iter()
                    .map(|password| ("sentinel auth-pass", format!("{NAME} {password}"))),
            );
            let lines: Vec<_> =
                lines.into_iter().map(|(name, value)| format!("{name} {value}")).collect();
            fs::write(folder.join("sentinel.conf"), lines.join("\n"))
                .expect("a new folder is writable");
            redis::describe(None, certificates, port)
        },
    )
}

fn knows_all(sentinel: &PrivateServer) -> bool {
    let answer = sentinel.ask_now(&["sentinel", "master", NAME]);
    let lines: Vec<&str> = answer.lines().collect();
    let is = |name: &str, value: &str| lines.windows(2).any(|pair| pair == [name, value]);
    is("num-other-sentinels", "2") && is("num-slaves", "1") && is("flags", "master")
}
