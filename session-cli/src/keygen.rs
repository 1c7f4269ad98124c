//! The command `keygen`, which prints a new secret key.

use std::fmt::Write as _;
use std::process::ExitCode;

use crate::failure::Failure;
use crate::output::{self, Row};

pub(crate) fn run(json: bool) -> Result<ExitCode, Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(Failure::random)?;
    let key = bytes.iter().fold(String::new(), |mut key, byte| {
        // Writing to a string does not fail.
        let _ = write!(key, "{byte:02x}");
        key
    });
    if json {
        output::object(Row::new().text("key", key))?;
    } else {
        output::line(&key)?;
    }
    Ok(ExitCode::SUCCESS)
}
