//! Servers are removed when the process that started them ends. Processes that start together get
//! separate servers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod helpers;

use helpers::{Owner, ask, listens, port_of, runs, stop_process, wait_until};
use test_servers::{RedisOptions, Way, redis_with};

const NO_CONTAINERS: (&str, &str) = ("TEST_CONTAINERS", "never");

#[test]
fn server_of_killed_process_is_removed() {
    for server in
        ["private-redis", "private-postgres", "private-mysql", "redis", "postgres", "mysql"]
    {
        let mut owner = Owner::start(server, &[NO_CONTAINERS]);
        let port = port_of(&owner.url);
        assert!(listens(port), "{server}");
        assert_eq!(owner.folders().len(), 1, "{server}");
        owner.kill();
        wait_until("the server has stopped", || !listens(port));
        wait_until("its folder was removed", || owner.folders().is_empty());
    }
}

#[test]
fn node_of_killed_process_is_removed() {
    for (server, nodes) in [("redis-cluster", 6), ("redis-sentinel", 5)] {
        let mut owner = Owner::start(server, &[NO_CONTAINERS]);
        assert_eq!(owner.folders().len(), nodes);
        owner.kill();
        wait_until("all folders were removed", || owner.folders().is_empty());
    }
}

/// Linux sends SIGHUP to the keeper if the owner process exits while the server is stopped.
#[test]
fn stopped_server_ends_after_owner_was_killed() {
    for (server, nodes) in [
        ("private-redis", 1),
        ("private-postgres", 1),
        ("private-mysql", 1),
        ("redis-cluster", 6),
        ("redis-sentinel", 5),
    ] {
        let mut owner = Owner::start(server, &[NO_CONTAINERS]);
        let processes = owner.servers();
        assert_eq!(processes.len(), nodes, "{server}");
        processes.iter().copied().for_each(stop_process);
        owner.kill();
        wait_until("all folders were removed", || owner.folders().is_empty());
        assert!(!processes.into_iter().any(runs), "{server}");
    }
}

#[test]
fn server_of_finished_process_is_removed() {
    let mut owner = Owner::start("postgres", &[NO_CONTAINERS]);
    let port = port_of(&owner.url);
    drop(owner.process.stdin.take());
    assert!(owner.process.wait().unwrap().success());
    wait_until("the server has stopped", || !listens(port));
    wait_until("its folder was removed", || owner.folders().is_empty());
}

#[test]
fn processes_that_start_together_have_separate_servers() {
    let owners: Vec<Owner> = std::thread::scope(|scope| {
        let starting: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| Owner::start("private-redis", &[NO_CONTAINERS])))
            .collect();
        starting.into_iter().map(|owner| owner.join().unwrap()).collect()
    });
    for (number, owner) in owners.iter().enumerate() {
        ask(&owner.url, &format!("SET number {number}"));
    }
    for (number, owner) in owners.iter().enumerate() {
        assert_eq!(ask(&owner.url, "GET number"), number.to_string());
    }
    for mut owner in owners {
        owner.kill();
        wait_until("its folder was removed", || owner.folders().is_empty());
    }
}

#[tokio::test]
async fn address_in_environment_is_used() {
    let server = redis_with(RedisOptions::default()).await;
    let mut owner = Owner::start("redis", &[("TEST_REDIS_URL", server.url())]);
    assert_eq!(owner.url, server.url());
    assert_eq!(owner.folders().len(), 0, "nothing was started");
    owner.kill();
    assert_eq!(ask(server.url(), "PING"), "PONG", "a server that is not ours continues");
}

#[test]
fn address_without_server_fails_at_once() {
    let mut owner = Owner::start(
        "postgres",
        &[("TEST_POSTGRES_URL", "postgres://user:secret@127.0.0.1:1/name")],
    );
    assert_eq!(owner.url, "");
    assert!(!owner.process.wait().unwrap().success());
}

#[test]
fn missing_server_names_package_to_install() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_test-servers"))
        .arg("redis")
        .env("PATH", "/nowhere")
        .env_remove("TEST_REDIS_URL")
        .env_remove("TEST_CONTAINERS")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("sudo apt-get install -y redis-server"), "{message}");
}

#[test]
fn required_container_is_not_replaced_by_other_server() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_test-servers"))
        .arg("redis")
        .env("TEST_CONTAINERS", "required")
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("TEST_CONTAINERS"), "{message}");
}

/// Passes for each origin of the servers. The output names the origin.
#[tokio::test]
async fn shared_servers_reply_and_are_shared() {
    let (redis, postgres, mysql) =
        tokio::join!(test_servers::redis(), test_servers::postgres(), test_servers::mysql());
    assert!(std::ptr::eq(redis, test_servers::redis().await));
    assert_eq!(ask(redis.url(), "PING"), "PONG");
    assert_eq!(ask(postgres.url(), "SELECT 1"), "1");
    assert_eq!(ask(mysql.url(), "SELECT 1"), "1");
    if std::env::var("TEST_CONTAINERS").is_ok_and(|value| value == "required") {
        assert_eq!([redis.way(), postgres.way(), mysql.way()], [Way::Container; 3]);
    }
    println!("{:?} {:?} {:?}", redis.way(), postgres.way(), mysql.way());
}
