//! Listing the sessions of an owner by page, and ending one session, the other sessions or all
//! sessions.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;

use crate::error::Error;
use crate::session::Session;

/// The sessions of an owner, for a page such as "Your devices". The owner is the argument of
/// [`Session::log_in`].
///
/// Every interface over a store with an [`OwnerIndex`](crate::store::OwnerIndex) implements this
/// trait. Cookie backends do not, because only the browsers have the sessions.
///
/// A session has a *handle*, which stays the same through every rotation until the next login. A
/// handle is valid only for its owner and is not an id, so it may be shown on a page.
///
/// A request in progress does not revive an ended session. The changes of this request are dropped,
/// unless it logs in. A login starts a new session.
///
/// To use this trait in handlers, create the interface in an `Arc`. Pass one clone to the layer or
/// middleware, and store another clone in the application's state as `Arc<dyn OwnerSessions>`.
///
/// # Errors
///
/// Every method fails with the error of the store. After an error, some sessions may have ended.
/// Repeating the call is safe.
///
/// # Examples
///
/// ```
/// use session_core::{Error, OwnerSessions, Session};
///
/// async fn devices(
///     sessions: &dyn OwnerSessions,
///     session: &Session,
/// ) -> Result<Vec<String>, Error> {
///     let Some(owner) = session.owner() else { return Ok(Vec::new()) };
///     let this = sessions.handle_of(session);
///     let label = |device: &session_core::OwnedSession| {
///         let label = device.label().unwrap_or("Unknown device");
///         let current = Some(device.handle()) == this.as_deref();
///         if current { format!("{label} (this device)") } else { label.to_owned() }
///     };
///     Ok(sessions.page(&owner, None, 20).await?.sessions.iter().map(label).collect())
/// }
///
/// async fn change_password(sessions: &dyn OwnerSessions, session: &Session) -> Result<(), Error> {
///     let Some(owner) = session.owner() else { return Ok(()) };
///     // Store the new password first. The login invalidates every copy of the cookie.
///     session.log_in(&owner, None).await?;
///     sessions.end_others(session).await?;
///     Ok(())
/// }
/// ```
#[async_trait]
pub trait OwnerSessions: Debug + Send + Sync + 'static {
    /// Returns at most `limit` of the owner's live sessions, starting after the position of an
    /// earlier page. Returns an empty page for an unknown owner.
    ///
    /// The sessions of a page are sorted by the time when they were last seen, the latest first.
    /// The pages are in no particular order. Few owners have more than one page of sessions.
    ///
    /// A session that is live during all calls is on one of the pages. A session that is rotated
    /// between two calls may be on two pages or on none.
    ///
    /// A `limit` of 0 counts as 1, and a `limit` above [`SessionPage::LIMIT`] counts as this
    /// constant. Therefore no call loads all sessions of an owner with many sessions.
    ///
    /// # Errors
    ///
    /// An implementation may fail with [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if
    /// `after` is not a position that an earlier page returned.
    async fn page(
        &self,
        owner: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<SessionPage, Error>;

    /// Returns the handle of a session, or `None` if the session has no owner or is not stored yet.
    fn handle_of(&self, session: &Session) -> Option<String>;

    /// Ends one session of the owner. Returns `false` if the owner has no session with this handle,
    /// even if the handle belongs to a session of another owner.
    ///
    /// A browser that is [remembered](crate::remember) can log in again. To prevent this, change
    /// the [stamp](crate::login#stamps), or call [`end_all`](Self::end_all).
    ///
    /// This call can also end the session of the current request. The changes of that request are
    /// then dropped, and its cookie stays in the browser. To log out this client, use
    /// [`Session::log_out`] instead.
    async fn end(&self, owner: &str, handle: &str) -> Result<bool, Error>;

    /// Ends every session of this session's owner except this session, and returns the number of
    /// ended sessions. Returns 0 for a session without an owner.
    ///
    /// The call takes effect at once. After a [`log_in`](Session::log_in), this session is the
    /// session that the login has started. A session in which the same user logs in at the same
    /// time may end. Browsers that are remembered can log in again, as after [`end`](Self::end).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) on an anonymous session. In that
    /// case, no session has ended.
    async fn end_others(&self, session: &Session) -> Result<usize, Error>;

    /// Ends every session of the owner, and every [remember-me](crate::remember) series. Returns
    /// the number of ended sessions.
    ///
    /// This call can also end the session of the current request. The changes of that request are
    /// then dropped, and its cookie stays in the browser. To log out this client, use
    /// [`Session::log_out`] instead.
    async fn end_all(&self, owner: &str) -> Result<usize, Error>;
}

/// A page of an owner's sessions.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SessionPage {
    /// The sessions. A page may have fewer sessions than the limit, even if it is not the last
    /// page.
    pub sessions: Vec<OwnedSession>,
    /// The position after this page, or `None` if this page is the last.
    pub next: Option<String>,
}

impl SessionPage {
    /// The maximum number of sessions on a page.
    pub const LIMIT: usize = 100;

    /// Returns a page.
    pub fn new(sessions: Vec<OwnedSession>, next: Option<String>) -> Self {
        Self { sessions, next }
    }
}

/// A session in a list for its owner.
#[derive(Clone, Eq, PartialEq)]
pub struct OwnedSession {
    handle: String,
    created_at: SystemTime,
    last_seen: SystemTime,
    authenticated_at: Option<SystemTime>,
    label: Option<String>,
}

impl OwnedSession {
    /// Returns a session without a label, for implementors of [`OwnerSessions`].
    pub fn new(handle: impl Into<String>, created_at: SystemTime, last_seen: SystemTime) -> Self {
        Self { handle: handle.into(), created_at, last_seen, authenticated_at: None, label: None }
    }

    /// Sets the label.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<Option<String>>) -> Self {
        self.label = label.into();
        self
    }

    /// Sets the time of the login.
    #[must_use]
    pub fn with_authenticated_at(mut self, time: impl Into<Option<SystemTime>>) -> Self {
        self.authenticated_at = time.into();
        self
    }

    /// Returns the handle, for [`OwnerSessions::end`]. The handle may be written into a form for
    /// the owner.
    pub fn handle(&self) -> &str {
        &self.handle
    }

    /// Returns the time when the session was created, or when the user last logged in.
    pub fn created_at(&self) -> SystemTime {
        self.created_at
    }

    /// Returns the time when a request last wrote or renewed the session.
    ///
    /// The session may have been used since then, because not every request renews it. The last use
    /// is at most a tenth of the lifetime and a minute later. The precision is lower if a session
    /// is renewed less often. This is the case with
    /// [`Refresh::WhenModified`](crate::Refresh::WhenModified), and if the session already expires
    /// at the absolute timeout.
    pub fn last_seen(&self) -> SystemTime {
        self.last_seen
    }

    /// Returns the time when the user was last authenticated in this session, if the implementation
    /// stores this time; see [`Session::authenticated_at`].
    pub fn authenticated_at(&self) -> Option<SystemTime> {
        self.authenticated_at
    }

    /// Returns the label that [`Session::set_label`] set. Escape the label for HTML, because it may
    /// be text from the client.
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }
}

impl Debug for OwnedSession {
    /// Shows the times, but neither the handle nor the label.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedSession")
            .field("created_at", &self.created_at)
            .field("last_seen", &self.last_seen)
            .finish_non_exhaustive()
    }
}

macro_rules! forward {
    ($pointer:ident) => {
        #[deny(clippy::missing_trait_methods)]
        #[async_trait]
        impl<O: OwnerSessions + ?Sized> OwnerSessions for $pointer<O> {
            async fn page(
                &self,
                owner: &str,
                after: Option<&str>,
                limit: usize,
            ) -> Result<SessionPage, Error> {
                (**self).page(owner, after, limit).await
            }

            fn handle_of(&self, session: &Session) -> Option<String> {
                (**self).handle_of(session)
            }

            async fn end(&self, owner: &str, handle: &str) -> Result<bool, Error> {
                (**self).end(owner, handle).await
            }

            async fn end_others(&self, session: &Session) -> Result<usize, Error> {
                (**self).end_others(session).await
            }

            async fn end_all(&self, owner: &str) -> Result<usize, Error> {
                (**self).end_all(owner).await
            }
        }
    };
}

forward!(Arc);
forward!(Box);
