//! Holds every mutant to every rule.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use conformance_tests::Rule;
use tokio::sync::Semaphore;

/// A backend with one thing changed, and the rule that this breaks.
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

    pub const fn unbroken(make: fn() -> S) -> Self {
        Self { name: "unbroken", breaks: None, make }
    }
}

/// A mutant that makes the suite wait this long has broken the rule that waits.
const PATIENCE: Duration = Duration::from_secs(20);

/// So many mutants are judged at once: with all of them at once, each would seem slow.
const AT_ONCE: usize = 12;

/// Fails unless each mutant breaks the rule that it was made for and keeps all others, and no two are caught alike.
pub fn judge<S: Send + Sync + 'static>(mutants: Vec<Mutant<S>>, rules: &[&'static Rule<S>]) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let verdicts = runtime.block_on(async {
        let mut judging = Vec::new();
        let courts = Arc::new(Semaphore::new(AT_ONCE));
        for mutant in mutants {
            let (rules, courts) = (rules.to_vec(), Arc::clone(&courts));
            judging.push(tokio::spawn(async move {
                let _court = courts.acquire().await.unwrap();
                (mutant.name, mutant.breaks, broken(&mutant, &rules).await)
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
    for (name, breaks, broken) in verdicts {
        if broken.iter().map(|(rule, _)| *rule).ne(breaks) {
            wrong.push(format!("{name} was made to break {breaks:?}, but breaks {broken:#?}"));
        }
        for (rule, report) in broken {
            if let Some(other) = caught.insert((rule, report.clone()), name) {
                wrong.push(format!("{name} and {other} are caught alike:\n{report}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

async fn broken<S: Send + Sync + 'static>(
    mutant: &Mutant<S>,
    rules: &[&'static Rule<S>],
) -> Vec<(&'static str, String)> {
    let mut broken = Vec::new();
    for rule in rules {
        let under_test = (mutant.make)();
        match tokio::time::timeout(PATIENCE, rule.check(&under_test)).await {
            Ok(Ok(())) => (),
            Ok(Err(report)) => broken.push((rule.name(), report.failure().to_string())),
            Err(_) => broken.push((rule.name(), format!("{} did not answer", mutant.name))),
        }
    }
    broken
}

/// Fails if a rule is there that no mutant breaks.
pub fn assert_rules_have_mutants<S: 'static>(mutants: &[Mutant<S>], rules: impl Iterator<Item = &'static Rule<S>>) {
    let untested = rules.map(Rule::name).filter(|rule| !mutants.iter().any(|mutant| mutant.breaks == Some(*rule)));
    let untested: Vec<_> = untested.collect();
    assert!(
        untested.is_empty(),
        "rules without a mutant, so that nobody knows whether they catch anything: {untested:?}"
    );
}
