//! The cookie with the flash messages of a visitor without a session.

/// The cookie for flash messages.
#[derive(Default)]
pub(crate) struct FlashCookie {
    /// The list of messages that the request sent, until a handler takes the messages.
    pub(crate) messages: Option<Box<str>>,
    pub(crate) action: FlashAction,
}

/// The effect of the response on the cookie for flash messages.
#[derive(Default)]
pub(crate) enum FlashAction {
    #[default]
    Keep,
    Remove,
    /// Sets the cookie with this header.
    Set(String),
}

/// Joins the list in the cookie and the list of the session.
pub(crate) fn joined(cookie: Option<&str>, session: &str) -> Option<String> {
    let Some(cookie) = cookie else { return Some(session.to_owned()) };
    let (first, last) = (cookie.strip_suffix(']')?, session.strip_prefix('[')?);
    Some(format!("{first},{last}"))
}
