//! The rules that a history must follow.

mod expiry;
mod lists;
mod lives;
mod model;
mod records;
#[cfg(test)]
mod tests;
mod values;
mod view;

use session_core::SessionConfig;

use crate::history::{History, Violation};
use crate::plan::Settings;
use crate::world::World;

use model::Model;

/// Returns the violations in the history of a round.
pub(crate) fn check(world: &World) -> Vec<Violation> {
    judge(&world.history(), &world.settings, &world.owners, &world.engines[0].config)
}

fn judge(
    history: &History,
    settings: &Settings,
    owners: &[String],
    config: &SessionConfig,
) -> Vec<Violation> {
    let mut model = Model::new(history, settings, owners);
    values::check(&mut model);
    lives::check(&mut model);
    expiry::check(&mut model, config);
    lists::check(&mut model);
    records::check(&mut model);
    history.violations.iter().cloned().chain(model.violations).collect()
}
