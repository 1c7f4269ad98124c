//! The owner, the id and the end of a session, and saving before the response.

use super::Session;
use super::changes::Change;
use super::intent::{IdChange, Outcome};
use super::running::check_not_running;
use crate::error::{Error, ErrorKind};
use crate::flask;

/// The key under which a session stores its label.
pub(crate) const LABEL: &str = "_label";

/// Owner, id and end. Signed and sealed cookies have no id: they ignore an owner and a rotation.
impl Session {
    /// Returns the owner, as set by [`set_owner`](Self::set_owner).
    ///
    /// On a cookie backend it is set only in the request that called `set_owner`.
    pub fn owner(&self) -> Option<String> {
        self.read(|state| state.data.stored.owner.as_deref().map(str::to_owned))
    }

    /// Sets the owner of the session. Call it when a user logs in. `None` removes the owner.
    ///
    /// The session gets a new id, so that an id that was planted or seen before the login is
    /// worthless after it (session fixation; OWASP ASVS 5, 7.2.4). Its values stay. Requests that
    /// opened the session under the old id are cut off: their changes are dropped.
    ///
    /// A cookie backend does not store the owner, and a session without values gets no cookie
    /// there. To work with every backend, also store the user in a value: `session.insert("user",
    /// user_id)?`.
    ///
    /// Values of an earlier user stay too, and the
    /// [`absolute_timeout`](crate::SessionConfig::absolute_timeout) counts from the first visit.
    /// Call [`destroy`](Self::destroy) before `set_owner` to start a login with an empty, new
    /// session.
    ///
    /// If another request ended the session in the meantime, a login starts a new session from the
    /// changes of this request.
    ///
    /// # Errors
    ///
    /// As for [`insert`](Self::insert), and [`ErrorKind::Committed`] on a reopened session, whose
    /// new id could not reach the client.
    pub fn set_owner<'a>(&self, owner: impl Into<Option<&'a str>>) -> Result<(), Error> {
        let owner = owner.into().map(Into::into);
        self.write(|state| {
            state.change_id(IdChange::CutOff)?;
            state.data.stored.owner = owner;
            state.intent.owner = true;
            Ok(())
        })
    }

    /// Gives the session a new id when it is saved. Call it when the privileges of a user change.
    ///
    /// Requests that opened the session under the old id can still store their changes. A later
    /// request with the old id gets an empty session. At a login, use
    /// [`set_owner`](Self::set_owner) instead.
    ///
    /// This includes requests that the browser sends before it receives the new cookie.
    ///
    /// # Errors
    ///
    /// As for [`set_owner`](Self::set_owner).
    pub fn rotate_id(&self) -> Result<(), Error> {
        self.write(|state| state.change_id(IdChange::Rotate))
    }

    /// Ends the session when it is saved. Call it when a user logs out.
    ///
    /// All values and the owner are dropped, and the cookie is removed. Values that are set
    /// afterwards in the same request start a new session under a new id.
    ///
    /// On a cookie backend, a copy of the cookie stays valid until it expires. A server-side
    /// backend removes the record, so a copy of the cookie is worthless. If another request ended
    /// the session or changed its id long ago, or if a user has logged in since, the outcome is
    /// [`Outcome::Dropped`]: nothing was ended, and the cookie stays. Call [`flash`](Self::flash)
    /// after `destroy`, not before, to show a message on the next page.
    ///
    /// # Errors
    ///
    /// As for [`insert`](Self::insert).
    pub fn destroy(&self) -> Result<(), Error> {
        self.write(super::state::State::end)
    }

    /// Sets the label by which an owner recognizes the session in a list, such as "Firefox on
    /// Linux". It is stored under the key `_label`, and [`clear`](Self::clear) removes it.
    ///
    /// A label taken from the request, such as its `User-Agent`, is chosen by the client: keep it
    /// short, and escape it when you show it.
    ///
    /// # Errors
    ///
    /// As for [`insert`](Self::insert).
    pub fn set_label(&self, label: &str) -> Result<(), Error> {
        let value = flask::encode(label).map_err(|error| {
            Error::new(ErrorKind::Value, "session label cannot be written as JSON")
                .with_source(error)
        })?;
        self.write(|state| state.record(Change::Insert { key: LABEL.into(), value }))
    }

    /// Returns what became of the session at its last save, or `None` before the first.
    pub fn outcome(&self) -> Option<Outcome> {
        self.read(|state| state.outcome)
    }
}

/// Saving before the response, and after it.
impl Session {
    /// Saves the changes made so far and returns what became of them. Changes made afterwards are
    /// saved with the response, as usual.
    ///
    /// Call it before an action that requires the stored changes, such as an e-mail or a payment.
    /// Continue only if the outcome is not [`Outcome::Dropped`].
    ///
    /// On a server-side backend, the changes are stored when this returns [`Outcome::Stored`], and
    /// the session then shows what other requests have stored in the meantime. On a cookie backend,
    /// this only determines the cookie that the response sets.
    ///
    /// If the future is dropped, the changes are saved with the response. They may then have
    /// reached the store already; a server-side backend does not apply them twice.
    ///
    /// # Errors
    ///
    /// The error of [`SessionInterface::save`](crate::SessionInterface::save); the changes are kept
    /// and saved with the response. [`ErrorKind::Unavailable`] on an anonymous session,
    /// [`ErrorKind::Unconfigured`] on the null session and on one made by hand,
    /// [`ErrorKind::Committed`] after the commit, [`ErrorKind::Reentrant`] in a function of
    /// [`update`](Self::update).
    ///
    /// If saving with the response fails too, the client gets an error response. To send the
    /// handler's response without the changes of values, call
    /// [`set_modified(false)`](Self::set_modified). The store may have the changes nevertheless if
    /// its reply was lost.
    pub async fn save(&self) -> Result<Outcome, Error> {
        check_not_running(&self.holder)?;
        self.holder().save().await
    }

    /// Opens the session again after its request was committed, for a socket or a stream that
    /// outlives the response. Its changes are stored by [`save`](Self::save) only.
    ///
    /// Call it after the response was committed, and again for each message: a reopened session
    /// does not see later changes of other requests. If the session has ended, or another request
    /// has changed its id, the reopened session is empty and [`is_new`](Self::is_new). Close the
    /// socket then. Saving a change of it stores nothing and fails with [`ErrorKind::Ended`].
    ///
    /// On a server-side backend, [`save`](Self::save) without a change extends the expiry if that
    /// is due. Reading alone does not.
    ///
    /// No cookie can reach the client any more. Therefore a new owner or id, and any change on a
    /// cookie backend, fails with [`ErrorKind::Committed`].
    ///
    /// # Errors
    ///
    /// The error of [`SessionInterface::open`](crate::SessionInterface::open);
    /// [`ErrorKind::Unconfigured`] for a session made by hand.
    ///
    /// # Examples
    ///
    /// ```
    /// use session_core::{Error, Session};
    ///
    /// async fn on_message(session: &Session) -> Result<(), Error> {
    ///     let session = session.reopen().await?;
    ///     session.update("messages", |count: Option<u64>| Some(count.unwrap_or(0) + 1))?;
    ///     session.save().await?;
    ///     Ok(())
    /// }
    /// ```
    pub async fn reopen(&self) -> Result<Self, Error> {
        self.holder().reopen().await.map(Self::new)
    }
}
