//! The store: a string for each record, and a sorted set of keys for each owner.

mod changes;
mod scan;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use futures_util::stream::{self, StreamExt as _};
use redis::Value;
use redis::aio::ConnectionLike;
use session_core::store::{
    NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Version,
};
use session_core::{Error, ErrorKind, async_trait};
use tokio::time::Instant;

use crate::RedisStoreBuilder;
use crate::builder::Settings;
use crate::call::{Call, Changed, MARGIN, decimal};
use crate::checks::{Checks, Evictions};
use crate::compare::Learned;
use crate::connection::Connection;
use crate::loads::{self, Loads, MOST_KEYS};
use crate::names::record_name;
use crate::record;
use crate::scripts::{REMOVE, REPLACE, TOUCH};

/// The longest time for which Redis stores a record, in milliseconds: 8000 years.
const LONGEST: u64 = 250_000_000_000_000;
/// The longest owner, in bytes.
const MAX_OWNER: usize = 1 << 20;
/// The maximum number of concurrent loads.
const MAX_CONCURRENT_LOADS: usize = 128;

/// A store of records in Redis. Clones share one connection.
///
/// # Examples
///
/// ```no_run
/// use session_redis::RedisStore;
///
/// # async fn show() -> Result<(), session_core::Error> {
/// let builder = RedisStore::builder("redis://127.0.0.1/").key_prefix("shop:session:");
/// let store = builder.connect().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    connection: Arc<dyn Connection>,
    settings: Arc<Settings>,
    learned: Arc<Learned>,
    loads: Arc<Loads>,
    evictions: Arc<Evictions>,
}

impl RedisStore {
    /// Returns the builder of a store on one server.
    ///
    /// The address has a form that redis-rs accepts:
    /// `redis://[user][:password@]host[:port][/database]`, `rediss://` for TLS (feature `tls`), or
    /// `redis+unix:///path`.
    pub fn builder(url: impl Into<String>) -> RedisStoreBuilder {
        RedisStoreBuilder::server(url.into())
    }

    /// Returns the builder of a store on a Redis Cluster.
    ///
    /// Pass the addresses of one or more nodes. The client finds the other nodes through these
    /// nodes. The first address or the builder determines the user, the password and TLS.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use session_redis::RedisStore;
    ///
    /// # async fn show() -> Result<(), session_core::Error> {
    /// let nodes = ["redis://10.0.0.1:6379/", "redis://10.0.0.2:6379/"];
    /// let store = RedisStore::cluster(nodes).connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "cluster")]
    pub fn cluster<U: Into<String>>(urls: impl IntoIterator<Item = U>) -> RedisStoreBuilder {
        RedisStoreBuilder::cluster(urls.into_iter().map(Into::into).collect())
    }

    /// Returns the builder of a store on the master with this name, which Sentinels monitor.
    ///
    /// Pass the addresses of the Sentinels, with the user and password of the Sentinels. Set the
    /// user, password and database of Redis with [`username`](RedisStoreBuilder::username),
    /// [`password`](RedisStoreBuilder::password) and [`database`](RedisStoreBuilder::database).
    /// With `rediss://`, the connections to the Sentinels and to Redis use TLS.
    ///
    /// After a failover, the store connects to the new master that the Sentinels report. A failover
    /// may lose acknowledged writes, depending on `min-replicas-to-write`; see
    /// [Durability](crate#durability).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use session_redis::RedisStore;
    ///
    /// # async fn show() -> Result<(), session_core::Error> {
    /// let sentinels = ["redis://10.0.0.1:26379/", "redis://10.0.0.2:26379/"];
    /// let store = RedisStore::sentinel("shop", sentinels).password("secret").connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "sentinel")]
    pub fn sentinel<U: Into<String>>(
        master: impl Into<String>,
        sentinels: impl IntoIterator<Item = U>,
    ) -> RedisStoreBuilder {
        RedisStoreBuilder::sentinel(master.into(), sentinels.into_iter().map(Into::into).collect())
    }

    /// Returns the builder of a store on an existing connection of the application, such as a
    /// `MultiplexedConnection`, a `ConnectionManager` or a `ClusterConnection`.
    ///
    /// The connection must reconnect by itself, which a `MultiplexedConnection` does not do. The
    /// connection must not repeat a command whose reply was lost. Therefore set `retries(0)` on a
    /// `ClusterClientBuilder`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use session_redis::{RedisStore, redis};
    ///
    /// # async fn show() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = redis::Client::open("redis://127.0.0.1/")?;
    /// let connection = client.get_multiplexed_async_connection().await?;
    /// let store = RedisStore::from_connection(connection).connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_connection(
        connection: impl ConnectionLike + Clone + Send + Sync + 'static,
    ) -> RedisStoreBuilder {
        RedisStoreBuilder::given(connection)
    }

    pub(crate) fn new(
        connection: Arc<dyn Connection>,
        settings: Settings,
        evictions: Evictions,
    ) -> Self {
        Self {
            connection,
            settings: Arc::new(settings),
            learned: Arc::default(),
            loads: Arc::default(),
            evictions: Arc::new(evictions),
        }
    }

    /// Starts a call and its deadline. Records the database system in the span of the call.
    fn call(&self, name: &'static str) -> Call<'_> {
        tracing::Span::current().record("db.system.name", "redis");
        Call {
            name,
            connection: &*self.connection,
            learned: &self.learned,
            key_prefix: &self.settings.key_prefix,
            deadline: Instant::now() + self.settings.deadline,
        }
    }

    /// Returns the time for which Redis stores a record, in milliseconds.
    ///
    /// The engine checks the expiry by a clock that may differ from the clock of Redis. Redis
    /// removes a record only after the expiry and the grace period.
    fn ttl(&self, expires_at: SystemTime) -> u64 {
        let left = expires_at.duration_since(SystemTime::now()).unwrap_or_default();
        let ttl = left.saturating_add(self.settings.grace).as_millis();
        // Redis refuses a time of zero.
        u64::try_from(ttl).unwrap_or(LONGEST).clamp(1, LONGEST)
    }

    fn check_size(&self, record: &NewRecord<'_>) -> Result<(), Error> {
        let (size, limit) = (record.payload().len(), self.settings.max_payload);
        if size > limit {
            let message = format!(
                "session payload of {size} bytes exceeds this redis store's limit of {limit} bytes"
            );
            return Err(too_large(message, "the limit is RedisStoreBuilder::max_payload"));
        }
        let size = record.owner().map_or(0, str::len);
        if size > MAX_OWNER {
            let message = format!(
                "session owner of {size} bytes exceeds the redis store's limit of {MAX_OWNER} bytes"
            );
            return Err(too_large(message, "the limit is fixed"));
        }
        Ok(())
    }
}

#[async_trait]
impl SessionStore for RedisStore {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let (call, name) = (self.call("load"), record_name(&self.settings.key_prefix, key));
        let alone = call.get(&name);
        let reply = self.loads.run(&name, &self.connection, call.deadline, alone).await;
        call.loaded(key, reply)
    }

    /// On one server, one command loads all records. In a Cluster, each command is sent to the node
    /// that has the key, and concurrent commands to a node share a round trip.
    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        let call = self.call("load_many");
        let names: Vec<_> =
            keys.iter().map(|key| record_name(&self.settings.key_prefix, key)).collect();
        let mut replies = Vec::with_capacity(keys.len());
        if self.connection.shares_loads() {
            for names in names.chunks(MOST_KEYS) {
                let command = loads::get(names.iter().map(|name| &**name));
                match call.read(&command).await {
                    Ok(Value::Array(values)) if values.len() == names.len() => {
                        replies.extend(values.into_iter().map(Ok));
                    }
                    Ok(_) => return Err(call.unexpected_reply()),
                    Err(error) => return Err(call.failed(error)),
                }
            }
        } else {
            let loads: Vec<_> = names.iter().map(|name| call.get(name)).collect();
            replies = stream::iter(loads).buffered(MAX_CONCURRENT_LOADS).collect().await;
        }
        keys.iter().zip(replies).map(|(key, reply)| call.loaded(key, reply)).collect()
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.check_size(record)?;
        let (call, ttl, version) =
            (self.call("create"), self.ttl(record.expires_at()), new_version()?);
        let listed = match record.owner() {
            Some(owner) => call.list(key, owner.as_bytes(), listing_time(ttl)).await?,
            None => 0,
        };
        let bytes = record::encode(&version, record, listed);
        let mut set = redis::cmd("SET");
        set.arg(record_name(&self.settings.key_prefix, key))
            .arg(&bytes)
            .arg("NX")
            .arg("PX")
            .arg(ttl);
        match call.send(&set).await {
            Ok(Value::Okay) => Ok(call.with_stored(version, bytes)),
            Ok(Value::Nil) => {
                call.check_format(key).await?;
                let message = "redis already has a value under a key that must be new";
                Err(Error::new(ErrorKind::Backend, message).with_source("SET NX changed nothing"))
            }
            Ok(_) => Err(call.unexpected_reply()),
            Err(error) => Err(call.failed(error)),
        }
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        self.check_size(record)?;
        let (call, ttl, version) =
            (self.call("replace"), self.ttl(record.expires_at()), new_version()?);
        if let Some(saved) = call.replace_equal(key, &expected, &version, record, ttl).await? {
            call.unlist(key, saved.former.as_ref()).await;
            return Ok(Replaced::Done(call.with_stored(version, saved.bytes)));
        }
        let (start, ttl_text, needed) =
            (record::start(&expected), decimal(ttl), decimal(ttl + MARGIN));
        let bytes = record::encode(&version, record, 0);
        let mut replaced = match record.owner() {
            None => call.change(&REPLACE, key, &[&start, &bytes, &ttl_text]).await?,
            Some(owner) => {
                let arguments = [&start[..], &bytes, &ttl_text, &needed];
                call.replace_listed(key, owner, &arguments).await?
            }
        };
        if let Changed::Unlisted(owner) = &replaced {
            let listed = call.list(key, owner, listing_time(ttl)).await?;
            let bytes = record::encode(&version, record, listed);
            replaced = call.change(&REPLACE, key, &[&start, &bytes, &ttl_text]).await?;
        }
        match replaced {
            Changed::Stale => Ok(Replaced::Stale),
            Changed::Done(former) => {
                call.unlist(key, former.as_ref()).await;
                Ok(Replaced::Done(version))
            }
            Changed::Unlisted(_) => Err(call.unexpected_reply()),
        }
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        let (call, ttl) = (self.call("touch"), self.ttl(expires_at));
        let expires_at = record::encode_time(expires_at);
        if call.touch_equal(key, &expected, expires_at, ttl).await? {
            return Ok(true);
        }
        let (start, needed, ttl_text) =
            (record::start(&expected), decimal(ttl + MARGIN), decimal(ttl));
        let arguments = [&start[..], &expires_at, &ttl_text, &needed];
        let mut touched = call.change(&TOUCH, key, &arguments).await?;
        if let Changed::Unlisted(owner) = &touched {
            let listed = call.list(key, owner, listing_time(ttl)).await?;
            let listed = record::encode_listed(listed);
            touched = call.change(&TOUCH, key, &[&arguments[..], &[&listed]].concat()).await?;
        }
        match touched {
            Changed::Stale => Ok(false),
            Changed::Done(listing) => {
                call.relist(key, listing.as_ref()).await;
                Ok(true)
            }
            Changed::Unlisted(_) => Err(call.unexpected_reply()),
        }
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let call = self.call("remove");
        match call.change(&REMOVE, key, &[&record::start(&expected)]).await? {
            Changed::Stale => Ok(false),
            Changed::Done(former) => {
                call.unlist(key, former.as_ref()).await;
                Ok(true)
            }
            Changed::Unlisted(_) => Err(call.unexpected_reply()),
        }
    }

    /// Also fails if a server is a replica, which accepts no writes. Reports
    /// [`Event::Evicted`](session_core::events::Event::Evicted) if Redis has evicted keys since the
    /// last check.
    async fn check(&self) -> Result<(), Error> {
        let call = self.call("check");
        let reply = call.get(&record_name(call.key_prefix, &StoreKey::from_bytes([0; 32]))).await;
        call.loaded(&StoreKey::from_bytes([0; 32]), reply)?;
        let checks = Checks { connection: call.connection, deadline: call.deadline };
        if checks.has_replica().await {
            let message = "redis is a replica, which accepts no writes";
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        if let Some(evicted) = checks.evicted_keys().await {
            self.evictions.report(evicted);
        }
        Ok(())
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

#[async_trait]
impl OwnerIndex for RedisStore {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        self.call("keys_of").listed(owner).await
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("connection", &self.connection)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Returns 64 random bits, so that no version is used twice.
fn new_version() -> Result<Version, Error> {
    getrandom::u64().map(Version::new).map_err(|error| {
        Error::new(ErrorKind::Unavailable, "cannot read random bytes from the operating system")
            .with_source(error)
    })
}

/// Returns the time in milliseconds for which an owner's list has a key if Redis stores the record
/// for `ttl`. This time is longer than needed. Therefore most renewals do not extend the time.
fn listing_time(ttl: u64) -> u64 {
    ttl + ttl / 2 + 2 * MARGIN
}

fn too_large(message: String, source: &'static str) -> Error {
    Error::new(ErrorKind::TooLarge, message).with_source(source)
}
