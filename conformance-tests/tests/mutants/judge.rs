//! Checks every mutant against every rule.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use conformance_tests::Rule;
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
const PATIENCE: Duration = Duration::from_secs(20);

/// The number of mutants that are checked concurrently. With all at the same time, each would seem
/// slow.
const AT_ONCE: usize = 12;

/// Fails unless each mutant violates its rule and no other, and no two mutants have the same
/// report.
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
        if violated.iter().map(|(rule, _)| *rule).ne(breaks) {
            wrong.push(format!("{name} must violate {breaks:?}, but violates {violated:#?}"));
        }
        for (rule, report) in violated {
            if let Some(other) = caught.insert((rule, report.clone()), name) {
                wrong.push(format!("{name} and {other} have the same report:\n{report}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

async fn violated<S: Send + Sync + 'static>(
    mutant: &Mutant<S>,
    rules: &[&'static Rule<S>],
) -> Vec<(&'static str, String)> {
    let mut violated = Vec::new();
    for rule in rules {
        let under_test = (mutant.make)();
        match tokio::time::timeout(PATIENCE, rule.check(&under_test)).await {
            Ok(Ok(())) => (),
            Ok(Err(report)) => violated.push((rule.name(), report.failure().to_string())),
            Err(_) => violated.push((rule.name(), format!("{} blocks", mutant.name))),
        }
    }
    violated
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
