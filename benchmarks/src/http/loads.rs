//! Reads through a cache for longer than its time to live: their cost, and the loads from Redis.

use std::time::Duration;

use session_redis::redis;

use super::SESSIONS;
use super::client::Load;
use super::process::Server;
use crate::rounds::{Figures, Plan, Target, number, order, print_targets};

/// The default time to live of a copy, in seconds.
const TIME_TO_LIVE: u64 = 5;
/// All copies are loaded twice in this time.
const SECONDS: u64 = TIME_TO_LIVE + 1;

/// A server with sessions, and its database.
pub struct Reader<'a> {
    pub name: &'a str,
    pub database: &'a str,
    pub server: &'a Server,
    pub load: &'a Load,
}

#[derive(Default)]
struct Seen {
    per_second: Figures,
    cost: Figures,
    loads: Figures,
}

/// Compares caches with the store in memory, which is the first reader.
pub async fn run(plan: &Plan, readers: &[Reader<'_>]) {
    let mut seen: Vec<Seen> = readers.iter().map(|_| Seen::default()).collect();
    for round in 0..plan.rounds {
        for one in order(round, readers.len()) {
            seen[one].measure(&readers[one]).await;
        }
    }
    println!("\n## HTTP reads through a cache, {} rounds of {SECONDS} s\n", plan.rounds);
    println!(
        "| server | requests per second | cost, µs | loads per session and time to live |\n|---|---|---|---|"
    );
    for (reader, seen) in readers.iter().zip(&seen) {
        println!(
            "| {} | {} | {} | {} |",
            reader.name,
            number(seen.per_second.median()),
            seen.cost.ratio(),
            if seen.loads.0.is_empty() { String::new() } else { seen.loads.ratio() }
        );
    }
    let targets = readers.iter().zip(&seen).skip(1).map(|(reader, own)| Target {
        what: format!(
            "HTTP read for {SECONDS} s: {} over {}, by processor time",
            reader.name, readers[0].name
        ),
        ratio: seen[0].cost.over(&own.cost),
        at_least: 0.9,
    });
    print_targets(&targets.collect::<Vec<_>>());
}

impl Seen {
    async fn measure(&mut self, reader: &Reader<'_>) {
        // Then all copies are out of date.
        tokio::time::sleep(Duration::from_secs(TIME_TO_LIVE + 1)).await;
        let counts = reader.database.starts_with("redis");
        let before = if counts { hits(reader.database).await } else { 0.0 };
        let cpu = reader.server.cpu();
        let result = reader.load.run_for(reader.server.port, "read", SECONDS).await;
        self.per_second.0.push(result.requests / result.seconds);
        self.cost.0.push((reader.server.cpu() - cpu) * 1e6 / result.requests);
        if counts {
            let loads = hits(reader.database).await - before;
            #[expect(clippy::cast_precision_loss)]
            self.loads.0.push(loads / (2 * SESSIONS) as f64);
        }
    }
}

/// Returns the number of records that Redis has found. A shared command finds several.
async fn hits(url: &str) -> f64 {
    let client = redis::Client::open(url).expect("an address");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis answers");
    let text: String =
        redis::cmd("INFO").arg("stats").query_async(&mut connection).await.expect("it tells");
    let hits = text.lines().find_map(|line| line.strip_prefix("keyspace_hits:"));
    hits.and_then(|hits| hits.parse().ok()).expect("a number")
}
