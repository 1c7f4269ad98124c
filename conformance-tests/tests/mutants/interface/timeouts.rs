//! Mutants of the rules of the timeouts of a session on the server.

use std::time::{Duration, SystemTime};

use session_core::interface::{Contents, OpenContext, Opened, Renewal, Save};

use super::mutation::{mutants, mutation};
use super::original::Stored;

mutants! {
    BrowserSessionsStayAWeek breaks browser_session_is_stored_for_browser_lifetime;
    BrowserSessionsStayFourHours breaks browser_session_is_stored_for_browser_lifetime;
    NeverIdle breaks idle_session_expires;
    UseDoesNotCount breaks idle_session_expires;
    CreationIsForgotten breaks session_expires_at_absolute_timeout;
    UsersAreNeverIdle breaks timeouts_apply_after_login;
    UsersHaveNoAbsoluteTimeout breaks timeouts_apply_after_login;
    LoginKeepsCreationTime breaks login_restarts_absolute_timeout;
}

mutation! {
    LoginKeepsCreationTime;
    fn created_at(&self, stored: Option<&Stored>, save: &Save<'_>) -> SystemTime {
        stored.map_or(save.now(), |stored| stored.created_at)
    }
}

mutation! {
    BrowserSessionsStayAWeek;
    fn lifetime_of(&self, contents: &Contents, _: &Save<'_>) -> Duration {
        contents.lifetime().unwrap_or(Duration::from_hours(7 * 24))
    }
}

mutation! {
    BrowserSessionsStayFourHours;
    fn lifetime_of(&self, contents: &Contents, save: &Save<'_>) -> Duration {
        contents.lifetime().unwrap_or(save.config().browser_lifetime().min(Duration::from_hours(4)))
    }
}

mutation! {
    NeverIdle;
    fn expires_at(&self, created_at: SystemTime, contents: &Contents, save: &Save<'_>) -> SystemTime {
        let end = save.now() + self.lifetime_of(contents, save);
        save.config().absolute_timeout().map_or(end, |limit| end.min(created_at + limit))
    }
}

mutation! {
    UseDoesNotCount;
    fn renewal(&self, opened: &Opened, stored: &Stored, context: &OpenContext<'_>) -> Renewal {
        match context.lifetime(opened).permanent() {
            Some(lifetime) => context.config().renewal(lifetime, stored.created_at, stored.expires_at),
            None => Renewal::never(),
        }
    }
}

mutation! {
    CreationIsForgotten;
    fn created_at(&self, stored: Option<&Stored>, save: &Save<'_>) -> SystemTime {
        let is_needed = save.config().absolute_timeout().is_none();
        stored.filter(|_| is_needed).map_or(save.now(), |stored| stored.created_at)
    }
}

mutation! {
    UsersAreNeverIdle;
    fn expires_at(&self, created_at: SystemTime, contents: &Contents, save: &Save<'_>) -> SystemTime {
        let lifetime = self.lifetime_of(contents, save);
        let idle = save.config().idle_timeout().filter(|_| contents.owner().is_none());
        let end = save.now() + idle.map_or(lifetime, |idle| lifetime.min(idle));
        save.config().absolute_timeout().map_or(end, |limit| end.min(created_at + limit))
    }
}

mutation! {
    UsersHaveNoAbsoluteTimeout;
    fn expires_at(&self, created_at: SystemTime, contents: &Contents, save: &Save<'_>) -> SystemTime {
        let lifetime = self.lifetime_of(contents, save);
        let end = save.now() + save.config().idle_timeout().map_or(lifetime, |idle| lifetime.min(idle));
        let limit = save.config().absolute_timeout().filter(|_| contents.owner().is_none());
        limit.map_or(end, |limit| end.min(created_at + limit))
    }
}
