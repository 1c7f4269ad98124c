//! The functions that the tests call. Each function runs one rule and panics if the rule is
//! violated.

use std::time::Duration;

use crate::adapter::AdapterUnderTest;
use crate::interface::{self, InterfaceUnderTest};
use crate::report::Calls;
use crate::store::StoreUnderTest;
use crate::{Rule, RuleViolation};

/// The timeout of a rule. A rule with thousands of calls needs a long time on a slow disk.
const PATIENCE: Duration = Duration::from_mins(5);

/// Checks one rule of the store suite.
///
/// # Panics
///
/// Panics if the rule is violated.
#[track_caller]
pub fn store<F>(name: &str, make: impl FnOnce() -> F)
where
    F: Future<Output = StoreUnderTest>,
{
    let checked = block_on(async {
        let store = make().await;
        let rule = find(crate::store::rules(), name);
        within_patience(rule, rule.check(&store), store.calls()).await
    });
    settle(checked);
}

/// Checks one rule of the adapter suite.
///
/// # Panics
///
/// Panics if the rule is violated.
#[track_caller]
pub fn adapter(name: &str, make: impl FnOnce() -> AdapterUnderTest) {
    let checked = block_on(async {
        let adapter = make();
        let rule = find(crate::adapter::rules(), name);
        within_patience(rule, rule.check(&adapter), adapter.calls()).await
    });
    settle(checked);
}

/// Checks one rule of an interface that stores sessions on the server.
///
/// # Panics
///
/// Panics if the rule is violated.
#[track_caller]
pub fn server_side(name: &str, make: impl FnOnce() -> InterfaceUnderTest) {
    interface(interface::server_side_rules(), name, make());
}

/// Checks one rule of an interface that stores the session in the cookie.
///
/// # Panics
///
/// Panics if the rule is violated.
#[track_caller]
pub fn client_side(name: &str, make: impl FnOnce() -> InterfaceUnderTest) {
    interface(interface::client_side_rules(), name, make());
}

#[track_caller]
fn interface(
    rules: impl Iterator<Item = &'static Rule<InterfaceUnderTest>>,
    name: &str,
    under_test: InterfaceUnderTest,
) {
    let rule = find(rules, name);
    settle(block_on(within_patience(rule, rule.check(&under_test), under_test.calls())));
}

/// Fails an ignored test that was run although its rule cannot be checked.
///
/// # Panics
///
/// Always panics.
#[track_caller]
#[expect(clippy::panic, reason = "a test fails by panicking")]
pub fn not_declared(what: &str) {
    panic!("rule cannot be checked: {what}");
}

async fn within_patience<S: 'static>(
    rule: &Rule<S>,
    checking: impl Future<Output = Result<(), RuleViolation>>,
    calls: &Calls,
) -> Result<(), RuleViolation> {
    match tokio::time::timeout(PATIENCE, checking).await {
        Ok(checked) => checked,
        Err(_) => Err(rule
            .violation(calls.failure("a result", format!("none within {} s", PATIENCE.as_secs())))),
    }
}

#[expect(clippy::expect_used, reason = "names and rules are from the same list")]
fn find<S: 'static>(
    mut rules: impl Iterator<Item = &'static Rule<S>>,
    name: &str,
) -> &'static Rule<S> {
    rules.find(|rule| rule.name() == name).expect("test without a rule of the same name")
}

#[expect(clippy::expect_used, reason = "a test without a runtime cannot continue")]
fn block_on<F: Future>(future: F) -> F::Output {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    runtime.expect("a tokio runtime").block_on(future)
}

#[track_caller]
#[expect(clippy::panic, reason = "a test fails by panicking")]
fn settle(checked: Result<(), RuleViolation>) {
    if let Err(violation) = checked {
        panic!("{violation}");
    }
}
