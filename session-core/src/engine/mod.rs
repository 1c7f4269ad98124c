//! The engine: sessions on a store of opaque bytes.
//!
//! Only the engine generates and hashes ids, and merges, rotates, expires and ends sessions.
//! Therefore a store cannot implement these operations incorrectly. The engine uses only the public
//! API of this crate. The test command also compiles the engine as a separate crate. Therefore the
//! root of the engine is `mod.rs`.

mod admin;
mod confirm;
mod content;
mod deadline;
mod depart;
mod end;
mod find;
#[cfg(test)]
mod fuzz;
mod id;
mod import;
mod limit;
mod lineage;
mod listing;
mod login;
mod moving;
mod observed;
mod opening;
mod owners;
mod position;
mod queue;
mod random;
mod renew;
mod rotate;
#[cfg(test)]
mod samples;
mod save;
mod scanned;
mod sessions;
mod successor;
mod version;
mod write;

pub use admin::{AllSessions, OwnerPages, StoredPage, StoredSession};
pub use moving::MovedSessions;
pub use scanned::Selection;
pub use sessions::ServerSideSessions;
pub(crate) use version::check as check_version;
