//! The session interface for sealed cookies, which only the server can read and change.

mod cipher;
mod content;

use session_core::config::SecretKey;
use session_core::events::{Event, Events};
use session_core::interface::{Contents, CookieAction, OpenContext, Opened, Save, Saved};
use session_core::{Error, Outcome, SessionConfig, SessionInterface, async_trait};

use crate::base64url;
use crate::compression::Compression;
use crate::rules;
use crate::signed::refuse_limit;
use cipher::Cipher;
use content::Span;

/// A session interface that stores each session in an encrypted and authenticated cookie, for data
/// that the client must not read.
///
/// As with [`SignedCookieSessions`](crate::SignedCookieSessions), the client stores the session.
/// The cookie reveals only its length and the time when it was last set. Flask cannot read the
/// cookie.
///
/// # Expiry
///
/// The sealed data has the times when the session was created and when the cookie was set.
/// Therefore [`idle_timeout`](SessionConfig::idle_timeout) and
/// [`absolute_timeout`](SessionConfig::absolute_timeout) apply. A session expires when its lifetime
/// has passed since its cookie was last set. For a session that ends with the browser, that
/// lifetime is `permanent_lifetime`. The current settings apply even to existing cookies.
///
/// A request that reads a permanent session sets the cookie again only after a tenth of the
/// lifetime or a minute, whichever is shorter. Therefore a session may expire earlier than its
/// lifetime after the last read, by up to this time. In return, most reads cannot undo a concurrent
/// write or logout. With [`Refresh::EachRequest`](session_core::Refresh::EachRequest), every
/// request sets the cookie, as in Flask.
///
/// With an idle timeout, every request whose handler obtains the session extends the expiry,
/// whether the session is permanent or not. The response sets a new cookie only if the old cookie
/// would expire too early.
///
/// # Limits
///
/// A copy of the cookie stays valid until it expires or the key is replaced, even after a logout.
/// Concurrent changes overwrite each other, because the browser stores the cookie of the last
/// response.
///
/// # Cryptography
///
/// The cipher is AES-256-GCM-SIV (RFC 8452) with random nonces. If a nonce repeats, for example in
/// a cloned virtual machine, an attacker can determine only whether two sessions are equal.
///
/// HKDF derives the cipher keys from the [`SecretKey`] for this purpose only. Therefore a signed
/// cookie with the same key is never accepted as a sealed cookie, and vice versa. The current key
/// seals, and all keys open. The [namespace](SessionConfig::namespace) is also authenticated, so a
/// cookie opens only in the namespace for which it was sealed.
///
/// # Compression
///
/// Sessions are not compressed by default. Compressed text is shorter if it repeats itself, and an
/// attacker can see the length of a cookie. An attacker who can also write a guess into the session
/// could determine its other values. See [`compression`](SealedCookieSessionsBuilder::compression).
///
/// # Examples
///
/// ```
/// use session_cookie::{SealedCookieSessions, SecretKey, SessionConfig};
/// use session_core::request::{RequestSession, RequestView};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let sessions = SealedCookieSessions::new(SessionConfig::default(), &SecretKey::generate()?)?;
///
/// let request = RequestSession::new(sessions.clone(), RequestView::default());
/// request.session().await?.insert("card", "4111 1111")?;
/// let headers = request.commit().await.into_result()?;
///
/// let cookie = headers.set_cookie().and_then(|header| header.split(';').next()).unwrap_or("");
/// let view = RequestView::builder().cookie_header(cookie.as_bytes()).build();
/// let session = RequestSession::new(sessions, view).session().await?;
/// assert_eq!(session.get::<String>("card")?.as_deref(), Some("4111 1111"));
/// # Ok::<(), session_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct SealedCookieSessions {
    config: SessionConfig,
    cipher: Cipher,
    compression: Compression,
}

impl SealedCookieSessions {
    /// Returns an interface that seals sessions with this key and does not compress them.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`build`](SealedCookieSessionsBuilder::build).
    pub fn new(config: SessionConfig, key: &SecretKey) -> Result<Self, Error> {
        Self::builder(config, key).build()
    }

    /// Returns a builder that can set the compression.
    pub fn builder(config: SessionConfig, key: &SecretKey) -> SealedCookieSessionsBuilder {
        SealedCookieSessionsBuilder { config, key: key.clone(), compression: Compression::Never }
    }

    fn read(&self, context: &OpenContext<'_>, cookie: &str) -> Result<Opened, Rejected> {
        let config = context.config();
        let bytes = self.cipher.open(cookie, self.config.namespace()).ok_or(Rejected::Seal)?;
        match content::version(&bytes) {
            Some(version) if version > content::VERSION => return Err(Rejected::Newer(version)),
            _ => {}
        }
        let span = content::span(&bytes).ok_or(Rejected::Content)?;
        let text = content::text(bytes).ok_or(Rejected::Content)?;
        let opened = Opened::from_payload_with_login(text).map_err(|_| Rejected::Content)?;
        let lifetime = context.lifetime(&opened);
        let expires_at = span.expires_at(config, lifetime);
        if config.is_expired(span.created_at, expires_at, context.now()) {
            return Err(Rejected::Expired);
        }
        let opened = opened.with_details(span.details(expires_at));
        Ok(opened.with_renewal(span.renewal(config, lifetime)).with_backend_state(span))
    }

    fn seal(&self, contents: &Contents, span: Span, save: &Save<'_>) -> Result<String, Error> {
        let expected = contents.payload_len() + content::OVERHEAD + Cipher::OVERHEAD;
        let mut payload = Vec::with_capacity(base64url::capacity(expected));
        contents.append_payload_with_login(&mut payload);
        let cookie_length = Cipher::sealed_length(payload.len() + content::OVERHEAD);
        let compress = self.compression.is_tried(cookie_length, || save.value_limit());
        self.cipher.seal(content::encode(payload, span, compress), self.config.namespace())
    }
}

#[async_trait]
impl SessionInterface for SealedCookieSessions {
    fn config(&self) -> &SessionConfig {
        &self.config
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let Some(cookie) = context.cookie().filter(|cookie| !cookie.is_empty()) else {
            return Ok(Opened::new());
        };
        match self.read(context, cookie) {
            Ok(opened) => Ok(opened),
            Err(Rejected::Newer(version)) => Err(newer(version)),
            Err(rejected) => {
                rejected.report(self.config.events());
                Ok(Opened::new())
            }
        }
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        if let Some(saved) = rules::save_without_value(save)? {
            return Ok(saved);
        }
        let (config, now, contents) = (save.config(), save.now(), save.contents());
        let begins = save.ends() || save.login().is_some();
        let opened = save.backend_state::<Span>().filter(|_| !begins);
        let created_at = opened.map_or(now, |span| span.created_at);
        let span = Span { created_at, set_at: now };
        let value = self.seal(&contents, span, save)?;
        if !save.is_final() {
            save.remember(span);
        }
        let lifetime = contents.lifetime();
        let expires_at = span.expires_at(config, lifetime);
        let expires = lifetime.permanent().map(|_| expires_at);
        let saved = Saved::new(CookieAction::Set { value, expires }, Outcome::Stored)
            .with_details(span.details(expires_at));
        Ok(match config.idle_timeout() {
            // The response may be committed long after a manual save.
            Some(_) => saved.with_renewal(span.renewal(config, lifetime)),
            None => saved,
        })
    }
}

/// A builder of [`SealedCookieSessions`].
#[derive(Clone, Debug)]
pub struct SealedCookieSessionsBuilder {
    config: SessionConfig,
    key: SecretKey,
    compression: Compression,
}

impl SealedCookieSessionsBuilder {
    /// Sets the compression of cookies; the default is [`Compression::Never`]. Use another value
    /// only if no session has both secrets and values that an attacker can choose.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Returns the interface. This call derives all keys.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](session_core::ErrorKind::Configuration) if the configuration
    /// has a maximum number of sessions, or if no cipher key can be derived from the key.
    pub fn build(self) -> Result<SealedCookieSessions, Error> {
        refuse_limit(&self.config)?;
        let cipher = Cipher::new(&self.key)?;
        Ok(SealedCookieSessions { config: self.config, cipher, compression: self.compression })
    }
}

/// The reason why a cookie is not opened. For all reasons except `Newer`, the request receives a
/// fresh session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Rejected {
    Seal,
    Expired,
    /// A newer build sealed the cookie, in this version of the format.
    Newer(u8),
    /// One of the keys sealed the cookie, but the content is not a session. An operator must
    /// investigate the cause.
    Content,
}

fn newer(version: u8) -> Error {
    let newest = content::VERSION;
    Error::newer_format(format!(
        "sealed cookie has version {version} of the format, and this build reads up to version \
         {newest}; deploy the newer build again"
    ))
}

impl Rejected {
    fn report(self, events: &Events) {
        match self {
            Self::Seal => events.report(Event::ForgedCookie { count: 1 }),
            Self::Expired => events.report(Event::Expired { count: 1 }),
            Self::Newer(_) => {}
            Self::Content => {
                tracing::warn!("session cookie is sealed but malformed; starting a fresh session");
            }
        }
    }
}
