//! The session stores. No other module depends on a specific store.

use std::sync::Arc;

use session_cookie::{SealedCookieSessions, SignedCookieSessions};
use session_core::config::SecretKey;
use session_core::csrf::CsrfConfig;
use session_core::remember::RememberMe;
use session_core::store::OwnerIndex;
use session_core::{
    Error, ErrorKind, OwnerSessions, ServerSideSessions, SessionConfig, SessionInterface,
};
use session_memory::{MemorySessions, MemoryStore};
use session_redis::{RedisSessions, RedisStore, RedisStoreBuilder};
use session_sql::{SqlSessions, SqlStore};

const SECRET_KEY: &str = "SECRET_KEY";

/// An opened store, and the messages for the operator.
#[derive(Debug)]
pub struct Sessions {
    /// The interface for the session layer.
    pub interface: Arc<dyn SessionInterface>,
    /// The sessions of each user; `None` if sessions are stored in browsers.
    pub owners: Option<Arc<dyn OwnerSessions>>,
    /// The protection of the shop's forms.
    pub csrf: CsrfConfig,
    /// The settings of remember-me, if the sessions are stored on the server.
    pub remember: Option<RememberMe>,
    /// A short description of the store.
    pub description: &'static str,
    /// A limitation that the shop reports to its operator.
    pub notice: Option<&'static str>,
}

/// Opens the store that the value of `--store` names, with this configuration.
///
/// # Errors
///
/// Fails if the store is unknown or cannot be opened.
pub async fn open_store(store: &str, config: SessionConfig) -> Result<Sessions, Error> {
    match store.split_once(':') {
        None if store == "cookie" => signed_cookie(config),
        None if store == "sealed-cookie" => sealed_cookie(config),
        None if store == "memory" => memory(config),
        Some(("redis" | "rediss", _)) => redis(RedisStore::builder(store), config, "Redis").await,
        Some(("redis+cluster", nodes)) => {
            let nodes =
                nodes.trim_start_matches('/').split(',').map(|node| format!("redis://{node}"));
            redis(RedisStore::cluster(nodes), config, "a Redis Cluster").await
        }
        Some(("redis+sentinel", address)) => match address.trim_start_matches('/').rsplit_once('/')
        {
            Some((sentinels, master)) if !master.is_empty() => {
                redis(behind_sentinel(sentinels, master), config, "Redis with Sentinel").await
            }
            _ => Err(unknown(store)),
        },
        Some(("sqlite", _)) => sql(store, config, "SQLite").await,
        Some(("postgres", _)) => sql(store, config, "PostgreSQL").await,
        Some(("mysql", _)) => sql(store, config, "MySQL or MariaDB").await,
        _ => Err(unknown(store)),
    }
}

fn unknown(store: &str) -> Error {
    // The rest of an address may have a password.
    let scheme = store.split(':').next().unwrap_or_default();
    let message = format!(
        "unknown store {scheme:?}; --store accepts: cookie, sealed-cookie, memory, sqlite:file, postgres://.., mysql://.., \
         redis://.., redis+cluster://host:port,host:port, redis+sentinel://host:port,host:port/name"
    );
    Error::new(ErrorKind::Configuration, message)
}

fn behind_sentinel(sentinels: &str, master: &str) -> RedisStoreBuilder {
    RedisStore::sentinel(master, sentinels.split(',').map(|address| format!("redis://{address}")))
}

async fn redis(
    store: RedisStoreBuilder,
    config: SessionConfig,
    description: &'static str,
) -> Result<Sessions, Error> {
    let sessions =
        RedisSessions::new(store.events(config.events().clone()).connect().await?, config);
    on_server(sessions, description, None)
}

async fn sql(
    url: &str,
    config: SessionConfig,
    description: &'static str,
) -> Result<Sessions, Error> {
    let store = SqlStore::builder().events(config.events().clone()).connect(url).await?;
    store.migrate().await?;
    let sessions = SqlSessions::new(store, config);
    on_server(sessions, description, None)
}

fn memory(config: SessionConfig) -> Result<Sessions, Error> {
    let notice = "all users are logged out when this process ends";
    let store = MemoryStore::builder().events(config.events().clone()).build();
    let sessions = MemorySessions::new(store, config);
    on_server(sessions, "memory (in this process)", Some(notice))
}

fn on_server(
    sessions: ServerSideSessions<impl OwnerIndex>,
    description: &'static str,
    notice: Option<&'static str>,
) -> Result<Sessions, Error> {
    // Without a key in the environment, other instances of the shop refuse the tokens of this
    // instance. These are the tokens of remember-me, and the tokens of forms for browsers from
    // before 2023.
    let sessions = Sessions::on_server(sessions, &secret_key()?.0)?;
    Ok(Sessions { description, notice, ..sessions })
}

impl Sessions {
    /// Returns the sessions of a server-side backend, with remember-me.
    ///
    /// # Errors
    ///
    /// Fails if the key cannot be used.
    pub fn on_server(
        sessions: ServerSideSessions<impl OwnerIndex>,
        key: &SecretKey,
    ) -> Result<Self, Error> {
        let sessions = Arc::new(sessions);
        let remember = RememberMe::new(Arc::clone(&sessions), key)?;
        let owners: Arc<dyn OwnerSessions> = Arc::clone(&sessions) as _;
        let in_store = Self::new(sessions, key)?;
        Ok(Self { owners: Some(owners), remember: Some(remember), ..in_store })
    }

    /// Returns sessions of any interface.
    ///
    /// # Errors
    ///
    /// Fails if the key cannot be used.
    pub fn new(interface: Arc<dyn SessionInterface>, key: &SecretKey) -> Result<Self, Error> {
        let csrf = CsrfConfig::builder(key).build()?;
        let (owners, remember, description, notice) = (None, None, "", None);
        Ok(Self { interface, owners, csrf, remember, description, notice })
    }
}

fn signed_cookie(config: SessionConfig) -> Result<Sessions, Error> {
    let (key, notice) = secret_key()?;
    let sessions = SignedCookieSessions::new(config, &key)?;
    in_browser(sessions, &key, "cookie (the whole session, signed, in the browser)", notice)
}

fn sealed_cookie(config: SessionConfig) -> Result<Sessions, Error> {
    let (key, notice) = secret_key()?;
    let sessions = SealedCookieSessions::new(config, &key)?;
    let description = "sealed cookie (the whole session, encrypted, in the browser)";
    in_browser(sessions, &key, description, notice)
}

fn in_browser(
    sessions: impl SessionInterface,
    key: &SecretKey,
    description: &'static str,
    notice: Option<&'static str>,
) -> Result<Sessions, Error> {
    Ok(Sessions { description, notice, ..Sessions::new(Arc::new(sessions), key)? })
}

/// Returns the key from the environment, or a random key and a notice.
fn secret_key() -> Result<(SecretKey, Option<&'static str>), Error> {
    if std::env::var_os(SECRET_KEY).is_some() {
        return Ok((SecretKey::from_env(SECRET_KEY)?, None));
    }
    let notice = "SECRET_KEY is not set; a random key is used, and all users are logged out when this process ends";
    Ok((SecretKey::generate()?, Some(notice)))
}
