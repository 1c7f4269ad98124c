//! A private server, which its test can kill, stop, freeze and restart.

use std::fmt;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Certificates;
use crate::keeper::{Keeper, Program};
use crate::port::Port;
use crate::probe::Protocol;
use crate::program::run;

const PATIENCE: Duration = Duration::from_mins(1);

/// An installed server, started for one test on a separate port and in a separate folder. On drop
/// and when the process ends for any reason, the server is killed and its folder is removed.
///
/// A method that starts the server waits until it accepts clients.
pub struct PrivateServer(Arc<Inner>);

struct Inner {
    keeper: Mutex<Keeper>,
    folder: PathBuf,
    port: Port,
    description: Description,
}

/// The properties of one kind of server.
pub(crate) struct Description {
    pub(crate) url: String,
    /// The protocol of the readiness check; without a protocol, the command-line client sends
    /// `PING`.
    pub(crate) protocol: Option<Protocol>,
    /// The command-line client and its arguments, without the query.
    pub(crate) client: Vec<String>,
    /// The signal for an orderly stop.
    pub(crate) stop_signal: &'static str,
    pub(crate) certificates: Option<Arc<Certificates>>,
}

impl PrivateServer {
    /// Returns the address, in the form that drivers accept.
    pub fn url(&self) -> &str {
        &self.0.description.url
    }

    /// Returns the port on 127.0.0.1. It does not change while this value exists.
    pub fn port(&self) -> u16 {
        self.0.port.number()
    }

    /// Returns the folder of the server. It is removed together with the server.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Returns the certificates of a server with TLS.
    pub fn certificates(&self) -> Option<&Certificates> {
        self.0.description.certificates.as_deref()
    }

    /// Returns all output of the server since its first start.
    pub fn log(&self) -> String {
        self.0.keeper().log()
    }

    /// Kills the server and its child processes with SIGKILL.
    pub async fn kill(&self) {
        self.in_background(|inner| _ = inner.keeper().order("end KILL")).await;
    }

    /// Stops the server in an orderly way.
    pub async fn stop(&self) {
        self.in_background(|inner| {
            _ = inner.keeper().order(&format!("end {}", inner.description.stop_signal));
        })
        .await;
    }

    /// Restarts the server on the same port with its data. A running server is killed first.
    pub async fn restart(&self) {
        self.in_background(|inner| {
            inner.keeper().order("end KILL");
            inner.start();
        })
        .await;
    }

    /// Freezes the server and its child processes. Connections stay open, and nothing replies.
    pub async fn pause(&self) {
        self.in_background(|inner| _ = inner.keeper().order("pause")).await;
    }

    /// Resumes a frozen server.
    pub async fn resume(&self) {
        self.in_background(|inner| _ = inner.keeper().order("resume")).await;
    }

    /// Lets each write beyond this many bytes of a file fail, as on a full disk. `None` lifts the
    /// limit. Processes that the server starts inherit it.
    pub async fn limit_files(&self, bytes: Option<u64>) {
        let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        self.in_background(move |inner| _ = inner.keeper().order(&format!("limit {limit}"))).await;
    }

    /// Sends a query through the command-line client of the server: the words of a Redis command,
    /// or one SQL statement. A word of a Redis command may have bytes as `\xHH`.
    ///
    /// Each row of a SQL result is a line.
    pub async fn ask(&self, question: &[&str]) -> String {
        let question: Vec<String> = question.iter().map(|&word| word.to_owned()).collect();
        self.in_background(move |inner| run(&mut inner.client(&question))).await
    }

    /// Like [`PrivateServer::ask`], but returns `None` if the client fails, for example because the
    /// server is down.
    pub async fn try_ask(&self, question: &[&str]) -> Option<String> {
        let question: Vec<String> = question.iter().map(|&word| word.to_owned()).collect();
        self.in_background(move |inner| {
            let output = inner.client(&question).output().ok()?;
            let success = output.status.success();
            success.then(|| String::from_utf8_lossy(&output.stdout).into_owned())
        })
        .await
    }

    /// `program` gets the folder and the port.
    pub(crate) fn start(
        name: &str,
        program: impl FnOnce(&Path, u16) -> Program,
        prepare: impl FnOnce(&Path, u16) -> Description,
    ) -> PrivateServer {
        let port = Port::reserve();
        let keeper = Keeper::new(name, |folder| program(folder, port.number()));
        let folder = keeper.folder().to_owned();
        let description = prepare(&folder, port.number());
        let inner = Inner { keeper: Mutex::new(keeper), folder, port, description };
        inner.start();
        PrivateServer(Arc::new(inner))
    }

    /// Returns the command-line client and its arguments, without the query.
    pub(crate) fn client(&self) -> Vec<String> {
        self.0.description.client.clone()
    }

    pub(crate) fn ask_now(&self, question: &[&str]) -> String {
        let question: Vec<String> = question.iter().map(|&word| word.to_owned()).collect();
        run(&mut self.0.client(&question))
    }

    async fn in_background<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> T + Send + 'static,
    ) -> T {
        let inner = Arc::clone(&self.0);
        in_background(move || work(&inner)).await
    }
}

impl Inner {
    /// Ignores poisoning: if a test panics while it holds the lock, the keeper still works.
    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self) {
        self.keeper().order("start");
        wait_until("the server is ready", || {
            let runs = self.keeper().order("look");
            assert!(runs, "The server ended at once. Its output:\n{}", self.keeper().log());
            self.is_ready()
        });
    }

    fn is_ready(&self) -> bool {
        match self.description.protocol {
            Some(protocol) => protocol.is_ready(self.port.number()),
            None => self
                .client(&["PING".into()])
                .output()
                .is_ok_and(|output| output.stdout.starts_with(b"PONG")),
        }
    }

    fn client(&self, question: &[String]) -> Command {
        let (program, arguments) =
            self.description.client.split_first().expect("a client has a name");
        let mut command = Command::new(program);
        command.args(arguments);
        if program.ends_with("redis-cli") {
            command.args(crate::redis::words(question));
        } else {
            command.args(question);
        }
        command
    }
}

impl fmt::Debug for PrivateServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PrivateServer").field("port", &self.port()).finish_non_exhaustive()
    }
}

/// Checks the condition every 10 milliseconds, and panics after a minute.
pub(crate) fn wait_until(what: &str, is_so: impl FnMut() -> bool) {
    assert!(comes_true(is_so), "waited {PATIENCE:?} until {what}");
}

/// Checks the condition every 10 milliseconds, and returns `false` after a minute.
pub(crate) fn comes_true(mut is_so: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        if is_so() {
            return true;
        }
        sleep(Duration::from_millis(10));
    }
    false
}

/// Runs blocking code on a thread where it delays no task of the test.
pub(crate) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => resume_unwind(error.into_panic()),
    }
}
