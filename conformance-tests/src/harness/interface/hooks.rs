//! A wrapper that determines whether the cookie is set.

use session_core::interface::{Hooks, SessionView};

/// Hooks that set the cookie if and only if a function of the session returns `true`.
#[derive(Debug)]
pub(crate) struct SetsTheCookie(pub(crate) fn(&SessionView<'_>) -> bool);

impl Hooks for SetsTheCookie {
    fn should_set_cookie(&self, session: &SessionView<'_>, _: bool) -> bool {
        (self.0)(session)
    }
}
