//! Computes the expiry of a stored session from the settings.

use std::time::{Duration, SystemTime};

use super::{Refresh, SessionConfig};
use crate::cookie::saturating_add;
use crate::session::{Lifetime, RenewOn, Renewal};

/// The longest time by which a renewal may be late.
const SLACK: Duration = Duration::from_secs(60);

/// The expiry of records, for server-side backends.
///
/// The expiry of a record is later than promised. The difference is a slack of a tenth of the
/// promised lifetime, at most a minute. The record is renewed only when less than the promised
/// lifetime is left. Therefore most requests need no write, and no session expires early.
impl SessionConfig {
    /// Returns the promised lifetime of an unchanged session. The promised lifetime is `lifetime`,
    /// or [`browser_lifetime`](Self::browser_lifetime) if the session ends with the browser. It is
    /// at most the [`idle_timeout`](Self::idle_timeout).
    pub fn promised_lifetime(&self, lifetime: impl Into<Lifetime>) -> Duration {
        let lifetime = lifetime.into().unwrap_or(self.browser_lifetime());
        self.idle_timeout().map_or(lifetime, |idle| lifetime.min(idle))
    }

    /// Returns the lifetime of a record without renewals, which is the promised lifetime and the
    /// slack.
    pub fn record_lifetime(&self, lifetime: impl Into<Lifetime>) -> Duration {
        let promised = self.promised_lifetime(lifetime);
        promised.saturating_add(slack(promised))
    }

    /// Returns the expiry of a record that is written now, at most the
    /// [`absolute_timeout`](Self::absolute_timeout) after the session was created.
    pub fn record_expiry(
        &self,
        lifetime: impl Into<Lifetime>,
        created_at: SystemTime,
        now: SystemTime,
    ) -> SystemTime {
        let expiry = saturating_add(now, self.record_lifetime(lifetime));
        match self.absolute_timeout() {
            Some(limit) => expiry.min(saturating_add(created_at, limit)),
            None => expiry,
        }
    }

    /// Returns whether a record has expired. A record has not expired at the exact time of its
    /// expiry.
    pub fn is_expired(
        &self,
        created_at: SystemTime,
        expires_at: SystemTime,
        now: SystemTime,
    ) -> bool {
        now > expires_at
            || self.absolute_timeout().is_some_and(|limit| now > saturating_add(created_at, limit))
    }

    /// Returns the renewal of a record. The renewal is due when less than the promised lifetime is
    /// left, unless the record already expires at the absolute timeout.
    ///
    /// A session that has a lifetime is renewed by the rule of [`Refresh`]. A session that ends
    /// with the browser, or that an idle timeout limits, is renewed by requests whose handler
    /// obtains the session.
    pub fn renewal(
        &self,
        lifetime: impl Into<Lifetime>,
        created_at: SystemTime,
        expires_at: SystemTime,
    ) -> Renewal {
        let lifetime = lifetime.into();
        let limit = self.absolute_timeout().map(|limit| saturating_add(created_at, limit));
        if limit.is_some_and(|limit| expires_at >= limit) {
            return Renewal::never();
        }
        let is_permanent = lifetime.permanent().is_some();
        let by_refresh = is_permanent && self.idle_timeout().is_none();
        let at = expires_at.checked_sub(self.promised_lifetime(lifetime));
        Renewal {
            at: at.unwrap_or(SystemTime::UNIX_EPOCH),
            on: if by_refresh { Renewal::flasks(self.refresh()).on } else { RenewOn::Access },
            cookie: is_permanent && self.refresh() != Refresh::WhenModified,
        }
    }

    /// Returns the renewal of a session that is stored in the cookie. The renewal is due when a
    /// tenth of the lifetime, at most a minute, has passed since the cookie was set.
    ///
    /// A cookie that a read sets may replace the changes of a concurrent request. It may also
    /// restore a session that a concurrent logout has ended. Therefore most reads must not set a
    /// cookie. With [`Refresh::EachRequest`], every request renews the session, as in Flask.
    pub fn cookie_renewal(&self, lifetime: impl Into<Lifetime>, set_at: SystemTime) -> Renewal {
        let Some(lifetime) = lifetime.into().in_cookie() else { return Renewal::never() };
        let renewal = Renewal::flasks(self.refresh());
        if self.refresh() == Refresh::EachRequest {
            return renewal;
        }
        Renewal { at: saturating_add(set_at, slack(lifetime)), ..renewal }
    }
}

/// Returns the time by which the renewal of a session may be late.
fn slack(lifetime: Duration) -> Duration {
    (lifetime / 10).min(SLACK)
}

impl Renewal {
    /// Returns Flask's renewal, in which each request that `refresh` selects renews the session.
    /// This renewal applies to sessions that have a lifetime and no other renewal.
    #[must_use]
    pub const fn flasks(refresh: Refresh) -> Self {
        let on = match refresh {
            Refresh::EachRequest => RenewOn::AnyRequest,
            Refresh::WhenAccessed => RenewOn::Access,
            Refresh::WhenModified => RenewOn::Never,
        };
        Self { at: SystemTime::UNIX_EPOCH, on, cookie: true }
    }
}
