//! A server of the test's own, which the test may kill, stop, freeze and start again.

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

/// An installed server, started for one test on a port and in a folder of its own. Dropping it ends the server and removes
/// the folder; so does the end of the process, however it comes.
///
/// A method that starts the server waits until it takes clients.
pub struct PrivateServer(Arc<Inner>);

struct Inner {
    keeper: Mutex<Keeper>,
    folder: PathBuf,
    port: Port,
    description: Description,
}

/// What the parts of this crate that know one kind of server say about it.
pub(crate) struct Description {
    pub(crate) url: String,
    /// How to see that the server is ready; without a protocol, the client asks for `PING`.
    pub(crate) protocol: Option<Protocol>,
    /// The command-line client and its arguments, before those of a question.
    pub(crate) client: Vec<String>,
    /// What makes the server stop in an orderly way.
    pub(crate) stop_signal: &'static str,
    pub(crate) certificates: Option<Arc<Certificates>>,
}

impl PrivateServer {
    /// The address, in the form that the drivers take.
    pub fn url(&self) -> &str {
        &self.0.description.url
    }

    /// The port on 127.0.0.1. It stays the same as long as this value lives.
    pub fn port(&self) -> u16 {
        self.0.port.number()
    }

    /// The server's folder, which goes away with it.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// The certificates of a server with TLS.
    pub fn certificates(&self) -> Option<&Certificates> {
        self.0.description.certificates.as_deref()
    }

    /// What the server wrote to its output since it was started for the first time.
    pub fn log(&self) -> String {
        self.0.keeper().log()
    }

    /// Ends the server and its children at once, as kill -9 does.
    pub async fn kill(&self) {
        self.in_background(|inner| _ = inner.keeper().order("end KILL")).await;
    }

    /// Ends the server in the orderly way of its kind.
    pub async fn stop(&self) {
        self.in_background(|inner| {
            _ = inner.keeper().order(&format!("end {}", inner.description.stop_signal));
        })
        .await;
    }

    /// Starts the server again on the same port, with the data that it left. If it still runs, it is killed first.
    pub async fn restart(&self) {
        self.in_background(|inner| {
            inner.keeper().order("end KILL");
            inner.start();
        })
        .await;
    }

    /// Freezes the server and its children: connections stay open, and nothing answers.
    pub async fn pause(&self) {
        self.in_background(|inner| _ = inner.keeper().order("pause")).await;
    }

    /// Lets a frozen server go on.
    pub async fn resume(&self) {
        self.in_background(|inner| _ = inner.keeper().order("resume")).await;
    }

    /// Asks the server through its own command-line client: the words of a Redis command, or one SQL statement.
    ///
    /// Of a SQL result, each row is a line.
    pub async fn ask(&self, question: &[&str]) -> String {
        let question: Vec<String> = question.iter().map(|&word| word.to_owned()).collect();
        self.in_background(move |inner| run(&mut inner.client(&question))).await
    }

    /// `program` is told the folder and the port.
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

    /// The command-line client and its arguments, before those of a question.
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
    /// A test that panicked while it held the lock leaves a keeper that still keeps.
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
        command.args(arguments).args(question);
        command
    }
}

impl fmt::Debug for PrivateServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PrivateServer").field("port", &self.port()).finish_non_exhaustive()
    }
}

/// Looks again and again, each 10 milliseconds, and fails after a minute.
pub(crate) fn wait_until(what: &str, is_so: impl FnMut() -> bool) {
    assert!(comes_true(is_so), "waited {PATIENCE:?} until {what}");
}

/// Looks again and again, each 10 milliseconds, and gives up after a minute.
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

/// Runs what waits for programs where it holds up no task of the test.
pub(crate) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => resume_unwind(error.into_panic()),
    }
}
