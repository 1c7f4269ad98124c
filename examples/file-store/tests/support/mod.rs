//! What the tests of several processes share: a directory on a disk, and child processes that run one test of this
//! same program.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

const DIRECTORY: &str = "FILE_STORE_DIRECTORY";

/// A directory for one test, removed at its end; beside the build, for the usual place may be in memory only.
pub(crate) fn directory() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A runtime on this thread.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// This program again, to run the one test of this name in a process of its own, with what it reports on its standard
/// error. There [`child_directory`] tells it that it is the child.
pub(crate) fn child(test: &str, directory: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(DIRECTORY, directory);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// The directory that the parent gave, in a child.
pub(crate) fn child_directory() -> Option<PathBuf> {
    env::var_os(DIRECTORY).map(PathBuf::from)
}

/// A number of repetitions: the value of the environment variable, or the default.
pub(crate) fn repetitions(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| text.parse().unwrap())
}
