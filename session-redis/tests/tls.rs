//! Redis over TLS, with an authority of one's own and certificates on both sides.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use session_core::ErrorKind;
use session_redis::{RedisStore, redis};
use support::{Redis, SHORT_GRACE, free_port, temporary_folder};

static SERVER: LazyLock<Secure> = LazyLock::new(Secure::start);

/// A server that speaks nothing but TLS, and wants a certificate.
struct Secure {
    server: Redis,
    papers: Papers,
}

/// An authority, and a certificate and key for 127.0.0.1.
struct Papers(PathBuf);

impl Papers {
    fn make_in(folder: PathBuf) -> Self {
        let papers = Self(folder);
        std::fs::create_dir_all(&papers.0).unwrap();
        std::fs::write(papers.0.join("extensions"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n").unwrap();
        papers.openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=authority");
        papers.openssl("req -newkey rsa:2048 -nodes -keyout redis.key -out redis.csr -subj /CN=127.0.0.1");
        let sign = "x509 -req -in redis.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out redis.crt -days 2";
        papers.openssl(&format!("{sign} -extfile extensions"));
        papers
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl").args(arguments.split(' ')).current_dir(&self.0).output();
        let output = output.expect("openssl is not installed. This helps: apt-get install -y openssl");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn path(&self, file: &str) -> String {
        self.0.join(file).to_str().unwrap().to_owned()
    }

    fn arguments(&self) -> [String; 6] {
        let names =
            [("--tls-cert-file", "redis.crt"), ("--tls-key-file", "redis.key"), ("--tls-ca-cert-file", "ca.crt")];
        let [first, second, third] = names.map(|(name, file)| [name.to_owned(), self.path(file)]);
        [first, second, third].concat().try_into().unwrap()
    }

    fn certificates(&self) -> redis::TlsCertificates {
        let read = |file: &str| std::fs::read(Path::new(&self.path(file))).unwrap();
        let client = redis::ClientTlsConfig { client_cert: read("redis.crt"), client_key: read("redis.key") };
        redis::TlsCertificates { client_tls: Some(client), root_cert: Some(read("ca.crt")) }
    }
}

impl Secure {
    fn start() -> Self {
        let folder = temporary_folder();
        let papers = Papers::make_in(folder.clone());
        let port = free_port();
        let mut arguments = papers.arguments().to_vec();
        arguments.extend(["--port", "0", "--tls-port", &port.to_string()].map(str::to_owned));
        Self { server: Redis::start_in(folder, port, arguments), papers }
    }

    fn url(&self) -> String {
        format!("rediss://127.0.0.1:{}/", self.server.port())
    }

    async fn store(&self) -> RedisStore {
        let builder = RedisStore::builder(self.url()).certificates(self.papers.certificates());
        builder.grace(SHORT_GRACE).connect().await.unwrap()
    }
}

mod suite {
    conformance_tests::store_suite!(super::SERVER.store(), owner_index, clones);
}

mod sessions {
    use session_redis::RedisSessions;

    conformance_tests::interface_suite!(
        server_side,
        |config| async move { RedisSessions::with_store(super::SERVER.store().await, config) },
        owners
    );
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_refused() {
    let other = Papers::make_in(SERVER.server.folder().join("other"));
    let plain = format!("redis://127.0.0.1:{}/", SERVER.server.port());
    let only_root = redis::TlsCertificates { client_tls: None, ..SERVER.papers.certificates() };
    for builder in [
        RedisStore::builder(SERVER.url()),
        RedisStore::builder(SERVER.url()).certificates(other.certificates()),
        RedisStore::builder(SERVER.url()).certificates(only_root),
        RedisStore::builder(plain),
    ] {
        let error = builder.deadline(Duration::from_secs(1)).connect().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Backend), "{error:?}");
    }
}
