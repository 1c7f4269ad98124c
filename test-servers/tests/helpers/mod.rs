//! Questions to servers by their addresses, and a look at the processes that run.

#![allow(dead_code, reason = "each test file uses a part")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use url::Url;

pub(crate) fn port_of(url: &str) -> u16 {
    Url::parse(url).unwrap().port().unwrap()
}

/// Asks through the command-line client that fits the address.
pub(crate) fn ask(url: &str, question: &str) -> String {
    let parsed = Url::parse(url).unwrap();
    let mut command = match parsed.scheme() {
        "redis" => Command::new("redis-cli"),
        "postgres" => Command::new("psql"),
        _ => Command::new("mariadb"),
    };
    match parsed.scheme() {
        "redis" => command.args(["-u", url]).args(question.split(' ')),
        "postgres" => command.args(["-X", "-At", "-d", url, "-c", question]),
        _ => command
            .args(["--no-defaults", "-h127.0.0.1", &format!("-P{}", parsed.port().unwrap())])
            .args([format!("-u{}", parsed.username()), format!("-p{}", parsed.password().unwrap())])
            .args(["-NBe", question, &parsed.path()[1..]]),
    };
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Whether something still takes connections at the port.
pub(crate) fn listens(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_mins(1), "waited until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Another process that starts a server, and what it prints.
pub(crate) struct Owner {
    pub(crate) process: Child,
    pub(crate) url: String,
}

impl Owner {
    pub(crate) fn start(server: &str, environment: &[(&str, &str)]) -> Owner {
        let mut process = Command::new(env!("CARGO_BIN_EXE_test-servers"))
            .arg(server)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Owner { process, url: url.trim().to_owned() }
    }

    pub(crate) fn folders(&self) -> Vec<String> {
        folders_of(self.process.id())
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// The folders of servers that a process has started.
pub(crate) fn folders_of(process: u32) -> Vec<String> {
    std::env::temp_dir()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("test-servers-") && name.contains(&format!("-{process}-")))
        .collect()
}
