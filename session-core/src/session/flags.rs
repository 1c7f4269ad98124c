//! Flask's flags, and what the commit does with them.

use std::sync::atomic::Ordering;

use crate::changes::Change;
use crate::session::state::{PERMANENT, Status};
use crate::{Error, Session};

/// Flags, as Flask has them.
impl Session {
    /// Whether the session outlives the browser: Flask's `session.permanent`, kept under the key `_permanent`.
    ///
    /// ```
    /// # use session_core::Session;
    /// assert!(!Session::new().is_permanent());
    /// ```
    pub fn is_permanent(&self) -> bool {
        self.read(crate::session::state::State::permanent)
    }

    /// Makes the session outlive the browser ("remember me"), for the configured
    /// [`permanent_lifetime`](crate::SessionConfig::permanent_lifetime), or ends it with the browser.
    ///
    /// # Errors
    ///
    /// As [`insert`](Session::insert).
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// session.set_permanent(true)?;
    /// assert_eq!(session.payload(), r#"{"_permanent":true}"#);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn set_permanent(&self, permanent: bool) -> Result<(), Error> {
        let value = if permanent { "true" } else { "false" };
        self.write(|state| state.record(Change::Insert { key: PERMANENT.into(), value: value.into() }))
    }

    /// Whether the request brought no valid session.
    ///
    /// ```
    /// # use session_core::Session;
    /// assert!(Session::new().is_new());
    /// ```
    pub fn is_new(&self) -> bool {
        self.read(|state| state.new)
    }

    /// Whether a change was recorded, or [`set_modified`](Self::set_modified) said so.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// session.clear()?;
    /// assert!(session.is_modified());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn is_modified(&self) -> bool {
        self.read(|state| state.modified)
    }

    /// Flask's `session.modified = …`. `true` without a change renews the session and sets its cookie; `false` keeps this
    /// request's changes from being saved, unless another change follows; only a session that is renewed in a
    /// signed or sealed cookie carries them all the same, as in Flask. Not needed after changing a list in place, as
    /// it is in Flask: [`update`](Session::update) records its change.
    ///
    /// # Errors
    ///
    /// As [`insert`](Session::insert).
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// session.insert("draft", 1)?;
    /// session.set_modified(false)?;
    /// assert!(!session.is_modified());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn set_modified(&self, modified: bool) -> Result<(), Error> {
        self.write(|state| {
            state.modified = modified;
            Ok(())
        })
    }

    /// Whether anything in this request obtained the session, so that the response may depend on it and says
    /// `Vary: Cookie`.
    ///
    /// ```
    /// # use session_core::Session;
    /// assert!(!Session::new().is_accessed());
    /// ```
    pub fn is_accessed(&self) -> bool {
        self.shared.accessed.load(Ordering::Acquire)
    }

    /// Whether the response is committed: the session can be read, but every change is an error of kind
    /// [`Sealed`](crate::ErrorKind::Sealed).
    ///
    /// ```
    /// # use session_core::Session;
    /// assert!(!Session::new().is_sealed());
    /// ```
    pub fn is_sealed(&self) -> bool {
        self.read(|state| state.sealed)
    }

    /// Whether this is the null session.
    ///
    /// ```
    /// # use session_core::Session;
    /// assert!(Session::null("no key").is_null());
    /// ```
    pub fn is_null(&self) -> bool {
        matches!(self.shared.status, Status::Null(_))
    }

    /// Whether the backend was down and this session stands in for the one that could not be read. Nothing of it is
    /// saved: do not tell a user that something was.
    ///
    /// ```
    /// # use session_core::Session;
    /// assert!(Session::anonymous().is_anonymous());
    /// ```
    pub fn is_anonymous(&self) -> bool {
        self.shared.status == Status::Anonymous
    }

    pub(crate) fn mark_accessed(&self) {
        self.shared.accessed.store(true, Ordering::Release);
    }

    pub(crate) fn seal(&self) {
        self.lock().sealed = true;
    }
}
