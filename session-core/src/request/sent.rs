//! The effect of the response on the client's cookie.

use crate::interface::CookieAction;

/// The effect of a response on the client's cookie.
#[derive(Default)]
pub(super) struct SentCookie {
    pub(super) action: CookieAction,
    /// The `Set-Cookie` header, until it is added to a response.
    pub(super) header: Option<String>,
    /// The `Set-Cookie` headers that remove other cookies of the same name.
    pub(super) removals: Box<[String]>,
    /// Whether the save that set the cookie failed.
    pub(super) unconfirmed: bool,
    /// Whether the id in the request's cookie no longer opens this session.
    pub(super) discards: bool,
}
