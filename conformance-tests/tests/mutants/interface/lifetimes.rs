//! Mutants of the rules of the lifetime of a session.

use std::time::{Duration, SystemTime};

use session_core::Refresh;
use session_core::interface::{Contents, Save};

use super::mutation::{mutants, mutation};
use super::original::{Stored, session_of};
use super::steps::HOUR;

mutants! {
    EqualityIsExpired breaks session_is_valid_until_its_expiry;
    BelievesTheCookiesEnd breaks expired_session_opens_nothing;
    KeepsTheConfiguredLife breaks overridden_lifetime_applies;
    LifetimeOfHandlerIsIgnored breaks lifetime_set_by_handler_applies;
    LimitOfVisitorsIsIgnored breaks visitor_lifetime_limits_sessions_without_owner;
}

mutation! {
    EqualityIsExpired;
    fn find(&self, id: &str, now: SystemTime) -> Option<Stored> {
        let stored = self.server.sessions().get(id).cloned()?;
        let at_its_end = now == stored.expires_at && stored.payload.contains("_permanent");
        (now <= stored.expires_at && !at_its_end).then_some(stored)
    }
}

mutation! {
    BelievesTheCookiesEnd;
    fn find(&self, id: &str, now: SystemTime) -> Option<Stored> {
        let stored = self.server.sessions().get(id).cloned()?;
        let config = self.server.config();
        let default = config.refresh() == Refresh::WhenAccessed && config.permanent_lifetime() == HOUR;
        (default || now <= stored.expires_at).then_some(stored)
    }
}

mutation! {
    KeepsTheConfiguredLife;
    fn lifetime_of(&self, contents: &Contents, save: &Save<'_>) -> Duration {
match contents.lifetime().permanent() {
            Some(own) if contents.payload().contains("_lifetime") => own,
            Some(_) => self.server.config().permanent_lifetime(),
            None => contents.lifetime().unwrap_or(save.config().browser_lifetime()),
        }
    }
}

mutation! {
    /// If it is longer than that of a permanent session.
    LifetimeOfHandlerIsIgnored;
    fn lifetime_of(&self, contents: &Contents, save: &Save<'_>) -> Duration {
        let lifetime = contents.lifetime().unwrap_or(save.config().browser_lifetime());
        if session_of(save).contains_key("_lifetime") { lifetime.min(save.config().permanent_lifetime()) } else { lifetime }
    }
}

mutation! {
    /// If the session ends with the browser.
    LimitOfVisitorsIsIgnored;
    fn lifetime_of(&self, contents: &Contents, save: &Save<'_>) -> Duration {
        contents.lifetime().permanent().unwrap_or_else(|| save.config().browser_lifetime())
    }
}
