//! Saves that need no cookie value. The rule is the same for both kinds of cookies.

use session_core::interface::{CookieAction, Save, Saved};
use session_core::{Error, ErrorKind, Outcome};

/// Returns the result of a save that needs no cookie value, or `None` if the session must be
/// written into the cookie.
///
/// Fails if the session was reopened after the response, because its changes cannot reach the
/// client.
pub(crate) fn save_without_value(save: &Save<'_>) -> Result<Option<Saved>, Error> {
    if !save.is_modified() && (save.is_empty() || save.is_detached()) {
        return Ok(Some(Saved::unchanged()));
    }
    if save.is_detached() {
        let message = "session is stored in the client's cookie, and the response has been sent; \
                       use a server-side backend to change sessions after the response";
        return Err(Error::new(ErrorKind::Committed, message));
    }
    if save.is_empty() {
        // Values that are written after this save start a new session.
        save.forget();
        return Ok(Some(Saved::new(CookieAction::Remove, Outcome::BrowserOnly)));
    }
    Ok(None)
}
