//! Private servers reply, stop, restart with their data, and are removed at the end.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod helpers;

use std::io::Read;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use helpers::{ask, listens};
use test_servers::{
    HttpProgram, PrivateServer, RedisOptions, TemporaryFolder, http_program, mysql_with, pgbouncer,
    postgres_standby, postgres_with, redis_with,
};

const INSERT: &str = "INSERT INTO notes VALUES ('kept')";
const SELECT: &str = "SELECT note FROM notes";

fn assert_gone(server: PrivateServer) {
    let (port, folder) = (server.port(), server.folder().to_owned());
    assert!(listens(port) && folder.exists());
    drop(server);
    assert!(!listens(port), "a dropped server still listens");
    assert!(!folder.exists(), "a dropped server leaves its folder");
}

#[tokio::test]
async fn dropped_redis_is_removed() {
    let server = redis_with(RedisOptions::default()).await;
    assert_eq!(ask(server.url(), "PING"), "PONG");
    assert_gone(server);
}

#[tokio::test]
async fn dropped_postgres_is_removed() {
    let server = postgres_with(&[("synchronous_commit", "off")]).await;
    assert_eq!(ask(server.url(), "SHOW synchronous_commit"), "off");
    assert_gone(server);
}

#[tokio::test]
async fn dropped_mysql_is_removed() {
    let server = mysql_with(&[("innodb_flush_log_at_trx_commit", "2")]).await;
    assert_eq!(ask(server.url(), "SELECT @@innodb_flush_log_at_trx_commit"), "2");
    assert_gone(server);
}

#[tokio::test]
async fn redis_that_appends_keeps_its_data_when_killed() {
    let server = redis_with(RedisOptions::default().append_only()).await;
    ask(server.url(), "SET note kept");
    server.kill().await;
    assert!(!listens(server.port()));
    server.restart().await;
    assert_eq!(ask(server.url(), "GET note"), "kept");
}

#[tokio::test]
async fn redis_that_does_not_append_loses_its_data_when_killed() {
    let server = redis_with(RedisOptions::default()).await;
    ask(server.url(), "SET note lost");
    server.restart().await;
    assert_eq!(ask(server.url(), "EXISTS note"), "0");
}

#[tokio::test]
async fn postgres_keeps_its_data_when_killed() {
    let server = postgres_with(&[]).await;
    ask(server.url(), "CREATE TABLE notes (note text)");
    ask(server.url(), INSERT);
    server.kill().await;
    assert!(!listens(server.port()));
    server.restart().await;
    assert_eq!(ask(server.url(), SELECT), "kept");
    assert!(
        server.log().contains("database system was not properly shut down"),
        "{}",
        server.log()
    );
}

#[tokio::test]
async fn promoted_standby_has_data_of_killed_primary() {
    let primary = postgres_with(&[]).await;
    primary.ask(&["CREATE TABLE notes (note text)"]).await;
    let standby = postgres_standby(&primary, &[]).await;
    primary.ask(&["ALTER SYSTEM SET synchronous_standby_names = '*'"]).await;
    primary.ask(&["SELECT pg_reload_conf()"]).await;
    primary.ask(&[INSERT]).await;
    primary.kill().await;
    standby.ask(&["SELECT pg_promote()"]).await;
    assert_eq!(standby.ask(&[SELECT]).await.trim(), "kept");
    standby.ask(&[INSERT]).await;
}

#[tokio::test]
async fn redis_refuses_writes_while_files_are_limited() {
    let server = redis_with(RedisOptions::default().append_only()).await;
    server.limit_files(Some(1)).await;
    // The first write finds the error, which Redis reports to the next one.
    let refusal =
        async { while !server.ask(&["SET", "note", "kept"]).await.contains("MISCONF") {} };
    tokio::time::timeout(Duration::from_mins(1), refusal).await.unwrap();
    server.limit_files(None).await;
    let success = async { while !server.ask(&["SET", "note", "kept"]).await.starts_with("OK") {} };
    tokio::time::timeout(Duration::from_mins(1), success).await.unwrap();
}

#[tokio::test]
async fn http_program_is_ready_after_start() {
    let serve = |_: &std::path::Path, port: u16| {
        ["-m", "http.server", "--bind", "127.0.0.1", &port.to_string()].map(str::to_owned).to_vec()
    };
    let program = HttpProgram::installed("python3", "python3");
    let server = http_program(program, serve, |folder, _| {
        std::fs::write(folder.join("note"), "kept").unwrap();
    })
    .await;
    server.stop().await;
    server.restart().await;
    assert_gone(server);
}

#[tokio::test]
async fn killed_postgres_leaves_no_shared_memory() {
    let server = postgres_with(&[]).await;
    let key = std::fs::read_to_string(server.folder().join("data/postmaster.pid")).unwrap();
    let number = key.lines().nth(6).unwrap().split_whitespace().last().unwrap().to_owned();
    let pieces = || std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    let is_there =
        |pieces: &str| pieces.lines().any(|line| line.split_whitespace().nth(1) == Some(&number));
    assert!(is_there(&pieces()));
    server.kill().await;
    assert!(!is_there(&pieces()));
}

#[tokio::test]
async fn dropped_folder_is_removed() {
    let folder = TemporaryFolder::new();
    let path = folder.path().to_owned();
    std::fs::write(path.join("file"), "text").unwrap();
    drop(folder);
    assert!(!path.exists());
}

#[tokio::test]
async fn mysql_keeps_its_temporary_files_in_its_own_folder() {
    let server = mysql_with(&[]).await;
    assert_eq!(ask(server.url(), "SELECT @@tmpdir"), server.folder().display().to_string());
}

#[tokio::test]
async fn mysql_keeps_its_data_when_killed() {
    let server = mysql_with(&[]).await;
    ask(server.url(), "CREATE TABLE notes (note text)");
    ask(server.url(), INSERT);
    server.kill().await;
    assert!(!listens(server.port()));
    server.restart().await;
    assert_eq!(ask(server.url(), SELECT), "kept");
}

#[tokio::test]
async fn restart_after_orderly_stop_starts_each_server() {
    let servers = [
        redis_with(RedisOptions::default()).await,
        postgres_with(&[]).await,
        mysql_with(&[]).await,
    ];
    for server in servers {
        server.stop().await;
        assert!(!listens(server.port()));
        server.restart().await;
        assert!(listens(server.port()));
        assert!(!server.log().contains("not properly shut down"), "{}", server.log());
    }
}

#[tokio::test]
async fn paused_postgres_is_silent_until_resumed() {
    let server = postgres_with(&[]).await;
    server.pause().await;
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    std::io::Write::write_all(&mut stream, b"\0\0\0\x08\x04\xd2\x16\x2f").unwrap();
    let mut answer = [0; 1];
    assert!(stream.read_exact(&mut answer).is_err(), "a paused server answered");
    server.resume().await;
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"N");
}

#[tokio::test]
async fn dropped_paused_server_is_removed() {
    for server in [redis_with(RedisOptions::default()).await, postgres_with(&[]).await] {
        server.pause().await;
        let begin = Instant::now();
        assert_gone(server);
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn redis_requires_password_of_its_address() {
    let server = redis_with(RedisOptions::default().password("open-sesame")).await;
    assert!(server.url().contains(":open-sesame@"));
    assert_eq!(server.ask(&["PING"]).await.trim(), "PONG");
    let stranger = format!("redis://127.0.0.1:{}/", server.port());
    assert!(ask(&stranger, "PING").contains("NOAUTH"));
}

#[tokio::test]
async fn redis_with_tls_has_certificate_of_its_authority() {
    let server = redis_with(RedisOptions::default().tls().password("open-sesame")).await;
    assert!(server.url().starts_with("rediss://:open-sesame@127.0.0.1:"));
    assert_eq!(server.ask(&["PING"]).await.trim(), "PONG");
    let certificates = server.certificates().unwrap();
    let verified = std::process::Command::new("openssl")
        .args(["verify", "-verify_ip", "127.0.0.1", "-CAfile"])
        .args([certificates.authority(), certificates.certificate()])
        .output()
        .unwrap();
    assert!(verified.status.success(), "{verified:?}");
}

#[tokio::test]
async fn postgres_and_mysql_refuse_wrong_password() {
    for server in [postgres_with(&[]).await, mysql_with(&[]).await] {
        let wrong = server.url().replace("-test-password", "-wrong-password");
        assert!(std::panic::catch_unwind(|| ask(&wrong, "SELECT 1")).is_err());
        assert_eq!(ask(server.url(), "SELECT 1"), "1");
    }
}

#[tokio::test]
async fn pgbouncer_assigns_server_connections_per_transaction() {
    let postgres = postgres_with(&[]).await;
    let pooler = pgbouncer(postgres.url()).await;
    let first = ask(pooler.url(), "SELECT pg_backend_pid()");
    assert_eq!(
        ask(pooler.url(), "SELECT pg_backend_pid()"),
        first,
        "two clients in turn share one server connection"
    );
    let administration = format!("{}/pgbouncer", pooler.url().strip_suffix("/postgres").unwrap());
    assert!(ask(&administration, "SHOW CONFIG").contains("pool_mode|transaction"));
    assert_gone(pooler);
}

#[tokio::test]
async fn two_servers_of_one_kind_are_separate() {
    let (one, other) =
        tokio::join!(redis_with(RedisOptions::default()), redis_with(RedisOptions::default()));
    ask(one.url(), "SET who one");
    ask(other.url(), "SET who other");
    assert_eq!(ask(one.url(), "GET who"), "one");
    assert_eq!(ask(other.url(), "GET who"), "other");
}

#[tokio::test]
async fn twenty_consecutive_starts_succeed() {
    for _ in 0..20 {
        let (redis, postgres, mysql) =
            tokio::join!(redis_with(RedisOptions::default()), postgres_with(&[]), mysql_with(&[]));
        assert_eq!(ask(redis.url(), "PING"), "PONG");
        assert_eq!(ask(postgres.url(), "SELECT 1"), "1");
        assert_eq!(ask(mysql.url(), "SELECT 1"), "1");
    }
}

#[tokio::test]
async fn server_that_cannot_start_reports_reason() {
    let failed =
        tokio::spawn(redis_with(RedisOptions::default().setting("maxmemory", "nonsense"))).await;
    let panic = failed.unwrap_err().into_panic();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("maxmemory"), "{message}");
}
