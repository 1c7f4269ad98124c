//! The one place that knows which session stores there are.

use std::sync::Arc;

use session_cookie::SignedCookieSessions;
use session_core::{Error, ErrorKind, OwnerSessions, SecretKey, SessionConfig, SessionInterface};
use session_memory::MemorySessions;
use session_redis::{RedisSessions, RedisStore, RedisStoreBuilder};
use session_sql::{SqlSessions, SqlStore};

const SECRET_KEY: &str = "SECRET_KEY";

/// An opened store, and what to tell whoever starts the shop.
#[derive(Debug)]
pub struct Sessions {
    /// What the shop's session layer uses.
    pub interface: Arc<dyn SessionInterface>,
    /// The sessions of each user; none if they are in the browsers.
    pub owners: Option<Arc<dyn OwnerSessions>>,
    /// The store, in a few words.
    pub description: &'static str,
    /// What is unusual about it.
    pub notice: Option<&'static str>,
}

/// Opens the store that a value of `--store` names, with sessions of this configuration.
///
/// # Errors
///
/// If there is no such store, or it cannot be opened.
pub async fn open_store(store: &str, config: SessionConfig) -> Result<Sessions, Error> {
    match store.split_once(':') {
        None if store == "cookie" => signed_cookie(config),
        None if store == "memory" => Ok(memory(config)),
        Some(("redis" | "rediss", _)) => redis(RedisStore::builder(store), config, "Redis").await,
        Some(("redis+cluster", nodes)) => {
            let nodes = nodes.trim_start_matches('/').split(',').map(|node| format!("redis://{node}"));
            redis(RedisStore::cluster(nodes), config, "a Redis Cluster").await
        }
        Some(("sqlite", _)) => sql(store, config, "SQLite").await,
        Some(("postgres", _)) => sql(store, config, "PostgreSQL").await,
        Some(("mysql", _)) => sql(store, config, "MySQL or MariaDB").await,
        _ => {
            let message = format!(
                "unknown store {store:?}; --store takes: cookie, memory, sqlite:file, postgres://.., mysql://.., redis://.., \
                 redis+cluster://host:port,host:port"
            );
            Err(Error::new(ErrorKind::Configuration, message))
        }
    }
}

async fn redis(store: RedisStoreBuilder, config: SessionConfig, description: &'static str) -> Result<Sessions, Error> {
    let sessions = RedisSessions::with_store(store.connect().await?, config);
    Ok(on_server(sessions, description, None))
}

async fn sql(url: &str, config: SessionConfig, description: &'static str) -> Result<Sessions, Error> {
    let store = SqlStore::connect(url).await?;
    store.migrate().await?;
    let sessions = SqlSessions::with_store(store, config);
    Ok(on_server(sessions, description, None))
}

fn memory(config: SessionConfig) -> Sessions {
    let notice = "sessions, and with them logins, end with this process";
    on_server(MemorySessions::new(config), "memory (in this process)", Some(notice))
}

fn on_server(
    sessions: impl SessionInterface + OwnerSessions,
    description: &'static str,
    notice: Option<&'static str>,
) -> Sessions {
    let sessions = Arc::new(sessions);
    let owners: Option<Arc<dyn OwnerSessions>> = Some(Arc::clone(&sessions) as _);
    Sessions { interface: sessions, owners, description, notice }
}

fn signed_cookie(config: SessionConfig) -> Result<Sessions, Error> {
    let (key, notice) = match std::env::var_os(SECRET_KEY) {
        Some(_) => (SecretKey::from_env(SECRET_KEY)?, None),
        None => {
            (SecretKey::generate()?, Some("SECRET_KEY is not set: a key was made up, and logins end with this process"))
        }
    };
    Ok(Sessions {
        interface: Arc::new(SignedCookieSessions::new(config, &key)?),
        owners: None,
        description: "cookie (the whole session, signed, in the browser)",
        notice,
    })
}
