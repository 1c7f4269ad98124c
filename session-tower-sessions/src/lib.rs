#![doc = include_str!("../README.md")]

mod layer;
mod store;
mod values;

pub use layer::{TowerSessionsLayer, TowerSessionsService};

/// The version of tower-sessions-core that this crate supports.
#[doc(no_inline)]
pub use tower_sessions_core;
