//! An old backend that stores its sessions in the cookie.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use session_core::config::SecretKey;
use session_core::interface::{Departure, OpenContext, Opened, Save, Saved, SessionPage};
use session_core::{
    Error, ErrorKind, OwnedSession, OwnerSessions, Session, SessionConfig, SessionInterface,
    async_trait,
};
use sha2::Sha256;
use zeroize::ZeroizeOnDrop;

use crate::{OldSessions, id};

/// An interface that stores its sessions in the cookie, as the old backend of a migration.
///
/// The new id of a session is derived from the cookie and a secret key. Therefore a copy of an old
/// cookie does not reveal the new id.
///
/// As an [`OwnerSessions`], this type finds no sessions, because the sessions are stored only in
/// browsers.
///
/// # Examples
///
/// ```
/// use std::time::SystemTime;
///
/// use session_cookie::{SecretKey, SignedCookieSessions};
/// use session_core::{Error, ServerSideSessions, SessionConfig};
/// use session_memory::MemoryStore;
/// use session_migration::{MigratingSessions, OldCookies};
///
/// # fn start(key: &SecretKey, end: SystemTime) -> Result<(), Error> {
/// let old = OldCookies::new(SignedCookieSessions::new(SessionConfig::default(), key)?, key)?;
/// let new = ServerSideSessions::new(MemoryStore::new(), SessionConfig::default());
/// let sessions = MigratingSessions::new(new, old, end)?;
/// # Ok(())
/// # }
/// # start(&SecretKey::generate().unwrap(), SystemTime::now()).unwrap();
/// ```
pub struct OldCookies<I> {
    cookies: I,
    key: Hmac<Sha256>,
}

/// Asserts that the state of the hash function is overwritten on drop. HMAC has no other state.
const _: () = {
    const fn is_overwritten<T: ZeroizeOnDrop>() {}
    is_overwritten::<Sha256>();
};

impl<I> OldCookies<I> {
    /// Wraps an interface. The key must stay the same until the end date, and be the same in all
    /// processes. It may be the key of the cookies.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the key cannot be used.
    pub fn new(cookies: I, key: &SecretKey) -> Result<Self, Error> {
        let key = Hmac::new_from_slice(key.signing_key()).map_err(|error| {
            Error::new(ErrorKind::Configuration, "secret key cannot be used").with_source(error)
        })?;
        Ok(Self { cookies, key })
    }

    fn mac(&self, purpose: &str, bytes: &[u8]) -> [u8; 32] {
        let mac = self.key.clone().chain_update("session-migration ").chain_update(purpose);
        mac.chain_update([0]).chain_update(bytes).finalize().into_bytes().into()
    }

    /// Returns a lineage that starts with these bytes. The other bytes identify a session from a
    /// cookie.
    fn marked(&self, start: &[u8]) -> [u8; 16] {
        let mark = self.mac("mark", start);
        let mut bytes = start.iter().chain(&mark);
        std::array::from_fn(|_| bytes.next().copied().unwrap_or_default())
    }
}

/// The number of bytes before the mark in a lineage.
const RANDOM: usize = 8;

#[async_trait]
impl<I: SessionInterface> SessionInterface for OldCookies<I> {
    fn config(&self) -> &SessionConfig {
        self.cookies.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        self.cookies.open(context).await
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        self.cookies.save(save).await
    }

    async fn check(&self) -> Result<(), Error> {
        self.cookies.check().await
    }

    async fn limit_sessions(&self, _: &str, _: usize) -> Result<Vec<OwnedSession>, Error> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl<I: SessionInterface> OldSessions for OldCookies<I> {
    fn new_id(&self, cookie: &str) -> Option<[u8; 32]> {
        (!id::is_new(cookie)).then(|| self.mac("id", cookie.as_bytes()))
    }

    async fn departure(&self, context: &OpenContext<'_>) -> Result<Departure, Error> {
        let opened = self.cookies.open(context).await?;
        let is_new = opened.is_new();
        Ok(if is_new { Departure::None } else { Departure::Session(Box::new(opened)) })
    }

    async fn depart(&self, _: &Opened) -> Result<bool, Error> {
        Ok(true)
    }

    fn is_in_cookie(&self) -> bool {
        true
    }

    fn new_lineage(&self, id: &[u8; 32]) -> [u8; 16] {
        self.marked(&self.mac("lineage", id)[..RANDOM])
    }

    fn has_copies(&self, lineage: &[u8; 16]) -> bool {
        self.marked(&lineage[..RANDOM]) == *lineage
    }
}

#[async_trait]
impl<I: SessionInterface> OwnerSessions for OldCookies<I> {
    async fn page(&self, _: &str, _: Option<&str>, _: usize) -> Result<SessionPage, Error> {
        Ok(SessionPage::default())
    }

    fn handle_of(&self, _: &Session) -> Option<String> {
        None
    }

    async fn end(&self, _: &str, _: &str) -> Result<bool, Error> {
        Ok(false)
    }

    async fn end_others(&self, _: &Session) -> Result<usize, Error> {
        Ok(0)
    }

    async fn end_all(&self, _: &str) -> Result<usize, Error> {
        Ok(0)
    }
}

impl<I: fmt::Debug> fmt::Debug for OldCookies<I> {
    /// Omits the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OldCookies").field("cookies", &self.cookies).finish_non_exhaustive()
    }
}
