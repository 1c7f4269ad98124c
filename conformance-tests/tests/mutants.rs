//! The suite tested: for every rule at least one mutant, a whole backend with one thing changed, which this rule catches and
//! no other. So each rule is needed, and each does what it says.

#![allow(unreachable_pub, reason = "its modules are its own")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "mutants/adapter/mod.rs"]
mod adapter;
#[path = "mutants/interface/mod.rs"]
mod interface;
#[path = "mutants/judge.rs"]
mod judge;
#[path = "mutants/store/mod.rs"]
mod store;

use conformance_tests::adapter::rules as adapter_rules;
use conformance_tests::interface::{client_side_rules, server_side_rules};
use conformance_tests::store::rules as store_rules;
use judge::{Mutant, assert_rules_have_mutants, judge};

#[test]
fn the_unbroken_store_keeps_every_rule() {
    let unbroken = [store::unbroken, store::unbroken_with_a_maximum].map(Mutant::unbroken);
    judge(unbroken.into(), &store_rules().collect::<Vec<_>>());
}

#[test]
fn each_store_mutant_is_caught_by_its_rule_and_by_no_other() {
    judge(store::mutants(), &store_rules().collect::<Vec<_>>());
}

#[test]
fn each_store_rule_has_a_mutant() {
    assert_rules_have_mutants(&store::mutants(), store_rules());
}

#[test]
fn the_unbroken_adapter_keeps_every_rule() {
    judge(vec![Mutant::unbroken(adapter::unbroken)], &adapter_rules().collect::<Vec<_>>());
}

#[test]
fn each_adapter_mutant_is_caught_by_its_rule_and_by_no_other() {
    judge(adapter::mutants(), &adapter_rules().collect::<Vec<_>>());
}

#[test]
fn each_adapter_rule_has_a_mutant() {
    assert_rules_have_mutants(&adapter::mutants(), adapter_rules());
}

#[test]
fn the_unbroken_interfaces_keep_every_rule() {
    judge(vec![Mutant::unbroken(interface::unbroken_on_server)], &server_side_rules().collect::<Vec<_>>());
    judge(vec![Mutant::unbroken(interface::unbroken_on_client)], &client_side_rules().collect::<Vec<_>>());
}

#[test]
fn each_interface_mutant_is_caught_by_its_rule_and_by_no_other() {
    judge(interface::on_server(), &server_side_rules().collect::<Vec<_>>());
    judge(interface::on_client(), &client_side_rules().collect::<Vec<_>>());
}

#[test]
fn each_interface_rule_has_a_mutant() {
    let on_server: Vec<_> = server_side_rules().collect();
    assert_rules_have_mutants(&interface::on_server(), on_server.iter().copied());
    let only_on_client = client_side_rules().filter(|rule| on_server.iter().all(|other| other.name() != rule.name()));
    assert_rules_have_mutants(&interface::on_client(), only_on_client);
}
