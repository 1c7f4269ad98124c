//! The login of a session, and stamps, which end the sessions of a user when the password changes.
//!
//! [`Session::log_in`] and [`Session::log_out`] are the calls that most applications need.
//!
//! # Stamps
//!
//! A *stamp* is a text that changes when all sessions of a user must end. Examples are a counter
//! and a keyed hash of the password hash. The application reads the stamp in the same query as the
//! password hash and passes it to [`Session::log_in`]. Each request that loads the user compares
//! the current stamp with the stamp of the session, by [`check_stamp`]. This comparison also ends
//! sessions in signed and sealed cookies, which no store can end. It also ends a login that checked
//! the old password while another request changed the password. Applications that use no stamps
//! make no additional call.
//!
//! Stamps are compared for equality, not by time, because the clocks of servers differ.
//!
//! # Changing the password
//!
//! Store the new password hash and the new stamp, then log in again, then end the other sessions:
//!
//! ```
//! use session_core::{Error, OwnerSessions, Session};
//!
//! # async fn store_password(_: &str, _: &str) -> Result<String, Error> { Ok(String::new()) }
//! async fn change_password(
//!     sessions: &dyn OwnerSessions,
//!     session: &Session,
//!     user: &str,
//!     password: &str,
//! ) -> Result<(), Error> {
//!     let stamp = store_password(user, password).await?;
//!     session.log_in(user, Some(&stamp)).await?;
//!     sessions.end_others(session).await?;
//!     Ok(())
//! }
//! ```
//!
//! The login invalidates every copy of the old cookie, even if another client rotates the id during
//! this request. In another order, the session of the other client could stay valid. If the user
//! has not entered the old password in this request, call [`replace_stamp`] instead of the login.

use crate::error::{Error, ErrorKind};
use crate::session::Session;
use crate::session::holder::LoginDemand;

pub use crate::session::Login;

/// Returns whether a user is logged in and the session has this stamp. If not, treat the request as
/// the request of a visitor: [log out](Session::log_out), or show the login page.
///
/// Call this function once per request, with the stamp of the user record that the application
/// loads in any case. If the user record cannot be loaded, respond with an error. If it does not
/// exist, log out.
///
/// # Examples
///
/// ```
/// use session_core::{Error, Session, login};
///
/// struct User {
///     name: String,
///     stamp: String,
/// }
///
/// # async fn load_user(id: &str) -> Result<Option<User>, Error> { Ok(None) }
/// async fn current_user(session: &Session) -> Result<Option<User>, Error> {
///     let Some(id) = session.owner() else { return Ok(None) };
///     match load_user(&id).await? {
///         Some(user) if login::check_stamp(session, &user.stamp) => Ok(Some(user)),
///         _ => {
///             session.log_out().await?;
///             Ok(None)
///         }
///     }
/// }
/// ```
pub fn check_stamp(session: &Session, current: &str) -> bool {
    session.login().is_some_and(|login| login.stamp() == Some(current))
}

/// Replaces the stamp of the session, and saves the session. The current user stays logged in, for
/// example after a change of the password. This is Django's `update_session_auth_hash`.
///
/// The session receives a new id, as at a login. The time of the login stays, because the user was
/// not authenticated again.
///
/// # Errors
///
/// Returns the errors of [`Session::log_in`], and [`ErrorKind::Ended`] if no user is logged in.
pub async fn replace_stamp(session: &Session, new: &str) -> Result<(), Error> {
    let Some(login) = session.login() else {
        return Err(Error::new(
            ErrorKind::Ended,
            "no user is logged in; log in before the stamp is replaced",
        ));
    };
    let (owner, stamp) = (login.owner().into(), Some(new.into()));
    let authenticated_at = Some(login.authenticated_at());
    session.save_login(LoginDemand { owner, stamp, authenticated_at, after: None }).await
}
