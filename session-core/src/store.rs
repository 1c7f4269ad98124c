//! The store of server-side sessions, for authors of stores. It stores opaque bytes under an opaque
//! key.
//!
//! Implement [`SessionStore`], and [`OwnerIndex`] if the store can find the records of an owner.
//! Implement [`Sweep`] if the store does not remove expired records itself, and [`Scan`] if it can
//! find all records. Implement [`ReportChanges`] if the store can report the changes of other
//! processes. The implementations need the attribute [`async_trait`](crate::async_trait).
//! [`ServerSideSessions`](crate::ServerSideSessions) creates sessions from the store. The suites of
//! the crate `session-conformance` check a store against every rule on this page, except the rules
//! of [`Scan`] and [`ReportChanges`]. The module `session_conformance::scan` checks [`Scan`].
//!
//! `examples/file-store` in the repository is a complete store. Check your own store with
//! `session_conformance::store_suite!`, and with `interface_suite!(server_side, ..)` over
//! [`ServerSideSessions`](crate::ServerSideSessions).

use std::time::Duration;

mod changes;
mod credentials;
mod forward;
mod record;
mod scan;
mod traits;

pub use changes::{ChangeListener, ReportChanges};
pub use credentials::{Credentials, CredentialsProvider};
pub use record::{LogName, NewRecord, Record, Replaced, StoreKey, Version};
pub use scan::{KeyPage, Scan};
pub use traits::{OwnerIndex, SessionStore, Sweep};

/// The largest difference between the clocks of the processes and servers that share a store.
///
/// The guarantees of sessions hold while the clocks differ by less than this time. A store that
/// removes expired records by its own clock must wait for this time after their expiry.
pub const MAX_CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);
