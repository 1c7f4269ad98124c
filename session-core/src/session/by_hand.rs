//! A session made by hand: for tests of functions that take a session.

use std::sync::Arc;

use super::Session;
use super::holder::{BoxFuture, Cell, Holder};
use super::intent::Outcome;
use super::state::State;
use crate::error::{Error, ErrorKind};

struct ByHand {
    cell: Cell,
}

/// Makes a session that belongs to no request.
pub(crate) fn session(state: State) -> Session {
    Session::new(Arc::new(ByHand { cell: Cell::new(state) }))
}

impl Holder for ByHand {
    fn cell(&self) -> &Cell {
        &self.cell
    }

    fn save(self: Arc<Self>) -> BoxFuture<Outcome> {
        Box::pin(async { Err(no_interface()) })
    }

    fn reopen(self: Arc<Self>) -> BoxFuture<Arc<dyn Holder>> {
        Box::pin(async { Err(no_interface()) })
    }
}

fn no_interface() -> Error {
    let message = "this session was made by hand: it has no interface to save it";
    Error::new(ErrorKind::Unconfigured, message)
}
