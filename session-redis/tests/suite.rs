//! The conformance suites on one server, over RESP3, over RESP2, and over a connection of the application's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::LazyLock;

use support::Redis;

static SERVER: LazyLock<Redis> = LazyLock::new(Redis::start);

mod one_server {
    conformance_tests::store_suite!(super::SERVER.store_for_suites(), owner_index, clones);
}

mod sessions {
    use session_redis::RedisSessions;

    conformance_tests::interface_suite!(
        server_side,
        |config| async move { RedisSessions::with_store(super::SERVER.store_for_suites().await, config) },
        owners
    );
}

mod over_resp2 {
    use session_redis::RedisStore;

    async fn store() -> RedisStore {
        let url = format!("{}3?protocol=resp2", super::SERVER.url());
        RedisStore::builder(url).grace(super::support::SHORT_GRACE).connect().await.unwrap()
    }

    conformance_tests::store_suite!(store(), owner_index, clones);
}

mod on_a_connection_manager {
    use session_redis::{RedisStore, redis};

    async fn store() -> RedisStore {
        let client = redis::Client::open(super::SERVER.url()).unwrap();
        let connection = client.get_connection_manager().await.unwrap();
        RedisStore::from_connection(connection)
            .key_prefix("given:")
            .grace(super::support::SHORT_GRACE)
            .connect()
            .await
            .unwrap()
    }

    conformance_tests::store_suite!(store(), owner_index, clones);
}
