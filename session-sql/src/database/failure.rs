//! The errors of sqlx as errors of a session store.

use std::error::Error as StdError;
use std::fmt;

use session_core::{Error, ErrorKind};
use sqlx::error::DatabaseError;

/// What a database's own error means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Meaning {
    /// It cannot serve now, and did nothing: the same call may succeed later.
    Outage,
    /// It undid the whole statement, for another was in the way: the same statement is as good as one that comes later.
    RolledBack,
    /// The table is not there.
    NoTable,
    /// A payload is more than it takes.
    TooLarge,
    /// Its message may quote what was to be stored.
    Quoting,
    Other,
}

/// A database's answer, without what it may quote: Debug of sqlx's own error shows the rows that were refused.
#[derive(Debug)]
struct Answered {
    code: Option<String>,
    message: Option<String>,
}

/// The deadline passed.
#[derive(Debug)]
struct DeadlinePassed;

/// What was to be stored is longer than what the server takes.
#[derive(Debug)]
struct TooLong {
    length: usize,
    limit: u64,
}

pub(super) fn deadline(name: &str) -> Error {
    unavailable(name).with_source(DeadlinePassed)
}

/// The error for what sqlx gave.
pub(super) fn convert(name: &str, error: sqlx::Error, meaning: fn(&dyn DatabaseError) -> Meaning) -> Error {
    match error {
        sqlx::Error::Database(error) => answered(name, &*error, meaning(&*error)),
        sqlx::Error::Encode(source) => too_large(name).with_source(source),
        error if is_outage(&error) => unavailable(name).with_source(error),
        sqlx::Error::Configuration(source) => {
            let message = format!("the address of the {name} session store is not understood");
            Error::new(ErrorKind::Configuration, message).with_source(source)
        }
        error => {
            let message = format!("the {name} session store gave an answer that makes no sense");
            Error::new(ErrorKind::Backend, message).with_source(error)
        }
    }
}

/// The error for values of this length, in bytes, if a server with this limit for a whole message refuses them.
pub(super) fn too_long(length: usize, limit: u64) -> Option<sqlx::Error> {
    // The message has more in it than the values.
    let refused = u64::try_from(length).is_ok_and(|length| length.saturating_add(1024) > limit);
    refused.then(|| sqlx::Error::Encode(Box::new(TooLong { length, limit })))
}

/// Whether the database refused the statement, and so undid it. One that goes down may have done all of it.
pub(super) fn is_refusal(error: &sqlx::Error, meaning: fn(&dyn DatabaseError) -> Meaning) -> bool {
    error.as_database_error().is_some_and(|error| meaning(error) != Meaning::Outage)
}

/// The same failure, which is no refusal, for another of the calls that it met.
pub(super) fn copy(error: &sqlx::Error) -> sqlx::Error {
    match error {
        sqlx::Error::Io(error) => sqlx::Error::Io(std::io::Error::new(error.kind(), error.to_string())),
        sqlx::Error::Database(error) => sqlx::Error::Io(std::io::Error::other(error.message().to_owned())),
        sqlx::Error::Tls(error) => sqlx::Error::Tls(error.to_string().into()),
        sqlx::Error::PoolTimedOut => sqlx::Error::PoolTimedOut,
        sqlx::Error::PoolClosed => sqlx::Error::PoolClosed,
        sqlx::Error::WorkerCrashed => sqlx::Error::WorkerCrashed,
        error => sqlx::Error::Protocol(error.to_string()),
    }
}

/// Whether a connection is of no more use after this error.
pub(super) fn breaks_connection(error: &sqlx::Error, meaning: fn(&dyn DatabaseError) -> Meaning) -> bool {
    match error {
        sqlx::Error::Database(error) => matches!(meaning(&**error), Meaning::Outage | Meaning::TooLarge),
        _ => true,
    }
}

/// Whether the database says that it undid the statement.
pub(super) fn is_rolled_back(error: &sqlx::Error, meaning: fn(&dyn DatabaseError) -> Meaning) -> bool {
    error.as_database_error().is_some_and(|error| meaning(error) == Meaning::RolledBack)
}

/// Whether SQLite's file is locked.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

fn answered(name: &str, error: &dyn DatabaseError, meaning: Meaning) -> Error {
    let shown = meaning != Meaning::Quoting;
    let source = Answered {
        code: error.code().map(std::borrow::Cow::into_owned),
        message: shown.then(|| error.message().to_owned()),
    };
    let failure = match meaning {
        Meaning::Outage | Meaning::RolledBack => unavailable(name),
        Meaning::TooLarge => too_large(name),
        Meaning::NoTable => {
            Error::new(ErrorKind::Backend, format!("the {name} session store has no table: `migrate` creates it"))
        }
        Meaning::Quoting if error.is_unique_violation() => {
            let message = format!("the {name} session store has a record under a key that should be new");
            Error::new(ErrorKind::Backend, message)
        }
        Meaning::Quoting | Meaning::Other => {
            Error::new(ErrorKind::Backend, format!("the {name} session store answered with a failure"))
        }
    };
    failure.with_source(source)
}

fn is_outage(error: &sqlx::Error) -> bool {
    use sqlx::Error::{Io, PoolClosed, PoolTimedOut, Tls, WorkerCrashed};
    matches!(error, Io(_) | Tls(_) | PoolTimedOut | PoolClosed | WorkerCrashed)
}

fn unavailable(name: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the {name} session store is not available"))
}

fn too_large(name: &str) -> Error {
    Error::new(ErrorKind::TooLarge, format!("the session is more than {name} takes"))
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or("the database refused what was to be stored"))?;
        match &self.code {
            Some(code) => write!(f, " (code {code})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for DeadlinePassed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer came before the deadline")
    }
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes are to be stored, and a whole message may have {}", self.length, self.limit)
    }
}

impl StdError for Answered {}

impl StdError for DeadlinePassed {}

impl StdError for TooLong {}
