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

use judge::{Mutant, assert_found_in_each_run, assert_rules_have_mutants, judge};
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

/// The rules of concurrent calls. Each run of a rule must find its mutants.
const RACES: [&str; 25] = [
    "loaded_record_is_listed_while_owner_changes",
    "concurrent_calls_have_order",
    "concurrent_calls_on_owned_record_have_order",
    "concurrent_read_sees_whole_record",
    "read_on_other_thread_sees_whole_record",
    "record_stays_listed_while_other_thread_writes",
    "dropped_call_is_applied_whole_or_not_at_all",
    "concurrent_writes_of_other_keys_are_stored",
    "concurrent_increments_are_all_counted",
    "save_after_logout_revives_nothing",
    "save_during_rotation_is_stored",
    "loaded_record_is_listed_at_same_time",
    "concurrent_calls_keep_list_of_owner_whole",
    "end_all_during_save_is_final",
    "renewed_record_is_not_swept",
    "recreated_record_is_not_swept",
    "concurrent_replace_by_clones_succeeds_once",
    "concurrent_calls_of_clones_have_order",
    "concurrent_requests_store_their_keys",
    "concurrent_updates_are_all_applied",
    "concurrent_insert_keeps_emptied_session",
    "write_keeps_lifetime_of_other_request",
    "late_save_revives_nothing",
    "concurrent_requests_have_own_sessions",
    "response_is_sent_after_save",
];

/// Once by default. `scripts/test --long mutants` sets `MUTANT_RUNS` to 3,000.
#[test]
fn race_mutants_are_found_in_each_run() {
    let runs = std::env::var("MUTANT_RUNS").map_or(1, |runs| runs.parse().unwrap());
    assert_found_in_each_run(store::mutants(), store_rules(), &RACES, runs);
    assert_found_in_each_run(interface::on_server(), server_side_rules(), &RACES, runs);
    assert_found_in_each_run(adapter::mutants(), adapter_rules(), &RACES, runs);
}
