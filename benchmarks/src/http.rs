//! Whole requests: `wrk` loads servers that differ only in their session library.

pub mod actix_servers;
pub mod axum_servers;
mod client;
mod loads;
mod process;

use std::process::ExitCode;

use crate::rounds::{Figures, Plan, Target, number, order, print_targets};
use crate::stores::block_on;
use client::{Load, Login, commands, transactions};
use loads::Reader;
use process::Server;

/// A server, and the server without sessions that is its baseline.
struct Kind {
    name: &'static str,
    bare: &'static str,
}

const KINDS: [Kind; 29] = [
    Kind { name: "axum", bare: "axum" },
    Kind { name: "axum, empty layer", bare: "axum" },
    Kind { name: "ours, axum, cookie", bare: "axum" },
    Kind { name: "ours, axum, sealed cookie", bare: "axum" },
    Kind { name: "ours, axum, memory", bare: "axum" },
    Kind { name: "ours, axum, redis", bare: "axum" },
    Kind { name: "ours, axum, valkey", bare: "axum" },
    Kind { name: "ours, axum, cached redis", bare: "axum" },
    Kind { name: "ours, axum, sqlite", bare: "axum" },
    Kind { name: "ours, axum, postgres", bare: "axum" },
    Kind { name: "ours, axum, cached postgres", bare: "axum" },
    Kind { name: "tower-sessions, memory", bare: "axum" },
    Kind { name: "tower-sessions, moka", bare: "axum" },
    Kind { name: "tower-sessions, redis", bare: "axum" },
    Kind { name: "tower-sessions, redis pool", bare: "axum" },
    Kind { name: "tower-sessions, valkey", bare: "axum" },
    Kind { name: "tower-sessions, valkey pool", bare: "axum" },
    Kind { name: "tower-sessions, sqlite", bare: "axum" },
    Kind { name: "tower-sessions, postgres", bare: "axum" },
    Kind { name: "axum_session, memory", bare: "axum" },
    Kind { name: "axum_session, redis", bare: "axum" },
    Kind { name: "actix-web", bare: "actix-web" },
    Kind { name: "ours, actix-web, cookie", bare: "actix-web" },
    Kind { name: "ours, actix-web, sealed cookie", bare: "actix-web" },
    Kind { name: "ours, actix-web, memory", bare: "actix-web" },
    Kind { name: "ours, actix-web, redis", bare: "actix-web" },
    Kind { name: "actix-session, cookie", bare: "actix-web" },
    Kind { name: "actix-session, redis", bare: "actix-web" },
    Kind { name: "Flask", bare: "actix-web" },
];

const MEMORY: &str = "ours, axum, memory";
const CACHED: [&str; 2] = ["ours, axum, cached redis", "ours, axum, cached postgres"];

/// The paths, named after the session access of their handlers.
pub const PATHS: [&str; 3] = ["untouched", "read", "write"];
/// The number of sessions whose cookies the clients send in rotation.
const SESSIONS: usize = 512;

/// The results of one server.
#[derive(Default)]
struct Seen {
    per_second: Figures,
    /// The server's processor time per request, in microseconds.
    cost: Figures,
    /// The 99th percentile of the latency, in milliseconds.
    p99: Figures,
    commands: String,
}

/// Serves one kind until the process is ended.
pub fn serve(name: &str, database: &str) -> ExitCode {
    if name.contains("actix") {
        actix_servers::serve(name, database)
    } else {
        block_on(axum_servers::serve(name, database));
        ExitCode::SUCCESS
    }
}

pub fn run(plan: &Plan) {
    let kinds: Vec<&Kind> = KINDS.iter().filter(|kind| takes(plan, kind.name)).collect();
    block_on(async {
        let databases = Databases::start().await;
        let mut servers = Vec::new();
        for kind in &kinds {
            let server = Server::start(kind.name, databases.address(kind.name)).await;
            let cookies =
                Login::repeat(server.port, if kind.name.contains(',') { SESSIONS } else { 1 })
                    .await;
            servers.push((server, Load::new(&cookies)));
        }
        let mut seen: Vec<[Seen; 3]> = kinds.iter().map(|_| <[Seen; 3]>::default()).collect();
        for round in 0..=plan.rounds {
            for (path_index, path) in PATHS.iter().enumerate() {
                for one in order(round, kinds.len()) {
                    let (server, load) = &servers[one];
                    let before = databases.count(kinds[one].name).await;
                    let cpu = server.cpu();
                    let result = load.run(server.port, path).await;
                    if round == 0 {
                        continue;
                    }
                    let seen = &mut seen[one][path_index];
                    seen.per_second.0.push(result.requests / result.seconds);
                    seen.cost.0.push((server.cpu() - cpu) * 1e6 / result.requests);
                    seen.p99.0.push(result.p99);
                    let after = databases.count(kinds[one].name).await;
                    seen.commands = client::per_request(&before, &after, result.requests);
                    assert_eq!(result.failed, 0, "{} answered {path} with errors", kinds[one].name);
                }
            }
        }
        print(plan, &kinds, &seen);
        let readers: Vec<_> = kinds
            .iter()
            .zip(&servers)
            .filter(|(kind, _)| kind.name == MEMORY || CACHED.contains(&kind.name))
            .map(|(kind, (server, load))| Reader {
                name: kind.name,
                database: databases.address(kind.name),
                server,
                load,
            })
            .collect();
        if readers.len() > 1 {
            loads::run(plan, &readers).await;
        }
    });
}

/// Returns whether a server runs. Servers with a cache are compared with one in memory.
fn takes(plan: &Plan, name: &str) -> bool {
    !name.contains(',')
        || plan.takes(name)
        || name == MEMORY && CACHED.iter().any(|cached| plan.takes(cached))
}

/// The servers of the stores. The name of a kind contains that of its database.
struct Databases {
    redis: test_servers::PrivateServer,
    valkey: test_servers::PrivateServer,
    postgres: test_servers::PrivateServer,
}

impl Databases {
    async fn start() -> Self {
        let options = test_servers::RedisOptions::default;
        Self {
            redis: test_servers::redis_with(options()).await,
            valkey: test_servers::redis_with(options().valkey()).await,
            postgres: test_servers::postgres_with(&[]).await,
        }
    }

    fn address(&self, name: &str) -> &str {
        match name {
            name if name.contains("redis") => self.redis.url(),
            name if name.contains("valkey") => self.valkey.url(),
            name if name.contains("postgres") => self.postgres.url(),
            _ => "",
        }
    }

    async fn count(&self, name: &str) -> Vec<(String, f64)> {
        match self.address(name) {
            "" => Vec::new(),
            url if url == self.postgres.url() => transactions(url).await,
            url => commands(url).await,
        }
    }
}

fn print(plan: &Plan, kinds: &[&Kind], seen: &[[Seen; 3]]) {
    println!("\n## HTTP, {} rounds of 1 s, 32 connections\n", plan.rounds);
    println!(
        "Ratios are to the framework without sessions. Cost is the server's processor time for a request.\n"
    );
    println!(
        "| server | session | requests per second | ratio | cost, µs | ratio | p99, ms | store commands per request |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (index, kind) in kinds.iter().enumerate() {
        let bare = position(kinds, kind.bare).unwrap_or(index);
        for (path_index, path) in PATHS.iter().enumerate() {
            let (own, bare) = (&seen[index][path_index], &seen[bare][path_index]);
            println!(
                "| {} | {path} | {} | {} | {:.1} | {} | {:.2} | {} |",
                kind.name,
                number(own.per_second.median()),
                own.per_second.over(&bare.per_second).ratio(),
                own.cost.median(),
                own.cost.over(&bare.cost).ratio(),
                own.p99.median(),
                own.commands
            );
        }
    }
    print_targets(&targets(kinds, seen));
}

fn position(kinds: &[&Kind], name: &str) -> Option<usize> {
    kinds.iter().position(|kind| kind.name == name)
}

fn targets(kinds: &[&Kind], seen: &[[Seen; 3]]) -> Vec<Target> {
    let mut targets = Vec::new();
    let mut want = |ours: &str, rivals: &[&str], path: usize, at_least: f64| {
        let Some(ours_at) = position(kinds, ours) else { return };
        let rivals: Vec<_> = rivals.iter().filter_map(|name| position(kinds, name)).collect();
        if rivals.is_empty() {
            return;
        }
        let own = &seen[ours_at][path];
        let best = Figures::best(
            &rivals.iter().map(|rival| &seen[*rival][path].per_second).collect::<Vec<_>>(),
        );
        let names: Vec<_> = rivals.iter().map(|rival| kinds[*rival].name).collect();
        let what = format!("HTTP {}: {ours} over {}", PATHS[path], names.join(" / "));
        targets.push(Target { what: what.clone(), ratio: own.per_second.over(&best), at_least });
        // A lower cost is better, so both costs are inverted.
        let frugality = |seen: &Seen| Figures(seen.cost.0.iter().map(|cost| 1.0 / cost).collect());
        let costs: Vec<_> = rivals.iter().map(|rival| frugality(&seen[*rival][path])).collect();
        let best = Figures::best(&costs.iter().collect::<Vec<_>>());
        targets.push(Target {
            what: format!("{what}, by processor time"),
            ratio: frugality(own).over(&best),
            at_least,
        });
    };
    for store in ["cookie", "memory", "redis"] {
        want(&format!("ours, axum, {store}"), &["axum, empty layer"], 0, 0.98);
    }
    for store in ["cookie", "memory"] {
        for (path, at_least) in [0.95, 0.80, 0.68].into_iter().enumerate() {
            want(&format!("ours, axum, {store}"), &["axum"], path, at_least);
            want(&format!("ours, actix-web, {store}"), &["actix-web"], path, at_least);
        }
    }
    for (path, at_least) in [(1, 1.1), (2, 1.4)] {
        want(MEMORY, &["tower-sessions, memory"], path, at_least);
    }
    for (store, read, write) in [("redis", 1.05, 0.95), ("valkey", 1.1, 1.1)] {
        let ours = format!("ours, axum, {store}");
        let peers = [format!("tower-sessions, {store}"), format!("tower-sessions, {store} pool")];
        let peers = peers.each_ref().map(String::as_str);
        want(&ours, &peers, 1, read);
        want(&ours, &peers, 2, write);
    }
    for path in [1, 2] {
        want("ours, actix-web, redis", &["actix-session, redis"], path, 1.0);
    }
    // axum_session reads sessions from the memory of the process, not from Redis.
    want("ours, axum, redis", &["axum_session, redis"], 2, 1.0);
    targets
}
