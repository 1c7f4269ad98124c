//! The rules that a history must follow.

mod expiry;
mod lists;
mod lives;
mod model;
mod records;
mod values;
mod view;

use crate::history::Violation;
use crate::world::World;

use model::Model;

/// Returns the violations in the history of a round.
pub(crate) fn check(world: &World) -> Vec<Violation> {
    let history = world.history();
    let mut model = Model::new(&history, &world.settings, &world.owners);
    values::check(&mut model);
    lives::check(&mut model);
    expiry::check(&mut model, &world.engines[0].config);
    lists::check(&mut model);
    records::check(&mut model);
    let violations = std::mem::take(&mut model.violations);
    history.violations.iter().cloned().chain(violations).collect()
}
