//! Mutants of the rules of the lifetime of a session.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use session_core::Refresh;
use session_core::interface::{Contents, CookieAction, Save};

use super::mutation::{mutants, mutation};
use super::original::{Hidden, Stored};
use super::steps::HOUR;

mutants! {
    EqualityIsExpired breaks session_is_valid_until_its_expiry;
    BelievesTheCookiesEnd breaks expired_session_opens_nothing;
    KeepsTheConfiguredLife breaks overridden_lifetime_applies;
    LifetimeOfHandlerIsIgnored breaks lifetime_set_by_handler_applies;
    LimitOfVisitorsIsIgnored breaks visitor_lifetime_limits_sessions_without_owner;
    HookIsLimitedByTheSettings breaks longer_overridden_lifetime_applies;
    HookIsForPermanentSessions breaks longer_overridden_lifetime_applies;
    LifetimeIsNeverShortened breaks shorter_lifetime_of_stored_session_applies;
    TemporaryCookiesExpire breaks session_made_temporary_has_cookie_without_expiry;
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
            Some(own) => own.max(self.server.config().permanent_lifetime()),
            None => contents.lifetime().unwrap_or(save.config().browser_lifetime()),
        }
    }
}

mutation! {
    /// If it is longer than that of a permanent session.
    LifetimeOfHandlerIsIgnored;
    fn lifetime_of(&self, contents: &Contents, save: &Save<'_>) -> Duration {
        let lifetime = contents.lifetime().unwrap_or(save.config().browser_lifetime());
        if lifetime == 2 * HOUR { lifetime.min(save.config().permanent_lifetime()) } else { lifetime }
    }
}

mutation! {
    /// If the session ends with the browser.
    LimitOfVisitorsIsIgnored;
    fn lifetime_of(&self, contents: &Contents, save: &Save<'_>) -> Duration {
        contents.lifetime().permanent().unwrap_or_else(|| save.config().browser_lifetime())
    }
}

mutation! {
    HookIsLimitedByTheSettings;
    fn lifetime_of(&self, contents: &Contents, save: &Save<'_>) -> Duration {
        let lifetime = contents.lifetime().unwrap_or(save.config().browser_lifetime());
        let is_hooked = lifetime == 3 * HOUR && contents.payload().contains("_permanent");
        if is_hooked { lifetime.min(save.config().permanent_lifetime()) } else { lifetime }
    }
}

mutation! {
    HookIsForPermanentSessions;
    fn lifetime_of(&self, contents: &Contents, save: &Save<'_>) -> Duration {
        let lifetime = contents.lifetime().unwrap_or(save.config().browser_lifetime());
        let payload = contents.payload();
        let is_permanent = payload.contains("_permanent") || payload.contains("_lifetime");
        if is_permanent { lifetime } else { lifetime.min(save.config().browser_lifetime()) }
    }
}

mutation! {
    LifetimeIsNeverShortened;
    fn store(&self, id: &str, payload: String, stored: Option<&Stored>, contents: &Contents, save: &Save<'_>) {
        let created_at = self.created_at(stored, save);
        let expires_at = self.expires_at(created_at, contents, save);
        let old = stored.filter(|stored| stored.payload.contains("_lifetime")).map(|stored| stored.expires_at);
        let expires_at = old.map_or(expires_at, |old| old.max(expires_at));
        self.server.sessions().insert(id.to_owned(), Stored { payload, created_at, expires_at });
    }
}

mutation! {
    /// If they have been permanent before.
    TemporaryCookiesExpire { permanent: Hidden<HashSet<String>> };
    fn set(&self, id: String, contents: &Contents, save: &Save<'_>) -> CookieAction {
        let mut permanent = self.permanent.0.lock().unwrap();
        if contents.lifetime().permanent().is_some() {
            permanent.insert(id.clone());
        }
        let late = permanent.contains(&id).then(|| save.now() + HOUR);
        CookieAction::Set { value: id, expires: contents.expires_at().or(late) }
    }
}
