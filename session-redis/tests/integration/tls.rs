//! Redis over TLS, with client certificates: one server, a Cluster, and servers behind Sentinel.

use std::time::{Duration, Instant};

use session_core::ErrorKind;
use session_core::store::SessionStore as _;
use session_redis::{RedisStore, RedisStoreBuilder, redis};
use test_servers::{
    Certificates, PrivateServer, RedisOptions, redis_cluster_with, redis_sentinel_with, redis_with,
};
use tokio::sync::OnceCell;

use crate::support::SHORT_GRACE;

/// Handshakes are slow in a debug build.
const DEADLINE: Duration = Duration::from_secs(10);

/// Servers that accept only TLS and require a client certificate.
fn options() -> RedisOptions {
    RedisOptions::default().tls().setting("tls-auth-clients", "yes").password("open-sesame")
}

async fn server() -> &'static PrivateServer {
    static SERVER: OnceCell<PrivateServer> = OnceCell::const_new();
    SERVER.get_or_init(|| redis_with(options())).await
}

/// Returns the certificates with which a client is accepted.
fn certificates_of(server: &PrivateServer) -> redis::TlsCertificates {
    read_certificates(server.certificates().unwrap())
}

fn read_certificates(files: &Certificates) -> redis::TlsCertificates {
    let read = |path| std::fs::read(path).unwrap();
    let client = redis::ClientTlsConfig {
        client_cert: read(files.certificate()),
        client_key: read(files.key()),
    };
    redis::TlsCertificates { client_tls: Some(client), root_cert: Some(read(files.authority())) }
}

mod one_server {
    use super::{RedisStore, SHORT_GRACE, certificates_of, server};

    async fn store() -> RedisStore {
        let builder =
            RedisStore::builder(server().await.url()).certificates(certificates_of(server().await));
        builder.grace(SHORT_GRACE).deadline(super::DEADLINE).connect().await.unwrap()
    }

    session_conformance::store_suite!(store(), owner_index, clones);

    mod sessions {
        use session_redis::RedisSessions;

        session_conformance::interface_suite!(
            server_side,
            |config| async move { RedisSessions::new(super::store().await, config) },
            owners
        );
    }
}

/// Asserts that connecting fails unless both sides have certificates that the other trusts.
async fn assert_only_trusted_certificates_connect(
    right: redis::TlsCertificates,
    to: impl Fn(bool) -> RedisStoreBuilder,
) {
    let (plain, secure) = (|| to(false), || to(true));
    let foreign = read_certificates(&Certificates::new());
    let only_authority = redis::TlsCertificates { client_tls: None, ..right.clone() };
    let foreign_authority =
        redis::TlsCertificates { root_cert: foreign.root_cert.clone(), ..right.clone() };
    let foreign_client =
        redis::TlsCertificates { client_tls: foreign.client_tls.clone(), ..right.clone() };
    for (what, builder) in [
        ("an authority that the system does not trust", secure()),
        ("another authority", secure().certificates(foreign_authority)),
        ("a client without a certificate", secure().certificates(only_authority)),
        ("a client with another authority's certificate", secure().certificates(foreign_client)),
        ("no TLS", plain()),
    ] {
        let error = crate::support::in_time(DEADLINE, builder.deadline(DEADLINE).connect())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{what}: {error:?}");
        assert!(!format!("{error:?}").contains("open-sesame"), "{what}: {error:?}");
    }
    let store = secure().certificates(right).deadline(DEADLINE).connect().await.unwrap();
    for _ in 0..20 {
        crate::support::assert_works(&store).await;
    }
}

fn with_scheme(secure: bool, url: &str) -> String {
    if secure { url.to_owned() } else { url.replace("rediss://", "redis://") }
}

#[tokio::test]
async fn server_and_client_verify_certificates() {
    let server = server().await;
    assert_only_trusted_certificates_connect(certificates_of(server), |secure| {
        RedisStore::builder(with_scheme(secure, server.url()))
    })
    .await;
}

#[tokio::test]
async fn cluster_and_client_verify_certificates() {
    let cluster = redis_cluster_with(options()).await;
    assert_only_trusted_certificates_connect(certificates_of(&cluster.nodes()[0]), |secure| {
        RedisStore::cluster(cluster.urls().iter().map(|url| with_scheme(secure, url)))
    })
    .await;
}

#[tokio::test]
async fn sentinel_servers_and_client_verify_certificates() {
    let sentinel = redis_sentinel_with(options()).await;
    let right = certificates_of(&sentinel.servers()[0]);
    let to = |secure| {
        let urls: Vec<_> = sentinel.urls().iter().map(|url| with_scheme(secure, url)).collect();
        RedisStore::sentinel(sentinel.master_name(), urls).password("open-sesame")
    };
    assert_only_trusted_certificates_connect(right.clone(), to).await;
    let store = to(true).certificates(right).connect().await.unwrap();
    sentinel.fail_over().await;
    let patience = Instant::now() + Duration::from_secs(30);
    while store.load(&crate::support::random_key()).await.is_err() {
        assert!(Instant::now() < patience, "the store does not recover");
    }
    crate::support::assert_works(&store).await;
}
