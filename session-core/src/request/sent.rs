//! The effect of the response on the client's cookie.

use crate::interface::CookieAction;

/// The effect of a response on the client's cookie.
#[derive(Default)]
pub(super) struct SentCookie {
    pub(super) action: CookieAction,
    /// The `Set-Cookie` header, until a response has it.
    pub(super) header: Option<String>,
    /// The `Set-Cookie` headers that remove other cookies of the name.
    pub(super) removals: Box<[String]>,
    /// Whether it is the cookie of a save that failed.
    pub(super) unconfirmed: bool,
    /// Whether the id of the request's cookie is not this session's any more.
    pub(super) discards: bool,
}
