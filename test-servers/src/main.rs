//! Runs a server until standard input ends, for manual tests. `test-servers redis` prints the
//! address of the server. `private-redis` always starts the installed server.

#![expect(clippy::panic, reason = "it is a test without its server that fails")]

use std::io::Read;

use test_servers::{RedisOptions, SharedServer};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let kind = std::env::args().nth(1).unwrap_or_default();
    match kind.as_str() {
        "redis" => show(test_servers::redis().await),
        "postgres" => show(test_servers::postgres().await),
        "mysql" => show(test_servers::mysql().await),
        "private-redis" => keep(&[test_servers::redis_with(RedisOptions::default()).await.url()]),
        "private-postgres" => keep(&[test_servers::postgres_with(&[]).await.url()]),
        "private-mysql" => keep(&[test_servers::mysql_with(&[]).await.url()]),
        "redis-cluster" => keep(&test_servers::redis_cluster().await.urls()),
        "redis-sentinel" => keep(&test_servers::redis_sentinel().await.urls()),
        _ => panic!(
            "name one of: [private-]redis, [private-]postgres, [private-]mysql, redis-cluster, redis-sentinel"
        ),
    }
}

fn show(server: &SharedServer) {
    keep(&[server.url()]);
}

fn keep<T: AsRef<str>>(urls: &[T]) {
    for url in urls {
        println!("{}", url.as_ref());
    }
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
