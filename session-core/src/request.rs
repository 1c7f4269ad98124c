//! One request and its session, for authors of framework adapters.
//!
//! An adapter creates a [`RequestSession`] for each request and passes it to the extractor of the
//! framework. When the response is ready, the adapter [commits](RequestSession::commit) the
//! session. Layers that share a cookie share a session. A [`SessionStack`] in the extensions of the
//! request stores the sessions of all layers.

mod at_logout;
mod attempt;
mod caching;
mod commit;
mod flashes;
mod headers;
mod hooks;
mod latch;
mod layers;
mod limit;
mod outage;
mod report;
mod save;
mod sent;
mod session;
mod several;
mod stack;

pub(crate) use at_logout::EndsAtLogout;
pub use commit::Committed;
pub use headers::SessionHeaders;
pub use outage::OutagePolicy;
pub use session::RequestSession;
pub use stack::SessionStack;

pub use crate::request_view::{RequestView, RequestViewBuilder};
