//! Tests of the suite itself. For every rule there is at least one mutant, a backend or adapter
//! with one change, which violates this rule and no other. Therefore each rule is needed, and
//! detects the defect that it describes.

#![allow(unreachable_pub, reason = "the modules are part of this test")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "mutants/adapter/mod.rs"]
mod adapter;
#[path = "mutants/interface/mod.rs"]
mod interface;
#[path = "mutants/judge.rs"]
mod judge;
#[path = "mutants/store/mod.rs"]
mod store;

use judge::{Mutant, assert_rules_have_mutants, judge};
use session_conformance::adapter::rules as adapter_rules;
use session_conformance::interface::{client_side_rules, server_side_rules};
use session_conformance::store::rules as store_rules;

#[test]
fn unchanged_store_fulfils_every_rule() {
    let unchanged =
        [store::unchanged, store::unchanged_with_maximum, store::unchanged_with_patience]
            .map(Mutant::unchanged);
    judge(unchanged.into(), &store_rules().collect::<Vec<_>>());
}

#[test]
fn each_store_mutant_violates_only_its_rule() {
    judge(store::mutants(), &store_rules().collect::<Vec<_>>());
}

#[test]
fn each_store_rule_has_mutant() {
    assert_rules_have_mutants(&store::mutants(), store_rules());
}

#[test]
fn unchanged_adapter_fulfils_every_rule() {
    judge(vec![Mutant::unchanged(adapter::unchanged)], &adapter_rules().collect::<Vec<_>>());
}

#[test]
fn each_adapter_mutant_violates_only_its_rule() {
    judge(adapter::mutants(), &adapter_rules().collect::<Vec<_>>());
}

#[test]
fn each_adapter_rule_has_mutant() {
    assert_rules_have_mutants(&adapter::mutants(), adapter_rules());
}

#[test]
fn unchanged_interfaces_fulfil_every_rule() {
    judge(
        vec![Mutant::unchanged(interface::unchanged_on_server)],
        &server_side_rules().collect::<Vec<_>>(),
    );
    judge(
        [interface::unchanged_on_client, interface::unchanged_tokens].map(Mutant::unchanged).into(),
        &client_side_rules().collect::<Vec<_>>(),
    );
}

#[test]
fn each_interface_mutant_violates_only_its_rule() {
    judge(interface::on_server(), &server_side_rules().collect::<Vec<_>>());
    judge(interface::on_client(), &client_side_rules().collect::<Vec<_>>());
}

#[test]
fn each_interface_rule_has_mutant() {
    let on_server: Vec<_> = server_side_rules().collect();
    assert_rules_have_mutants(&interface::on_server(), on_server.iter().copied());
    let only_on_client = client_side_rules()
        .filter(|rule| on_server.iter().all(|other| other.name() != rule.name()));
    assert_rules_have_mutants(&interface::on_client(), only_on_client);
}
