//! Connecting to the database of an address or a pool.

use std::sync::Arc;
use std::time::Duration;

use session_core::store::CredentialsProvider;
use session_core::{Error, ErrorKind};
use sqlx::pool::PoolOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Pool};

#[cfg(any(feature = "postgres", feature = "mysql"))]
use super::address;
#[cfg(feature = "sqlite")]
use super::address::SqliteAddress;
use super::credentials::Provided;
use super::driver::Driver;
use super::file::DatabaseFile;
use super::pooled::Pooled;
use super::suspicion::{Suspicion, Verdict};
#[cfg(any(feature = "postgres", feature = "mysql"))]
use super::tls;
use super::{Database, failure};
use crate::Synchronous;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) deadline: Duration,
    pub(crate) max_connections: u32,
    pub(crate) test_after_idle: Duration,
    pub(crate) synchronous: Synchronous,
}

/// Returns the database at this address, after connecting once.
pub(crate) async fn connect(
    url: &str,
    settings: Settings,
    provider: Option<Arc<dyn CredentialsProvider>>,
) -> Result<Arc<dyn Database>, Error> {
    let scheme = url.split(':').next().unwrap_or_default();
    match scheme {
        #[cfg(feature = "sqlite")]
        "sqlite" if provider.is_some() => Err(Error::new(
            ErrorKind::Configuration,
            "SQLite has no credentials; remove SqlStoreBuilder::credentials",
        )),
        #[cfg(feature = "sqlite")]
        "sqlite" => sqlite(url, settings).await,
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => postgres(url, settings, provider).await,
        #[cfg(feature = "mysql")]
        "mysql" | "mariadb" => mysql(url, settings, provider).await,
        _ => Err(Error::new(ErrorKind::Configuration, why_not(scheme))),
    }
}

fn why_not(scheme: &str) -> &'static str {
    match scheme {
        "sqlite" => "session-sql was built without its feature `sqlite`",
        "postgres" | "postgresql" => "session-sql was built without its feature `postgres`",
        "mysql" | "mariadb" => "session-sql was built without its feature `mysql`",
        _ => {
            "address of the SQL session store is invalid; it must begin with sqlite:, postgres:// or mysql://"
        }
    }
}

#[cfg(feature = "sqlite")]
async fn sqlite(url: &str, settings: Settings) -> Result<Arc<dyn Database>, Error> {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};

    let SqliteAddress { in_memory, creates } = SqliteAddress::parse(url)?;
    let options = parse::<sqlx::Sqlite, SqliteConnectOptions>(url)?;
    if creates && !in_memory {
        create_for_owner(options.get_filename());
    }
    let options = options
        .create_if_missing(creates)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(settings.synchronous.into())
        // Less than the deadline, so that SQLite reports that another process has the lock.
        .busy_timeout(settings.deadline * 9 / 10)
        .disable_statement_logging();
    let suspicion = Suspicion::new(settings.test_after_idle);
    let pool = pool_options::<sqlx::Sqlite>(settings, &suspicion, None);
    if in_memory {
        // The data is lost with the last connection.
        let pool = pool.max_connections(1).idle_timeout(None).max_lifetime(None);
        let pool = pool.before_acquire(|_, _| Box::pin(std::future::ready(Ok(true))));
        return Ok(pooled(pool.connect_lazy_with(options), settings, true, suspicion, None));
    }
    probe::<sqlx::Sqlite>(&options, None, settings.deadline).await?;
    let file = DatabaseFile::new(options.get_filename(), suspicion.clone());
    // A file that was deleted must not be replaced by an empty file.
    let pool = pool.connect_lazy_with(options.create_if_missing(false));
    Ok(pooled(pool, settings, true, suspicion, Some(Arc::new(file))))
}

/// Creates an empty file that only its owner can read, unless the file exists. SQLite would use the
/// umask. SQLite creates its other files with the mode of this file.
///
/// An error is ignored, because SQLite fails with the same error and reports it.
#[cfg(all(feature = "sqlite", unix))]
fn create_for_owner(file: &std::path::Path) {
    use std::os::unix::fs::OpenOptionsExt as _;

    let _ = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
}

#[cfg(all(feature = "sqlite", not(unix)))]
fn create_for_owner(_: &std::path::Path) {}

#[cfg(feature = "postgres")]
async fn postgres(
    url: &str,
    settings: Settings,
    provider: Option<Arc<dyn CredentialsProvider>>,
) -> Result<Arc<dyn Database>, Error> {
    let sets_mode = address::check("postgres", url, address::POSTGRES)?;
    // A pooler rejects the setting, and no value is a floating-point number.
    let options =
        parse::<sqlx::Postgres, sqlx::postgres::PgConnectOptions>(url)?.extra_float_digits(None);
    let mode = std::env::var("PGSSLMODE").ok();
    let options = tls::secure_postgres(sets_mode, mode.as_deref(), options);
    let prepared = sqlx::Postgres::keeps_statements(&options);
    server::<sqlx::Postgres>(options.disable_statement_logging(), settings, prepared, provider)
        .await
}

#[cfg(feature = "mysql")]
async fn mysql(
    url: &str,
    settings: Settings,
    provider: Option<Arc<dyn CredentialsProvider>>,
) -> Result<Arc<dyn Database>, Error> {
    let sets_mode = address::check("mysql", url, address::MYSQL)?;
    let options = parse::<sqlx::MySql, sqlx::mysql::MySqlConnectOptions>(url)?;
    let options = tls::secure_mysql(sets_mode, options);
    server::<sqlx::MySql>(options.disable_statement_logging(), settings, true, provider).await
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
async fn server<D: Driver>(
    options: <D::Connection as Connection>::Options,
    settings: Settings,
    prepared: bool,
    provider: Option<Arc<dyn CredentialsProvider>>,
) -> Result<Arc<dyn Database>, Error> {
    let credentials = provider.map(|provider| Provided::<D>::new(provider, options.clone()));
    probe::<D>(&options, credentials.as_ref(), settings.deadline).await?;
    let suspicion = Suspicion::new(settings.test_after_idle);
    let pool =
        pool_options::<D>(settings, &suspicion, credentials.clone()).connect_lazy_with(options);
    Ok(Arc::new(Pooled::new(pool, settings.deadline, prepared, suspicion, credentials, None)))
}

/// Returns the database behind a pool of the application.
pub(crate) fn existing<D: Driver>(pool: Pool<D>, settings: Settings) -> Arc<dyn Database> {
    let prepared = D::keeps_statements(&pool.connect_options());
    pooled(pool, settings, prepared, Suspicion::new(settings.test_after_idle), None)
}

fn pooled<D: Driver>(
    pool: Pool<D>,
    settings: Settings,
    prepared: bool,
    suspicion: Suspicion,
    file: Option<Arc<DatabaseFile>>,
) -> Arc<dyn Database> {
    Arc::new(Pooled::new(pool, settings.deadline, prepared, suspicion, None, file))
}

fn parse<D: Driver, O: std::str::FromStr<Err = sqlx::Error>>(url: &str) -> Result<O, Error> {
    url.parse().map_err(|error| failure::convert(D::LABEL, error, D::meaning))
}

/// Connects once outside the pool, to return the reason of a failure at once. The pool would retry
/// until the deadline.
async fn probe<D: Driver>(
    options: &<D::Connection as Connection>::Options,
    provided: Option<&Provided<D>>,
    deadline: Duration,
) -> Result<(), Error> {
    let probing = async {
        let current = match provided {
            Some(provided) => Some(provided.options().await?),
            None => None,
        };
        loop {
            let error = match current.as_ref().unwrap_or(options).connect().await {
                Ok(connection) => return connection.close().await,
                Err(error) => error,
            };
            // If two processes switch a new file to WAL at the same time, SQLite rejects one of
            // them without waiting.
            if !D::EMBEDDED || !failure::is_busy(&error) {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(deadline, probing).await {
        Ok(probed) => probed.map_err(|error| failure::convert(D::LABEL, error, D::meaning)),
        Err(_) => Err(failure::deadline(D::LABEL)),
    }
}

fn pool_options<D: Driver>(
    settings: Settings,
    suspicion: &Suspicion,
    credentials: Option<Provided<D>>,
) -> PoolOptions<D> {
    let options = PoolOptions::<D>::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(settings.deadline)
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move {
                let Some(greeting) = D::GREETING else { return Ok(()) };
                D::run_script(connection, AssertSqlSafe(greeting.to_owned())).await
            })
        });
    let (suspicion, patience) = (suspicion.clone(), settings.deadline / 4);
    options.before_acquire(move |connection, metadata| {
        let (suspicion, credentials) = (suspicion.clone(), credentials.clone());
        Box::pin(async move {
            let is_sound = match suspicion.judge(metadata.age, metadata.idle_for) {
                Verdict::Use => return Ok(true),
                // A file needs no test.
                Verdict::Test if D::EMBEDDED => return Ok(true),
                Verdict::Close => false,
                Verdict::Test => {
                    let pinged = tokio::time::timeout(patience, connection.ping()).await;
                    let is_sound = matches!(pinged, Ok(Ok(())));
                    if !is_sound {
                        suspicion.raise();
                    }
                    is_sound
                }
            };
            if let Some(credentials) = credentials.filter(|_| !is_sound) {
                // If the provider fails, the last credentials may still be valid.
                let _ = credentials.refresh().await;
            }
            Ok(is_sound)
        })
    })
}
