//! The errors of sqlx as errors of a session store.

use std::error::Error as StdError;
use std::fmt;

use session_core::{Error, ErrorKind};
use sqlx::error::DatabaseError;

/// The meaning of a database's error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Meaning {
    /// The database is not available. The call may have been applied.
    Outage,
    /// The server accepts no writes, for example because another server has replaced it.
    ReadOnly,
    /// The whole statement was rolled back because of another statement. The statement can be
    /// repeated.
    RolledBack,
    /// The table or a column does not exist.
    Missing,
    /// The user of the database has no permission for the statement.
    Denied,
    /// A payload exceeds a limit of the database.
    TooLarge,
    /// The message may quote values of the statement.
    Quoting,
    Other,
}

/// A database's error without the values that its message may quote. `Debug` of sqlx's error shows
/// rejected rows.
#[derive(Debug)]
struct Reported {
    meaning: Meaning,
    code: Option<String>,
    message: Option<String>,
}

/// The error of a call whose deadline passed.
#[derive(Debug)]
struct DeadlinePassed;

/// The error of values that are longer than the server accepts.
#[derive(Debug)]
struct TooLong {
    length: usize,
    limit: u64,
}

pub(super) fn deadline(name: &str) -> Error {
    unavailable(name).with_source(DeadlinePassed)
}

/// Converts an error of sqlx.
pub(super) fn convert(
    name: &str,
    error: sqlx::Error,
    meaning: fn(&dyn DatabaseError) -> Meaning,
) -> Error {
    match error {
        sqlx::Error::Database(error) => reported(name, &*error, meaning(&*error)),
        sqlx::Error::Encode(source) => too_large(name).with_source(source),
        // SQLite reports an invalid file name as invalid data.
        error if is_of_tls(&error) && name != "sqlite" => untrusted(name).with_source(error),
        error if is_outage(&error) => unavailable(name).with_source(error),
        sqlx::Error::Configuration(source) => {
            let message = format!("address of the {name} session store is invalid");
            Error::new(ErrorKind::Configuration, message).with_source(source)
        }
        error => {
            let message = format!("{name} session store returned an unexpected result");
            Error::new(ErrorKind::Backend, message).with_source(error)
        }
    }
}

/// Returns the error for values of this length in bytes, if they exceed the server's limit for a
/// message.
pub(super) fn too_long(length: usize, limit: u64) -> Option<sqlx::Error> {
    // The message contains more than the values.
    let rejected = u64::try_from(length).is_ok_and(|length| length.saturating_add(1024) > limit);
    rejected.then(|| sqlx::Error::Encode(Box::new(TooLong { length, limit })))
}

/// Returns whether the database rejected the statement because of its values, and therefore rolled
/// it back. A database that shuts down may have applied the statement. A read-only database would
/// reject each part of the statement.
pub(super) fn is_rejection(
    error: &sqlx::Error,
    meaning: fn(&dyn DatabaseError) -> Meaning,
) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| !matches!(meaning(error), Meaning::Outage | Meaning::ReadOnly))
}

/// Returns whether the server accepts no writes.
pub(super) fn is_read_only(
    error: &sqlx::Error,
    meaning: fn(&dyn DatabaseError) -> Meaning,
) -> bool {
    error.as_database_error().is_some_and(|error| meaning(error) == Meaning::ReadOnly)
}

/// Returns whether the statement changed nothing and did not affect earlier statements of its
/// transaction.
pub(super) fn changes_nothing(
    error: &sqlx::Error,
    meaning: fn(&dyn DatabaseError) -> Meaning,
) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| matches!(meaning(error), Meaning::Quoting | Meaning::Missing))
}

/// Copies a failure of unknown effect for another call. The copy of an error of the database is an
/// I/O error, so the copy means that the database is not available.
pub(super) fn copy(error: &sqlx::Error) -> sqlx::Error {
    match error {
        sqlx::Error::Io(error) => {
            sqlx::Error::Io(std::io::Error::new(error.kind(), error.to_string()))
        }
        sqlx::Error::Database(error) => {
            sqlx::Error::Io(std::io::Error::other(error.message().to_owned()))
        }
        sqlx::Error::Tls(error) => sqlx::Error::Tls(error.to_string().into()),
        sqlx::Error::PoolTimedOut => sqlx::Error::PoolTimedOut,
        sqlx::Error::PoolClosed => sqlx::Error::PoolClosed,
        sqlx::Error::WorkerCrashed => sqlx::Error::WorkerCrashed,
        error => sqlx::Error::Protocol(error.to_string()),
    }
}

/// Returns whether the connection must be closed after this error.
pub(super) fn breaks_connection(
    error: &sqlx::Error,
    meaning: fn(&dyn DatabaseError) -> Meaning,
) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            matches!(meaning(&**error), Meaning::Outage | Meaning::ReadOnly | Meaning::TooLarge)
        }
        _ => true,
    }
}

/// Returns whether the database reports that the statement was rolled back.
pub(super) fn is_rolled_back(
    error: &sqlx::Error,
    meaning: fn(&dyn DatabaseError) -> Meaning,
) -> bool {
    error.as_database_error().is_some_and(|error| meaning(error) == Meaning::RolledBack)
}

/// Returns whether the database denied a permission.
pub(crate) fn is_denied(error: &Error) -> bool {
    reports(error, Meaning::Denied)
}

/// Returns whether the table or a column does not exist.
pub(crate) fn is_missing(error: &Error) -> bool {
    reports(error, Meaning::Missing)
}

fn reports(error: &Error, meaning: Meaning) -> bool {
    let reported = error.source().and_then(|source| source.downcast_ref::<Reported>());
    reported.is_some_and(|reported| reported.meaning == meaning)
}

/// Returns whether SQLite could not write because of an I/O error or a full disk.
pub(super) fn is_of_disk(error: &sqlx::Error) -> bool {
    matches!(sqlite_code(error), Some(10 | 13))
}

/// Returns whether the SQLite file is locked.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(sqlite_code(error), Some(5 | 6))
}

/// Returns the primary result code of SQLite.
fn sqlite_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?.parse::<u32>().ok()?;
    Some(code & 0xff)
}

fn reported(name: &str, error: &dyn DatabaseError, meaning: Meaning) -> Error {
    let shown = meaning != Meaning::Quoting;
    let source = Reported {
        meaning,
        code: error.code().map(std::borrow::Cow::into_owned),
        message: shown.then(|| error.message().to_owned()),
    };
    let failure = match meaning {
        Meaning::Outage | Meaning::ReadOnly | Meaning::RolledBack => unavailable(name),
        Meaning::TooLarge => too_large(name),
        Meaning::Missing => Error::new(
            ErrorKind::Backend,
            format!(
                "{name} session store has no table, or an incomplete one; run SqlStore::migrate"
            ),
        ),
        Meaning::Quoting if error.is_unique_violation() => {
            let message =
                format!("{name} session store already has a record under a key that must be new");
            Error::new(ErrorKind::Backend, message)
        }
        Meaning::Denied => {
            let message = format!("user of the {name} session store lacks a permission");
            Error::new(ErrorKind::Backend, message)
        }
        Meaning::Quoting | Meaning::Other => {
            Error::new(ErrorKind::Backend, format!("{name} session store returned an error"))
        }
    };
    failure.with_source(source)
}

/// Returns whether TLS failed. rustls reports a certificate that it rejects as invalid data.
fn is_of_tls(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Tls(_) => true,
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
        _ => false,
    }
}

fn is_outage(error: &sqlx::Error) -> bool {
    use sqlx::Error::{Io, PoolClosed, PoolTimedOut, WorkerCrashed};
    matches!(error, Io(_) | PoolTimedOut | PoolClosed | WorkerCrashed)
}

fn untrusted(name: &str) -> Error {
    let remedy = if cfg!(feature = "tls") {
        "set the certificate authority or the TLS mode in its address"
    } else {
        "enable the feature `tls` of session-sql, or set the TLS mode in its address"
    };
    let message = format!("{name} session store has no trusted TLS connection; {remedy}");
    Error::new(ErrorKind::Unavailable, message)
}

fn unavailable(name: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("{name} session store is not available"))
}

fn too_large(name: &str) -> Error {
    Error::new(ErrorKind::TooLarge, format!("session record exceeds a limit of {name}"))
}

impl fmt::Display for Reported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or("the database rejected the values"))?;
        match &self.code {
            Some(code) => write!(f, " (code {code})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for DeadlinePassed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no reply before the deadline")
    }
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} bytes of values exceed the limit of {} bytes for a message",
            self.length, self.limit
        )
    }
}

impl StdError for Reported {}

impl StdError for DeadlinePassed {}

impl StdError for TooLong {}
