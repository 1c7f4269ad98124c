//! The session's life: whose it is, a new id, its end, and what became of it.

use crate::changes::Change;
use crate::session::state::{Outcome, State};
use crate::{Error, Session};

/// Owner, id and end. In a signed or sealed cookie, which has no id, an owner and a rotation do nothing.
impl Session {
    /// Whose session this is, as [`set_owner`](Self::set_owner) said.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// session.set_owner("user-42")?;
    /// assert_eq!(session.owner().as_deref(), Some("user-42"));
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn owner(&self) -> Option<String> {
        self.read(|state| state.owner.clone())
    }

    /// Says whose session this is from now on: call it at login. `None` takes the owner away.
    ///
    /// The session gets a new id with it, always, so that an id that was planted or seen before the login is worth
    /// nothing after it (session fixation; OWASP ASVS 5, 7.2.4). What the session held stays. A request that is on its way
    /// with the old id is cut off: what it writes is dropped.
    ///
    /// If the session was ended by another request meanwhile, the login starts a new one from this request's changes.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// session.set_owner("user-42")?;
    /// session.set_owner(None)?;
    /// assert_eq!(session.owner(), None);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn set_owner<'a>(&self, owner: impl Into<Option<&'a str>>) -> Result<(), Error> {
        let owner = owner.into().map(str::to_owned);
        self.write(|state| {
            state.check_attached()?;
            state.owner = owner;
            state.owner_changed = true;
            state.modified = true;
            Ok(())
        })
    }

    /// Gives the session a new id when it is saved, and keeps what it holds. Requests that were on their way with the old
    /// id still store their changes; one that comes later with it sees an empty session.
    ///
    /// At a login, use [`set_owner`](Self::set_owner).
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// session.rotate_id()?;
    /// assert!(session.is_modified());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn rotate_id(&self) -> Result<(), Error> {
        self.write(|state| {
            state.check_attached()?;
            state.rotate = true;
            state.modified = true;
            Ok(())
        })
    }

    /// Ends the session: log out with this. Everything in it is dropped, its owner too, and the cookie is removed. What is
    /// written afterwards in the same request begins a new session under a new id.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::from_payload(r#"{"user":"ada"}"#)?;
    /// session.destroy()?;
    /// session.flash("You are logged out")?;
    /// assert!(!session.contains_key("user"));
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn destroy(&self) -> Result<(), Error> {
        self.write(|state| {
            state.record(Change::Clear)?;
            state.destroyed = true;
            state.rotate = false;
            state.owner = None;
            state.owner_changed = false;
            Ok(())
        })
    }

    /// What became of the session when its request was committed; `None` before.
    ///
    /// ```
    /// # use session_core::Session;
    /// assert_eq!(Session::new().outcome(), None);
    /// ```
    pub fn outcome(&self) -> Option<Outcome> {
        self.read(|state| state.outcome)
    }

    /// Tells the application what became of the session: for a session interface, at the end of `save`.
    ///
    /// ```
    /// # use session_core::{Outcome, Session};
    /// let session = Session::new();
    /// session.set_outcome(Outcome::Stored);
    /// assert_eq!(session.outcome(), Some(Outcome::Stored));
    /// ```
    pub fn set_outcome(&self, outcome: Outcome) {
        self.lock().outcome = Some(outcome);
    }
}

/// What this request asked for: for whoever writes a session interface, to be obeyed in `save`.
impl Session {
    /// Whether what is stored is to end: it was destroyed, or cleared and left empty. What the session holds all the same was
    /// written afterwards, and begins a new one under a new id.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::from_payload(r#"{"user":"ada"}"#)?;
    /// session.destroy()?;
    /// session.flash("You are logged out")?;
    /// assert!(session.ends() && !session.is_empty());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn ends(&self) -> bool {
        self.read(State::ends)
    }

    /// Whether the session is to get a new id, by [`rotate_id`](Self::rotate_id) or by [`set_owner`](Self::set_owner). Write what is stored under the
    /// new id before the old one goes.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::from_payload(r#"{"cart":[7]}"#)?;
    /// assert!(!session.rotates());
    /// session.set_owner("user-42")?;
    /// assert!(session.rotates());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn rotates(&self) -> bool {
        self.read(State::rotates)
    }

    /// Whether somebody logs in or out: [`set_owner`](Self::set_owner) was called. If the session was ended by another request meanwhile, a
    /// login begins a new one from this request's changes.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// session.rotate_id()?;
    /// assert!(!session.changes_owner());
    /// session.set_owner("user-42")?;
    /// assert!(session.changes_owner());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn changes_owner(&self) -> bool {
        self.read(|state| state.owner_changed)
    }
}
