//! The macros that generate lists of rules and a test of each rule.

mod adapter_suite;
mod interface_suite;
mod lists;
mod store_suite;
mod tests;

pub(crate) use lists::{has_rule, rule_lists, rules};
