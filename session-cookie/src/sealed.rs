//! The session interface over sealed cookies: nobody but the server reads or changes them.

mod cipher;
mod content;

use std::sync::Arc;

use session_core::{
    CookieAction, Error, OpenContext, Outcome, SaveContext, SecretKey, Session, SessionConfig, SessionInterface,
    async_trait,
};

use crate::compression::Compression;
use cipher::Cipher;
use content::Span;

/// Keeps each session in a cookie that is encrypted and authenticated: for data that the client must not read.
///
/// The session travels with the client, as in [`SignedCookieSessions`](crate::SignedCookieSessions), with nothing to run and
/// nothing to clean up; but whoever holds the cookie learns nothing of it except its length and when it was last set. Flask does
/// not read it.
///
/// The cipher is AES-256-GCM-SIV (RFC 8452) with random nonces. Should one come twice, as in a copied virtual machine, that tells
/// only whether two sessions are equal. Its keys are derived from the [`SecretKey`] for this one purpose, so that a signed
/// cookie with the same key is never taken for a sealed one, nor the other way round. The current key seals, all open. A cookie
/// opens under the name that it was sealed for, and under no other.
///
/// # How long a session lives
///
/// The cookie says inside when the session began and when it ends, so here [`idle_timeout`](SessionConfig::idle_timeout)
/// and [`absolute_timeout`](SessionConfig::absolute_timeout) hold. A session lives for its lifetime from when its cookie was last
/// set, and for `permanent_lifetime` if it ends with the browser. With an idle timeout, any request that asks for the session puts
/// its end off, permanent or not, with a new cookie as soon as the old one would end too early.
///
/// What no cookie can promise, this one cannot either: a copy of it stays valid until it ends or the key is dropped, after a logout
/// too, and of two requests that change the session at once the browser keeps the response that came last.
///
/// # Compression
///
/// Nothing is compressed unless [`compression`](SealedCookieSessionsBuilder::compression) says so: compressed text is shorter
/// where it repeats itself, and the length of a cookie is no secret. Who can put a guess into a session and see how long its cookie
/// becomes could find out what else is in it.
///
/// ```
/// use session_cookie::{SealedCookieSessions, SecretKey, SessionConfig};
/// use session_core::{RequestSession, RequestView};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let sessions = SealedCookieSessions::new(SessionConfig::default(), &SecretKey::generate()?)?;
///
/// let request = RequestSession::new(sessions.clone(), RequestView::default());
/// request.session().await?.insert("card", "4111 1111")?;
/// let set_cookie = request.commit().await?.set_cookie().unwrap_or_default().to_owned();
///
/// let cookie = set_cookie.split(';').next().unwrap_or_default();
/// let request = RequestSession::new(sessions, RequestView::builder().cookie_header(cookie.as_bytes()).build());
/// assert_eq!(request.session().await?.get::<String>("card")?.as_deref(), Some("4111 1111"));
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
    /// Sessions sealed with this key, not compressed.
    ///
    /// # Errors
    ///
    /// As [`build`](SealedCookieSessionsBuilder::build).
    ///
    /// ```
    /// use session_cookie::{SealedCookieSessions, SecretKey, SessionConfig};
    ///
    /// let sessions = SealedCookieSessions::new(SessionConfig::default(), &SecretKey::generate()?)?;
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn new(config: SessionConfig, key: &SecretKey) -> Result<Self, Error> {
        Self::builder(config, key).build()
    }

    /// Sessions with a rule of compression.
    ///
    /// ```
    /// use session_cookie::{Compression, SealedCookieSessions, SecretKey, SessionConfig};
    ///
    /// let builder = SealedCookieSessions::builder(SessionConfig::default(), &SecretKey::generate()?);
    /// let sessions = builder.compression(Compression::NearLimit).build()?;
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn builder(config: SessionConfig, key: &SecretKey) -> SealedCookieSessionsBuilder {
        SealedCookieSessionsBuilder { config, key: key.clone(), compression: Compression::Never }
    }

    /// The session that a cookie holds, or why it holds none.
    fn read(&self, context: &OpenContext<'_>, cookie: &str) -> Result<Session, Rejected> {
        let bytes = self.cipher.open(cookie, context.cookie_name()).ok_or(Rejected::Seal)?;
        let span = content::span(&bytes).ok_or(Rejected::Content)?;
        if span.is_over(context.config(), context.now()) {
            return Err(Rejected::Expired);
        }
        let text = content::text(bytes).ok_or(Rejected::Content)?;
        let session = Session::from_payload(text).map_err(|_| Rejected::Content)?;
        session.set_slot(Arc::new(span));
        Ok(session)
    }
}

#[async_trait]
impl SessionInterface for SealedCookieSessions {
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
        let (config, lifetime, now) = (context.config(), context.lifetime(), context.now());
        let opened = session.slot::<Span>().filter(|_| !session.ends());
        if let Some(span) = &opened
            && !session.is_modified()
            && config.idle_timeout().is_some()
            && span.suffices(config, lifetime, now)
        {
            session.set_outcome(Outcome::Unchanged);
            return Ok(CookieAction::Keep);
        }
        let span = Span::new(config, lifetime, opened.map_or(now, |span| span.created_at), now);
        let text = session.payload();
        let length = Cipher::sealed_length(text.len() + content::OVERHEAD);
        let bytes = content::encode(text, span, self.compression.is_tried(length, context.value_limit()));
        let value = self.cipher.seal(bytes, context.cookie_name())?;
        session.set_slot(Arc::new(span));
        Ok(CookieAction::SetUntil(value, span.expires_at))
    }

    /// With an idle timeout, whoever asks for the session puts its end off; `save` says whether that is due.
    fn should_set_cookie(&self, session: &Session) -> bool {
        session.is_modified()
            || match self.config.idle_timeout() {
                Some(_) => session.is_accessed() && !session.is_new(),
                None => self.config.renews(session),
            }
    }
}

/// Collects the settings of [`SealedCookieSessions`].
///
/// ```
/// use session_cookie::{SealedCookieSessions, SecretKey, SessionConfig};
///
/// let sessions = SealedCookieSessions::builder(SessionConfig::default(), &SecretKey::generate()?).build()?;
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SealedCookieSessionsBuilder {
    config: SessionConfig,
    key: SecretKey,
    compression: Compression,
}

impl SealedCookieSessionsBuilder {
    /// When to compress; [`Compression::Never`] if not given. Only for sessions that hold nothing secret beside what somebody else
    /// may choose.
    ///
    /// ```
    /// # use session_cookie::{Compression, SealedCookieSessions, SecretKey, SessionConfig};
    /// # let key = SecretKey::generate()?;
    /// let builder = SealedCookieSessions::builder(SessionConfig::default(), &key).compression(Compression::NearLimit);
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
    /// [`Configuration`](session_core::ErrorKind::Configuration) if the key cannot be used.
    ///
    /// ```
    /// # use session_cookie::{SealedCookieSessions, SecretKey, SessionConfig};
    /// # let key = SecretKey::generate()?;
    /// let sessions = SealedCookieSessions::builder(SessionConfig::default(), &key).build()?;
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn build(self) -> Result<SealedCookieSessions, Error> {
        let cipher = Cipher::new(&self.key)?;
        Ok(SealedCookieSessions { config: self.config, cipher, compression: self.compression })
    }
}

/// Why a cookie is a fresh session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Rejected {
    Seal,
    Expired,
    /// We sealed it, and yet it is no session: somebody should look.
    Content,
}

impl Rejected {
    fn log(self) {
        match self {
            Self::Seal => {
                tracing::debug!("session cookie was sealed by none of the keys; starting a fresh session");
            }
            Self::Expired => {
                tracing::debug!("session cookie has expired; starting a fresh session");
            }
            Self::Content => {
                tracing::warn!("session cookie is sealed but malformed; starting a fresh session");
            }
        }
    }
}
