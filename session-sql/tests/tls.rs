//! TLS to PostgreSQL and MariaDB. Servers on other machines must prove their identity by default.
//!
//! The address 0.0.0.0 leads to this machine, but is not a loopback address. The certificates are
//! also for it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use session_core::ErrorKind;
use session_core::store::SessionStore as _;
use session_sql::SqlStore;
use support::{new_key, record};
use test_servers::{Certificates, PrivateServer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Handshakes are slow in a debug build.
const DEADLINE: Duration = Duration::from_secs(10);

async fn connect(url: &str) -> Result<SqlStore, session_core::Error> {
    SqlStore::builder().deadline(DEADLINE).connect(url).await
}

async fn assert_works(url: &str) {
    let store = connect(url).await.unwrap();
    store.migrate().await.unwrap();
    let key = new_key();
    let version = store.create(&key, &record(b"kept")).await.unwrap();
    assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version);
}

async fn assert_refused(url: &str) {
    let error = connect(url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("TLS"), "{error:?}");
    assert!(!format!("{error:?}").contains("-test-password"), "{error:?}");
}

/// Returns the address as that of a server on another machine.
fn remote(url: &str) -> String {
    url.replace("127.0.0.1", "0.0.0.0")
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres")
}

/// Returns the address with an authority that the client trusts.
fn trusting(url: &str, authority: &Path) -> String {
    let parameter = if is_postgres(url) { "sslrootcert" } else { "ssl-ca" };
    format!("{url}?{parameter}={}", authority.display())
}

/// Returns the address with the mode that never uses TLS.
fn without_tls(url: &str) -> String {
    let parameter = if is_postgres(url) { "sslmode=disable" } else { "ssl-mode=disabled" };
    format!("{url}?{parameter}")
}

/// Makes the server refuse the user `secure` without TLS, and returns the address with this user.
async fn only_with_tls(server: &PrivateServer) -> String {
    if is_postgres(server.url()) {
        server.ask(&["CREATE ROLE secure SUPERUSER LOGIN PASSWORD 'secure-test-password'"]).await;
        let rules = server.folder().join("data/pg_hba.conf");
        let others = std::fs::read_to_string(&rules).unwrap();
        std::fs::write(&rules, format!("hostnossl all secure all reject\n{others}")).unwrap();
        server.ask(&["SELECT pg_reload_conf()"]).await;
    } else {
        let create =
            "CREATE USER secure@'127.0.0.1' IDENTIFIED BY 'secure-test-password' REQUIRE SSL";
        server.ask(&[create]).await;
        server.ask(&["GRANT ALL ON test.* TO secure@'127.0.0.1'"]).await;
    }
    let (scheme, rest) = server.url().split_once("://").unwrap();
    format!("{scheme}://secure:secure-test-password@{}", rest.split_once('@').unwrap().1)
}

async fn remote_server_must_prove_its_identity(server: PrivateServer) {
    let authority = server.certificates().unwrap().authority();
    let url = only_with_tls(&server).await;
    while connect(&without_tls(&url)).await.is_ok() {}
    assert_works(&trusting(&remote(&url), &authority)).await;

    assert_refused(&remote(&url)).await;
    let foreign = Certificates::new();
    assert_refused(&trusting(&remote(&url), &foreign.authority())).await;
    // The mode is explicit.
    let parameter = if is_postgres(&url) { "sslmode=require" } else { "ssl-mode=required" };
    assert_works(&format!("{}?{parameter}", remote(&url))).await;
}

async fn remote_server_without_tls_is_refused(server: PrivateServer) {
    assert_refused(&remote(server.url())).await;
    assert_works(&without_tls(&remote(server.url()))).await;
    assert_works(server.url()).await;
}

/// A server on this machine needs no certificate, because nothing is between it and its clients.
async fn local_server_needs_no_certificate(server: PrivateServer) {
    assert_works(&only_with_tls(&server).await).await;
}

/// An attacker between the client and the server declines TLS. The client must not send anything
/// afterwards, because the attacker could ask for the password.
async fn attacker_who_declines_tls_learns_nothing(server: PrivateServer) {
    let learned = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (target, protocol) = (server.port(), is_postgres(server.url()));
    let counter = Arc::clone(&learned);
    let attacker = tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            tokio::spawn(decline_tls(client, target, protocol, Arc::clone(&counter)));
        }
    });
    let url = remote(server.url()).replace(&format!(":{target}/"), &format!(":{port}/"));
    assert_refused(&trusting(&url, &server.certificates().unwrap().authority())).await;
    assert_refused(&url).await;
    assert_eq!(learned.load(Ordering::SeqCst), 0);
    // Without TLS, the attack is not noticed.
    assert_works(&without_tls(&url)).await;
    assert_ne!(learned.load(Ordering::SeqCst), 0);
    attacker.abort();
}

/// Forwards everything, but claims that the server has no TLS. Counts the bytes of the client after
/// that.
async fn decline_tls(
    mut client: TcpStream,
    server: u16,
    is_postgres: bool,
    learned: Arc<AtomicUsize>,
) -> std::io::Result<()> {
    const REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    let mut server = TcpStream::connect(("127.0.0.1", server)).await?;
    if is_postgres {
        let mut first = [0; 8];
        client.read_exact(&mut first).await?;
        if first == REQUEST {
            client.write_all(b"N").await?;
        } else {
            learned.fetch_add(first.len(), Ordering::SeqCst);
            server.write_all(&first).await?;
        }
    } else {
        let mut greeting = [0; 1024];
        let length = server.read(&mut greeting).await?;
        let version = greeting[5..].iter().position(|byte| *byte == 0).unwrap() + 6;
        // After the version: a thread, eight bytes of a challenge, zero, the capabilities.
        greeting[version + 14] &= !0x08;
        client.write_all(&greeting[..length]).await?;
    }
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let passing = async {
        let mut buffer = [0; 4096];
        loop {
            let length = from_client.read(&mut buffer).await?;
            if length == 0 {
                return to_server.shutdown().await;
            }
            learned.fetch_add(length, Ordering::SeqCst);
            to_server.write_all(&buffer[..length]).await?;
        }
    };
    tokio::try_join!(passing, tokio::io::copy(&mut from_server, &mut to_client)).map(drop)
}

/// The tests of one database, each on its own server.
macro_rules! on {
    ($database:ident, $start:path, $start_with_tls:path) => {
        mod $database {
            #[tokio::test]
            async fn remote_server_must_prove_its_identity() {
                super::remote_server_must_prove_its_identity($start_with_tls().await).await;
            }

            #[tokio::test]
            async fn remote_server_without_tls_is_refused() {
                super::remote_server_without_tls_is_refused($start(&[]).await).await;
            }

            #[tokio::test]
            async fn local_server_needs_no_certificate() {
                super::local_server_needs_no_certificate($start_with_tls().await).await;
            }

            #[tokio::test]
            async fn attacker_who_declines_tls_learns_nothing() {
                super::attacker_who_declines_tls_learns_nothing($start_with_tls().await).await;
            }
        }
    };
}

on!(postgres, test_servers::postgres_with, test_servers::postgres_with_tls);
on!(mariadb, test_servers::mysql_with, test_servers::mysql_with_tls);
