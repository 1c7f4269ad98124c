//! How a store is told where Redis is, and how to use it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::io::tcp::TcpSettings;
use redis::{Client, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion, RedisResult};
use session_core::Error;
use tokio::time::Instant;

use crate::RedisStore;
use crate::connection::{Connection, Given, Reconnecting, Server};
use crate::error::failed;

/// The settings of a [`RedisStore`].
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
}

/// What a store needs to know once it is connected.
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

/// What is given beside an address, and wins over what the address says.
#[derive(Default)]
struct Access {
    username: Option<String>,
    password: Option<String>,
    database: Option<i64>,
    #[cfg(feature = "tls")]
    certificates: Option<redis::TlsCertificates>,
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
        Self { target, access: Access::default(), settings: Settings::default() }
    }

    /// What every key begins with, so that several applications share a server. `session:` unless it is set.
    ///
    /// ```
    /// # use session_redis::RedisStore;
    /// let builder = RedisStore::builder("redis://127.0.0.1/").key_prefix("shop:session:");
    /// ```
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.settings.key_prefix = prefix.into();
        self
    }

    /// How long one call of the store may take before it is an error, connecting included. 2 seconds unless it is set.
    ///
    /// ```
    /// # use session_redis::RedisStore;
    /// # use std::time::Duration;
    /// let builder = RedisStore::builder("redis://127.0.0.1/").deadline(Duration::from_millis(500));
    /// ```
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// The longest payload in bytes; a longer one is an error of kind [`TooLarge`](session_core::ErrorKind::TooLarge).
    /// 1 MiB unless it is set, and 512 MiB is what Redis takes.
    ///
    /// ```
    /// # use session_redis::RedisStore;
    /// let builder = RedisStore::builder("redis://127.0.0.1/").max_payload(64 * 1024);
    /// ```
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.settings.max_payload = bytes;
        self
    }

    /// How much longer than its expiry Redis keeps a record: as much as the clocks of the application's machines may differ.
    /// Expiry itself is judged by the application. 5 minutes unless it is set.
    ///
    /// ```
    /// # use session_redis::RedisStore;
    /// # use std::time::Duration;
    /// let builder = RedisStore::builder("redis://127.0.0.1/").grace(Duration::from_mins(1));
    /// ```
    pub fn grace(mut self, grace: Duration) -> Self {
        self.settings.grace = grace;
        self
    }

    /// The user of Redis, instead of the address's.
    ///
    /// ```
    /// # use session_redis::RedisStore;
    /// let builder = RedisStore::builder("redis://127.0.0.1/").username("shop");
    /// ```
    pub fn username(mut self, username: impl Into<String>) -> Self {
        self.access.username = Some(username.into());
        self
    }

    /// The password of Redis, instead of the address's.
    ///
    /// ```
    /// # use session_redis::RedisStore;
    /// # fn show() -> Result<(), std::env::VarError> {
    /// let builder = RedisStore::builder("redis://127.0.0.1/").password(std::env::var("REDIS_PASSWORD")?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.access.password = Some(password.into());
        self
    }

    /// The number of the database, instead of the address's.
    ///
    /// ```
    /// # use session_redis::RedisStore;
    /// let builder = RedisStore::builder("redis://127.0.0.1/").database(2);
    /// ```
    pub fn database(mut self, number: i64) -> Self {
        self.access.database = Some(number);
        self
    }

    /// An authority of one's own, a certificate to show, or both, for `rediss://`. Without this, the certificates that the
    /// operating system trusts count.
    ///
    /// ```no_run
    /// # use session_redis::{RedisStore, redis};
    /// # fn show() -> std::io::Result<()> {
    /// let certificates = redis::TlsCertificates { client_tls: None, root_cert: Some(std::fs::read("authority.pem")?) };
    /// let builder = RedisStore::builder("rediss://redis.internal/").certificates(certificates);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    pub fn certificates(mut self, certificates: redis::TlsCertificates) -> Self {
        self.access.certificates = Some(certificates);
        self
    }

    /// Connects, and gives the store. From then on it connects again by itself.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](session_core::ErrorKind::Configuration) if an address makes no sense,
    /// [`ErrorKind::Unavailable`](session_core::ErrorKind::Unavailable) if nobody answers before the deadline,
    /// [`ErrorKind::Backend`](session_core::ErrorKind::Backend) if Redis refuses, be it for the password.
    ///
    /// ```no_run
    /// # use session_redis::RedisStore;
    /// # async fn show() -> Result<(), session_core::Error> {
    /// let store = RedisStore::builder("redis://127.0.0.1/").connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(self) -> Result<RedisStore, Error> {
        let Self { target, access, settings } = self;
        let connection = connect(target, access, settings.deadline).await.map_err(|error| failed("connect", error))?;
        Ok(RedisStore::new(connection, settings))
    }
}

impl fmt::Debug for RedisStoreBuilder {
    /// Leaves the address out: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            key_prefix: "session:".to_owned(),
            deadline: Duration::from_secs(2),
            max_payload: 1 << 20,
            grace: Duration::from_mins(5),
        }
    }
}

async fn connect(target: Target, access: Access, time: Duration) -> RedisResult<Arc<dyn Connection>> {
    let deadline = Instant::now() + time;
    match target {
        Target::Given(connection) => Ok(connection),
        Target::Server(url) => {
            let info = access.apply(parse(&url)?);
            let protocol = info.redis_settings().protocol();
            #[cfg(feature = "tls")]
            let client = match access.certificates {
                Some(certificates) => Client::build_with_tls(info, certificates)?,
                None => Client::open(info)?,
            };
            #[cfg(not(feature = "tls"))]
            let client = Client::open(info)?;
            Ok(Arc::new(Reconnecting::connect(Server(client), protocol, deadline).await?))
        }
        #[cfg(feature = "cluster")]
        Target::Cluster(urls) => {
            let client = access.cluster_client(&urls, time)?;
            Ok(Arc::new(crate::connection::Cluster::connect(client, time).await?))
        }
        #[cfg(feature = "sentinel")]
        Target::Sentinel { master, sentinels } => {
            let client = access.sentinel_client(master, &sentinels)?;
            Ok(Arc::new(Reconnecting::connect(client, ProtocolVersion::RESP3, deadline).await?))
        }
    }
}

/// RESP3, unless the address says otherwise: with it redis-rs notices at once that a connection was closed.
fn parse(url: &str) -> RedisResult<ConnectionInfo> {
    let info = url.into_connection_info()?;
    let redis = info.redis_settings().clone();
    let redis = if url.contains("protocol=") { redis } else { redis.set_protocol(ProtocolVersion::RESP3) };
    Ok(info.set_redis_settings(redis).set_tcp_settings(tcp()))
}

/// A call is one small packet, which nothing should hold back.
fn tcp() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

impl Access {
    fn apply(&self, info: ConnectionInfo) -> ConnectionInfo {
        let mut redis = info.redis_settings().clone();
        if let Some(username) = &self.username {
            redis = redis.set_username(username);
        }
        if let Some(password) = &self.password {
            redis = redis.set_password(password);
        }
        if let Some(database) = self.database {
            redis = redis.set_db(database);
        }
        info.set_redis_settings(redis)
    }

    /// A client that sends nothing twice.
    #[cfg(feature = "cluster")]
    fn cluster_client(self, urls: &[String], time: Duration) -> RedisResult<redis::cluster::ClusterClient> {
        let nodes = urls.iter().map(|url| parse(url).map(|info| self.apply(info))).collect::<RedisResult<Vec<_>>>()?;
        let tcp = tcp();
        // A node that has vanished without a word is noticed by what it does not acknowledge.
        #[cfg(target_os = "linux")]
        let tcp = tcp.set_user_timeout(time);
        let builder = redis::cluster::ClusterClientBuilder::new(nodes)
            .retries(0)
            .connection_timeout(time)
            .response_timeout(time)
            .tcp_settings(tcp);
        #[cfg(feature = "tls")]
        let builder = match self.certificates {
            Some(certificates) => builder.certs(certificates),
            None => builder,
        };
        builder.build()
    }

    #[cfg(feature = "sentinel")]
    fn sentinel_client(self, master: String, urls: &[String]) -> RedisResult<redis::sentinel::SentinelClient> {
        use redis::sentinel::{SentinelClientBuilder, SentinelServerType};

        let sentinels = urls.iter().map(|url| parse(url)).collect::<RedisResult<Vec<_>>>()?;
        let addresses = sentinels.iter().map(|sentinel| sentinel.addr().clone());
        let mut builder = SentinelClientBuilder::new(addresses, master, SentinelServerType::Master)?
            .set_client_to_redis_protocol(ProtocolVersion::RESP3)
            .set_client_to_redis_tcp_settings(tcp())
            .set_client_to_redis_db(self.database.unwrap_or(0));
        if let Some(username) = &self.username {
            builder = builder.set_client_to_redis_username(username);
        }
        if let Some(password) = &self.password {
            builder = builder.set_client_to_redis_password(password);
        }
        if let Some(first) = sentinels.first() {
            if let Some(username) = first.redis_settings().username() {
                builder = builder.set_client_to_sentinel_username(username);
            }
            if let Some(password) = first.redis_settings().password() {
                builder = builder.set_client_to_sentinel_password(password);
            }
            if matches!(first.addr(), redis::ConnectionAddr::TcpTls { .. }) {
                builder = builder.set_client_to_redis_tls_mode(redis::TlsMode::Secure);
            }
        }
        #[cfg(feature = "tls")]
        if let Some(certificates) = self.certificates {
            builder = builder
                .set_client_to_redis_certificates(certificates.clone())
                .set_client_to_sentinel_certificates(certificates);
        }
        builder.build()
    }
}
