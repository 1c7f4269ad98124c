//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use jiff::{Span, SpanRelativeTo, Timestamp, Unit};

/// Decode, list and end the sessions of a web application, and maintain their store.
///
/// Secrets are read from the environment or from files, never from arguments, which other users of
/// the machine can read. Exit codes: 0 success, 1 the session was not found or is not valid,
/// 2 wrong usage or configuration, 3 the store is unavailable.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print a new secret key for cookies
    Keygen,
    /// Show a cookie's keys, times and owner, and the reason for a refusal
    Decode(Decode),
    /// Count the sessions of a store
    Count(Count),
    /// List the sessions of one user, or of all users and visitors
    List(List),
    /// Show one session of a user
    Show(Show),
    /// End one or all sessions of a user, old sessions, or all sessions
    End(End),
    /// Move all sessions to another store while the application runs
    Copy(Copy),
    /// Measure the calls of a store
    Bench(Bench),
    /// Check that a store is reachable, and that its table or role is correct
    Check(StoreOptions),
    /// Create the table of a SQL store
    Migrate(StoreOptions),
    /// Remove the expired records of a SQL store
    Sweep(Sweep),
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man,
}

/// Show a cookie's keys, times and owner, and the reason for a refusal.
///
/// The command reads standard input or a file. The input is the value of the cookie, or the header
/// `Cookie` with all cookies.
#[derive(Args, Debug)]
pub(crate) struct Decode {
    /// The backend that wrote the cookie
    #[arg(long, value_enum, default_value = "flask")]
    pub(crate) format: Format,

    /// Read the cookie from this file
    #[arg(long, value_name = "FILE")]
    pub(crate) cookie_file: Option<PathBuf>,

    /// The name of the cookie
    #[arg(long, value_name = "NAME", default_value = "session")]
    pub(crate) cookie_name: String,

    #[command(flatten)]
    pub(crate) key: KeyOptions,

    /// The salt of a signed cookie [default: the salt of Flask]
    #[arg(long)]
    pub(crate) salt: Option<String>,

    /// The namespace of the application's sessions [default: the name of the cookie]
    #[arg(long)]
    pub(crate) namespace: Option<String>,

    /// The lifetime of permanent sessions, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 31 * 24 * 60 * 60)]
    pub(crate) lifetime: u64,

    /// Check the cookie as of this time, such as 2026-11-29T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Timestamp>,

    /// Print the values, which may be confidential
    #[arg(long)]
    pub(crate) values: bool,

    #[command(flatten)]
    pub(crate) store: StoreOptions,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// A signed cookie, as Flask writes it
    Flask,
    /// A signed cookie, as Starlette and FastAPI write it
    Starlette,
    /// A sealed cookie
    Sealed,
    /// The id of a session in a store
    Server,
}

#[derive(Args, Debug)]
pub(crate) struct KeyOptions {
    /// Read the secret key from this file
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// Read the secret key from this environment variable
    #[arg(long, value_name = "VARIABLE", default_value = "SECRET_KEY")]
    pub(crate) key_env: String,
}

#[derive(Args, Debug)]
pub(crate) struct StoreOptions {
    /// Read the address of the store from this file
    #[arg(long, value_name = "FILE")]
    pub(crate) store_file: Option<PathBuf>,

    /// Read the address of the store from this environment variable: sqlite:FILE, postgres://..,
    /// mysql://.., redis://.., rediss://.., redis+cluster://HOST:PORT,HOST:PORT or
    /// redis+sentinel://HOST:PORT,HOST:PORT/MASTER
    #[arg(long, value_name = "VARIABLE", default_value = "SESSION_STORE")]
    pub(crate) store_env: String,

    /// The table of a SQL store
    #[arg(long, default_value = "sessions")]
    pub(crate) table: String,

    /// The prefix of the keys of a Redis store
    #[arg(long, default_value = "session:")]
    pub(crate) key_prefix: String,

    /// The maximum time of one call of the store, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    timeout: u32,

    /// The option that names the file of the address, for messages
    #[arg(skip = "--store-file")]
    pub(crate) file_option: &'static str,
}

impl StoreOptions {
    /// Returns the maximum time of one call. A count or a sweep of a large store needs more time
    /// than a request may take.
    pub(crate) fn deadline(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }
}

/// Count the sessions of a store.
///
/// Without --exact, the command counts the records that have not expired, which takes little time.
/// A rotation leaves an additional record for ten minutes, and each remembered browser has a
/// record.
#[derive(Args, Debug)]
pub(crate) struct Count {
    /// Read every session, and count the sessions of users and of visitors
    #[arg(long)]
    pub(crate) exact: bool,

    #[command(flatten)]
    pub(crate) store: StoreOptions,
}

#[derive(Args, Debug)]
pub(crate) struct List {
    /// The owner, as the application passes it to `log_in`
    #[arg(
        required_unless_present = "everyone",
        conflicts_with = "everyone",
        allow_hyphen_values = true
    )]
    pub(crate) owner: Option<String>,

    /// List the sessions of all users and visitors
    #[arg(long)]
    pub(crate) everyone: bool,

    #[command(flatten)]
    pub(crate) store: StoreOptions,
}

#[derive(Args, Debug)]
pub(crate) struct Show {
    /// The owner, as the application passes it to `log_in`
    #[arg(allow_hyphen_values = true)]
    pub(crate) owner: String,

    /// The handle of the session, as `list` prints it
    #[arg(allow_hyphen_values = true)]
    pub(crate) handle: String,

    /// Print the values, which may be confidential
    #[arg(long)]
    pub(crate) values: bool,

    #[command(flatten)]
    pub(crate) store: StoreOptions,
}

/// End one or all sessions of a user, old sessions, or all sessions.
///
/// Requests in progress do not revive a session. --all and --everyone also end the series of
/// remembered browsers. After the other options, these browsers can log in again.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("of_all").args(["older_than", "idle_for", "everyone"]))]
pub(crate) struct End {
    /// The owner, as the application passes it to `log_in`
    #[arg(
        required_unless_present = "of_all",
        conflicts_with = "of_all",
        allow_hyphen_values = true
    )]
    pub(crate) owner: Option<String>,

    /// The handle of the session, as `list` prints it
    #[arg(
        required_unless_present_any = ["all", "of_all"],
        conflicts_with_all = ["all", "of_all"],
        allow_hyphen_values = true
    )]
    pub(crate) handle: Option<String>,

    /// End all sessions of the owner
    #[arg(long, conflicts_with = "of_all")]
    pub(crate) all: bool,

    /// End every session that is older than this, such as 90d or 12h
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) older_than: Option<Duration>,

    /// End every session that was not written or renewed for this time
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) idle_for: Option<Duration>,

    /// End the sessions of all users and visitors
    #[arg(long)]
    pub(crate) everyone: bool,

    #[command(flatten)]
    pub(crate) store: StoreOptions,
}

/// Move all sessions to another store while the application runs.
///
/// All processes of the application must already use session-migration, with the same two stores.
/// The command copies each session and marks it as moved in the old store. Users stay logged in.
/// The command can be interrupted and repeated. The series of remembered browsers do not move.
#[derive(Args, Debug)]
pub(crate) struct Copy {
    #[command(flatten)]
    pub(crate) store: StoreOptions,

    /// Read the address of the new store from this file
    #[arg(long, value_name = "FILE")]
    to_file: Option<PathBuf>,

    /// Read the address of the new store from this environment variable
    #[arg(long, value_name = "VARIABLE", default_value = "NEW_SESSION_STORE")]
    to_env: String,

    /// The table of the new store, if it is a SQL store
    #[arg(long, value_name = "TABLE", default_value = "sessions")]
    to_table: String,

    /// The prefix of the keys of the new store, if it is a Redis store
    #[arg(long, value_name = "KEY_PREFIX", default_value = "session:")]
    to_key_prefix: String,
}

impl Copy {
    /// Returns the options of the new store.
    pub(crate) fn target(&self) -> StoreOptions {
        StoreOptions {
            store_file: self.to_file.clone(),
            store_env: self.to_env.clone(),
            table: self.to_table.clone(),
            key_prefix: self.to_key_prefix.clone(),
            timeout: self.store.timeout,
            file_option: "--to-file",
        }
    }
}

/// Measure the calls of a store: create, load, replace and remove.
///
/// The records are not sessions, and the command removes them. Records that an interrupted run
/// leaves expire after an hour.
#[derive(Args, Debug)]
pub(crate) struct Bench {
    /// The number of records
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) records: u32,

    /// The number of concurrent calls
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) tasks: u32,

    /// The length of each payload in bytes
    #[arg(long, default_value_t = 300)]
    pub(crate) payload: u32,

    #[command(flatten)]
    pub(crate) store: StoreOptions,
}

#[derive(Args, Debug)]
pub(crate) struct Sweep {
    /// The number of records that one statement removes
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch: u32,

    #[command(flatten)]
    pub(crate) store: StoreOptions,
}

fn duration(text: &str) -> Result<Duration, String> {
    let span: Span = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    let seconds = span.total((Unit::Second, SpanRelativeTo::days_are_24_hours()));
    let seconds = seconds.map_err(|error| error.to_string())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "duration must not be negative".to_owned())
}
