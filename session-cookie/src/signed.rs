//! The session interface over signed cookies.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use session_core::config::SecretKey;
use session_core::events::{Event, Events};
use session_core::interface::{
    Contents, CookieAction, OpenContext, Opened, Save, Saved, SessionDetails, saturating_add,
};
use session_core::{Error, ErrorKind, Outcome, SessionConfig, SessionInterface, async_trait};

use crate::base64url;
use crate::compression::Compression;
use crate::in_use;
use crate::payload;
use crate::rules;
use crate::signer::{Digest, Refused, Signer};

/// Flask's salt. It distinguishes sessions from other data that is signed with the same key.
const SALT: &str = "cookie-session";
/// The salt of itsdangerous, which Starlette does not change.
const STARLETTE_SALT: &str = "itsdangerous.Signer";
/// The tolerated clock difference in seconds if the server that signed a cookie is ahead. The age
/// of a cookie is relevant for security, so the tolerance is smaller than the tolerance of stores.
/// The tolerance does not extend the lifetime.
const CLOCK_TOLERANCE: u64 = 60;

/// A session interface that stores each session in a signed cookie, in Flask's format.
///
/// # Expiry
///
/// A session expires when its lifetime has passed since its cookie was set. For a session that ends
/// with the browser, that lifetime is `permanent_lifetime`, as in Flask. The clock of the server
/// that set the cookie may be up to a minute ahead. Flask rejects a cookie whose time is in the
/// future.
///
/// A request that reads a permanent session sets the cookie again only after a tenth of the
/// lifetime or a minute, whichever is shorter. Therefore a session may expire earlier than its
/// lifetime after the last read, by up to this time. In return, most reads cannot undo a concurrent
/// write or logout. With [`Refresh::EachRequest`](session_core::Refresh::EachRequest), every
/// request sets the cookie, as in Flask.
///
/// # Login
///
/// The login is stored in the payload, under the key `_login`. Flask shows and preserves this key
/// like any other key. A copy of the cookie stays valid after a logout, until it expires or the key
/// is replaced. A [stamp](session_core::login) ends the sessions of a user.
///
/// # Namespaces
///
/// The format has no field for a [namespace](SessionConfig::namespace). Therefore a process cannot
/// have two signed cookies with the same key and different namespaces, unless their
/// [salts](SignedCookieSessionsBuilder::salt) differ. Two processes that share a key must also have
/// different salts.
///
/// # Examples
///
/// Reading a session that Flask signed:
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
/// use session_core::ManualClock;
/// use session_core::request::{RequestSession, RequestView};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let signed_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
/// let config = SessionConfig::builder().clock(ManualClock::at(signed_at)).build()?;
/// let key = SecretKey::with_any_length("secret-key")?; // the Flask application's SECRET_KEY
/// let sessions = SignedCookieSessions::new(config, &key)?;
///
/// let cookie = b"session=eyJ1c2VyX2lkIjo0Mn0.ZVPxAA.w8-OD2mSNaGouDpydiAUxPqksM0";
/// let view = RequestView::builder().cookie_header(cookie).build();
/// let session = RequestSession::new(sessions, view).session().await?;
/// assert_eq!(session.get::<u64>("user_id")?, Some(42));
/// # Ok::<(), session_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct SignedCookieSessions {
    config: SessionConfig,
    signer: Signer,
    format: Format,
    /// Prevents other namespaces of this process from using the same keys.
    _registration: Arc<str>,
}

/// The encoding of the payload before it is signed.
#[derive(Clone, Copy, Debug)]
enum Format {
    Flask(Compression),
    Starlette,
}

impl SignedCookieSessions {
    /// Returns an interface that signs sessions as Flask does by default.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`build`](SignedCookieSessionsBuilder::build).
    pub fn new(config: SessionConfig, key: &SecretKey) -> Result<Self, Error> {
        Self::builder(config, key).build()
    }

    /// Returns an interface that is compatible with the `SessionMiddleware` of Starlette and
    /// FastAPI. The Rust application and the Python application share one session.
    ///
    /// By default, Starlette sets `Max-Age` on every cookie, and never `Secure`. These settings
    /// correspond to the defaults of Starlette:
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
    /// use session_core::Refresh;
    ///
    /// let config = SessionConfig::builder()
    ///     .permanent_by_default(true)
    ///     .permanent_lifetime(Duration::from_secs(14 * 24 * 60 * 60)) // max_age
    ///     .cookie_secure(false) // https_only
    ///     .refresh(Refresh::WhenModified) // EachRequest for Starlette before 1.0
    ///     .build()?;
    /// let key = SecretKey::with_any_length("secret-key")?; // secret_key
    /// let sessions = SignedCookieSessions::starlette(config, &key)?;
    /// # Ok::<(), session_core::Error>(())
    /// ```
    ///
    /// Starlette reads ordinary JSON. It reads flash messages and the values of
    /// [`session_core::flask`] as dictionaries. It ignores the flag `permanent` of a session.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the configuration has an idle or absolute timeout, which the
    /// format cannot store, or a maximum number of sessions.
    ///
    /// The error is also [`ErrorKind::Configuration`] if this process has another signed cookie
    /// with one of the keys and another [namespace](SessionConfig::namespace).
    pub fn starlette(config: SessionConfig, key: &SecretKey) -> Result<Self, Error> {
        refuse_timeouts(&config)?;
        refuse_limit(&config)?;
        let signer = Signer::concatenated(key, STARLETTE_SALT.as_bytes())?;
        let registration = in_use::register(key, &[b"starlette"], config.namespace())?;
        Ok(Self { config, signer, format: Format::Starlette, _registration: registration })
    }

    /// Returns a builder that can set another salt, digest or compression.
    pub fn builder(config: SessionConfig, key: &SecretKey) -> SignedCookieSessionsBuilder {
        SignedCookieSessionsBuilder {
            config,
            key: key.clone(),
            salt: SALT.to_owned(),
            digest: Digest::default(),
            compression: Compression::default(),
        }
    }

    #[inline]
    fn read(&self, context: &OpenContext<'_>, cookie: &str) -> Result<Opened, Rejected> {
        let (payload, signed_at) = self.signer.verify(cookie)?;
        let (now, signed) = (whole_seconds(context.now()), whole_seconds(signed_at));
        if signed > now.saturating_add(CLOCK_TOLERANCE) {
            return Err(Rejected::Expired);
        }
        let age = now.saturating_sub(signed);
        let text = match self.format {
            Format::Flask(_) => payload::decode(payload),
            Format::Starlette => payload::decode_plain(payload),
        };
        let text = text.ok_or(Rejected::Payload)?;
        let opened = Opened::from_payload_with_login(text).map_err(|_| Rejected::Payload)?;
        let lifetime = context.lifetime(&opened);
        let limit = lifetime.unwrap_or(context.config().permanent_lifetime());
        if age > limit.as_secs() {
            return Err(Rejected::Expired);
        }
        let renewal = context.config().cookie_renewal(lifetime, signed_at);
        Ok(opened.with_renewal(renewal).with_details(details(signed_at, limit)))
    }

    /// Returns the first part of the cookie. This part is the payload, which is compressed if the
    /// setting requires compression.
    fn encode(&self, contents: &Contents, save: &Save<'_>) -> Vec<u8> {
        let Format::Flask(compression) = self.format else {
            return payload::encode_plain(&contents.payload_with_login());
        };
        let length = |payload| base64url::length(payload) + self.signer.overhead();
        let expected = contents.payload_len();
        let capacity = base64url::capacity(expected) + self.signer.overhead();
        let mut value = Vec::with_capacity(capacity);
        contents.append_payload_with_login(&mut value);
        let compress = compression.is_tried(length(value.len()), || save.value_limit());
        payload::encode(&mut value, compress);
        value
    }
}

#[async_trait]
impl SessionInterface for SignedCookieSessions {
    fn config(&self) -> &SessionConfig {
        &self.config
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let Some(cookie) = context.cookie().filter(|cookie| !cookie.is_empty()) else {
            return Ok(Opened::new());
        };
        self.read(context, cookie).or_else(|rejected| {
            rejected.report(self.config.events());
            Ok(Opened::new())
        })
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        if let Some(saved) = rules::save_without_value(save)? {
            return Ok(saved);
        }
        let contents = save.contents();
        let mut value = self.encode(&contents, save);
        self.signer.sign(&mut value, save.now());
        let value = String::from_utf8(value).map_err(|error| {
            Error::new(ErrorKind::Backend, "signed session is not text").with_source(error)
        })?;
        let limit = contents.lifetime().unwrap_or(save.config().permanent_lifetime());
        let cookie = CookieAction::Set { value, expires: contents.expires_at() };
        Ok(Saved::new(cookie, Outcome::Stored).with_details(details(save.now(), limit)))
    }
}

/// A builder of [`SignedCookieSessions`].
#[derive(Clone, Debug)]
pub struct SignedCookieSessionsBuilder {
    config: SessionConfig,
    key: SecretKey,
    salt: String,
    digest: Digest,
    compression: Compression,
}

impl SignedCookieSessionsBuilder {
    /// Sets the salt; the default is Flask's `cookie-session`. Two interfaces with the same key and
    /// different salts do not accept each other's cookies.
    #[must_use]
    pub fn salt(mut self, salt: impl Into<String>) -> Self {
        self.salt = salt.into();
        self
    }

    /// Sets the digest; the default is [`Digest::Sha1`].
    #[must_use]
    pub fn digest(mut self, digest: Digest) -> Self {
        self.digest = digest;
        self
    }

    /// Sets the compression of cookies; the default is [`Compression::NearLimit`].
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Returns the interface. This call derives all keys.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the configuration has an idle or absolute timeout, which
    /// Flask's format cannot store, or a maximum number of sessions.
    ///
    /// The error is also [`ErrorKind::Configuration`] if two signed cookies of this process differ
    /// in [namespace](SessionConfig::namespace), but share a key, the salt and the digest. Each
    /// interface would accept the cookies of the other interface.
    pub fn build(self) -> Result<SignedCookieSessions, Error> {
        refuse_timeouts(&self.config)?;
        refuse_limit(&self.config)?;
        let Self { config, key, salt, digest, compression } = self;
        let signer = Signer::new(&key, salt.as_bytes(), digest)?;
        let derivation = [format!("{digest:?}").into_bytes(), salt.into_bytes()];
        let derivation = derivation.each_ref().map(Vec::as_slice);
        let registration = in_use::register(&key, &derivation, config.namespace())?;
        let format = Format::Flask(compression);
        Ok(SignedCookieSessions { config, signer, format, _registration: registration })
    }
}

/// Returns the details of a session whose cookie was set at this time.
fn details(signed_at: SystemTime, lifetime: Duration) -> SessionDetails {
    SessionDetails::new().with_expires_at(saturating_add(signed_at, lifetime))
}

fn refuse_timeouts(config: &SessionConfig) -> Result<(), Error> {
    if config.absolute_timeout().is_none() && config.idle_timeout().is_none() {
        return Ok(());
    }
    let message = "signed cookie does not store when its session was created or used; idle and \
                   absolute timeouts need a sealed cookie or a server-side backend";
    Err(Error::new(ErrorKind::Configuration, message))
}

/// Refuses a maximum number of sessions, because the sessions are stored only in browsers.
pub(crate) fn refuse_limit(config: &SessionConfig) -> Result<(), Error> {
    if config.max_sessions().is_none() {
        return Ok(());
    }
    let message = "sessions in cookies cannot be listed or ended; a maximum number of sessions \
                   needs a server-side backend";
    Err(Error::new(ErrorKind::Configuration, message))
}

/// The reason why a cookie is replaced by a fresh session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Rejected {
    Signature,
    Expired,
    /// The signature is valid, but the payload is not a session. An operator must investigate the
    /// cause.
    Payload,
}

impl Rejected {
    fn report(self, events: &Events) {
        match self {
            Self::Signature => events.report(Event::ForgedCookie { count: 1 }),
            Self::Expired => events.report(Event::Expired { count: 1 }),
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

/// Returns the seconds since 1970. itsdangerous compares ages in whole seconds.
fn whole_seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}
