//! The conformance suites on one server: over RESP3, over RESP2, and over an existing connection.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

/// On the server that all tests of this process share.
mod shared {
    use std::sync::LazyLock;

    use session_redis::{RedisStore, RedisStoreBuilder};

    use super::support::SHORT_GRACE;

    /// The server may have other keys.
    static PREFIX: LazyLock<String> = LazyLock::new(|| format!("test-{:016x}:", fastrand::u64(..)));

    async fn url() -> &'static str {
        test_servers::redis().await.url()
    }

    async fn connect(builder: RedisStoreBuilder) -> RedisStore {
        builder.key_prefix(&*PREFIX).grace(SHORT_GRACE).connect().await.unwrap()
    }

    async fn store() -> RedisStore {
        connect(RedisStore::builder(url().await)).await
    }

    mod one_server {
        session_conformance::store_suite!(super::store(), owner_index, clones);
    }

    mod sessions {
        use session_redis::RedisSessions;

        session_conformance::interface_suite!(
            server_side,
            |config| async move { RedisSessions::new(super::store().await, config) },
            owners
        );
    }

    mod over_resp2 {
        use session_redis::RedisStore;

        async fn store() -> RedisStore {
            let url = super::url().await;
            let separator = if url.contains('?') { '&' } else { '?' };
            super::connect(
                RedisStore::builder(format!("{url}{separator}protocol=resp2")).database(3),
            )
            .await
        }

        session_conformance::store_suite!(store(), owner_index, clones);
    }

    mod on_a_connection_manager {
        use session_redis::{RedisStore, redis};

        async fn store() -> RedisStore {
            let client = redis::Client::open(super::url().await).unwrap();
            super::connect(RedisStore::from_connection(
                client.get_connection_manager().await.unwrap(),
            ))
            .await
        }

        session_conformance::store_suite!(store(), owner_index, clones);
    }
}
