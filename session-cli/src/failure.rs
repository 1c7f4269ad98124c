//! The errors of the tool, with their exit codes.

use std::error::Error as StdError;
use std::fmt;
use std::process::ExitCode;

use session_core::{Error, ErrorKind};

/// An error, with its message for the user.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

/// The session was not found or is not valid.
pub(crate) const NOT_FOUND: u8 = 1;
const USAGE: u8 = 2;
const UNAVAILABLE: u8 = 3;

impl Failure {
    /// Returns an error for wrong usage or configuration.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: USAGE }
    }

    /// Returns an error for a failure to write the output.
    pub(crate) fn output(error: std::io::Error) -> Self {
        Self { message: format!("cannot write the output: {error}"), code: USAGE }
    }

    /// Returns an error for a failure of the system's random generator.
    pub(crate) fn random(error: getrandom::Error) -> Self {
        Self::usage(format!("cannot read random bytes from the operating system: {error}"))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            ErrorKind::Unavailable | ErrorKind::Backend | ErrorKind::Conflict => UNAVAILABLE,
            _ => USAGE,
        };
        let mut message = error.to_string();
        let mut cause = StdError::source(&error);
        while let Some(next) = cause {
            message = format!("{message}: {next}");
            cause = next.source();
        }
        Self { message, code }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
