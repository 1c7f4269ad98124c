//! Flask with the versions and the environment of the project's tests.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Returns the path of a Python interpreter with Flask. Creates the environment if it does not
/// exist.
pub fn python() -> String {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scripts/flask-venv");
    let output = Command::new(script).stderr(Stdio::inherit()).output().expect("the script starts");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Returns the path of a file next to these sources.
pub fn source(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src").join(name)
}
