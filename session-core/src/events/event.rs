//! The kinds of events.

use std::fmt;
use std::time::Duration;

use crate::error::ErrorKind;
use crate::outcome::Outcome;

/// An event of a session or of a store in this process.
///
/// No event has an id, a cookie, a value or a stamp. An event that any client can cause at will is
/// reported at most ten times a second. Its `count` is the number of events of this kind since the
/// last report.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A visitor's session was stored for the first time.
    Created {
        /// The new session.
        session: EventSession<'a>,
    },
    /// A user logged in.
    LoggedIn {
        /// The new session.
        session: EventSession<'a>,
        /// The session that the request had before the login. This session has ended.
        previous: EventSession<'a>,
    },
    /// A session received a new id. The handle of the session is the same.
    Rotated {
        /// The session.
        session: EventSession<'a>,
    },
    /// A request ended its own session by a logout, or by removing all values of a session without
    /// an owner.
    LoggedOut {
        /// The session that ended.
        session: EventSession<'a>,
    },
    /// The session was ended through [`OwnerSessions`](crate::OwnerSessions) or
    /// [`admin`](crate::admin), by another session of the user or by an administrator.
    Ended {
        /// The session that ended.
        session: EventSession<'a>,
    },
    /// A [remember-me](crate::remember) token was used twice. Two browsers have the token, because
    /// the token was stolen, or because one browser was restored from a backup. The series of the
    /// token has ended. The last session that the series restored ends after this event.
    Theft {
        /// The last session that the series restored.
        session: EventSession<'a>,
    },
    /// A request sent the cookie of a session that has expired.
    Expired {
        /// The number of occurrences since the last report.
        count: u64,
    },
    /// A request sent an id that was replaced by a new id. The browser may have sent the request
    /// before it received the new cookie. An attacker may also have copied the old cookie.
    RotatedId {
        /// The number of occurrences since the last report.
        count: u64,
    },
    /// A request sent an id that no session has. The session may have ended, may have expired long
    /// ago, or may never have existed.
    UnknownId {
        /// The number of occurrences since the last report.
        count: u64,
    },
    /// A request sent a cookie whose signature or seal does not match any key.
    ForgedCookie {
        /// The number of occurrences since the last report.
        count: u64,
    },
    /// The CSRF protection refused a request.
    CsrfRefused {
        /// The number of occurrences since the last report.
        count: u64,
    },
    /// A request sent several cookies of the session's name.
    SeveralCookies {
        /// Whether the cookies open sessions of different users. In that case, no session was used.
        of_different_users: bool,
        /// The number of occurrences since the last report.
        count: u64,
    },
    /// A request has committed the session that it opened, or could not open its session. Only the
    /// [`EventHandler`](super::EventHandler) receives this event.
    ///
    /// The outcome includes the outcomes of saves before the commit. A request that opened its
    /// session only at a second attempt is reported twice.
    RequestEnded {
        /// The outcome of the request, or the kind of the error that replaced its response.
        result: Result<Outcome, ErrorKind>,
    },
    /// A write is retried because another request has changed the session.
    Retried,
    /// A store removed sessions because it was full.
    Evicted {
        /// The number of sessions removed since the last report.
        count: u64,
    },
    /// The task that removes expired records has removed records.
    Swept {
        /// The number of records removed.
        count: u64,
    },
    /// A store reconnected after it had lost its connection.
    Reconnected,
    /// A store call failed with [`ErrorKind::Unavailable`], and the previous call did not.
    OutageBegan,
    /// A store call succeeded after an outage.
    OutageEnded {
        /// The number of failed calls.
        failed: u64,
    },
    /// The engine calls the store.
    StoreCallBegan {
        /// The call.
        call: StoreCall,
    },
    /// A store call returned. If the future of a call is dropped, this event is not reported.
    StoreCallEnded {
        /// The call.
        call: StoreCall,
        /// The duration of the call.
        duration: Duration,
        /// The kind of the error, if the call failed.
        error: Option<ErrorKind>,
    },
}

/// A call of a [`SessionStore`](crate::store::SessionStore), of an
/// [`OwnerIndex`](crate::store::OwnerIndex) or of a [`Scan`](crate::store::Scan).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the method of the same name")]
pub enum StoreCall {
    Load,
    LoadMany,
    Create,
    Replace,
    Touch,
    Remove,
    KeysOf,
    Check,
    Scan,
    Count,
}

impl StoreCall {
    /// Returns the name of the method, such as `load_many`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::LoadMany => "load_many",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Touch => "touch",
            Self::Remove => "remove",
            Self::KeysOf => "keys_of",
            Self::Check => "check",
            Self::Scan => "scan",
            Self::Count => "count",
        }
    }
}

/// The session of an event, with the fields that the backend has.
#[derive(Clone, Copy, Default)]
pub struct EventSession<'a> {
    owner: Option<&'a str>,
    handle: Option<&'a str>,
}

impl<'a> EventSession<'a> {
    /// Returns the session with this owner and this public handle.
    pub fn new(owner: Option<&'a str>, handle: Option<&'a str>) -> Self {
        Self { owner, handle }
    }

    /// Returns the owner: the user who is logged in.
    pub fn owner(&self) -> Option<&'a str> {
        self.owner
    }

    /// Returns the public handle; see
    /// [`SessionDetails::handle`](crate::interface::SessionDetails::handle). Sessions in cookies
    /// have no handle.
    pub fn handle(&self) -> Option<&'a str> {
        self.handle
    }
}

impl fmt::Debug for EventSession<'_> {
    /// Shows neither the owner nor the handle.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSession").finish_non_exhaustive()
    }
}
