//! Random requests on a store, whose histories are checked against the guarantees of the engine.
//!
//! A *round* has two engines, as two processes have them: each with its own connection to the store
//! and its own clock. A few browsers send requests, which overlap and share cookies. Handlers use
//! the whole API of a session. Clients disconnect, saves are dropped, clocks jump, and store calls
//! lose their replies, fail, take long or are applied after they failed.
//!
//! Every change writes a number that no other change writes. The *history* of a round has the
//! sessions that each request saw, and the results of its calls. After the round, the rules in
//! `check` compare it with the sessions that are left.
//!
//! # Repeating a failure
//!
//! A failure prints its seed and the smallest failing round that was found. `HISTORY_SEED` repeats
//! it, and adds the store calls to the history. The seed determines the requests and the faults. It
//! also determines the order if the store is in memory and one thread runs the round. On a server,
//! the round is repeated several times.
//!
//! `HISTORY_REQUESTS` sets the number of requests on each server, in rounds with random seeds. The
//! store in memory gets ten times as many. Without it, memory and SQLite run a few thousand
//! requests, in the same rounds each time.
//!
//! # Ambiguous histories
//!
//! Some histories have several correct results. The rules then check bounds:
//!
//! | history | allowed results |
//! |---|---|
//! | A save failed, or its future was dropped. | All its changes are stored or none, until an observation shows one of them. Then they count as acknowledged. |
//! | Two writes of one key overlap. | Either is the last. |
//! | An update or a flash message overlaps a `clear` or a `take_flashes`. | It is there or not. |
//! | A login overlaps the end, or a change of the id, of its session. | It continues the session, or starts one from its own changes. |
//! | A login opens an id that another login replaced. | It starts an empty session, or copies the session of the same owner. |
//! | A cookie opens nothing. | A request that overlapped or came later changed the id or ended the session, or may have. Or the session may have expired by one of the clocks. |
//! | A save is dropped. | As above. A rotation counts only if its tombstone may have expired by the clock of the engine. |
//! | A call ends the sessions of an owner while one of them may have expired by one of the clocks. | An engine whose clock is behind may still open it. |
//! | The outcome of a rotation stays unknown for longer than its tombstone lives. | The session may have ended. |
//! | A client went away, or its request failed, before it received a new id. | A record stays whose id no client has. |
//! | A change of the id was not finished. | Lists may show its record after the session ended. |

mod check;
mod clock;
mod history;
mod ops;
mod plan;
mod requests;
mod round;
mod run;
mod saving;
mod settle;
mod shrink;
mod snapshot;
mod stores;
mod watched;
mod world;

pub use run::{check_store, check_store_on_one_thread, requests_or};
pub use stores::Stores;
