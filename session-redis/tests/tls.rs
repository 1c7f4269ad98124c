//! Redis over TLS: one server, a Cluster, and servers behind Sentinel, with certificates on both sides.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use session_core::{ErrorKind, SessionStore as _};
use session_redis::{RedisStore, RedisStoreBuilder, redis};
use support::SHORT_GRACE;
use test_servers::{Certificates, PrivateServer, RedisOptions, redis_cluster_with, redis_sentinel_with, redis_with};
use tokio::sync::OnceCell;

/// Handshakes take their time in a build for tests.
const DEADLINE: Duration = Duration::from_secs(10);

/// They speak nothing but TLS, and want a certificate.
fn options() -> RedisOptions {
    RedisOptions::default().tls().setting("tls-auth-clients", "yes").password("open-sesame")
}

async fn server() -> &'static PrivateServer {
    static SERVER: OnceCell<PrivateServer> = OnceCell::const_new();
    SERVER.get_or_init(|| redis_with(options())).await
}

/// What a client needs that is to be let in.
fn papers(server: &PrivateServer) -> redis::TlsCertificates {
    papers_from(server.certificates().unwrap())
}

fn papers_from(files: &Certificates) -> redis::TlsCertificates {
    let read = |path| std::fs::read(path).unwrap();
    let client = redis::ClientTlsConfig { client_cert: read(files.certificate()), client_key: read(files.key()) };
    redis::TlsCertificates { client_tls: Some(client), root_cert: Some(read(files.authority())) }
}

mod one_server {
    use super::{RedisStore, SHORT_GRACE, papers, server};

    async fn store() -> RedisStore {
        let builder = RedisStore::builder(server().await.url()).certificates(papers(server().await));
        builder.grace(SHORT_GRACE).deadline(super::DEADLINE).connect().await.unwrap()
    }

    conformance_tests::store_suite!(store(), owner_index, clones);

    mod sessions {
        use session_redis::RedisSessions;

        conformance_tests::interface_suite!(
            server_side,
            |config| async move { RedisSessions::with_store(super::store().await, config) },
            owners
        );
    }
}

/// Neither side talks to one that nobody vouches for.
async fn only_the_right_papers_are_accepted(right: redis::TlsCertificates, to: impl Fn(bool) -> RedisStoreBuilder) {
    let (plain, secure) = (|| to(false), || to(true));
    let strangers = papers_from(&Certificates::new());
    let only_authority = redis::TlsCertificates { client_tls: None, ..right.clone() };
    let strange_authority = redis::TlsCertificates { root_cert: strangers.root_cert.clone(), ..right.clone() };
    let strange_client = redis::TlsCertificates { client_tls: strangers.client_tls.clone(), ..right.clone() };
    for (what, builder) in [
        ("an authority that the system does not know", secure()),
        ("another authority", secure().certificates(strange_authority)),
        ("a client without a certificate", secure().certificates(only_authority)),
        ("a client with another authority's certificate", secure().certificates(strange_client)),
        ("no TLS", plain()),
    ] {
        let error = support::in_time(DEADLINE, builder.deadline(DEADLINE).connect()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{what}: {error:?}");
        assert!(!format!("{error:?}").contains("open-sesame"), "{what}: {error:?}");
    }
    let store = secure().certificates(right).deadline(DEADLINE).connect().await.unwrap();
    for _ in 0..20 {
        support::works(&store).await;
    }
}

fn with_scheme(secure: bool, url: &str) -> String {
    if secure { url.to_owned() } else { url.replace("rediss://", "redis://") }
}

#[tokio::test]
async fn one_server_and_its_clients_know_each_other() {
    let server = server().await;
    only_the_right_papers_are_accepted(papers(server), |secure| RedisStore::builder(with_scheme(secure, server.url())))
        .await;
}

#[tokio::test]
async fn a_cluster_and_its_clients_know_each_other() {
    let cluster = redis_cluster_with(options()).await;
    only_the_right_papers_are_accepted(papers(&cluster.nodes()[0]), |secure| {
        RedisStore::cluster(cluster.urls().iter().map(|url| with_scheme(secure, url)))
    })
    .await;
}

#[tokio::test]
async fn servers_behind_sentinel_and_their_clients_know_each_other() {
    let sentinel = redis_sentinel_with(options()).await;
    let right = papers(&sentinel.servers()[0]);
    let to = |secure| {
        let urls: Vec<_> = sentinel.urls().iter().map(|url| with_scheme(secure, url)).collect();
        RedisStore::sentinel(sentinel.master_name(), urls).password("open-sesame")
    };
    only_the_right_papers_are_accepted(right.clone(), to).await;
    let store = to(true).certificates(right).connect().await.unwrap();
    sentinel.fail_over().await;
    let patience = Instant::now() + Duration::from_secs(30);
    while store.load(&support::random_key()).await.is_err() {
        assert!(Instant::now() < patience, "it does not recover");
    }
    support::works(&store).await;
}
