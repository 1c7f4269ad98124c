//! A server in a separate process, which separates its processor time from that of the clients.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// The process is ended on drop.
pub struct Server {
    process: Child,
    pub port: u16,
}

impl Server {
    pub async fn start(name: &str, database: &str) -> Self {
        let mut command = if name == "Flask" { flask() } else { itself(name, database) };
        let mut process =
            command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("a server starts");
        let output = process.stdout.take().expect("its output is piped");
        let line = BufReader::new(output)
            .lines()
            .next_line()
            .await
            .expect("a server can be read")
            .unwrap_or_default();
        let port = line.trim().parse().unwrap_or_else(|_| panic!("{name} printed no port: {line}"));
        Self { process, port }
    }

    /// Returns the processor time used so far, in seconds.
    pub fn cpu(&self) -> f64 {
        let id = self.process.id().expect("a server runs");
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("Linux tells");
        // The program name is in parentheses and can contain spaces.
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let ticks: f64 = after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|ticks| ticks.parse::<f64>().ok())
            .sum();
        // Linux reports hundredths of a second, independent of its internal clock.
        ticks / 100.0
    }
}

fn itself(name: &str, database: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a program knows itself"));
    command.args(["serve", name, database]);
    command
}

/// Flask's built-in server, with threads.
fn flask() -> Command {
    let mut command = Command::new(crate::flask::python());
    command.arg(crate::flask::source("http/flask_server.py")).stderr(Stdio::null());
    command
}
