//! The outcome of a save, for handlers, interfaces and events.

/// The outcome of a save.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// Every change is stored, or the session has ended as requested.
    Stored,
    /// The cookie is removed, but the cookie contained the session. A copy of the cookie opens the
    /// session until the session expires. Only the end of a session on a cookie backend has this
    /// outcome.
    BrowserOnly,
    /// The request had no changes to store.
    Unchanged,
    /// Another request ended the session in the meantime. The changes were dropped. The client's
    /// cookie is unchanged because it may belong to a newer session.
    ///
    /// Later saves of the request without changes also have this outcome.
    ///
    /// This is not an error. A commit with this outcome sends the handler's response unchanged.
    /// After [`Session::save`](crate::Session::save), send the response for a visitor.
    Dropped,
}
