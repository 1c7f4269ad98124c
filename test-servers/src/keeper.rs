//! A small shell process that owns one server. It stops the server on request and when this process
//! ends.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The program that the keeper runs, and the signal that kills it.
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) last_signal: &'static str,
}

#[derive(Debug)]
pub(crate) struct Keeper {
    shell: Child,
    orders: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
    folder: PathBuf,
}

impl Keeper {
    /// Creates the folder. `program` gets its path. The server may write its files there.
    pub(crate) fn new(name: &str, program: impl FnOnce(&Path) -> Program) -> Keeper {
        let folder = std::env::temp_dir().join(format!(
            "test-servers-{name}-{}-{:08x}",
            std::process::id(),
            fastrand::u32(..)
        ));
        let program = program(&folder);
        let mut shell = spawn(&folder, program);
        let orders = shell.stdin.take();
        let replies = BufReader::new(shell.stdout.take().expect("the output is piped"));
        let mut keeper = Keeper { shell, orders, replies, folder };
        assert_eq!(keeper.reply(), "ready", "no folder {} can be made", keeper.folder.display());
        keeper
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Sends an order and returns whether the server runs afterwards.
    pub(crate) fn order(&mut self, order: &str) -> bool {
        let orders = self.orders.as_mut().expect("the keeper is there until it is dropped");
        writeln!(orders, "{order}").expect("the keeper listens");
        self.reply() == "up"
    }

    /// Returns the output of the server.
    pub(crate) fn log(&self) -> String {
        let mut text = String::new();
        match fs::read(self.folder.join("log")) {
            Ok(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
            Err(error) => write!(text, "no log: {error}").expect("text takes text"),
        }
        text
    }

    fn reply(&mut self) -> String {
        let mut line = String::new();
        self.replies.read_line(&mut line).expect("the keeper answers");
        line.trim_end().to_owned()
    }
}

fn spawn(folder: &Path, program: Program) -> Child {
    Command::new("sh")
        .args(["-c", include_str!("keeper.sh"), "test-servers-keeper"])
        .arg(folder)
        .arg(program.last_signal)
        .arg(program.path)
        .args(program.arguments)
        // An interrupt at the terminal is sent to the whole process group of the test.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh starts")
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::TemporaryFolder;

    #[test]
    fn keeper_with_undeliverable_reply_ends_server() {
        let parent = TemporaryFolder::new();
        let folder = parent.path().join("server");
        let program = Program {
            path: "sleep".into(),
            arguments: vec!["1000".to_owned()],
            last_signal: "KILL",
        };
        let mut shell = spawn(&folder, program);
        let mut orders = shell.stdin.take().expect("the input is piped");
        let mut replies = BufReader::new(shell.stdout.take().expect("the output is piped"));
        let mut line = String::new();
        orders.write_all(b"start\n").expect("the keeper listens");
        replies.read_line(&mut line).expect("the keeper replies");
        replies.read_line(&mut line).expect("the keeper replies");
        assert_eq!(line, "ready\nup\n");

        drop(replies);
        orders.write_all(b"look\n").expect("the keeper listens");
        drop(orders);
        let status = shell.wait().expect("the keeper is a child of this process");
        assert!(status.success(), "{status}");
        assert!(!folder.exists(), "the keeper removes the folder after the server has ended");
    }
}
