//! The renewal of an unchanged session, which extends its expiry.

use std::time::SystemTime;

/// The time at which an unchanged session must be saved to extend its expiry.
///
/// An interface attaches the renewal to a session with
/// [`Opened::with_renewal`](crate::interface::Opened::with_renewal). The core then calls
/// [`save`](crate::SessionInterface::save) for an unchanged session only if the renewal is due.
/// Server-side backends compute the renewal with
/// [`SessionConfig::renewal`](crate::SessionConfig::renewal).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Renewal {
    /// The renewal is due if the request is committed after this time.
    pub at: SystemTime,
    /// The requests that renew the session.
    pub on: RenewOn,
    /// Whether the renewal sets the cookie, because the cookie also has an expiry.
    pub cookie: bool,
}

/// The requests that renew a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RenewOn {
    /// No request. Only a change extends the expiry.
    Never,
    /// Requests whose handler obtained the session.
    Access,
    /// Every request that sent the session's cookie.
    AnyRequest,
}

impl Renewal {
    /// Returns a renewal that is never due.
    #[must_use]
    pub const fn never() -> Self {
        Self { at: SystemTime::UNIX_EPOCH, on: RenewOn::Never, cookie: false }
    }

    /// Returns whether a request renews the session at this time.
    pub fn is_due(&self, accessed: bool, now: SystemTime) -> bool {
        self.can_be_due(accessed) && now > self.at
    }

    /// Returns whether a request renews the session if the renewal is due.
    pub(crate) fn can_be_due(&self, accessed: bool) -> bool {
        match self.on {
            RenewOn::Never => false,
            RenewOn::Access => accessed,
            RenewOn::AnyRequest => true,
        }
    }
}
