//! Opening a session, in the new backend or in the old one.

use std::time::SystemTime;

use session_core::interface::{Departure, Imported, OpenContext, Opened, RenewOn, Renewal};
use session_core::store::SessionStore;
use session_core::{Error, ErrorKind, SessionInterface as _};

use crate::place::{NEW, OLD, OldPlace, Place};
use crate::sessions::{created_at, lineage_of};
use crate::{MigratingSessions, OldSessions, id};

/// The maximum number of attempts to read both backends while other requests move the session.
const MAX_ATTEMPTS: usize = 10;

impl<S: SessionStore, O: OldSessions> MigratingSessions<S, O> {
    pub(crate) async fn find(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let cookie = context.cookie().filter(|_| !self.is_over(context.now()));
        let Some(id) = cookie.and_then(|cookie| self.old.new_id(cookie)) else {
            return self.open_new(context).await;
        };
        if self.old.is_in_cookie() && matches!(self.old.departure(context).await?, Departure::None)
        {
            return Ok(Opened::new());
        }
        let mut is_repeated = false;
        for _ in 0..MAX_ATTEMPTS {
            let is_copied = match self.imported(context, &id).await? {
                Imported::Session(opened) => return Ok(self.in_new(context, *opened, &id)),
                Imported::Ended => return Ok(Opened::new()),
                Imported::Copy(_) => true,
                _ => false,
            };
            match self.old.departure(context).await? {
                Departure::Session(opened) => return Ok(self.in_old(context, *opened, id)),
                Departure::Rotated(opened) => {
                    return Ok(opened.nested(OLD).with_backend_state(Place::Rotated));
                }
                // The request that marked the session has not confirmed its copy.
                Departure::Departed if is_copied => {
                    self.new.confirm_import(&id).await?;
                }
                // Another request may have moved the session since the first lookup.
                _ if !is_repeated => is_repeated = true,
                _ if is_copied => return Ok(Opened::new()),
                _ => return self.open_new(context).await,
            }
        }
        let message = "session was moved by other requests faster than it could be opened";
        Err(Error::new(ErrorKind::Unavailable, message))
    }

    async fn open_new(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let opened = self.new.open(context).await?;
        let has_copies = self.has_copies(&opened);
        Ok(opened.nested(NEW).with_backend_state(Place::New { has_copies }))
    }

    /// Looks for a moved session in the new backend.
    async fn imported(&self, context: &OpenContext<'_>, id: &[u8; 32]) -> Result<Imported, Error> {
        if !context.cookie().is_some_and(id::is_unconfirmed) {
            return self.new.imported(context, id).await;
        }
        let opened = self.new.open(context).await?;
        if !opened.is_new() {
            return Ok(Imported::Session(Box::new(opened)));
        }
        Ok(match self.new.imported(context, id).await? {
            Imported::Copy(version) => Imported::Copy(version),
            // Without the mark, the id would open a record that the rotation did not remove.
            _ => Imported::Missing,
        })
    }

    fn in_new(&self, context: &OpenContext<'_>, opened: Opened, id: &[u8; 32]) -> Opened {
        let has_copies = self.has_copies(&opened);
        let opened = if opened.is_new() { opened } else { with_cookie(context, opened, id) };
        opened.nested(NEW).with_backend_state(Place::New { has_copies })
    }

    fn in_old(&self, context: &OpenContext<'_>, opened: Opened, id: [u8; 32]) -> Opened {
        let (config, now) = (context.config(), context.now());
        if created_at(&opened).is_some_and(|created_at| config.is_expired(created_at, now, now)) {
            return Opened::new();
        }
        let lineage = lineage_of(&self.old, &opened).unwrap_or_else(|| self.old.new_lineage(&id));
        let place = OldPlace { id, lineage, opened: opened.clone() };
        let is_unconfirmed = context.cookie().is_some_and(id::is_unconfirmed);
        let opened = if is_unconfirmed { with_cookie(context, opened, &id) } else { opened };
        opened.nested(OLD).with_backend_state(Place::Old(Box::new(place)))
    }

    fn has_copies(&self, opened: &Opened) -> bool {
        self.old.is_in_cookie()
            && lineage_of(&self.new, opened).is_some_and(|lineage| self.old.has_copies(&lineage))
    }
}

/// Makes the response replace the client's cookie, unless the cookie contains the id of the
/// session.
fn with_cookie(context: &OpenContext<'_>, opened: Opened, id: &[u8; 32]) -> Opened {
    if context.cookie().is_some_and(|cookie| id::is_cookie_of(cookie, id)) {
        return opened;
    }
    let at = SystemTime::UNIX_EPOCH;
    opened.with_renewal(Renewal { at, on: RenewOn::AnyRequest, cookie: true })
}
