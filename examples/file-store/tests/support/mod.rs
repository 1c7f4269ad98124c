//! Helpers for tests with several processes: a directory on a disk, and child processes that run
//! one test of this program.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

const DIRECTORY: &str = "FILE_STORE_DIRECTORY";

/// Creates a directory for one test, which is removed at the end. It is next to the build, because
/// the default folder can be in memory.
pub(crate) fn directory() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Returns a runtime on this thread.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// Returns a command that runs only the named test of this program in a separate process and pipes
/// its standard error. In the child, [`child_directory`] returns the directory.
pub(crate) fn child(test: &str, directory: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(DIRECTORY, directory);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Returns the directory that the parent passed, in a child.
pub(crate) fn child_directory() -> Option<PathBuf> {
    env::var_os(DIRECTORY).map(PathBuf::from)
}

/// Returns a number of repetitions: the value of the environment variable, or the default.
pub(crate) fn repetitions(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| text.parse().unwrap())
}
