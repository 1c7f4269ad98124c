//! The sessions of one owner, for a page "your devices": to see them, to end one, all others, or all.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;

use crate::{Error, Session};

/// The key that a session keeps its label under.
const LABEL: &str = "_label";

/// An owner's sessions, whatever the backend. The owner is what [`Session::set_owner`] said at the login.
///
/// Every interface over a store with an [`OwnerIndex`](crate::OwnerIndex) has it. A signed cookie cannot: nobody but the
/// browsers knows which there are.
///
/// ```
/// use session_core::{Error, OwnerSessions, Session};
///
/// async fn devices(sessions: &dyn OwnerSessions, session: &Session) -> Result<Vec<String>, Error> {
///     let Some(owner) = session.owner() else { return Ok(Vec::new()) };
///     let this = sessions.handle_of(session);
///     let devices = sessions.sessions_of(&owner).await?;
///     Ok(devices
///         .iter()
///         .map(|device| {
///             let label = device.label().unwrap_or("an unknown device");
///             if Some(device.handle()) == this.as_deref() { format!("{label} (this one)") } else { label.to_owned() }
///         })
///         .collect())
/// }
///
/// async fn change_password(sessions: &dyn OwnerSessions, session: &Session) -> Result<(), Error> {
///     // The new password is stored. Whoever got in by the old one is out, and who copied this session's id, too.
///     sessions.end_others(session).await?;
///     session.rotate_id()
/// }
/// ```
///
/// # What it promises
///
/// - A session is named by a *handle*. It stays the same as long as the session lives, through every rotation, so a page that
///   was shown a while ago still ends the right one. It belongs to its owner: another owner's ends nothing. It is no id, and
///   nobody gets from it to one.
/// - A request that is on its way with a session that is ended does not bring it back: what it writes is dropped. The one
///   exception is a login, which then begins a new session.
/// - What a request does to its own session counts when it is saved. A session that has just been begun, or whose owner this
///   request set, is listed after that.
///
/// # Errors
///
/// What the store gave. After an error from a call that ends sessions, some of them may have ended.
#[async_trait]
pub trait OwnerSessions: Debug + Send + Sync + 'static {
    /// The owner's live sessions, the one that was seen last first. An owner that is not known has none.
    async fn sessions_of(&self, owner: &str) -> Result<Vec<OwnedSession>, Error>;

    /// The handle of this request's session, by which [`sessions_of`](Self::sessions_of) its owner lists it. `None` if it has
    /// no owner, or if it begins with this request.
    ///
    /// ```
    /// # use session_core::{OwnerSessions, Session};
    /// fn begins_here(sessions: &dyn OwnerSessions) -> bool {
    ///     sessions.handle_of(&Session::new()).is_none()
    /// }
    /// ```
    fn handle_of(&self, session: &Session) -> Option<String>;

    /// Ends one session of the owner. False if the owner has no session with this handle: it has ended, or the handle is
    /// another owner's, or none at all. Those are one to it, in the time that it takes, too.
    async fn end(&self, owner: &str, handle: &str) -> Result<bool, Error>;

    /// Ends every session of this session's owner but this one, and says how many those were. Call it in the middle of a
    /// request, before or after [`set_owner`](Session::set_owner) or [`rotate_id`](Session::rotate_id): it acts at once, and
    /// this session goes on, whatever id it is saved under. A session without an owner has no others.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable), and nothing has ended, on an anonymous session.
    async fn end_others(&self, session: &Session) -> Result<usize, Error>;

    /// Ends every session of the owner, and says how many those were.
    async fn end_all(&self, owner: &str) -> Result<usize, Error>;
}

/// A session as its owner sees it in a list.
///
/// ```
/// use session_core::OwnedSession;
/// use std::time::SystemTime;
///
/// let now = SystemTime::now();
/// let device = OwnedSession::new("5kS3f0bXoO5zGdJ1q0mYtA", now, now).with_label("Firefox on Linux".to_owned());
/// assert_eq!((device.handle(), device.label()), ("5kS3f0bXoO5zGdJ1q0mYtA", Some("Firefox on Linux")));
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct OwnedSession {
    handle: String,
    created_at: SystemTime,
    last_seen: SystemTime,
    label: Option<String>,
}

impl OwnedSession {
    /// A session without a label: for whoever implements [`OwnerSessions`].
    ///
    /// ```
    /// # use session_core::OwnedSession;
    /// # let now = std::time::SystemTime::now();
    /// assert_eq!(OwnedSession::new("handle", now, now).label(), None);
    /// ```
    pub fn new(handle: impl Into<String>, created_at: SystemTime, last_seen: SystemTime) -> Self {
        Self { handle: handle.into(), created_at, last_seen, label: None }
    }

    /// The same with this label.
    ///
    /// ```
    /// # use session_core::OwnedSession;
    /// # let now = std::time::SystemTime::now();
    /// assert_eq!(OwnedSession::new("handle", now, now).with_label("phone".to_owned()).label(), Some("phone"));
    /// ```
    #[must_use]
    pub fn with_label(mut self, label: impl Into<Option<String>>) -> Self {
        self.label = label.into();
        self
    }

    /// What names it, for [`OwnerSessions::end`]: safe to write into a form of its owner.
    ///
    /// ```
    /// # use session_core::OwnedSession;
    /// # let now = std::time::SystemTime::now();
    /// assert_eq!(OwnedSession::new("handle", now, now).handle(), "handle");
    /// ```
    pub fn handle(&self) -> &str {
        &self.handle
    }

    /// When it began. A login in a session that was there before, with a cart perhaps, does not change it.
    ///
    /// ```
    /// # use session_core::OwnedSession;
    /// # let now = std::time::SystemTime::now();
    /// assert_eq!(OwnedSession::new("handle", now, now).created_at(), now);
    /// ```
    pub fn created_at(&self) -> SystemTime {
        self.created_at
    }

    /// When a request last wrote or renewed it. It was used since, if at all, within a tenth of its life, and within a minute:
    /// more often nothing renews it. Where it is renewed less, this is less precise: by writes only under
    /// [`Refresh::WhenModified`](crate::Refresh::WhenModified) if it is permanent, and not at all once the absolute timeout
    /// leaves nothing to renew.
    ///
    /// ```
    /// # use session_core::OwnedSession;
    /// # let now = std::time::SystemTime::now();
    /// assert_eq!(OwnedSession::new("handle", now, now).last_seen(), now);
    /// ```
    pub fn last_seen(&self) -> SystemTime {
        self.last_seen
    }

    /// What the application called it with [`Session::set_label`]. Escape it for HTML: it may come from the client.
    ///
    /// ```
    /// # use session_core::OwnedSession;
    /// # let now = std::time::SystemTime::now();
    /// assert_eq!(OwnedSession::new("handle", now, now).label(), None);
    /// ```
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }
}

impl Debug for OwnedSession {
    /// Shows the times, neither the handle nor the label.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedSession")
            .field("created_at", &self.created_at)
            .field("last_seen", &self.last_seen)
            .finish_non_exhaustive()
    }
}

/// The label, by which an owner tells one session from another.
impl Session {
    /// What [`set_label`](Self::set_label) said.
    ///
    /// ```
    /// # use session_core::Session;
    /// assert_eq!(Session::new().label(), None);
    /// ```
    pub fn label(&self) -> Option<String> {
        self.get(LABEL).ok().flatten()
    }

    /// Calls the session something that its owner recognizes in a list, "Firefox on Linux" for example. It is kept under the
    /// key `_label`, as `permanent` is under `_permanent`: it is a change like any other, and [`clear`](Self::clear) drops it.
    ///
    /// What comes from a request, such as its `User-Agent`, is the client's word. Keep it short: it is stored with the session.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// session.set_owner("user-42")?;
    /// session.set_label("Firefox on Linux")?;
    /// assert_eq!(session.payload(), r#"{"_label":"Firefox on Linux"}"#);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn set_label(&self, label: &str) -> Result<(), Error> {
        self.insert(LABEL, label)
    }
}

macro_rules! forward {
    ($pointer:ident) => {
        #[deny(clippy::missing_trait_methods)]
        #[async_trait]
        impl<O: OwnerSessions + ?Sized> OwnerSessions for $pointer<O> {
            async fn sessions_of(&self, owner: &str) -> Result<Vec<OwnedSession>, Error> {
                (**self).sessions_of(owner).await
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
