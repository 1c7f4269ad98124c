//! The cost of `CLIENT TRACKING` for Redis: its processor time, and the memory of tracked keys.

use session_redis::redis::{self, aio::MultiplexedConnection};
use sha2::{Digest as _, Sha256};

use crate::rounds::{Figures, Plan};
use crate::stores::block_on;

const KEYS: usize = 20_000;
/// The commands that are sent together.
const PIPELINE: usize = 100;
/// The number of passes over all keys in a measurement of keys that are already tracked.
const PASSES: usize = 5;

/// The server's time per call in microseconds: its processor time, and its own statistics.
#[derive(Default)]
struct Cost {
    processor: Figures,
    reported: Figures,
}

#[derive(Default)]
struct Seen {
    get: Cost,
    first_get: Cost,
    tracked_get: Cost,
    set: Cost,
    set_for_one: Cost,
    set_for_four: Cost,
    /// The bytes of a tracked key.
    bytes: Figures,
}

pub fn run(plan: &Plan) {
    block_on(async {
        let redis = test_servers::redis_with(test_servers::RedisOptions::default()).await;
        let client =
            redis::Client::open(format!("{}?protocol=resp3", redis.url())).expect("an address");
        let mut seen = Seen::default();
        for _ in 0..plan.rounds {
            seen.round(&client).await;
        }
        let version = field(&mut connect(&client, false).await, "server", "redis_version").await;
        print(plan, &version, &seen);
    });
}

impl Seen {
    async fn round(&mut self, client: &redis::Client) {
        let mut writer = connect(client, false).await;
        for (tracking, cost) in
            [(0, &mut self.set), (1, &mut self.set_for_one), (4, &mut self.set_for_four)]
        {
            start_again(&mut writer).await;
            let mut readers = Vec::new();
            for _ in 0..tracking {
                let mut reader = connect(client, true).await;
                pass(&mut reader, "GET").await;
                readers.push(reader);
            }
            cost.measure(&mut writer, "SET", 1).await;
        }
        start_again(&mut writer).await;
        let mut plain = connect(client, false).await;
        self.get.measure(&mut plain, "GET", PASSES).await;
        let mut reader = connect(client, true).await;
        let before = number(&mut reader, "memory", "used_memory").await;
        self.first_get.measure(&mut reader, "GET", 1).await;
        let after = number(&mut reader, "memory", "used_memory").await;
        self.bytes.0.push((after - before) / count(1));
        self.tracked_get.measure(&mut reader, "GET", PASSES).await;
    }
}

impl Cost {
    async fn measure(
        &mut self,
        connection: &mut MultiplexedConnection,
        command: &str,
        passes: usize,
    ) {
        let _: () =
            redis::cmd("CONFIG").arg("RESETSTAT").query_async(connection).await.expect("OK");
        let before = processor_time(connection).await;
        for _ in 0..passes {
            pass(connection, command).await;
        }
        let time = processor_time(connection).await - before;
        self.processor.0.push(time * 1e6 / count(passes));
        let statistics = format!("cmdstat_{}", command.to_lowercase());
        let line = field(connection, "commandstats", &statistics).await;
        let reported = line.split(',').find_map(|part| part.strip_prefix("usec_per_call="));
        self.reported.0.push(reported.and_then(|value| value.parse().ok()).unwrap_or(f64::NAN));
    }
}

#[expect(clippy::cast_precision_loss)]
fn count(passes: usize) -> f64 {
    (KEYS * passes) as f64
}

async fn connect(client: &redis::Client, tracks: bool) -> MultiplexedConnection {
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis answers");
    if tracks {
        let mut command = redis::cmd("CLIENT");
        let _: () =
            command.arg("TRACKING").arg("ON").query_async(&mut connection).await.expect("OK");
    }
    connection
}

/// Stores all keys, none of which is tracked.
async fn start_again(connection: &mut MultiplexedConnection) {
    let _: () = redis::cmd("FLUSHALL").query_async(connection).await.expect("OK");
    pass(connection, "SET").await;
}

/// Sends the command for each key.
async fn pass(connection: &mut MultiplexedConnection, command: &str) {
    let value = [b'v'; 200];
    for start in (0..KEYS).step_by(PIPELINE) {
        let mut pipeline = redis::pipe();
        for key in start..start + PIPELINE {
            // The names have the length and the distribution of those of sessions.
            let hash = Sha256::digest(key.to_le_bytes());
            pipeline.cmd(command).arg([&b"session:"[..], &hash].concat());
            if command == "SET" {
                pipeline.arg(&value);
            }
        }
        let _: redis::Value = pipeline.query_async(connection).await.expect("Redis answers");
    }
}

/// Returns the processor time of the thread that runs the commands, in seconds.
async fn processor_time(connection: &mut MultiplexedConnection) -> f64 {
    number(connection, "cpu", "used_cpu_user_main_thread").await
        + number(connection, "cpu", "used_cpu_sys_main_thread").await
}

async fn number(connection: &mut MultiplexedConnection, section: &str, name: &str) -> f64 {
    field(connection, section, name).await.parse().expect("a number")
}

async fn field(connection: &mut MultiplexedConnection, section: &str, name: &str) -> String {
    let info: String =
        redis::cmd("INFO").arg(section).query_async(connection).await.expect("Redis answers");
    let value = info.lines().find_map(|line| line.split_once(':').filter(|(key, _)| *key == name));
    value.unwrap_or_else(|| panic!("INFO has no {name}")).1.to_owned()
}

fn print(plan: &Plan, version: &str, seen: &Seen) {
    println!("\n## Tracking, Redis {version}, {} rounds of {KEYS} keys\n", plan.rounds);
    println!("| call | processor time, µs | `usec_per_call` of `INFO` |\n|---|---|---|");
    for (call, cost) in [
        ("`GET` without tracking", &seen.get),
        ("`GET` of a key that is not tracked yet", &seen.first_get),
        ("`GET` of a key that is tracked already", &seen.tracked_get),
        ("`SET` of a key that is not tracked", &seen.set),
        ("`SET` of a key that one connection tracks", &seen.set_for_one),
        ("`SET` of a key that four connections track", &seen.set_for_four),
    ] {
        println!("| {call} | {} | {} |", cost.processor.ratio(), cost.reported.ratio());
    }
    println!("\nA tracked key takes {:.0} bytes.", seen.bytes.median());
}
