//! The contract of an old backend.

use std::fmt::Debug;

use session_core::interface::{Departure, OpenContext, Opened};
use session_core::store::SessionStore;
use session_core::{Error, ServerSideSessions, SessionInterface, async_trait};

use crate::id;

/// An interface whose sessions move to another backend.
///
/// [`ServerSideSessions`] implements this trait. [`OldCookies`](crate::OldCookies) implements the
/// trait for an interface that stores its sessions in the cookie. Implement the trait for a
/// third-party interface that stores its sessions on a server, such as
/// `examples/flask-session-redis` in the repository.
///
/// [`SessionInterface::open`] is not called, and `save` is called only to end a session that has
/// not moved. Also implement [`OwnerSessions`](session_core::OwnerSessions), with empty results if
/// the backend cannot find the sessions of an owner.
/// [`MigratingSessions`](crate::MigratingSessions) then also implements `OwnerSessions`.
#[async_trait]
pub trait OldSessions: SessionInterface + Debug {
    /// Returns the id in the new backend for the session of a cookie. Returns `None` if the cookie
    /// does not belong to this backend.
    ///
    /// The id must be the same for every cookie of one session, and as hard to guess as a session
    /// id. The default implementation returns [`kept_id`](crate::kept_id). Override this method if
    /// the cookie contains more than the id, such as a signature.
    fn new_id(&self, cookie: &str) -> Option<[u8; 32]> {
        Some(id::kept_id(cookie))
    }

    /// Returns the session of a request, and whether the session has moved. The session must not be
    /// older than the call.
    ///
    /// # Errors
    ///
    /// Fails only if the backend failed.
    async fn departure(&self, context: &OpenContext<'_>) -> Result<Departure, Error>;

    /// Marks a session as moved, if its state is still the state that
    /// [`departure`](Self::departure) returned. Returns `false` and changes nothing if the session
    /// was changed, has moved or has ended.
    ///
    /// The check, the removal of the session and the mark must be one step. After this step,
    /// `departure` returns [`Departure::Departed`] and not [`Departure::None`], until the session
    /// would have expired. Otherwise an interrupted move could not be distinguished from a logout.
    ///
    /// # Errors
    ///
    /// Fails if the backend failed. The mark may or may not be stored.
    async fn depart(&self, session: &Opened) -> Result<bool, Error>;

    /// Returns whether the cookie contains the whole session. In this case, no copy of the cookie
    /// can be invalidated. The default is `false`.
    fn is_in_cookie(&self) -> bool {
        false
    }

    /// Returns the random bytes that a moved session has as its
    /// [`lineage`](SessionInterface::lineage), if the session has no lineage in the old backend.
    ///
    /// By default, the bytes are a hash of the new id.
    fn new_lineage(&self, id: &[u8; 32]) -> [u8; 16] {
        id::lineage(id)
    }

    /// Returns whether a session with this lineage has moved from a cookie. In this case, a copy of
    /// an old cookie may open the session after the session has ended. The default is `false`.
    fn has_copies(&self, lineage: &[u8; 16]) -> bool {
        let _ = lineage;
        false
    }
}

#[async_trait]
impl<S: SessionStore> OldSessions for ServerSideSessions<S> {
    async fn departure(&self, context: &OpenContext<'_>) -> Result<Departure, Error> {
        Self::departure(self, context).await
    }

    async fn depart(&self, session: &Opened) -> Result<bool, Error> {
        Self::depart(self, session).await
    }
}
