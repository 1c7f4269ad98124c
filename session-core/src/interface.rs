//! The session interface, for authors of backends.
//!
//! A backend that stores sessions under an id implements
//! [`SessionStore`](crate::store::SessionStore) instead, and obtains an interface with
//! [`ServerSideSessions`](crate::ServerSideSessions). A backend that owns the whole session, such
//! as a signed cookie, implements [`SessionInterface`]:
//!
//! 1. [`open`](crate::SessionInterface::open) receives an [`OpenContext`] and returns an [`Opened`]
//!    session. The interface may attach data to this session that handlers cannot access.
//! 2. The handler reads and changes the [`Session`](crate::Session) that the core creates from the
//!    result of `open`.
//! 3. [`save`](crate::SessionInterface::save) receives a [`Save`]: the [`Contents`] to store, the
//!    changes, and other actions of the request such as a login or a logout. It returns a
//!    [`Saved`].
//!
//! The table of [`RequestSession::commit`](crate::request::RequestSession::commit) shows the header
//! that follows from the result, for sessions in a cookie and on a server.
//!
//! To change the hooks of an existing interface, wrap it in [`Hooked`]. The crate
//! `session-conformance` checks an interface against every rule in this documentation.
//!
//! # Settings
//!
//! The core applies the settings of the cookie and its size limit, the token header, the cookie for
//! flash messages and `login_keeps`. It calls
//! [`limit_sessions`](crate::SessionInterface::limit_sessions) for `max_sessions`. The interface
//! applies the other settings:
//!
//! - **Expiry.** A server-side interface rejects a record that
//!   [`is_expired`](crate::SessionConfig::is_expired), and stores the
//!   [`record_expiry`](crate::SessionConfig::record_expiry). A cookie contains the time at which it
//!   was set, and is valid for the lifetime after this time.
//! - **Renewal.** `open` and `save` return [`renewal`](crate::SessionConfig::renewal), or for a
//!   cookie [`cookie_renewal`](crate::SessionConfig::cookie_renewal).
//! - **Namespace.** If interfaces can share a store or a key, a session must open only in its
//!   [`namespace`](crate::SessionConfig::namespace). The engine hashes the namespace together with
//!   the id.
//! - **Unsupported settings.** The constructor refuses a setting that the interface does not
//!   support, with [`ErrorKind::Configuration`](crate::ErrorKind::Configuration).
//!
//! The table of [`events`](crate::events) lists the events that an interface reports.
//!
//! `examples/merging-interface` in the repository is a complete server-side interface that merges
//! concurrent changes. To check your interface, call
//! `session_conformance::interface_suite!(server_side,
//! |config| async move { MySessions::new(config) });`, and add `owners` if the interface implements
//! [`OwnerSessions`]. For single cases, use [`RequestSession`](crate::request::RequestSession) and
//! [`ManualClock`](crate::ManualClock).

mod contents;
mod contract;
mod hooked;
pub(crate) mod hooks;
mod import;
mod inspect;
mod login_key;
mod null;
pub(crate) mod open;
mod opened;
mod owners;
pub(crate) mod save;
mod saved;
pub(crate) mod view;

pub use contents::Contents;
pub use contract::SessionInterface;
pub use hooked::{Hooked, Hooks};
pub use import::{Departure, Import, Imported};
pub use inspect::{SessionState, state_of};
pub use null::NullSessions;
pub use open::OpenContext;
pub use opened::Opened;
pub use owners::{OwnedSession, OwnerSessions, SessionPage};
pub use save::Save;
pub use saved::{CookieAction, Saved};
pub use view::SessionView;

pub use crate::cookie::saturating_add;
pub use crate::session::{
    Changes, IdChange, Lifetime, Mark, RenewOn, Renewal, SessionDetails, session_handle,
};
