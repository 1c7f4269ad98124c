//! Mutants of the cookie itself, and of how long a session lives.

use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use session_core::{Clock, CookieAction, CookieAttributes, OpenContext, Refresh, SaveContext, Session, SessionConfig};

use super::mutation::{mutants, mutation};
use super::original::{Server, Steps, Stored};

const HOUR: Duration = Duration::from_hours(1);

mutants! {
    HasAttributesOfItsOwn breaks the_cookie_is_as_configured;
    HasANameOfItsOwn breaks the_cookie_is_as_configured;
    RemovalForgetsTheDomain breaks the_removal_matches_the_cookie;
    EverySessionIsPermanent breaks the_cookie_of_a_browser_session_does_not_expire;
    CookieEndsEarly breaks the_cookie_of_a_permanent_session_lasts_as_long_as_it;
    CookieNeverEnds breaks the_cookie_of_a_permanent_session_lasts_as_long_as_it;
    ReadsTheConfiguredName breaks an_overridden_cookie_name_is_obeyed;
    ShowsItsIds breaks debug_shows_no_secret;
    EqualityIsExpired breaks a_session_is_there_until_its_end;
    BelievesTheCookiesEnd breaks a_session_is_gone_after_its_end;
    KeepsTheConfiguredLife breaks an_overridden_lifetime_is_obeyed;
    NeverRenewsOnARead breaks a_read_puts_the_end_off;
    RenewsTheUntouched breaks an_untouched_request_puts_nothing_off;
    RenewsOnlyTheAccessed breaks each_request_puts_the_end_off_if_it_is_to;
    RenewsWhatItShouldNot breaks only_a_change_puts_the_end_off_if_it_is_to;
    SetsTheCookieAtEachRead breaks a_read_of_a_browser_session_sets_no_cookie;
}

static DEFAULTS: LazyLock<CookieAttributes> = LazyLock::new(|| CookieAttributes::builder().build().unwrap());

mutation! {
    HasAttributesOfItsOwn;
    fn cookie_attributes(&self, _: &Session) -> Cow<'_, CookieAttributes> {
        let configured = self.server.config().cookie_attributes();
        Cow::Borrowed(if configured.http_only() { configured } else { &DEFAULTS })
    }
}

mutation! {
    HasANameOfItsOwn;
    fn cookie_name(&self) -> &'static str {
        "session"
    }
}

mutation! {
    RemovalForgetsTheDomain;
    fn cookie_attributes(&self, session: &Session) -> Cow<'_, CookieAttributes> {
        Cow::Borrowed(if session.is_empty() { &DEFAULTS } else { self.server.config().cookie_attributes() })
    }
}

mutation! {
    EverySessionIsPermanent;
    fn lifetime(&self, session: &Session) -> Option<Duration> {
        let config = self.server.config();
        Some(if session.is_permanent() { config.permanent_lifetime() } else { config.browser_lifetime() })
    }
}

mutation! {
    CookieEndsEarly;
    fn set(&self, id: String, context: &SaveContext<'_>) -> CookieAction {
        if context.lifetime() == Some(HOUR) {
            return CookieAction::SetUntil(id, context.now() + HOUR * 9 / 10);
        }
        CookieAction::Set(id)
    }
}

mutation! {
    CookieNeverEnds;
    fn set(&self, id: String, context: &SaveContext<'_>) -> CookieAction {
        CookieAction::SetUntil(id, context.now() + 10_000 * HOUR)
    }
}

mutation! {
    ReadsTheConfiguredName;
    fn cookie<'a>(&self, context: &OpenContext<'a>) -> Option<&'a str> {
        context.request().cookie(self.server.config().cookie_name())
    }
}

/// Prints what it holds.
struct ShowsItsIds(Server);

impl From<Server> for ShowsItsIds {
    fn from(server: Server) -> Self {
        Self(server)
    }
}

impl Debug for ShowsItsIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.sessions().keys()).finish()
    }
}

impl Steps for ShowsItsIds {
    fn server(&self) -> &Server {
        &self.0
    }
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
    fn lifetime_of(&self, context: &SaveContext<'_>) -> Duration {
        match context.lifetime() {
            Some(_) => self.server.config().permanent_lifetime(),
            None => context.config().browser_lifetime(),
        }
    }
}

mutation! {
    NeverRenewsOnARead;
    fn renews(&self, session: &Session, context: &SaveContext<'_>) -> bool {
        context.should_set_cookie() && !(session.is_permanent() && session.is_accessed())
            || context.config().idle_timeout().is_some()
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
    fn renews(&self, session: &Session, context: &SaveContext<'_>) -> bool {
        session.is_accessed() && (context.should_set_cookie() || !session.is_permanent() || context.config().idle_timeout().is_some())
    }
}

mutation! {
    RenewsWhatItShouldNot;
    fn renews(&self, session: &Session, _: &SaveContext<'_>) -> bool {
        session.is_accessed() || session.is_permanent()
    }
}

mutation! {
    SetsTheCookieAtEachRead;
    fn should_set_cookie(&self, session: &Session, usual: bool) -> bool {
        usual || (session.is_accessed() && !session.is_new() && !session.is_permanent())
    }
}
