//! The errors of the driver as errors of the store.

use std::error::Error as StdError;
use std::io;

use redis::{RedisError, ServerErrorKind};
use session_core::{Error, ErrorKind};

/// Returns the error of a call of the store.
pub(crate) fn failed(call: &'static str, error: RedisError) -> Error {
    let kind = kind(&error);
    let message = match kind {
        ErrorKind::Unavailable => format!("redis did not reply ({call})"),
        ErrorKind::Configuration => format!("settings of the redis store are invalid ({call})"),
        _ => format!("redis returned an error ({call})"),
    };
    Error::new(kind, message).with_source(source(error))
}

/// Returns the error of a call that found a record in a format that only newer builds read.
pub(crate) fn newer_format(call: &'static str) -> Error {
    let message = format!("redis has a session record of a newer format ({call})");
    Error::newer_format(message)
        .with_source("a newer version of session-redis wrote the record; upgrade this process")
}

/// Returns the error for a missing reply.
pub(crate) fn timed_out() -> RedisError {
    io::Error::new(io::ErrorKind::TimedOut, "no reply before the deadline").into()
}

/// Returns whether the key has a value of a type that this store does not write, such as a list.
pub(crate) fn is_of_another_type(error: &RedisError) -> bool {
    // Redis 6 wraps the errors of a script.
    error.code() == Some("WRONGTYPE")
        || error.detail().is_some_and(|detail| detail.contains("WRONGTYPE"))
}

/// Returns whether the server does not support an option of a command. The command then had no
/// effect.
pub(crate) fn is_syntax_error(error: &RedisError) -> bool {
    error.detail().is_some_and(|detail| detail.contains("syntax error"))
}

fn kind(error: &RedisError) -> ErrorKind {
    use redis::ErrorKind as Driver;
    // A failure to connect to a Cluster is always an I/O error.
    let refused = |detail: &str| {
        ["WRONGPASS", "NOAUTH", "cluster support disabled"].iter().any(|part| detail.contains(part))
    };
    match error.kind() {
        Driver::Io if error.detail().is_some_and(refused) => ErrorKind::Backend,
        Driver::Io
        | Driver::ClusterConnectionNotFound
        | Driver::MasterNameNotFoundBySentinel
        | Driver::NoValidReplicasFoundBySentinel
        | Driver::Server(
            ServerErrorKind::BusyLoading
            | ServerErrorKind::Moved
            | ServerErrorKind::Ask
            | ServerErrorKind::TryAgain
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::ReadOnly,
        ) => ErrorKind::Unavailable,
        Driver::InvalidClientConfig | Driver::EmptySentinelList => ErrorKind::Configuration,
        _ if matches!(error.code(), Some("BUSY" | "NOREPLICAS" | "OOM" | "MISCONF")) => {
            ErrorKind::Unavailable
        }
        // Redis 6 wraps the error of a script that wrote on a replica or a full server.
        _ if error.detail().is_some_and(is_wrapped_outage) => ErrorKind::Unavailable,
        _ => ErrorKind::Backend,
    }
}

fn is_wrapped_outage(detail: &str) -> bool {
    ["-READONLY", "-OOM", "-MISCONF"].iter().any(|code| detail.contains(code))
}

/// Returns the driver's error without the arguments of an unknown command, which Redis quotes.
fn source(error: RedisError) -> Box<dyn StdError + Send + Sync> {
    let text = error.to_string();
    match text.split_once("with args beginning with") {
        Some((before, _)) => before.trim_end_matches([',', ' ']).into(),
        None => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(line: &str) -> Error {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        failed("load", value.extract_error().unwrap_err())
    }

    #[test]
    fn temporary_errors_are_unavailable_and_others_backend_errors() {
        for line in [
            "LOADING Redis is loading the dataset in memory",
            "MOVED 3999 127.0.0.1:6381",
            "ASK 3999 127.0.0.1:6381",
            "TRYAGAIN later",
            "CLUSTERDOWN Hash slot not served",
            "MASTERDOWN Link with MASTER is down",
            "READONLY You can't write against a read only replica.",
            "ERR Error running script (call to f_00): @user_script:1: -READONLY You can't write",
            "NOREPLICAS Not enough good replicas to write.",
            "BUSY Redis is busy running a script",
            "OOM command not allowed when used memory > 'maxmemory'.",
            "ERR Error running script (call to f_00): @user_script:1: -OOM command not allowed",
            "MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.",
        ] {
            assert_eq!(error_of(line).kind(), ErrorKind::Unavailable, "{line}");
        }
        for line in [
            "ERR unknown command",
            "WRONGTYPE Operation against a key holding the wrong kind of value",
            "NOAUTH Authentication required.",
            "WRONGPASS invalid username-password pair or user is disabled.",
            "NOPERM this user has no permissions to run the 'set' command",
        ] {
            let error = error_of(line);
            assert_eq!(error.kind(), ErrorKind::Backend, "{line}");
            assert_eq!(error.to_string(), "redis returned an error (load)");
            let code = line.split(' ').next().unwrap();
            let source = error.source().unwrap().to_string();
            assert!(source.contains(code) || code == "ERR" || code == "NOPERM", "{source}");
        }
    }

    #[test]
    fn quoted_arguments_are_removed_from_source() {
        let error = error_of(
            "ERR unknown command 'EVALSHA', with args beginning with: 'sha' '1' 'session:key' ",
        );
        let text = error.source().unwrap().to_string();
        assert!(
            text.contains("unknown command 'EVALSHA'") && !text.contains("session:key"),
            "{text}"
        );
    }
}
