//! Reports the effect of a save on the lifecycle of a session, and the result of a request.

use std::error::Error as _;

use super::session::Shared;
use crate::error::{Error, ErrorKind};
use crate::events::{Event, EventSession};
use crate::interface::Save;
use crate::outcome::Outcome;
use crate::session::IdChange;
use crate::session::state::Identity;

/// The effect of a save on the lifecycle of a session.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate event")]
pub(super) struct LifeChange {
    ended: bool,
    logged_in: bool,
    rotated: bool,
    created: bool,
}

impl LifeChange {
    /// Returns the effect of a save. `sets_cookie` indicates whether the response sets a cookie
    /// that opens the session.
    pub(super) fn of(save: &Save<'_>, outcome: Outcome, sets_cookie: bool) -> Self {
        if !matches!(outcome, Outcome::Stored | Outcome::BrowserOnly) {
            return Self::default();
        }
        let (is_stored, ends) = (save.data().is_stored(), save.ends());
        let logged_in = save.login().is_some();
        Self {
            ended: ends && is_stored,
            logged_in,
            rotated: is_stored && !logged_in && save.id_change() == IdChange::Rotate,
            created: sets_cookie && !logged_in && (ends || !is_stored),
        }
    }

    pub(super) fn is_any(self) -> bool {
        self.ended || self.logged_in || self.rotated || self.created
    }

    /// Returns whether the session has another login than before, or no login.
    pub(super) fn changes_login(self) -> bool {
        self.ended || self.logged_in
    }

    /// Reports the effect. `after` is the session as it is stored now.
    pub(super) fn report(self, save: &Save<'_>, after: &Identity) {
        let (events, before) = (save.config().events(), &save.data().identity());
        // A handle is a hash, so it is computed only if there is a handler of events.
        let handle =
            |identity: &Identity| if events.has_handler() { identity.handle() } else { None };
        let handles = (handle(before), handle(after));
        let before = EventSession::new(before.owner(), handles.0.as_deref());
        let session = EventSession::new(after.owner(), handles.1.as_deref());
        if self.ended {
            events.report(Event::LoggedOut { session: before });
        }
        if self.logged_in {
            let previous = if self.ended { EventSession::default() } else { before };
            events.report(Event::LoggedIn { session, previous });
        }
        // A session in a cookie has no id that could change.
        if self.rotated && after.has_handle() {
            events.report(Event::Rotated { session });
        }
        if self.created {
            events.report(Event::Created { session });
        }
    }
}

impl Shared {
    /// Reports the result of the request to the handler of events.
    pub(super) fn report_result(&self, result: Result<Outcome, ErrorKind>) {
        let events = (*self.interface).config().events();
        if events.has_handler() {
            events.report(Event::RequestEnded { result });
        }
    }

    /// Logs that the session of a request could not be opened.
    pub(super) fn log_outage(&self, error: &Error) {
        let Some(suppressed) = self.admit_log(error) else { return };
        let source = error.source();
        tracing::error!(%error, source, suppressed, "session could not be opened; the request continues without one");
    }

    /// Logs that a session that no handler obtained could not be renewed.
    pub(super) fn log_unrenewed(&self, error: &Error) {
        let Some(suppressed) = self.admit_log(error) else { return };
        let source = error.source();
        tracing::warn!(%error, source, suppressed, "session could not be renewed");
    }

    fn admit_log(&self, error: &Error) -> Option<u64> {
        let config = (*self.interface).config();
        config.events().log_limit().admit(error, config.monotonic())
    }
}
