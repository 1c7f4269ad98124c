//! Flask as the project's tests run it: the same versions, in the same environment.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The Python that has Flask. The environment is made if it is not there.
pub fn python() -> String {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scripts/flask-venv");
    let output = Command::new(script).stderr(Stdio::inherit()).output().expect("the script starts");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A file beside these sources.
pub fn source(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src").join(name)
}
