//! Runs and checks one round.

use std::sync::Arc;
use std::time::Duration;

use session_core::Error;

use crate::check::check;
use crate::history::Violation;
use crate::plan::Plan;
use crate::requests::run_task;
use crate::settle;
use crate::stores::Stores;
use crate::world::World;

/// The time limit of a round.
const PATIENCE: Duration = Duration::from_mins(2);
/// The time limit for a server to run a call whose caller was dropped.
const GRACE: Duration = Duration::from_millis(700);

/// The result of a round.
pub(crate) struct Outcome {
    pub(crate) world: Arc<World>,
    pub(crate) violations: Vec<Violation>,
}

/// Runs a round and checks its history.
pub(crate) async fn run(stores: &Arc<Stores>, plan: &Plan) -> Outcome {
    let world = Arc::new(World::new(stores, plan));
    let tasks: Vec<_> = plan
        .tasks
        .iter()
        .map(|steps| tokio::spawn(run_task(Arc::clone(&world), Arc::clone(stores), steps.clone())))
        .collect();
    let all = async {
        for task in tasks {
            if let Err(error) = task.await {
                world.history().violation("no request panics", None, error.to_string());
            }
        }
    };
    if tokio::time::timeout(PATIENCE, all).await.is_err() {
        let text = format!("a request takes longer than {PATIENCE:?}");
        world.history().violation("requests do not wait for each other for ever", None, text);
    }
    let violations = judge(stores, &world).await;
    Outcome { world, violations }
}

/// Checks the history and the records that the round left in the store.
async fn judge(stores: &Stores, world: &World) -> Vec<Violation> {
    let mut violations = observe(stores, world).await;
    if !violations.is_empty() && !stores.reliable {
        tokio::time::sleep(GRACE).await;
        violations = observe(stores, world).await;
    }
    if violations.is_empty() {
        let ended = settle::end_all(world).await;
        note(world, ended);
        violations = std::mem::take(&mut world.history().violations);
    }
    let cleaned = settle::clean(world).await;
    if violations.is_empty() {
        note(world, cleaned);
        violations = std::mem::take(&mut world.history().violations);
    }
    violations
}

/// Records the remaining sessions, and returns the violations of the whole history.
async fn observe(stores: &Stores, world: &World) -> Vec<Violation> {
    let before = {
        let history = world.history();
        (history.observations.len(), history.owner_calls.len(), history.violations.len())
    };
    let observed = match settle::settle(world, stores.reliable).await {
        Ok(()) => settle::observe(world).await,
        Err(error) => Err(error),
    };
    note(world, observed);
    let violations = check(world);
    if !violations.is_empty() && !stores.reliable {
        let mut history = world.history();
        history.observations.truncate(before.0);
        history.owner_calls.truncate(before.1);
        history.violations.truncate(before.2);
    }
    violations
}

fn note(world: &World, result: Result<(), Error>) {
    if let Err(error) = result {
        world.history().violation("the store works after a round", None, format!("{error:?}"));
    }
}
