//! The conformance suites on one server: over RESP3, over RESP2, over an existing connection,
//! behind a cache, and with outages.

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

    mod behind_cache {
        use session_core::ServerSideSessions;
        use session_memory::Cached;
        use session_redis::RedisStore;

        async fn store() -> Cached<RedisStore> {
            Cached::builder().build_with_invalidation(super::store().await).await.unwrap()
        }

        session_conformance::store_suite!(store(), owner_index, clones);

        mod sessions {
            session_conformance::interface_suite!(
                server_side,
                |config| async move { super::ServerSideSessions::new(super::store().await, config) },
                owners
            );
        }
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

/// On a server whose `SET` compares the stored value.
mod on_valkey {
    use session_redis::{RedisSessions, RedisStore};
    use test_servers::PrivateServer;
    use tokio::sync::OnceCell;

    use super::support::{SHORT_GRACE, builder, new_valkey};

    static SERVER: OnceCell<PrivateServer> = OnceCell::const_new();

    async fn store() -> RedisStore {
        let server = SERVER.get_or_init(new_valkey).await;
        builder(server).grace(SHORT_GRACE).connect().await.unwrap()
    }

    mod records {
        session_conformance::store_suite!(super::store(), owner_index, clones);
    }

    mod sessions {
        session_conformance::interface_suite!(
            server_side,
            |config| async move { super::RedisSessions::new(super::store().await, config) },
            owners
        );
    }
}

/// On a server that is cut off at times. A store that is opened again has another connection.
mod with_outages {
    use std::cell::RefCell;
    use std::sync::Arc;

    use session_redis::{RedisStore, RedisStoreBuilder};
    use test_servers::{LostReply, PrivateServer, Proxy, proxy};
    use tokio::sync::OnceCell;

    use super::support::{DEADLINE, SHORT_GRACE, new_server};

    static SERVER: OnceCell<PrivateServer> = OnceCell::const_new();

    /// The way to the server, of the test in this thread.
    #[derive(Clone)]
    struct Way {
        server: &'static PrivateServer,
        proxy: Arc<Proxy>,
    }

    thread_local! {
        static WAY: RefCell<Option<Way>> = const { RefCell::new(None) };
    }

    fn way() -> Way {
        WAY.with_borrow(Clone::clone).unwrap()
    }

    impl Way {
        fn builder(&self) -> RedisStoreBuilder {
            let url = self.proxy.before(self.server.url());
            RedisStore::builder(url).grace(SHORT_GRACE).deadline(DEADLINE)
        }

        /// Closes each connection at its next reply and refuses new ones, or accepts them again.
        fn set_down(&self, down: bool) {
            if down {
                self.proxy.lead_to(0);
                self.proxy.lose_replies(b"", 1, LostReply::Closes);
            } else {
                self.proxy.lead_to(self.server.port());
                self.proxy.keep_replies();
            }
        }
    }

    async fn store() -> RedisStore {
        let server = SERVER.get_or_init(new_server).await;
        let way = Way { server, proxy: Arc::new(proxy(server.port()).await) };
        WAY.set(Some(way.clone()));
        way.builder().connect().await.unwrap()
    }

    session_conformance::store_suite!(
        store(),
        owner_index,
        clones,
        reopen = |_: &RedisStore| {
            let way = way();
            move || {
                let builder = way.builder();
                async move { builder.connect().await.unwrap() }
            }
        },
        outage = |_: &RedisStore| {
            let way = way();
            move |down| way.set_down(down)
        },
    );
}
