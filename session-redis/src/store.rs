//! The store: a string per record, and a sorted set of keys per owner.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use redis::aio::ConnectionLike;
use redis::{Cmd, RedisError, RedisResult, Value};
use session_core::{
    Error, ErrorKind, NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Version, async_trait,
};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::RedisStoreBuilder;
use crate::builder::Settings;
use crate::connection::Connection;
use crate::error::{failed, is_of_another_type};
use crate::record::{self, Listed, NOT_LISTED};
use crate::scripts::{LIST, Lua, REMOVE, REPLACE, TOUCH, UNLIST};

/// How much longer an owner's list keeps a key than Redis the record, in milliseconds: in a Cluster, their clocks differ.
const MARGIN: u64 = 300_000;
/// Longer than this (8000 years), Redis keeps nothing.
const LONGEST: u64 = 250_000_000_000_000;
/// The longest owner.
const MAX_OWNER: usize = 1 << 20;

/// Records in Redis. Clones share one connection.
///
/// ```no_run
/// use session_redis::RedisStore;
///
/// # async fn show() -> Result<(), session_core::Error> {
/// let store = RedisStore::builder("redis://127.0.0.1/").key_prefix("shop:session:").connect().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    connection: Arc<dyn Connection>,
    settings: Arc<Settings>,
}

impl RedisStore {
    /// A store on one server, at an address that redis-rs understands:
    /// `redis://[user][:password@]host[:port][/database]`, `rediss://` for TLS (feature `tls`), `redis+unix:///path`.
    ///
    /// ```no_run
    /// # use session_redis::RedisStore;
    /// # async fn show() -> Result<(), session_core::Error> {
    /// let store = RedisStore::builder("redis://shop:secret@redis.internal:6379/2").connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(url: impl Into<String>) -> RedisStoreBuilder {
        RedisStoreBuilder::server(url.into())
    }

    /// A store on a Cluster, of which a few nodes are enough to begin with. User, password and TLS are those of the first
    /// address, or of the builder.
    ///
    /// ```no_run
    /// # use session_redis::RedisStore;
    /// # async fn show() -> Result<(), session_core::Error> {
    /// let store = RedisStore::cluster(["redis://10.0.0.1:6379/", "redis://10.0.0.2:6379/"]).connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "cluster")]
    pub fn cluster<U: Into<String>>(urls: impl IntoIterator<Item = U>) -> RedisStoreBuilder {
        RedisStoreBuilder::cluster(urls.into_iter().map(Into::into).collect())
    }

    /// A store on the master of this name, found through these Sentinels. The addresses are those of the Sentinels, with
    /// the user and password for them; what Redis itself wants comes from
    /// [`username`](RedisStoreBuilder::username), [`password`](RedisStoreBuilder::password) and
    /// [`database`](RedisStoreBuilder::database). With `rediss://`, both are spoken to over TLS.
    ///
    /// ```no_run
    /// # use session_redis::RedisStore;
    /// # async fn show() -> Result<(), session_core::Error> {
    /// let sentinels = ["redis://10.0.0.1:26379/", "redis://10.0.0.2:26379/", "redis://10.0.0.3:26379/"];
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

    /// A store on a connection that the application has already: a `MultiplexedConnection`, a `ConnectionManager`, a
    /// `ClusterConnection`.
    ///
    /// How it comes back when it is lost is its own affair; a `MultiplexedConnection` does not. It must not send a command
    /// again whose answer was lost: give a `ClusterClientBuilder` `retries(0)`.
    ///
    /// ```no_run
    /// # use session_redis::{RedisStore, redis};
    /// # async fn show() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = redis::Client::open("redis://127.0.0.1/")?;
    /// let connection = client.get_multiplexed_async_connection().await?;
    /// let store = RedisStore::from_connection(connection).connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_connection(connection: impl ConnectionLike + Clone + Send + Sync + 'static) -> RedisStoreBuilder {
        RedisStoreBuilder::given(connection)
    }

    pub(crate) fn new(connection: Arc<dyn Connection>, settings: Settings) -> Self {
        Self { connection, settings: Arc::new(settings) }
    }

    /// The time now is when a call begins.
    fn call(&self, name: &'static str) -> Call<'_> {
        Call { name, store: self, deadline: Instant::now() + self.settings.deadline }
    }

    fn record_name(&self, key: &StoreKey) -> Vec<u8> {
        self.name("", key.as_bytes())
    }

    fn list_name(&self, owner: &[u8]) -> Vec<u8> {
        self.name("owner:", &Sha256::digest(owner))
    }

    fn name(&self, kind: &str, hash: &[u8]) -> Vec<u8> {
        let prefix = &self.settings.key_prefix;
        let start = prefix.len() + kind.len();
        let mut name = Vec::with_capacity(start + 2 * hash.len());
        name.extend_from_slice(prefix.as_bytes());
        name.extend_from_slice(kind.as_bytes());
        name.resize(start + 2 * hash.len(), 0);
        for (digits, byte) in name[start..].as_chunks_mut().0.iter_mut().zip(hash) {
            *digits = [hexadecimal(byte >> 4), hexadecimal(byte & 15)];
        }
        name
    }

    /// How long Redis is to keep a record, in milliseconds. Its expiry is for the engine to judge, by a clock that may be
    /// another: Redis only tidies up.
    fn life(&self, expires_at: SystemTime) -> u64 {
        let left = expires_at.duration_since(SystemTime::now()).unwrap_or_default();
        let life = left.saturating_add(self.settings.grace).as_millis();
        // A life of nothing is an error to Redis.
        u64::try_from(life).unwrap_or(LONGEST).clamp(1, LONGEST)
    }

    fn check_size(&self, record: &NewRecord<'_>) -> Result<(), Error> {
        let (size, limit) = (record.payload().len(), self.settings.max_payload);
        if size > limit {
            let message = format!("a session of {size} bytes; this store on redis takes {limit}");
            return Err(too_large(message, "the limit is the store's max_payload"));
        }
        if record.owner().is_some_and(|owner| owner.len() > MAX_OWNER) {
            let message = format!("an owner of more than {MAX_OWNER} bytes; this store on redis takes no longer ones");
            return Err(too_large(message, "the limit is fixed"));
        }
        Ok(())
    }
}

#[async_trait]
impl SessionStore for RedisStore {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let (call, name) = (self.call("load"), self.record_name(key));
        let mut get = Cmd::with_capacity(2, 3 + name.len());
        match call.read(get.arg("GET").arg(name)).await {
            Ok(Value::Nil) => Ok(None),
            Ok(Value::BulkString(bytes)) => {
                let record = record::decode(&bytes);
                if record.is_none() {
                    warn_of_foreign_value(key);
                }
                Ok(record)
            }
            Err(error) if is_of_another_type(&error) => {
                warn_of_foreign_value(key);
                Ok(None)
            }
            Ok(_) => Err(call.makes_no_sense()),
            Err(error) => Err(call.failed(error)),
        }
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.check_size(record)?;
        let (call, life, version) = (self.call("create"), self.life(record.expires_at()), new_version()?);
        let listed = match record.owner() {
            Some(owner) => call.list(key, owner.as_bytes(), life).await?,
            None => NOT_LISTED,
        };
        let bytes = record::encode(version, record, &listed);
        let mut set = redis::cmd("SET");
        set.arg(self.record_name(key)).arg(bytes).arg("NX").arg("PX").arg(life);
        match call.send(&set).await {
            Ok(Value::Okay) => Ok(version),
            Ok(Value::Nil) => {
                let message = "redis has something under a key that should be new";
                Err(Error::new(ErrorKind::Backend, message).with_source("SET NX changed nothing"))
            }
            Ok(_) => Err(call.makes_no_sense()),
            Err(error) => Err(call.failed(error)),
        }
    }

    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        self.check_size(record)?;
        let (call, life, version) = (self.call("replace"), self.life(record.expires_at()), new_version()?);
        let (start, decimal_life) = (record::start(expected), decimal(life));
        let bytes = record::encode(version, record, &NOT_LISTED);
        let mut replaced = match record.owner() {
            None => call.change(&REPLACE, key, &[&start, &bytes, &decimal_life]).await?,
            Some(owner) => {
                let (owner, needed) = (record::owner_field(owner), decimal(life + MARGIN));
                call.change(&REPLACE, key, &[&start, &bytes, &decimal_life, &owner, &needed]).await?
            }
        };
        if let (Value::Int(2), Some(owner)) = (&replaced, record.owner()) {
            let listed = call.list(key, owner.as_bytes(), life).await?;
            let bytes = record::encode(version, record, &listed);
            replaced = call.change(&REPLACE, key, &[&start, &bytes, &decimal_life]).await?;
        }
        match replaced {
            Value::Int(0) => Ok(Replaced::Stale),
            Value::Int(1) => Ok(Replaced::Done(version)),
            _ => Err(call.makes_no_sense()),
        }
    }

    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let (call, life) = (self.call("touch"), self.life(expires_at));
        let (start, needed) = (record::start(expected), decimal(life + MARGIN));
        let (expires_at, decimal_life) = (record::encode_time(expires_at), decimal(life));
        let mut touched = call.change(&TOUCH, key, &[&start, &expires_at, &decimal_life, &needed]).await?;
        if let Value::BulkString(owner) = &touched {
            let listed = call.list(key, owner, life).await?;
            touched = call.change(&TOUCH, key, &[&start, &expires_at, &decimal_life, &needed, &listed]).await?;
        }
        match touched {
            Value::Int(done @ 0..=1) => Ok(done == 1),
            _ => Err(call.makes_no_sense()),
        }
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let call = self.call("remove");
        match call.change(&REMOVE, key, &[&record::start(expected)]).await? {
            Value::Int(removed @ 0..=1) => Ok(removed == 1),
            Value::BulkString(listed_and_owner) => {
                call.unlist(key, &listed_and_owner).await;
                Ok(true)
            }
            _ => Err(call.makes_no_sense()),
        }
    }
}

#[async_trait]
impl OwnerIndex for RedisStore {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let call = self.call("keys_of");
        let listed = call.read(redis::cmd("ZRANGE").arg(self.list_name(owner.as_bytes())).arg(0).arg(-1)).await;
        let Value::Array(members) = listed.map_err(|error| call.failed(error))? else {
            return Err(call.makes_no_sense());
        };
        let key = |member| match member {
            Value::BulkString(bytes) => Some(StoreKey::from_bytes(bytes.try_into().ok()?)),
            _ => None,
        };
        Ok(members.into_iter().filter_map(key).collect())
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("connection", &self.connection).field("settings", &self.settings).finish()
    }
}

/// One call of the store: all that it sends is over at its deadline.
struct Call<'a> {
    name: &'static str,
    store: &'a RedisStore,
    deadline: Instant,
}

impl Call<'_> {
    async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        self.store.connection.send(command, self.deadline).await
    }

    /// Sends what changes nothing, so that it may be sent again over a new connection.
    async fn read(&self, command: &Cmd) -> RedisResult<Value> {
        match self.send(command).await {
            Err(error) if error.is_connection_dropped() && !error.is_connection_refusal() => self.send(command).await,
            answer => answer,
        }
    }

    /// Runs a script on a record. What is no record has no version: 0.
    async fn change(&self, script: &Lua, key: &StoreKey, arguments: &[&[u8]]) -> Result<Value, Error> {
        let name = self.store.record_name(key);
        match script.run(&*self.store.connection, self.deadline, &name, arguments).await {
            Err(error) if is_of_another_type(&error) => {
                warn_of_foreign_value(key);
                Ok(Value::Int(0))
            }
            answer => answer.map_err(|error| self.failed(error)),
        }
    }

    /// Lists a key under its owner for half as long again as its record lives, which spares most renewals this call.
    async fn list(&self, key: &StoreKey, owner: &[u8], life: u64) -> Result<Listed, Error> {
        let (name, time) = (self.store.list_name(owner), decimal(life + life / 2 + 2 * MARGIN));
        let listed = LIST.run(&*self.store.connection, self.deadline, &name, &[key.as_bytes(), &time]).await;
        match listed.map_err(|error| self.failed(error))? {
            Value::BulkString(listed) => listed.try_into().map_err(|_| self.makes_no_sense()),
            _ => Err(self.makes_no_sense()),
        }
    }

    /// Takes the key of a removed record off its owner's list. If that fails, the list names it until its time is over.
    async fn unlist(&self, key: &StoreKey, listed_and_owner: &[u8]) {
        let Some((listed, owner)) = listed_and_owner.split_at_checked(NOT_LISTED.len()) else { return };
        let name = self.store.list_name(owner);
        let unlisted = UNLIST.run(&*self.store.connection, self.deadline, &name, &[key.as_bytes(), listed]).await;
        if let Err(error) = unlisted {
            let error = self.failed(error);
            let (session, source) = (key.log_name(), std::error::Error::source(&error));
            tracing::debug!(%session, %error, source, "an ended session stays on its owner's list");
        }
    }

    fn failed(&self, error: RedisError) -> Error {
        failed(self.name, error)
    }

    fn makes_no_sense(&self) -> Error {
        let message = format!("redis answered with something else than it was asked for ({})", self.name);
        Error::new(ErrorKind::Backend, message).with_source("an answer of another type")
    }
}

/// 64 random bits: no version is ever used twice.
fn new_version() -> Result<Version, Error> {
    getrandom::u64().map(Version::new).map_err(|error| {
        Error::new(ErrorKind::Unavailable, "the operating system gave no randomness").with_source(error)
    })
}

/// The digit of a number below 16.
fn hexadecimal(number: u8) -> u8 {
    number + if number < 10 { b'0' } else { b'a' - 10 }
}

fn decimal(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}

fn too_large(message: String, source: &'static str) -> Error {
    Error::new(ErrorKind::TooLarge, message).with_source(source)
}

fn warn_of_foreign_value(key: &StoreKey) {
    tracing::warn!(
        session = %key.log_name(),
        "redis holds something under a session's key that this store has not written; treating it as absent"
    );
}
