//! The session interface over signed cookies.

use std::time::Duration;

use session_core::{
    CookieAction, Error, ErrorKind, OpenContext, SaveContext, SecretKey, Session, SessionConfig, SessionInterface,
    async_trait,
};

use crate::base64url;
use crate::compression::Compression;
use crate::payload;
use crate::signer::{Digest, Refused, Signer};

/// Flask's salt: it keeps other signatures made with the same key from passing as sessions.
const SALT: &str = "cookie-session";

/// Keeps each session in a signed cookie, in Flask's format.
///
/// ```
/// use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
/// use session_core::{RequestSession, RequestView};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let key = SecretKey::allow_short("secret-key")?; // a Flask application's SECRET_KEY
/// let sessions = SignedCookieSessions::new(SessionConfig::default(), &key)?;
///
/// let cookie = b"session=eyJ1c2VyX2lkIjo0Mn0.ZVPxAA.w8-OD2mSNaGouDpydiAUxPqksM0";
/// let request = RequestSession::new(sessions, RequestView::builder().cookie_header(cookie).build());
/// assert_eq!(request.session().await?.get::<u64>("user_id")?, None); // signed in 2023, expired since
/// # Ok::<(), session_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct SignedCookieSessions {
    config: SessionConfig,
    signer: Signer,
    compression: Compression,
}

impl SignedCookieSessions {
    /// Sessions signed as Flask signs them by default.
    ///
    /// # Errors
    ///
    /// As [`build`](SignedCookieSessionsBuilder::build).
    ///
    /// ```
    /// use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
    ///
    /// let sessions = SignedCookieSessions::new(SessionConfig::default(), &SecretKey::generate()?)?;
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn new(config: SessionConfig, key: &SecretKey) -> Result<Self, Error> {
        Self::builder(config, key).build()
    }

    /// Sessions with another salt, digest or rule of compression.
    ///
    /// ```
    /// use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
    ///
    /// let key = SecretKey::generate()?;
    /// let sessions = SignedCookieSessions::builder(SessionConfig::default(), &key).salt("admin").build()?;
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn builder(config: SessionConfig, key: &SecretKey) -> SignedCookieSessionsBuilder {
        SignedCookieSessionsBuilder {
            config,
            key: key.clone(),
            salt: SALT.to_owned(),
            digest: Digest::default(),
            compression: Compression::default(),
        }
    }

    /// The session that a cookie holds, or why it holds none.
    fn read(&self, context: &OpenContext<'_>, cookie: &str) -> Result<Session, Rejected> {
        let (payload, signed_at) = self.signer.verify(cookie)?;
        let age = whole_seconds(context.now()).checked_sub(whole_seconds(signed_at)).ok_or(Rejected::Expired)?;
        let text = payload::decode(payload).ok_or(Rejected::Payload)?;
        let session = Session::from_payload(text).map_err(|_| Rejected::Payload)?;
        let lifetime = context.lifetime(&session).unwrap_or_else(|| context.config().permanent_lifetime());
        if age > lifetime.as_secs() { Err(Rejected::Expired) } else { Ok(session) }
    }

    /// A payload of this text, compressed if the rule says so.
    fn encode(&self, text: &str, limit: Option<usize>) -> Vec<u8> {
        let length = base64url::length(text.len()) + self.signer.overhead();
        let mut value = Vec::with_capacity(length + 4);
        if !(self.compression.is_tried(length, limit) && payload::encode_compressed(text, &mut value)) {
            payload::encode(text, &mut value);
        }
        value
    }
}

#[async_trait]
impl SessionInterface for SignedCookieSessions {
    fn config(&self) -> &SessionConfig {
        &self.config
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
        let Some(cookie) = context.cookie().filter(|cookie| !cookie.is_empty()) else {
            return Ok(Session::new());
        };
        Ok(self.read(context, cookie).unwrap_or_else(|rejected| {
            rejected.log();
            Session::new()
        }))
    }

    async fn save(&self, session: &Session, context: &SaveContext<'_>) -> Result<CookieAction, Error> {
        if session.is_empty() {
            return Ok(if session.is_modified() { CookieAction::Remove } else { CookieAction::Keep });
        }
        let mut value = self.encode(&session.payload(), context.value_limit());
        self.signer.sign(&mut value, context.now());
        let unreadable = |error| Error::new(ErrorKind::Backend, "base64 gave no text").with_source(error);
        String::from_utf8(value).map(CookieAction::Set).map_err(unreadable)
    }
}

/// Collects the settings of [`SignedCookieSessions`].
///
/// ```
/// use session_cookie::{Digest, SecretKey, SessionConfig, SignedCookieSessions};
///
/// let sessions = SignedCookieSessions::builder(SessionConfig::default(), &SecretKey::generate()?)
///     .digest(Digest::Sha512)
///     .build()?;
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SignedCookieSessionsBuilder {
    config: SessionConfig,
    key: SecretKey,
    salt: String,
    digest: Digest,
    compression: Compression,
}

impl SignedCookieSessionsBuilder {
    /// Another salt than Flask's `cookie-session`: two interfaces with one key, but different salts, do not take each
    /// other's cookies.
    ///
    /// ```
    /// # use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
    /// # let key = SecretKey::generate()?;
    /// let builder = SignedCookieSessions::builder(SessionConfig::default(), &key).salt("admin-session");
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn salt(mut self, salt: impl Into<String>) -> Self {
        self.salt = salt.into();
        self
    }

    /// Another digest than SHA-1.
    ///
    /// ```
    /// # use session_cookie::{Digest, SecretKey, SessionConfig, SignedCookieSessions};
    /// # let key = SecretKey::generate()?;
    /// let builder = SignedCookieSessions::builder(SessionConfig::default(), &key).digest(Digest::Sha256);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn digest(mut self, digest: Digest) -> Self {
        self.digest = digest;
        self
    }

    /// Another rule than [`Compression::NearLimit`].
    ///
    /// ```
    /// # use session_cookie::{Compression, SecretKey, SessionConfig, SignedCookieSessions};
    /// # let key = SecretKey::generate()?;
    /// let builder = SignedCookieSessions::builder(SessionConfig::default(), &key).compression(Compression::Never);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// The interface, with every key derived.
    ///
    /// # Errors
    ///
    /// [`Configuration`](session_core::ErrorKind::Configuration) if the key cannot be used, or if the configuration has an idle
    /// or absolute timeout: Flask's format has no place for what they need.
    ///
    /// ```
    /// # use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
    /// # let key = SecretKey::generate()?;
    /// let sessions = SignedCookieSessions::builder(SessionConfig::default(), &key).build()?;
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn build(self) -> Result<SignedCookieSessions, Error> {
        if self.config.absolute_timeout().is_some() || self.config.idle_timeout().is_some() {
            let message = "a signed cookie does not know when its session began or was last used: \
                           idle and absolute timeouts need a sealed cookie or a server-side backend";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        let signer = Signer::new(&self.key, self.salt.as_bytes(), self.digest)?;
        Ok(SignedCookieSessions { config: self.config, signer, compression: self.compression })
    }
}

/// Why a cookie is a fresh session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Rejected {
    Signature,
    Expired,
    /// We or Flask signed it, and yet it is no session: somebody should look.
    Payload,
}

impl Rejected {
    fn log(self) {
        match self {
            Self::Signature => {
                tracing::debug!("session cookie has no valid signature; starting a fresh session");
            }
            Self::Expired => {
                tracing::debug!("session cookie has expired; starting a fresh session");
            }
            Self::Payload => {
                tracing::warn!("session cookie is signed but malformed; starting a fresh session");
            }
        }
    }
}

impl From<Refused> for Rejected {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Signature => Self::Signature,
            Refused::Timestamp => Self::Payload,
        }
    }
}

/// Seconds since 1970, as itsdangerous counts: ages compare in whole seconds.
fn whole_seconds(time: std::time::SystemTime) -> u64 {
    time.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}
