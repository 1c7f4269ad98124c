//! Mutants of the rules of the renewal of a session.

use std::fmt::Debug;
use std::time::SystemTime;

use session_core::interface::{Contents, OpenContext, Opened, RenewOn, Renewal, Save, SessionView};
use session_core::{Clock, Refresh, SessionConfig};

use super::mutation::{mutants, mutation};
use super::original::Stored;
use super::steps::{HOUR, renewal};

mutants! {
    NeverRenewsOnARead breaks read_extends_expiry;
    RenewsTheCookieOnly breaks read_extends_expiry;
    RenewsTheUntouched breaks request_without_session_extends_nothing;
    RenewsOnlyTheAccessed breaks each_request_extends_expiry_if_configured;
    RenewsWhatItShouldNot breaks only_change_extends_expiry_if_configured;
    RenewsAsFlaskDoes breaks only_change_extends_expiry_if_configured;
    SetsTheCookieAtEachRead breaks read_of_browser_session_sets_no_cookie;
}

mutation! {
    NeverRenewsOnARead;
    fn renewal(&self, opened: &Opened, stored: &Stored, context: &OpenContext<'_>) -> Renewal {
        let is_hour = context.config().permanent_lifetime() == HOUR;
        let is_limited = context.config().idle_timeout().is_some();
        renewal(opened, stored, context, |renewal| {
            if renewal.on == RenewOn::Access && is_hour && !is_limited {
                renewal.on = RenewOn::Never;
            }
        })
    }
}

mutation! {
    /// The cookie gets a new expiry, but the stored session does not.
    RenewsTheCookieOnly;
    fn renew(&self, id: &str, stored: &Stored, contents: &Contents, save: &Save<'_>) {
        if !save.is_accessed() || contents.lifetime().permanent().is_none() {
            self.store(id, stored.payload.clone(), Some(stored), contents, save);
        }
    }
}

mutation! {
    RenewsTheUntouched;
    fn configured(config: SessionConfig) -> SessionConfig {
        if config.refresh() != Refresh::WhenAccessed || config.permanent_lifetime() != HOUR {
            return config;
        }
        let builder = SessionConfig::builder().permanent_lifetime(HOUR).refresh(Refresh::EachRequest);
        builder.clock(ClockOf(config)).build().unwrap()
    }
}

#[derive(Debug)]
struct ClockOf(SessionConfig);

impl Clock for ClockOf {
    fn now(&self) -> SystemTime {
        self.0.now()
    }
}

mutation! {
    RenewsOnlyTheAccessed;
    fn renewal(&self, opened: &Opened, stored: &Stored, context: &OpenContext<'_>) -> Renewal {
        renewal(opened, stored, context, |renewal| {
            if renewal.on == RenewOn::AnyRequest {
                renewal.on = RenewOn::Access;
            }
        })
    }
}

mutation! {
    /// The renewal does not set the cookie.
    RenewsWhatItShouldNot;
    fn renewal(&self, opened: &Opened, stored: &Stored, context: &OpenContext<'_>) -> Renewal {
        renewal(opened, stored, context, |renewal| {
            if renewal.on == RenewOn::Never {
                *renewal = Renewal { on: RenewOn::Access, ..*renewal };
            }
        })
    }
}

mutation! {
    /// The renewal sets the cookie.
    RenewsAsFlaskDoes;
    fn renewal(&self, opened: &Opened, stored: &Stored, context: &OpenContext<'_>) -> Renewal {
        renewal(opened, stored, context, |renewal| {
            if renewal.on == RenewOn::Never {
                *renewal = Renewal::flasks(Refresh::WhenAccessed);
            }
        })
    }
}

mutation! {
    SetsTheCookieAtEachRead;
    fn should_set_cookie(&self, session: &SessionView<'_>) -> bool {
        session.is_modified() || session.is_renewed() || (session.is_accessed() && !session.is_new() && !session.is_permanent())
    }
}
