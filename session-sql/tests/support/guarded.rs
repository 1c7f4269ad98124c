//! A server process that ends with the test's process, however that ends: a shell waits on a pipe for it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The script gets the folder and the command. It says the process id, waits for the end of the pipe, and kills the server.
const SCRIPT: &str = r#"
folder=$1; shift
"$@" </dev/null >>"$folder/output" 2>&1 &
server=$!
echo $server
read -r _
kill -KILL $server 2>/dev/null
wait $server 2>/dev/null
"#;

pub struct Guarded {
    folder: PathBuf,
    shell: Child,
    server: String,
}

impl Guarded {
    pub fn start(folder: &Path, command: &Command) -> Self {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(SCRIPT).arg("sh").arg(folder).arg(command.get_program()).args(command.get_args());
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut server = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut server).unwrap();
        Self { folder: folder.to_owned(), shell, server: server.trim().to_owned() }
    }

    /// kill -9.
    pub fn kill(&mut self) {
        drop(self.shell.stdin.take());
        self.shell.wait().unwrap();
    }

    /// The server hangs from now on, and so do the processes that it started.
    pub fn hang(&self) {
        self.signal("STOP");
    }

    pub fn go_on(&self) {
        self.signal("CONT");
    }

    /// What it has written so far.
    pub fn output(&self) -> String {
        std::fs::read_to_string(self.folder.join("output")).unwrap()
    }

    fn signal(&self, signal: &str) {
        let children = format!("/proc/{0}/task/{0}/children", self.server);
        let children = std::fs::read_to_string(children).unwrap_or_default();
        for process in children.split_whitespace().chain([self.server.as_str()]) {
            let _ = Command::new("kill").arg(format!("-{signal}")).arg(process).stderr(Stdio::null()).status();
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.signal("CONT");
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
