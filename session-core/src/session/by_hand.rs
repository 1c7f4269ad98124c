//! A session made by hand, for tests of functions that accept a session.

use std::sync::Arc;
use std::time::SystemTime;

use super::Session;
use super::holder::{BoxFuture, Cell, Demand, Holder};
use super::state::State;
use crate::error::{Error, ErrorKind};
use crate::outcome::Outcome;

struct ByHand {
    cell: Cell,
}

/// Creates a session without a request.
pub(crate) fn session(state: State) -> Session {
    Session::new(Arc::new(ByHand { cell: Cell::new(state) }))
}

impl Holder for ByHand {
    fn cell(&self) -> &Cell {
        &self.cell
    }

    fn save(self: Arc<Self>, demand: Demand) -> BoxFuture<Outcome> {
        Box::pin(async move {
            if matches!(demand, Demand::Nothing) {
                return Err(no_interface());
            }
            self.cell.write(|state| {
                demand.apply(state, SystemTime::now(), None)?;
                Ok(state.conclude(Outcome::Stored, false))
            })
        })
    }

    fn reopen(self: Arc<Self>) -> BoxFuture<Arc<dyn Holder>> {
        Box::pin(async { Err(no_interface()) })
    }
}

fn no_interface() -> Error {
    let message = "session was made by hand, so no interface can save it";
    Error::new(ErrorKind::Unconfigured, message)
}
