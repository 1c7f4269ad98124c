//! The rules of a [`SessionInterface`](session_core::SessionInterface): the behaviour that a client
//! can observe.
//!
//! Some rules apply to every interface, some only to one that stores sessions on the server, and
//! some only to one that stores the session in the cookie.

mod believed;
mod browser;
mod contents;
mod cookies;
mod ending;
mod forged;
mod hooks;
mod ids;
mod lives;
mod logins;
mod on_client;
mod on_server;
mod owners;
mod owning;
mod suite;
mod under_test;
mod visits;

use crate::Rule;

pub use under_test::InterfaceUnderTest;

/// Returns the rules of an interface that stores sessions on the server.
/// [`interface_suite!`](crate::interface_suite) generates a test for each.
pub fn server_side_rules() -> impl Iterator<Item = &'static Rule<InterfaceUnderTest>> {
    server_side::LISTS.iter().copied().flatten()
}

/// Returns those of them that need an [`OwnerSessions`](session_core::OwnerSessions).
pub(crate) fn owner_rules() -> impl Iterator<Item = &'static Rule<InterfaceUnderTest>> {
    owners::OWNERS.iter()
}

/// Returns the rules of an interface that stores the session in the cookie.
pub fn client_side_rules() -> impl Iterator<Item = &'static Rule<InterfaceUnderTest>> {
    client_side::LISTS.iter().copied().flatten()
}

#[doc(hidden)]
pub mod server_side {
    use super::{
        InterfaceUnderTest, contents, cookies, ending, hooks, ids, lives, logins, on_server,
        owners, visits,
    };
    use crate::rule::{has_rule, rule_lists};

    #[must_use]
    pub const fn is_rule(name: &str) -> bool {
        has_rule(LISTS, name)
    }

    rule_lists! {
        ($) pub(super) for InterfaceUnderTest, macro __server_side_rules, each with __interface_group;
        always: visits::VISITS, macro __interface_visits;
        always: contents::CONTENTS, macro __interface_contents;
        always: cookies::COOKIES, macro __interface_cookies;
        always: ending::ENDING, macro __interface_ending;
        always: logins::LOGINS, macro __interface_logins;
        always: lives::LIVES, macro __interface_lives;
        always: hooks::HOOKS, macro __interface_hooks;
        always: on_server::ON_SERVER, macro __interface_on_server;
        always: hooks::HOOKS_ON_SERVER, macro __interface_hooks_on_server;
        always: ids::IDS, macro __interface_ids;
        owners: owners::OWNERS, macro __interface_owners;
    }
}

#[doc(hidden)]
pub mod client_side {
    use super::{
        InterfaceUnderTest, believed, contents, cookies, ending, forged, hooks, lives, logins,
        on_client, visits,
    };
    use crate::rule::{has_rule, rule_lists};

    #[must_use]
    pub const fn is_rule(name: &str) -> bool {
        has_rule(LISTS, name)
    }

    rule_lists! {
        ($) pub(super) for InterfaceUnderTest, macro __client_side_rules, each with __interface_group;
        always: visits::VISITS, macro __interface_visits;
        always: contents::CONTENTS, macro __interface_contents;
        always: cookies::COOKIES, macro __interface_cookies;
        always: ending::ENDING, macro __interface_ending;
        always: logins::LOGINS, macro __interface_logins;
        always: lives::LIVES, macro __interface_lives;
        always: hooks::HOOKS, macro __interface_hooks;
        always: on_client::ON_CLIENT, macro __interface_on_client;
        always: believed::BELIEVED, macro __interface_believed;
        always: forged::FORGED, macro __interface_forged;
    }
}
