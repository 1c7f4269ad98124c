//! Queries of servers by their addresses, and checks of running processes.

#![allow(dead_code, reason = "each test file uses a part")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use url::Url;

pub(crate) fn port_of(url: &str) -> u16 {
    Url::parse(url).unwrap().port().unwrap()
}

/// Returns the reply of a server, queried by the command-line client that fits the URL.
pub(crate) fn ask(url: &str, question: &str) -> String {
    try_ask(url, question).unwrap()
}

/// Returns the standard error of the command-line client if it fails.
pub(crate) fn try_ask(url: &str, question: &str) -> Result<String, String> {
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
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

/// Returns whether a process accepts connections at the port.
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

/// A child process that starts a server, and its output.
pub(crate) struct Owner {
    pub(crate) process: Child,
    pub(crate) url: String,
    /// Stays open: the owner process panics if it cannot print the remaining addresses.
    _output: BufReader<ChildStdout>,
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
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut url).unwrap();
        Owner { process, url: url.trim().to_owned(), _output: output }
    }

    pub(crate) fn folders(&self) -> Vec<String> {
        folders_of(self.process.id())
    }

    /// Returns the server processes, without their child processes.
    pub(crate) fn servers(&self) -> Vec<u32> {
        children_of(self.process.id()).into_iter().flat_map(children_of).collect()
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Returns the folders of servers that a process has started.
pub(crate) fn folders_of(process: u32) -> Vec<String> {
    std::env::temp_dir()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("test-servers-") && name.contains(&format!("-{process}-")))
        .collect()
}

pub(crate) fn stop_process(process: u32) {
    let stopped = Command::new("kill").args(["-STOP", &process.to_string()]).status().unwrap();
    assert!(stopped.success());
    wait_until("the process is stopped", || {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        status.contains("State:\tT")
    });
}

pub(crate) fn runs(process: u32) -> bool {
    Path::new("/proc").join(process.to_string()).exists()
}

/// Linux lists the child processes of each thread separately.
fn children_of(process: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.unwrap().path().join("children")).ok())
        .flat_map(|children| {
            children.split_whitespace().map(|child| child.parse().unwrap()).collect::<Vec<_>>()
        })
        .collect()
}
