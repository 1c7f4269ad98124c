//! Checks every mutant against every rule.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use session_conformance::Rule;
use tokio::sync::Semaphore;

/// A backend or adapter with one change, and the rule that it violates.
#[derive(Debug)]
pub struct Mutant<S> {
    name: &'static str,
    breaks: Option<&'static str>,
    make: fn() -> S,
}

impl<S> Mutant<S> {
    pub const fn new(name: &'static str, breaks: &'static str, make: fn() -> S) -> Self {
        Self { name, breaks: Some(breaks), make }
    }

    pub const fn unchanged(make: fn() -> S) -> Self {
        Self { name: "unchanged", breaks: None, make }
    }
}

/// A mutant that blocks a rule for this long violates it.
const PATIENCE: Duration = Duration::from_mins(2);

/// The number of mutants that are checked concurrently. With all at the same time, each would seem
/// slow.
const AT_ONCE: usize = 12;

/// Rules that compare every call with every kind of record. Mutants of other rules may also
/// violate them, so they are not checked.
const WIDE: [&str; 68] = [
    "sweep_below_limit_leaves_no_expired_record",
    "sessions_of_every_kind_are_ended",
    "timeouts_apply_after_login",
    "read_of_expired_record_removes_no_newer_one",
    "owner_of_every_length_lists_its_keys",
    "panic_of_handler_stores_nothing",
    "cookies_of_handler_keep_order",
    "read_on_other_thread_sees_whole_record",
    "record_stays_listed_while_other_thread_writes",
    "version_has_bits_for_every_write",
    "payload_of_every_length_is_unchanged",
    "each_request_renews_whatever_its_status",
    "long_session_is_listed_with_label_and_handle",
    "all_sessions_beyond_lower_maximum_end",
    "more_than_hundred_sessions_are_ended",
    "record_over_expired_one_is_whole",
    "call_on_expired_record_does_what_it_returns",
    "loaded_record_is_listed_at_its_expiry",
    "sweep_keeps_record_of_same_second",
    "session_is_committed_before_streamed_body",
    "check_changes_nothing",
    "time_before_1970_is_like_any_other",
    "owner_of_any_text_has_own_list",
    "page_has_one_to_hundred_sessions",
    "requests_in_any_order_leave_what_they_wrote",
    "headers_without_session_are_unchanged",
    "response_to_every_action_has_session_headers",
    "response_of_every_method_and_status_has_session_headers",
    "entry_leaves_list_after_its_record",
    "expired_record_stays_removed",
    "shortened_record_hides_no_other_key",
    "loaded_record_is_listed_while_owner_changes",
    "sweep_counts_each_record_once",
    "sweep_keeps_live_records_of_many_years",
    "recent_copy_is_whole_record",
    "concurrent_calls_on_owned_record_have_order",
    "concurrent_read_sees_whole_record",
    "dropped_read_blocks_no_call",
    "concurrent_calls_keep_list_of_owner_whole",
    "clone_lists_keys_of_other_clone",
    "concurrent_calls_of_clones_have_order",
    "dropped_clone_leaves_store_usable",
    "outage_is_unavailable_or_backend_error",
    "keys_with_special_bytes_are_different",
    "near_versions_are_other_versions",
    "created_record_is_observed_whole",
    "replaced_record_is_observed_whole",
    "touched_record_is_observed_whole",
    "removed_record_is_observed_nowhere",
    "refused_call_changes_nothing",
    "reading_changes_nothing",
    "call_on_other_record_changes_nothing",
    "calls_in_any_order_leave_what_they_wrote",
    "payload_beyond_maximum_is_whole_or_refused",
    "owner_beyond_maximum_is_whole_or_refused",
    "expired_record_of_every_kind_is_swept",
    "records_of_one_expiry_are_all_swept",
    "renewal_leaves_other_records_of_same_expiry",
    "recreated_record_is_not_swept",
    "values_are_read_as_written",
    "part_of_cookie_opens_nothing",
    "field_of_other_cookie_opens_nothing",
    "cookie_of_other_algorithm_opens_nothing",
    "reopened_store_has_every_record",
    "versions_do_not_restart_with_process",
    "reopened_store_sweeps_and_refuses",
    "outage_is_no_missing_record",
    "outage_is_no_stale_version",
];

/// Fails unless each mutant violates its rule and no other rule except wide ones. Two mutants of a
/// rule must not have the same report.
pub fn judge<S: Send + Sync + 'static>(mutants: Vec<Mutant<S>>, rules: &[&'static Rule<S>]) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let verdicts = runtime.block_on(async {
        let mut judging = Vec::new();
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        for mutant in mutants {
            let (rules, permits) = (rules.to_vec(), Arc::clone(&permits));
            judging.push(tokio::spawn(async move {
                let _permit = permits.acquire().await.unwrap();
                (mutant.name, mutant.breaks, violated(&mutant, &rules).await)
            }));
        }
        let mut verdicts = Vec::new();
        for judging in judging {
            verdicts.push(judging.await.unwrap());
        }
        verdicts
    });
    let mut caught = HashMap::new();
    let mut wrong = Vec::new();
    for (name, breaks, violated) in verdicts {
        let (own, others): (Vec<_>, Vec<_>) =
            violated.into_iter().partition(|(rule, _)| Some(*rule) == breaks);
        if own.is_empty() && breaks.is_some() {
            wrong.push(format!("{name} must violate {breaks:?}"));
        }
        for (rule, report) in others {
            wrong.push(format!("{name} must violate {breaks:?}, but violates {rule}:\n{report}"));
        }
        for (rule, report) in own {
            if let Some(other) = caught.insert((rule, report.clone()), name) {
                wrong.push(format!("{name} and {other} have the same report:\n{report}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Returns whether a mutant of the one rule may violate the other.
fn is_wide_beside(breaks: Option<&str>, rule: &str) -> bool {
    breaks.is_some_and(|breaks| breaks != rule) && WIDE.contains(&rule)
}

async fn violated<S: Send + Sync + 'static>(
    mutant: &Mutant<S>,
    rules: &[&'static Rule<S>],
) -> Vec<(&'static str, String)> {
    let mut violated = Vec::new();
    for rule in rules.iter().filter(|rule| !is_wide_beside(mutant.breaks, rule.name())) {
        if let Err(report) = checked(mutant, *rule).await {
            violated.push((rule.name(), report));
        }
    }
    violated
}

/// Checks a mutant against a rule. Returns the report if the mutant violates it.
async fn checked<S: Send + Sync + 'static>(
    mutant: &Mutant<S>,
    rule: &'static Rule<S>,
) -> Result<(), String> {
    let under_test = (mutant.make)();
    let checking = tokio::spawn(async move { rule.check(&under_test).await });
    match tokio::time::timeout(PATIENCE, checking).await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(report))) => Err(report.failure().to_string()),
        Ok(Err(error)) => Err(format!("{} panics: {error}", mutant.name)),
        Err(_) => Err(format!("{} blocks", mutant.name)),
    }
}

/// Checks the mutants of some rules repeatedly against these rules. Fails if a run finds no
/// violation.
pub fn assert_found_in_each_run<S: Send + Sync + 'static>(
    mutants: Vec<Mutant<S>>,
    rules: impl Iterator<Item = &'static Rule<S>>,
    races: &[&str],
    runs: u32,
) {
    let rules: Vec<_> = rules.filter(|rule| races.contains(&rule.name())).collect();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let mut missed = Vec::new();
    for mutant in mutants {
        let Some(rule) = rules.iter().find(|rule| mutant.breaks == Some(rule.name())) else {
            continue;
        };
        let begun = Instant::now();
        let name = mutant.name;
        let count = runtime.block_on(misses(Arc::new(mutant), rule, runs));
        let rule = rule.name();
        println!("{name}: {count} of {runs} runs of {rule} missed it, {:?}", begun.elapsed());
        if count > 0 {
            missed.push(format!("{name} in {count} of {runs} runs"));
        }
    }
    assert!(missed.is_empty(), "mutants that were missed: {missed:?}");
}

/// Returns the number of runs in which the rule did not find the mutant.
async fn misses<S: Send + Sync + 'static>(
    mutant: Arc<Mutant<S>>,
    rule: &'static Rule<S>,
    runs: u32,
) -> u32 {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = Vec::new();
    for _ in 0..runs {
        let permit = Arc::clone(&permits).acquire_owned().await.unwrap();
        let mutant = Arc::clone(&mutant);
        running.push(tokio::spawn(async move {
            let found = checked(&mutant, rule).await.is_err();
            drop(permit);
            found
        }));
    }
    let mut misses = 0;
    for run in running {
        misses += u32::from(!run.await.unwrap());
    }
    misses
}

/// Fails if there is a rule that no mutant violates.
pub fn assert_rules_have_mutants<S: 'static>(
    mutants: &[Mutant<S>],
    rules: impl Iterator<Item = &'static Rule<S>>,
) {
    let untested = rules
        .map(Rule::name)
        .filter(|rule| !mutants.iter().any(|mutant| mutant.breaks == Some(*rule)));
    let untested: Vec<_> = untested.collect();
    assert!(untested.is_empty(), "rules without a mutant: {untested:?}");
}
