//! Reduces a failing round to the requests that it needs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::plan::{Plan, Step};
use crate::round::{self, Outcome};
use crate::stores::Stores;

/// The number of orders of a smaller round that are tried.
const TRIES: u64 = 6;
/// The time limit for reducing a round.
const PATIENCE: Duration = Duration::from_secs(30);

/// Returns the smallest failing round that was found, with its history. Returns `None` if the round
/// does not fail again.
pub(crate) async fn minimal(
    stores: &Arc<Stores>,
    plan: &Plan,
    rule: &str,
) -> Option<(Plan, Outcome)> {
    let begun = Instant::now();
    // Without a request, the order of the others changes. Other orders may also fail.
    let fails = async |plan: &Plan| {
        for other in 0..TRIES {
            let plan = Plan { schedule: plan.schedule.wrapping_add(other), ..plan.clone() };
            let outcome = round::run(stores, &plan).await;
            if outcome.violations.iter().any(|violation| violation.rule == rule) {
                return Some((plan, outcome));
            }
        }
        None
    };
    let mut smallest = fails(plan).await?;
    for parts in [steps, ops] {
        let mut size = parts(plan).len().div_ceil(2);
        while size > 0 {
            let mut start = 0;
            while start < parts(&smallest.0).len() && begun.elapsed() < PATIENCE {
                let smaller = without(&smallest.0, &parts(&smallest.0), start, size);
                match fails(&smaller).await {
                    Some(failing) => smallest = failing,
                    None => start += size,
                }
            }
            size /= 2;
        }
    }
    Some(smallest)
}

/// A part of a plan that can be omitted, which is a step or an operation of a request.
#[derive(Clone, Copy)]
enum Part {
    Step(usize, usize),
    Op(usize, usize, usize),
    Reopened(usize, usize, usize),
}

fn steps(plan: &Plan) -> Vec<Part> {
    let mut parts = Vec::new();
    for (task, steps) in plan.tasks.iter().enumerate() {
        parts.extend((0..steps.len()).map(|step| Part::Step(task, step)));
    }
    parts
}

fn ops(plan: &Plan) -> Vec<Part> {
    let mut parts = Vec::new();
    for (task, steps) in plan.tasks.iter().enumerate() {
        for (step, request) in steps.iter().enumerate() {
            let Step::Request(request) = request else { continue };
            parts.extend((0..request.ops.len()).map(|op| Part::Op(task, step, op)));
            parts.extend((0..request.reopened.len()).map(|op| Part::Reopened(task, step, op)));
        }
    }
    parts
}

/// Returns the plan without some of its parts.
fn without(plan: &Plan, parts: &[Part], start: usize, count: usize) -> Plan {
    let mut smaller = plan.clone();
    // From the last to the first, so that the positions of the others stay.
    for part in parts.iter().skip(start).take(count).rev() {
        match *part {
            Part::Step(task, step) => drop(smaller.tasks[task].remove(step)),
            Part::Op(task, step, op) => {
                if let Step::Request(request) = &mut smaller.tasks[task][step] {
                    request.ops.remove(op);
                }
            }
            Part::Reopened(task, step, op) => {
                if let Step::Request(request) = &mut smaller.tasks[task][step] {
                    request.reopened.remove(op);
                }
            }
        }
    }
    smaller
}
