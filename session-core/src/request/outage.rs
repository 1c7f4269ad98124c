//! The policy for outages of the backend.

/// The policy for a request whose session the backend failed to open.
///
/// There is no policy with an unmarked empty session, because this session would later replace the
/// real session.
///
/// The policy applies only to opening. If saving fails, the client receives an error response with
/// both policies.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum OutagePolicy {
    /// The request fails with the error. Adapters respond with status 503 before the handler runs.
    #[default]
    Refuse,
    /// The request receives an empty session that is [marked](crate::Session::is_anonymous) and
    /// never saved.
    ///
    /// Changes succeed but are lost, and the client's cookie is unchanged. A handler that must
    /// store something, such as a login, checks [`is_anonymous`](crate::Session::is_anonymous) and
    /// responds with an error.
    Anonymous,
}
