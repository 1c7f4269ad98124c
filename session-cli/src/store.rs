//! Connects to stores by their addresses, and maintains SQL stores.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use session_core::store::{OwnerIndex, Scan, Sweep as _};
use session_core::{ServerSideSessions, SessionConfig, SessionInterface as _};
use session_redis::RedisStore;
use session_sql::SqlStore;

use crate::arguments::{StoreOptions, Sweep};
use crate::failure::Failure;
use crate::output::{self, Row};
use crate::secrets;

/// A store of any kind.
pub(crate) trait Store: OwnerIndex + Scan {}

impl<S: OwnerIndex + Scan> Store for S {}

/// The sessions of a store.
pub(crate) type Sessions = ServerSideSessions<Arc<dyn Store>>;

/// Connects to the store of the options, and returns its sessions.
pub(crate) async fn open(
    options: &StoreOptions,
    config: SessionConfig,
) -> Result<Sessions, Failure> {
    Ok(Sessions::new(connect(options).await?, config))
}

/// Returns whether two options name the same records.
pub(crate) fn is_same(one: &StoreOptions, other: &StoreOptions) -> Result<bool, Failure> {
    let (address, other_address) = (secrets::address(one)?, secrets::address(other)?);
    let has_same_name = if address.starts_with("redis") {
        one.key_prefix == other.key_prefix
    } else {
        one.table == other.table
    };
    Ok(address == other_address && has_same_name)
}

/// Connects to the store of the options.
pub(crate) async fn connect(options: &StoreOptions) -> Result<Arc<dyn Store>, Failure> {
    let address = secrets::address(options)?;
    let scheme = address.split(':').next().unwrap_or_default();
    let redis = match scheme {
        "redis" | "rediss" => RedisStore::builder(&address),
        "redis+cluster" => {
            let nodes = address["redis+cluster:".len()..].trim_start_matches('/');
            RedisStore::cluster(servers(nodes))
        }
        "redis+sentinel" => {
            let rest = address["redis+sentinel:".len()..].trim_start_matches('/');
            let parts = rest.rsplit_once('/').filter(|(_, master)| !master.is_empty());
            let (sentinels, master) = parts.ok_or_else(|| {
                Failure::usage("store address has no master name; append /MASTER")
            })?;
            RedisStore::sentinel(master, servers(sentinels))
        }
        _ => return Ok(Arc::new(sql(options).await?)),
    };
    let redis = redis.key_prefix(&options.key_prefix).deadline(options.deadline());
    Ok(Arc::new(redis.connect().await?))
}

/// Returns the addresses of the servers in a comma-separated list.
fn servers(list: &str) -> impl Iterator<Item = String> {
    list.split(',').map(|server| format!("redis://{server}"))
}

/// Connects to the SQL store of the options.
async fn sql(options: &StoreOptions) -> Result<SqlStore, Failure> {
    let address = secrets::address(options)?;
    match address.split(':').next() {
        Some("sqlite" | "postgres" | "postgresql" | "mysql" | "mariadb") => {
            let builder = SqlStore::builder().table(&options.table);
            Ok(builder.deadline(options.deadline()).connect(&address).await?)
        }
        // The rest of the address may contain a password.
        scheme => Err(Failure::usage(format!(
            "the scheme of the store's address is {:?}; this command accepts sqlite:FILE, \
             postgres://.. and mysql://..",
            scheme.unwrap_or_default()
        ))),
    }
}

pub(crate) async fn check(options: &StoreOptions, json: bool) -> Result<ExitCode, Failure> {
    let sessions = open(options, SessionConfig::default()).await?;
    sessions.check().await?;
    output::item(Row::new().text("state", "ready"), json)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn migrate(options: &StoreOptions, json: bool) -> Result<ExitCode, Failure> {
    sql(options).await?.migrate().await?;
    output::item(Row::new().text("table", &options.table).text("state", "ready"), json)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn sweep(options: &Sweep, json: bool) -> Result<ExitCode, Failure> {
    let store = sql(&options.store).await?;
    let limit = usize::try_from(options.batch).unwrap_or(usize::MAX);
    let mut removed = 0;
    loop {
        let swept = store.sweep(SystemTime::now(), limit).await?;
        removed += swept;
        if swept < limit {
            break;
        }
    }
    output::item(Row::new().value("removed", removed), json)?;
    Ok(ExitCode::SUCCESS)
}
