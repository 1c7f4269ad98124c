//! The values of labels. They are part of the documented interface.

use session_core::events::Event;
use session_core::{ErrorKind, Outcome};

/// The label of a value that is newer than this version.
const OTHER: &str = "other";

pub(crate) fn of_result(result: Result<Outcome, ErrorKind>) -> &'static str {
    match result {
        Ok(Outcome::Stored) => "stored",
        Ok(Outcome::BrowserOnly) => "browser_only",
        Ok(Outcome::Unchanged) => "unchanged",
        Ok(Outcome::Dropped) => "dropped",
        Ok(_) => OTHER,
        Err(kind) => of_error(kind),
    }
}

pub(crate) fn of_error(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Configuration => "configuration",
        ErrorKind::Unconfigured => "unconfigured",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Backend => "backend",
        ErrorKind::Malformed => "malformed",
        ErrorKind::Value => "value",
        ErrorKind::Committed => "committed",
        ErrorKind::Ended => "ended",
        ErrorKind::Conflict => "conflict",
        ErrorKind::TooLarge => "too_large",
        ErrorKind::AmbiguousToken => "ambiguous_token",
        ErrorKind::Reentrant => "reentrant",
        _ => OTHER,
    }
}

/// Returns the label of an event of a session, and the number of its occurrences.
pub(crate) fn of_event(event: &Event<'_>) -> Option<(&'static str, u64)> {
    Some(match *event {
        Event::Created { .. } => ("created", 1),
        Event::LoggedIn { .. } => ("logged_in", 1),
        Event::Rotated { .. } => ("rotated", 1),
        Event::LoggedOut { .. } => ("logged_out", 1),
        Event::Ended { .. } => ("ended", 1),
        Event::Theft { .. } => ("theft", 1),
        Event::Expired { count } => ("expired", count),
        Event::RotatedId { count } => ("rotated_id", count),
        Event::UnknownId { count } => ("unknown_id", count),
        Event::ForgedCookie { count } => ("forged_cookie", count),
        Event::CsrfRefused { count } => ("csrf_refused", count),
        Event::SeveralCookies { count, .. } => ("several_cookies", count),
        _ => return None,
    })
}
