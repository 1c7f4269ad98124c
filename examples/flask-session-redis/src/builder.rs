//! Builds the interface from the settings of Flask-Session, and connects to Redis.

use std::time::Duration;

use session_core::config::SecretKey;
use session_core::{Error, ErrorKind, SessionConfig};

use crate::keys::Keys;
use crate::signer::Signer;
use crate::{FlaskSessionRedis, Format};

/// The default prefix of Flask-Session.
const KEY_PREFIX: &str = "session:";
const DEADLINE: Duration = Duration::from_secs(2);

/// A builder of [`FlaskSessionRedis`]. The prefix, the format and the signing have the defaults of
/// Flask-Session.
///
/// ```no_run
/// use flask_session_redis::{FlaskSessionRedis, Format};
/// use session_core::SessionConfig;
/// use session_core::config::SecretKey;
///
/// # async fn start() -> Result<(), session_core::Error> {
/// let sessions = FlaskSessionRedis::builder(SessionConfig::default())
///     .key_prefix("shop:")
///     .format(Format::Json)
///     .signed_with(&SecretKey::from_env("SECRET_KEY")?)
///     .connect("redis://localhost")
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FlaskSessionRedisBuilder {
    config: SessionConfig,
    key_prefix: String,
    format: Format,
    key: Option<SecretKey>,
    deadline: Duration,
}

impl FlaskSessionRedisBuilder {
    pub(crate) fn new(config: SessionConfig) -> Self {
        Self {
            config,
            key_prefix: KEY_PREFIX.to_owned(),
            format: Format::default(),
            key: None,
            deadline: DEADLINE,
        }
    }

    /// Sets the prefix of all keys in Redis: `SESSION_KEY_PREFIX`.
    ///
    /// ```
    /// # use flask_session_redis::FlaskSessionRedis;
    /// let builder = FlaskSessionRedis::builder(Default::default()).key_prefix("shop:");
    /// ```
    #[must_use]
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.key_prefix = prefix.into();
        self
    }

    /// Sets the format in which sessions are written: `SESSION_SERIALIZATION_FORMAT`.
    ///
    /// ```
    /// # use flask_session_redis::{FlaskSessionRedis, Format};
    /// let builder = FlaskSessionRedis::builder(Default::default()).format(Format::Json);
    /// ```
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Signs the ids in cookies: `SESSION_USE_SIGNER`, with Flask's `SECRET_KEY`. A cookie without
    /// a valid signature opens a fresh session.
    ///
    /// ```
    /// # use flask_session_redis::FlaskSessionRedis;
    /// # use session_core::config::SecretKey;
    /// let secret_key = SecretKey::generate()?;
    /// let builder = FlaskSessionRedis::builder(Default::default()).signed_with(&secret_key);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn signed_with(mut self, key: &SecretKey) -> Self {
        self.key = Some(key.clone());
        self
    }

    /// Sets the time limit for connecting and for the reply to each command. The default is two
    /// seconds.
    ///
    /// ```
    /// # use flask_session_redis::FlaskSessionRedis;
    /// # use std::time::Duration;
    /// let deadline = Duration::from_millis(500);
    /// let builder = FlaskSessionRedis::builder(Default::default()).deadline(deadline);
    /// ```
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Connects to Redis. A lost connection is re-established automatically.
    ///
    /// # Errors
    ///
    /// - [`Configuration`](ErrorKind::Configuration) if the URL or the key is invalid, or if the
    ///   configuration has an idle or absolute timeout.
    /// - [`Unavailable`](ErrorKind::Unavailable) if Redis cannot be reached.
    /// - [`Backend`](ErrorKind::Backend) if Redis refuses the connection, for example because of a
    ///   wrong password.
    ///
    /// ```no_run
    /// # async fn start() -> Result<(), session_core::Error> {
    /// # use flask_session_redis::FlaskSessionRedis;
    /// let sessions = FlaskSessionRedis::builder(Default::default()).connect("redis://:password@cache:6379/1").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(self, url: &str) -> Result<FlaskSessionRedis, Error> {
        if self.config.absolute_timeout().is_some() || self.config.idle_timeout().is_some() {
            let message = "Flask-Session stores neither the creation nor the last use of a session; \
                           use another backend for idle and absolute timeouts";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        let signer = self.key.as_ref().map(Signer::new).transpose()?;
        let keys = Keys::connect(url, self.key_prefix, self.deadline).await?;
        Ok(FlaskSessionRedis::new(self.config, keys, self.format, signer))
    }
}
