//! The settings of a store, and its connection.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::RedisResult;
use redis::aio::ConnectionLike;
use session_core::Error;
use session_core::events::Events;
use session_core::store::{CredentialsProvider, MAX_CLOCK_SKEW};
use tokio::time::Instant;

use crate::RedisStore;
use crate::access::{Access, client, with_credentials};
use crate::address::parse;
use crate::checks::{Checks, Evictions};
use crate::connection::{Connection, Given, Reconnecting, Server};
use crate::error::failed;

/// The settings of a [`RedisStore`].
///
/// # Examples
///
/// ```no_run
/// use session_redis::RedisStore;
/// use std::time::Duration;
///
/// # async fn show() -> Result<(), session_core::Error> {
/// let store = RedisStore::builder("redis://127.0.0.1/")
///     .key_prefix("shop:session:")
///     .deadline(Duration::from_millis(500))
///     .connect()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct RedisStoreBuilder {
    target: Target,
    access: Access,
    settings: Settings,
    events: Events,
}

/// The settings of a store that is connected.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) key_prefix: String,
    pub(crate) deadline: Duration,
    pub(crate) max_payload: usize,
    pub(crate) grace: Duration,
}

enum Target {
    Server(String),
    #[cfg(feature = "cluster")]
    Cluster(Vec<String>),
    #[cfg(feature = "sentinel")]
    Sentinel {
        master: String,
        sentinels: Vec<String>,
    },
    Given(Arc<dyn Connection>),
}

impl RedisStoreBuilder {
    pub(crate) fn server(url: String) -> Self {
        Self::new(Target::Server(url))
    }

    #[cfg(feature = "cluster")]
    pub(crate) fn cluster(urls: Vec<String>) -> Self {
        Self::new(Target::Cluster(urls))
    }

    #[cfg(feature = "sentinel")]
    pub(crate) fn sentinel(master: String, sentinels: Vec<String>) -> Self {
        Self::new(Target::Sentinel { master, sentinels })
    }

    pub(crate) fn given(connection: impl ConnectionLike + Clone + Send + Sync + 'static) -> Self {
        Self::new(Target::Given(Arc::new(Given(connection))))
    }

    fn new(target: Target) -> Self {
        Self {
            target,
            access: Access::default(),
            settings: Settings::default(),
            events: Events::default(),
        }
    }

    /// Sets the prefix of every key, so that several applications can share a server. The default
    /// is `session:`.
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.settings.key_prefix = prefix.into();
        self
    }

    /// Sets the time limit of a call of the store, including connecting. After this time, the call
    /// fails with [`ErrorKind::Unavailable`](session_core::ErrorKind::Unavailable). The default is
    /// 2 seconds.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// Sets the maximum size of a payload, in bytes. A larger payload fails with
    /// [`ErrorKind::TooLarge`](session_core::ErrorKind::TooLarge). The default is 1 MiB. Redis
    /// itself accepts up to 512 MiB.
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.settings.max_payload = bytes;
        self
    }

    /// Sets the time for which Redis stores a record after its expiry. It must be at least the
    /// difference between the clocks of Redis and of the application, because the application
    /// checks the expiry. The default is [`MAX_CLOCK_SKEW`], 5 minutes.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.settings.grace = grace;
        self
    }

    /// Sets the Redis user, which overrides the user in the address.
    pub fn username(mut self, username: impl Into<String>) -> Self {
        self.access.username = Some(username.into());
        self
    }

    /// Sets the password of the Redis user, which overrides the password in the address.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.access.password = Some(password.into());
        self
    }

    /// Sets a provider of the user and the password. The store calls the provider for each
    /// connection. Use a provider for passwords that change and for tokens that expire.
    ///
    /// An open connection stays open, because Redis checks credentials only when a client connects.
    /// On a Cluster, the provider is called for the connection to each node, and may be called
    /// twice. Behind Sentinel, the provider returns the credentials of Redis, not of the Sentinels.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use session_core::store::Credentials;
    /// use session_redis::RedisStore;
    ///
    /// # async fn token() -> Result<String, session_core::Error> { Ok(String::new()) }
    /// let builder = RedisStore::builder("rediss://redis.internal/")
    ///     .credentials(|| async { Ok(Credentials::new("shop", token().await?)) });
    /// ```
    pub fn credentials(mut self, provider: impl CredentialsProvider) -> Self {
        self.access.provider = Some(Arc::new(provider));
        self
    }

    /// Sets the handler of the events of reconnections and evictions. By default, these events are
    /// reported to `tracing` only. [`check`](session_core::store::SessionStore::check) reports
    /// evictions. On a Cluster, redis-rs reconnects by itself and reports nothing.
    pub fn events(mut self, events: Events) -> Self {
        self.events = events;
        self
    }

    /// Sets the number of the database, which overrides the number in the address.
    pub fn database(mut self, number: i64) -> Self {
        self.access.database = Some(number);
        self
    }

    /// Sets a certificate authority, a client certificate, or both, for `rediss://`. By default,
    /// the store uses the authorities that the operating system trusts, and no client certificate.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use session_redis::{RedisStore, redis};
    ///
    /// # fn show() -> std::io::Result<()> {
    /// let certificates = redis::TlsCertificates {
    ///     client_tls: None,
    ///     root_cert: Some(std::fs::read("authority.pem")?),
    /// };
    /// let builder = RedisStore::builder("rediss://redis.internal/").certificates(certificates);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    pub fn certificates(mut self, certificates: redis::TlsCertificates) -> Self {
        self.access.certificates = Some(certificates);
        self
    }

    /// Connects and returns the store. Afterwards, the store reconnects by itself.
    ///
    /// Logs a warning if Redis may evict sessions, or if a failover of a Cluster or of Sentinel may
    /// lose acknowledged writes. The store does not check settings that its user may not read with
    /// `INFO` or `CONFIG GET`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](session_core::ErrorKind::Configuration) if an address is
    /// invalid, or if a part of the address or a setting would be ignored. Examples are an unknown
    /// or repeated parameter, the database number of a Sentinel, and certificates without
    /// `rediss://`. Another example is a user or password for an existing connection.
    ///
    /// - [`ErrorKind::Unavailable`](session_core::ErrorKind::Unavailable) if there is no reply
    ///   before the deadline.
    /// - [`ErrorKind::Backend`](session_core::ErrorKind::Backend) if Redis returns an error, such
    ///   as for a wrong password.
    pub async fn connect(self) -> Result<RedisStore, Error> {
        let Self { target, access, settings, events } = self;
        let (deadline, fails_over) = (Instant::now() + settings.deadline, target.fails_over());
        let connection = connect(target, access, settings.deadline, events.clone())
            .await
            .map_err(|error| failed("connect", error))?;
        let checks = Checks { connection: &*connection, deadline };
        checks.check_eviction().await;
        if fails_over {
            checks.check_replicas().await;
        }
        let evictions = Evictions::new(events, checks.evicted_keys().await);
        Ok(RedisStore::new(connection, settings, evictions))
    }
}

impl Target {
    /// Returns whether a replica takes over when the master fails.
    fn fails_over(&self) -> bool {
        match self {
            Self::Server(_) | Self::Given(_) => false,
            #[cfg(feature = "cluster")]
            Self::Cluster(_) => true,
            #[cfg(feature = "sentinel")]
            Self::Sentinel { .. } => true,
        }
    }
}

impl fmt::Debug for RedisStoreBuilder {
    /// Does not show the address, because it may have a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            key_prefix: "session:".to_owned(),
            deadline: Duration::from_secs(2),
            max_payload: 1 << 20,
            grace: MAX_CLOCK_SKEW,
        }
    }
}

async fn connect(
    target: Target,
    access: Access,
    time: Duration,
    events: Events,
) -> RedisResult<Arc<dyn Connection>> {
    let deadline = Instant::now() + time;
    match target {
        Target::Given(connection) => access.check_unused().map(|()| connection),
        Target::Server(url) => {
            let info = access.apply(parse(&url)?);
            let protocol = info.redis_settings().protocol();
            let provider = access.provider.clone();
            let client =
                move |credentials| client(with_credentials(info.clone(), credentials), &access);
            let server = Server::new(client, provider);
            Ok(Arc::new(Reconnecting::connect(server, protocol, deadline, events).await?))
        }
        #[cfg(feature = "cluster")]
        Target::Cluster(urls) => {
            let client = access.cluster_client(&urls, time)?;
            Ok(Arc::new(crate::connection::Cluster::connect(client, time).await?))
        }
        #[cfg(feature = "sentinel")]
        Target::Sentinel { master, sentinels } => {
            let sentinels = access.sentinels(master, &sentinels)?;
            let protocol = redis::ProtocolVersion::RESP3;
            Ok(Arc::new(Reconnecting::connect(sentinels, protocol, deadline, events).await?))
        }
    }
}
