//! Mutants of the rules of the cookie.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Debug;
use std::sync::LazyLock;
use std::time::Duration;

use session_core::CookieAttributes;
use session_core::interface::{
    Contents, CookieAction, OpenContext, Opened, Renewal, Save, SessionView,
};

use super::mutation::{mutants, mutation};
use super::original::{Server, Stored};
use super::steps::{HOUR, Steps, renewal};

mutants! {
    HasAttributesOfItsOwn breaks cookie_has_configured_attributes;
    HasANameOfItsOwn breaks cookie_has_configured_attributes;
    RemovalForgetsTheDomain breaks removal_has_attributes_of_cookie;
    EverySessionIsPermanent breaks cookie_of_browser_session_has_no_expiry;
    CookieEndsEarly breaks cookie_expires_with_permanent_session;
    CookieNeverEnds breaks cookie_expires_with_permanent_session;
    ReadsTheConfiguredName breaks overridden_cookie_name_applies;
    ShowsItsIds breaks debug_shows_no_secret;
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
        let is_default = config.permanent_lifetime() != HOUR;
        let other = is_default.then(|| config.browser_lifetime());
        if session.is_permanent() { Some(config.permanent_lifetime()) } else { other }
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
