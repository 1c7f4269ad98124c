//! The rules of a [`SessionInterface`](session_core::SessionInterface): the behaviour that a client
//! can observe.
//!
//! Some rules apply to every interface. Others apply only to interfaces that store sessions on the
//! server, or only to interfaces that store the session in the cookie.

use crate::Rule;
use crate::rules::interface as rules;

pub use crate::harness::interface::InterfaceUnderTest;

/// Returns the rules of an interface that stores sessions on the server.
/// [`interface_suite!`](crate::interface_suite) generates a test for each rule.
pub fn server_side_rules() -> impl Iterator<Item = &'static Rule<InterfaceUnderTest>> {
    rules::server_side::LISTS.iter().copied().flatten()
}

/// Returns the server-side rules that need an [`OwnerSessions`](session_core::OwnerSessions).
pub(crate) fn owner_rules() -> impl Iterator<Item = &'static Rule<InterfaceUnderTest>> {
    rules::OWNERS.into_iter().flatten()
}

/// Returns the rules of an interface that stores the session in the cookie.
pub fn client_side_rules() -> impl Iterator<Item = &'static Rule<InterfaceUnderTest>> {
    rules::client_side::LISTS.iter().copied().flatten()
}

#[doc(hidden)]
pub mod server_side {
    use crate::macros::has_rule;
    use crate::rules::interface::server_side::LISTS;

    #[must_use]
    pub const fn is_rule(name: &str) -> bool {
        has_rule(LISTS, name)
    }
}

#[doc(hidden)]
pub mod client_side {
    use crate::macros::has_rule;
    use crate::rules::interface::client_side::LISTS;

    #[must_use]
    pub const fn is_rule(name: &str) -> bool {
        has_rule(LISTS, name)
    }
}
