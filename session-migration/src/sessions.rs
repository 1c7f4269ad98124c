//! [`MigratingSessions`], the type for applications.

use std::time::SystemTime;

use session_core::interface::{Departure, Import, OpenContext, Opened, state_of};
use session_core::{Error, ErrorKind, ServerSideSessions, SessionInterface as _};

use crate::OldSessions;
use crate::id;
use crate::place::OldPlace;

/// Sessions that move from an old backend to a server-side store.
///
/// The page of the [crate](crate) describes the move of each session, the guarantees and the
/// limits.
#[derive(Debug)]
pub struct MigratingSessions<S, O> {
    pub(crate) new: ServerSideSessions<S>,
    pub(crate) old: O,
    end: SystemTime,
}

impl<S: session_core::store::SessionStore, O: OldSessions> MigratingSessions<S, O> {
    /// Returns sessions of the new backend and, until the end date, of the old backend. The
    /// settings of `new` apply to both backends.
    ///
    /// `end` is the date after which the old backend is no longer read. Sessions that have not
    /// moved by then are lost. Choose the time of the deployment plus the longest lifetime of the
    /// old sessions.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the two backends have different cookie names.
    pub fn new(new: ServerSideSessions<S>, old: O, end: SystemTime) -> Result<Self, Error> {
        let names = (new.config().cookie_name(), old.config().cookie_name());
        if names.0 != names.1 {
            let message = format!(
                "new backend has the cookie name `{}`, and old backend has `{}`; configure one name",
                names.0, names.1
            );
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        Ok(Self { new, old, end })
    }

    /// Returns the new backend.
    pub fn new_backend(&self) -> &ServerSideSessions<S> {
        &self.new
    }

    /// Returns the old backend.
    pub fn old_backend(&self) -> &O {
        &self.old
    }

    /// Returns whether the end date has passed. The old backend is then no longer read.
    pub(crate) fn is_over(&self, now: SystemTime) -> bool {
        now > self.end
    }

    /// Looks for a session in the old backend, until the end date.
    pub(crate) async fn departure(&self, context: &OpenContext<'_>) -> Result<Departure, Error> {
        if self.is_over(context.now()) {
            return Ok(Departure::None);
        }
        self.old.departure(context).await
    }
}

/// Returns a session of the old backend, as the new backend stores it.
pub(crate) fn import_of(context: &OpenContext<'_>, place: &OldPlace, opened: &Opened) -> Import {
    let contents = context.contents(opened);
    let details = opened.clone().into_session().details();
    let (id, lineage) = (place.id, place.lineage);
    let keeps_cookie = context.cookie().is_some_and(|cookie| id::is_cookie_of(cookie, &id));
    // If the move sets a new cookie, the session has its whole lifetime.
    let expires_at = details.expires_at().filter(|_| keeps_cookie);
    let created_at = created_at(opened).unwrap_or(context.now()).min(context.now());
    Import { id, lineage, contents, created_at, expires_at }
}

/// Returns the time when a session was created, or when its user logged in, if the old backend
/// stores one of these times.
pub(crate) fn created_at(opened: &Opened) -> Option<SystemTime> {
    let session = opened.clone().into_session();
    // The login of a remembered browser has a time in 1970.
    let login = session.authenticated_at().filter(|at| *at > SystemTime::UNIX_EPOCH);
    session.details().created_at().or(login)
}

/// Returns the lineage that an interface has for a session.
pub(crate) fn lineage_of(
    interface: &impl session_core::SessionInterface,
    opened: &Opened,
) -> Option<[u8; 16]> {
    interface.lineage(&state_of(&opened.clone().into_session()))
}
