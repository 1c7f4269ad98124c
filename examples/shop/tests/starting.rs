//! Starts the program and checks its output, its refusals and its exit.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};

const KEY: &str = "c81d7e02f5a946b3908fe2d41b7a65c3";

/// Returns the command, without a secret key from the environment of the test.
fn shop(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    command.args(arguments).env_remove("SECRET_KEY");
    command
}

/// Returns the only line of an error output.
fn refusal(output: &Output) -> String {
    let complaint = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{complaint}");
    assert!(output.stdout.is_empty(), "{:?}", output.stdout);
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    complaint.trim_end().to_owned()
}

#[test]
fn unknown_store_is_refused_in_one_line() {
    for (store, shown) in
        [("papyrus", "\"papyrus\""), ("", "\"\""), ("two\nlines", "\"two\\nlines\"")]
    {
        let output = shop(&["--port", "0", "--store", store]).output().unwrap();
        let refusal = refusal(&output);
        assert!(
            refusal.starts_with(&format!(
                "shop: unknown store {shown}; --store accepts: cookie, sealed-cookie, memory, "
            )),
            "{refusal}"
        );
    }
}

#[test]
fn refused_address_is_not_shown_with_its_password() {
    for store in ["postgress://ada:lovelace@db/shop", "redis+sentinel://:lovelace@db"] {
        let output = shop(&["--port", "0", "--store", store]).output().unwrap();
        let refusal = refusal(&output);
        let scheme = store.split(':').next().unwrap();
        assert!(refusal.contains(&format!("unknown store {scheme:?}")), "{refusal}");
        assert!(!refusal.contains("lovelace"), "{refusal}");
    }
}

#[test]
fn cause_of_store_error_is_shown() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    for (store, message, cause) in [
        (format!("redis://:lovelace@{closed}/"), "redis did not reply (connect)", "refused"),
        (format!("postgres://ada:lovelace@{closed}/d"), "postgres session store", "refused"),
        ("sqlite:/no/such/folder/shop.db".to_owned(), "sqlite session store", "unable to open"),
        ("sqlite:shop.db?mode=rx".to_owned(), "sqlite session store", "unknown value"),
    ] {
        let output = shop(&["--port", "0", "--store", &store]).output().unwrap();
        let refusal = refusal(&output);
        assert!(refusal.contains(message) && refusal.contains(cause), "{refusal}");
        assert!(!refusal.contains("lovelace"), "{refusal}");
    }
}

#[test]
fn weak_key_is_refused_without_showing_it() {
    for weak in ["hunter2", &KEY[1..], ""] {
        let output = shop(&["--port", "0"]).env("SECRET_KEY", weak).output().unwrap();
        let length = weak.len();
        let expected =
            format!("shop: secret key in SECRET_KEY has {length} bytes; it needs at least 32");
        assert_eq!(refusal(&output), expected);
    }
}

#[test]
fn port_in_use_is_refused_in_one_line() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = shop(&["--port", &port]).output().unwrap();
    assert_eq!(refusal(&output), format!("shop: port {port} is taken; choose another with --port"));
}

/// A running shop, which is stopped at the end of the test at the latest.
struct Open {
    process: Child,
    announcement: String,
    address: String,
}

impl Open {
    fn start(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut announcement = String::new();
        let mut lines = output.lines().map(Result::unwrap);
        for line in lines.by_ref() {
            announcement.push_str(&line);
            announcement.push('\n');
            if line.starts_with("Ctrl-C") {
                break;
            }
        }
        let address = announcement
            .lines()
            .next()
            .and_then(|line| line.split_once("http://"))
            .unwrap()
            .1
            .to_owned();
        // Reads on, because the shop writes to the pipe when it stops.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, announcement, address }
    }

    fn get(&self, path: &str) -> String {
        self.get_with(path, "")
    }

    fn get_with(&self, path: &str, cookie: &str) -> String {
        let mut connection = TcpStream::connect(&self.address).unwrap();
        write!(
            connection,
            "GET {path} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n",
            self.address
        )
        .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // The process may already have exited.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn start_prints_address_notices_and_account() {
    let open = Open::start(&mut shop(&["--port", "0"]));
    for part in [
        "http://127.0.0.1:",
        "cookie (",
        "SECRET_KEY is not set",
        "all users are logged out when this process ends",
        "without Secure",
        "never in production",
        "user ada, password lovelace",
        "Ctrl-C closes the shop",
    ] {
        assert!(open.announcement.contains(part), "{part} in {}", open.announcement);
    }
    let home = open.get("/");
    assert!(home.starts_with("HTTP/1.1 200 OK") && home.contains("<h1>"), "{home}");
}

#[test]
fn metrics_count_requests_and_have_buckets() {
    let open = Open::start(&mut shop(&["--port", "0", "--store", "sqlite::memory:"]));
    open.get("/cart");
    let unknown = "session=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    open.get_with("/cart", unknown);
    let metrics = open.get("/metrics");
    for line in [
        "session_requests_total{outcome=\"unchanged\"} 2\n",
        "session_events_total{event=\"unknown_id\"} 1\n",
        "session_store_call_duration_seconds_bucket{call=\"load\",result=\"ok\",le=\"+Inf\"} 1\n",
        "session_store_up 1\n",
        "# TYPE session_requests_total counter\n",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}

#[test]
fn key_from_environment_is_used_and_not_shown() {
    let open = Open::start(shop(&["--port", "0"]).env("SECRET_KEY", KEY));
    assert!(
        !open.announcement.contains("Notice") && !open.announcement.contains(KEY),
        "{}",
        open.announcement
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_shop_with_open_connection() {
    let mut open = Open::start(&mut shop(&["--port", "0"]));
    let silent = TcpStream::connect(&open.address).unwrap();
    // A reply on a later connection proves that the silent connection has been accepted.
    open.get("/style.css");
    let interrupt = format!("kill -INT {}", open.process.id());
    assert!(Command::new("sh").args(["-c", &interrupt]).status().unwrap().success());
    assert_eq!(open.process.wait().unwrap().code(), Some(0));
    drop(silent);
}
