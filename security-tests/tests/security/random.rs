//! Ids and nonces are bytes of the operating system, and its failure is an error. A separate
//! process loads a library that replaces `getrandom`. It returns constant bytes or fails.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use session_core::config::SecretKey;
use session_core::{ServerSideSessions, SessionConfig, SessionInterface};
use test_servers::TemporaryFolder;

use crate::backends::{InCookie, Server, storing, visit};

/// Calls for hash maps of the standard library have other flags and stay as they are.
const LIBRARY: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t getrandom(void *buffer, size_t length, unsigned int flags) {
    const char *fails = getenv("RANDOM_FAILS"), *constant = getenv("RANDOM_IS_CONSTANT");
    if (flags == 0 && length > 0 && access(fails, F_OK) == 0) { errno = EIO; return -1; }
    if (flags == 0 && length > 0 && access(constant, F_OK) == 0) {
        memset(buffer, 7, length);
        return length;
    }
    return syscall(SYS_getrandom, buffer, length, flags);
}
"#;
const CONSTANT: u8 = 7;

/// The results of a source of ids: with constant bytes, and with a failure.
#[derive(Debug, Eq, PartialEq)]
struct Results {
    constant: Option<String>,
    failing: Option<String>,
}

impl Results {
    /// Returns whether the id ends with this many bytes of the operating system.
    fn are_safe(&self, bytes: usize) -> bool {
        let decoded = self.constant.as_ref().and_then(|id| URL_SAFE_NO_PAD.decode(id).ok());
        let is_constant = decoded.is_some_and(|id| id.ends_with(&vec![CONSTANT; bytes]));
        is_constant && self.failing.is_none()
    }
}

#[actix_web::test]
async fn ids_are_bytes_of_the_system_and_failure_is_error() {
    for (name, results) in run().await {
        let bytes = match name.as_str() {
            "Sealed" => 12,
            "time_seeded" | "ignored_failure" => continue,
            _ => 32,
        };
        assert!(results.are_safe(bytes), "{name}: {results:?}");
    }
}

#[actix_web::test]
async fn ids_from_elsewhere_are_found() {
    let results = run().await;
    for mutant in ["time_seeded", "ignored_failure"] {
        let (_, results) = results.iter().find(|(name, _)| name == mutant).unwrap();
        assert!(!results.are_safe(32), "{mutant}: {results:?}");
    }
}

/// Runs the process, and returns the results of each source.
async fn run() -> Vec<(String, Results)> {
    let folder = TemporaryFolder::new();
    let (source, library) = (folder.path().join("random.c"), folder.path().join("random.so"));
    fs::write(&source, LIBRARY).unwrap();
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status()
        .unwrap();
    assert!(compiled.success());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "random::process_with_other_random_numbers", "--ignored", "--nocapture"])
        .env("LD_PRELOAD", &library)
        .env("RANDOM_FAILS", folder.path().join("fails"))
        .env("RANDOM_IS_CONSTANT", folder.path().join("constant"))
        .env("TEST_REDIS_URL", test_servers::redis().await.url())
        .env("TEST_POSTGRES_URL", test_servers::postgres().await.url())
        .env("TEST_MYSQL_URL", test_servers::mysql().await.url())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let results: Vec<_> = text.lines().filter_map(parse).collect();
    assert_eq!(results.len(), Server::ALL.len() + 3, "{text}");
    results
}

fn parse(line: &str) -> Option<(String, Results)> {
    let mut fields = line.strip_prefix("result ")?.split(' ');
    let name = fields.next()?.to_owned();
    let mut id = || fields.next().filter(|id| *id != "none").map(str::to_owned);
    Some((name, Results { constant: id(), failing: id() }))
}

#[actix_web::test]
#[ignore = "the other tests of this module run it in a process with other random numbers"]
async fn process_with_other_random_numbers() {
    let Ok(fails) = std::env::var("RANDOM_FAILS") else { return };
    let constant = std::env::var("RANDOM_IS_CONSTANT").unwrap();
    let [fails, constant] = [Path::new(&fails), Path::new(&constant)];
    for server in Server::ALL {
        let store = server.store().await;
        let sessions = ServerSideSessions::new(store, SessionConfig::default());
        report(&format!("{server:?}"), &(Arc::new(sessions) as _), fails, constant).await;
    }
    let sealed = InCookie::Sealed.sessions(&SecretKey::generate().unwrap());
    report("Sealed", &sealed, fails, constant).await;
    for (name, generate) in
        [("time_seeded", time_seeded as fn() -> String), ("ignored_failure", ignored_failure)]
    {
        let [constant, failing] = [constant, fails].map(|switch| {
            fs::write(switch, "").unwrap();
            let id = generate();
            fs::remove_file(switch).unwrap();
            id
        });
        println!("\nresult {name} {constant} {failing}");
    }
}

/// Prints the cookies of two new sessions.
async fn report(name: &str, sessions: &Arc<dyn SessionInterface>, fails: &Path, constant: &Path) {
    // The first call may connect, which needs random numbers.
    visit(sessions, b"", &storing("a", "b")).await.unwrap();
    let mut ids = Vec::new();
    for switch in [constant, fails] {
        fs::write(switch, "").unwrap();
        let id = visit(sessions, b"", &storing("a", "b")).await;
        fs::remove_file(switch).unwrap();
        ids.push(id.ok().flatten().unwrap_or_else(|| "none".to_owned()));
    }
    println!("\nresult {name} {} {}", ids[0], ids[1]);
}

/// A mutant: an id from the clock.
fn time_seeded() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = now.as_nanos().to_be_bytes();
    URL_SAFE_NO_PAD.encode([seed, seed].concat())
}

/// A mutant: an id from the operating system, or of zeros.
fn ignored_failure() -> String {
    let mut bytes = [0; 32];
    let _ = getrandom::fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}
