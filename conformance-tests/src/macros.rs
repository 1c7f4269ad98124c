//! The macros that make lists of rules, and the macros that make a test of each rule.

mod adapter_suite;
mod interface_suite;
mod lists;
mod store_suite;
mod tests;

pub(crate) use lists::{has_rule, rule_lists, rules};
