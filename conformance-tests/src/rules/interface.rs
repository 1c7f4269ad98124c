//! The rules of an interface. Some apply to every interface. Others apply only to interfaces that
//! store sessions on the server, or only to interfaces that store the session in the cookie.

mod concurrency;
mod cookies;
mod ending;
mod forged;
mod hooks;
mod ids;
mod lifetimes;
mod lineage;
mod logins;
mod on_client;
mod orders;
mod owner_endings;
mod owner_lists;
mod owner_pages;
mod renewal;
mod reopening;
mod saving;
mod server_ending;
mod server_hooks;
mod sizes;
mod timeouts;
mod values;
mod visits;

use crate::Rule;
use crate::harness::interface::InterfaceUnderTest;

/// The rules that need an [`OwnerSessions`](session_core::OwnerSessions).
pub(crate) const OWNERS: [&[Rule<InterfaceUnderTest>]; 3] =
    [owner_lists::OWNER_LISTS, owner_pages::OWNER_PAGES, owner_endings::OWNER_ENDINGS];

pub(crate) mod server_side {
    use super::{
        concurrency, cookies, ending, hooks, ids, lifetimes, lineage, logins, orders,
        owner_endings, owner_lists, owner_pages, renewal, reopening, saving, server_ending,
        server_hooks, sizes, timeouts, values, visits,
    };
    use crate::harness::interface::InterfaceUnderTest;
    use crate::macros::rule_lists;

    rule_lists! {
        ($) pub(crate) for InterfaceUnderTest, macro __server_side_rules, each with __interface_group;
        always: visits::VISITS, macro __interface_visits;
        always: values::VALUES, macro __interface_values;
        always: cookies::COOKIES, macro __interface_cookies;
        always: ending::ENDING, macro __interface_ending;
        always: logins::LOGINS, macro __interface_logins;
        always: lifetimes::LIFETIMES, macro __interface_lifetimes;
        always: renewal::RENEWAL, macro __interface_renewal;
        always: hooks::HOOKS, macro __interface_hooks;
        always: sizes::SIZES, macro __interface_sizes;
        always: orders::ORDERS, macro __interface_orders;
        always: ids::IDS, macro __interface_ids;
        always: server_ending::SERVER_ENDING, macro __interface_server_ending;
        always: saving::SAVING, macro __interface_saving;
        always: reopening::REOPENING, macro __interface_reopening;
        always: sizes::SIZES_ON_SERVER, macro __interface_sizes_on_server;
        always: lineage::LINEAGE, macro __interface_lineage;
        always: concurrency::CONCURRENCY, macro __interface_concurrency;
        always: timeouts::TIMEOUTS, macro __interface_timeouts;
        always: server_hooks::SERVER_HOOKS, macro __interface_server_hooks;
        owners: owner_lists::OWNER_LISTS, macro __interface_owner_lists;
        owners: owner_pages::OWNER_PAGES, macro __interface_owner_pages;
        owners: owner_endings::OWNER_ENDINGS, macro __interface_owner_endings;
    }
}

pub(crate) mod client_side {
    use super::{
        cookies, ending, forged, hooks, lifetimes, logins, on_client, orders, renewal, reopening,
        sizes, values, visits,
    };
    use crate::harness::interface::InterfaceUnderTest;
    use crate::macros::rule_lists;

    rule_lists! {
        ($) pub(crate) for InterfaceUnderTest, macro __client_side_rules, each with __interface_group;
        always: visits::VISITS, macro __interface_visits;
        always: values::VALUES, macro __interface_values;
        always: cookies::COOKIES, macro __interface_cookies;
        always: ending::ENDING, macro __interface_ending;
        always: logins::LOGINS, macro __interface_logins;
        always: lifetimes::LIFETIMES, macro __interface_lifetimes;
        always: renewal::RENEWAL, macro __interface_renewal;
        always: hooks::HOOKS, macro __interface_hooks;
        always: sizes::SIZES, macro __interface_sizes;
        always: orders::ORDERS, macro __interface_orders;
        always: reopening::REOPENING_ON_CLIENT, macro __interface_reopening_on_client;
        always: on_client::ON_CLIENT, macro __interface_on_client;
        always: forged::FORGED, macro __interface_forged;
    }
}
