//! The move of a session from another backend to a server-side backend.

use std::fmt;
use std::time::SystemTime;

use super::contents::Contents;
use super::opened::Opened;
use crate::store::Version;

/// A session of another backend, to be stored in
/// [`ServerSideSessions`](crate::ServerSideSessions).
///
/// # How a session moves
///
/// The two backends have no common transaction. Therefore the old backend alone determines which
/// backend has the session. A move has three steps, which the crate `session-migration` performs:
///
/// 1. [`import`](crate::ServerSideSessions::import) stores a *copy*. No id opens the copy.
/// 2. The old backend marks its session as moved, unless the session has changed since the copy.
/// 3. [`confirm_import`](crate::ServerSideSessions::confirm_import) makes the copy the session.
///
/// If the old session is marked, the copy is the session, even if the third step is missing. If the
/// old session is neither live nor marked, the copy is a leftover of a session that has ended.
#[derive(Clone)]
pub struct Import {
    /// The id of the session after the move. The id must be the same for every request with one old
    /// session, and as hard to guess as a session id.
    pub id: [u8; 32],
    /// The random bytes that [`SessionInterface::lineage`](crate::SessionInterface::lineage)
    /// returns after the move. The bytes must also be the same for every request.
    pub lineage: [u8; 16],
    /// The contents, without the changes of the request.
    pub contents: Contents,
    /// The creation time of the session, or the time of its user's last login.
    pub created_at: SystemTime,
    /// The expiry of the session, if the old backend has the same cookie and stores the expiry.
    pub expires_at: Option<SystemTime>,
}

impl fmt::Debug for Import {
    /// Shows the contents, but neither the id nor the lineage.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import")
            .field("contents", &self.contents)
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The state of an [`Import`] in the new backend.
#[derive(Debug)]
#[non_exhaustive]
pub enum Imported {
    /// There is no record with the id.
    Missing,
    /// There is a copy, at this version.
    Copy(Version),
    /// The session has moved. A request with the id opens this session.
    Session(Box<Opened>),
    /// The session has ended.
    Ended,
}

/// The state, in the old backend, of a session that may have moved to another backend.
#[derive(Debug)]
#[non_exhaustive]
pub enum Departure {
    /// There is no session, or it has ended.
    None,
    /// The session is in this backend.
    Session(Box<Opened>),
    /// The session is in this backend under another id, which a response sent shortly before. The
    /// interface opens an empty session, whose changes are dropped.
    Rotated(Box<Opened>),
    /// The session has moved to the other backend.
    Departed,
}
