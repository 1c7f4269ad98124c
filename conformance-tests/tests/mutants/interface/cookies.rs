//! Mutants of the cookie, of the lifetime of a session, and of its renewal.

use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use session_core::interface::{
    Contents, CookieAction, OpenContext, Opened, RenewOn, Renewal, Save, SessionView,
};
use session_core::{Clock, CookieAttributes, Refresh, SessionConfig};

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
    RenewsTheCookieOnly breaks a_read_puts_the_end_off;
    RenewsTheUntouched breaks an_untouched_request_puts_nothing_off;
    RenewsOnlyTheAccessed breaks each_request_puts_the_end_off_if_it_is_to;
    RenewsWhatItShouldNot breaks only_a_change_puts_the_end_off_if_it_is_to;
    RenewsAsFlaskDoes breaks only_a_change_puts_the_end_off_if_it_is_to;
    SetsTheCookieAtEachRead breaks a_read_of_a_browser_session_sets_no_cookie;
}

static DEFAULTS: LazyLock<CookieAttributes> =
    LazyLock::new(|| CookieAttributes::builder().build().unwrap());

mutation! {
    HasAttributesOfItsOwn;
    fn cookie_attributes(&self, _: &SessionView<'_>) -> Cow<'_, CookieAttributes> {
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
    fn cookie_attributes(&self, session: &SessionView<'_>) -> Cow<'_, CookieAttributes> {
        Cow::Borrowed(if session.is_empty() { &DEFAULTS } else { self.server.config().cookie_attributes() })
    }
}

mutation! {
    EverySessionIsPermanent;
    fn lifetime(&self, session: &SessionView<'_>) -> Option<Duration> {
        let config = self.server.config();
        Some(if session.is_permanent() { config.permanent_lifetime() } else { config.browser_lifetime() })
    }
    fn renewal(&self, opened: &Opened, stored: &Stored, context: &OpenContext<'_>) -> Renewal {
        let is_permanent = stored.payload.contains("_permanent");
        renewal(opened, stored, context, |renewal| renewal.cookie &= is_permanent)
    }
}

mutation! {
    CookieEndsEarly;
    fn set(&self, id: String, contents: &Contents, save: &Save<'_>) -> CookieAction {
        if contents.lifetime().permanent() == Some(HOUR) {
            return CookieAction::Set { value: id, expires: Some(save.now() + HOUR * 9 / 10) };
        }
        CookieAction::Set { value: id, expires: contents.expires_at() }
    }
}

mutation! {
    CookieNeverEnds;
    fn set(&self, id: String, contents: &Contents, save: &Save<'_>) -> CookieAction {
        let never = save.now() + 10_000 * HOUR;
        CookieAction::Set { value: id, expires: contents.expires_at().map(|_| never) }
    }
}

mutation! {
    ReadsTheConfiguredName;
    fn cookie<'a>(&self, context: &OpenContext<'a>) -> Option<&'a str> {
        context.request().cookie(self.server.config().cookie_name())
    }
}

/// Shows its ids in `Debug`.
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
    fn lifetime_of(&self, contents: &Contents, save: &Save<'_>) -> Duration {
match contents.lifetime().permanent() {
            Some(own) if contents.payload().contains("_lifetime") => own,
            Some(_) => self.server.config().permanent_lifetime(),
            None => contents.lifetime().unwrap_or(save.config().browser_lifetime()),
        }
    }
}

/// Returns the renewal of the engine, changed.
fn renewal(
    opened: &Opened,
    stored: &Stored,
    context: &OpenContext<'_>,
    change: impl FnOnce(&mut Renewal),
) -> Renewal {
    let lifetime = context.lifetime(opened);
    let mut renewal = context.config().renewal(lifetime, stored.created_at, stored.expires_at);
    change(&mut renewal);
    renewal
}

mutation! {
    NeverRenewsOnARead;
    fn renewal(&self, opened: &Opened, stored: &Stored, context: &OpenContext<'_>) -> Renewal {
        let is_limited = context.config().idle_timeout().is_some();
        renewal(opened, stored, context, |renewal| {
            if renewal.on == RenewOn::Access && !is_limited {
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
