//! Sessions in signed tokens, which fulfil every rule unless they believe other tokens.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use session_conformance::interface::InterfaceUnderTest;
use session_core::interface::{CookieAction, OpenContext, Opened, Save, Saved};
use session_core::{Error, ErrorKind, Outcome, SessionConfig, SessionInterface, async_trait};

use super::signed::SECRET;

pub fn unchanged() -> InterfaceUnderTest {
    tokens(true)
}

/// Returns tokens that are accepted in another namespace.
pub fn of_every_namespace() -> InterfaceUnderTest {
    tokens(false)
}

fn tokens(signs_namespace: bool) -> InterfaceUnderTest {
    InterfaceUnderTest::new(move |config| async move {
        Tokens {
            config,
            header: jwt("HS256"),
            signs_time: true,
            signs_namespace,
            believes: |_| false,
            read: str::to_owned,
        }
    })
}

/// Returns the header of a JSON Web Token.
pub fn jwt(algorithm: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#))
}

/// A token that was not signed as it should be.
pub struct Token<'a> {
    pub header: &'a str,
    pub mac: &'a str,
    pub right: &'a str,
}

/// Sessions in tokens: a header, the payload, the time and a signature.
#[derive(Debug)]
pub struct Tokens {
    pub config: SessionConfig,
    pub header: String,
    pub signs_time: bool,
    pub signs_namespace: bool,
    pub believes: fn(&Token<'_>) -> bool,
    /// Returns the token of a cookie.
    pub read: fn(&str) -> String,
}

impl Tokens {
    /// Returns the signature, which is the same in each instance.
    fn mac(&self, payload: &str, seconds: &str) -> String {
        let seconds = if self.signs_time { seconds } else { "" };
        let namespace = if self.signs_namespace { self.config.namespace() } else { "" };
        let half = |number: u8| {
            let mut hasher = DefaultHasher::new();
            (SECRET, namespace, number, payload, seconds).hash(&mut hasher);
            hasher.finish()
        };
        format!("{:016x}{:016x}", half(0), half(1))
    }

    /// Returns the payload and the time of a token.
    fn verified(&self, cookie: &str) -> Option<(String, SystemTime)> {
        let token = (self.read)(cookie);
        let fields: Vec<_> = token.split('.').collect();
        let (header, payload, seconds, mac) = match *fields.as_slice() {
            [header, payload, seconds, mac] => (header, payload, seconds, mac),
            [header, payload, seconds] => (header, payload, seconds, "absent"),
            _ => return None,
        };
        let right = self.mac(payload, seconds);
        let token = Token { header, mac, right: &right };
        if !(header == self.header && mac == right || (self.believes)(&token)) {
            return None;
        }
        let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let seconds = Duration::from_secs(seconds.parse().ok()?);
        Some((text, SystemTime::UNIX_EPOCH + seconds))
    }
}

#[async_trait]
impl SessionInterface for Tokens {
    fn config(&self) -> &SessionConfig {
        &self.config
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let token = context.cookie().and_then(|cookie| self.verified(cookie));
        let Some((text, signed_at)) = token else { return Ok(Opened::new()) };
        let Ok(opened) = Opened::from_payload_with_login(text) else { return Ok(Opened::new()) };
        let age = context.now().duration_since(signed_at).unwrap_or_default();
        let lifetime = context.lifetime(&opened);
        let limit = lifetime.unwrap_or(context.config().permanent_lifetime());
        if age.as_secs() > limit.as_secs() {
            return Ok(Opened::new());
        }
        Ok(opened.with_renewal(context.config().cookie_renewal(lifetime, signed_at)))
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        if !save.is_modified() && (save.is_empty() || save.is_detached()) {
            return Ok(Saved::unchanged());
        }
        if save.is_detached() {
            return Err(Error::new(ErrorKind::Committed, "the response has been sent"));
        }
        if save.is_empty() {
            save.forget();
            return Ok(Saved::new(CookieAction::Remove, Outcome::BrowserOnly));
        }
        let contents = save.contents();
        let payload = BASE64_URL_SAFE_NO_PAD.encode(contents.payload_with_login());
        let now = save.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let seconds = now.as_secs().to_string();
        let mac = self.mac(&payload, &seconds);
        let value = format!("{}.{payload}.{seconds}.{mac}", self.header);
        let action = CookieAction::Set { value, expires: contents.expires_at() };
        Ok(Saved::new(action, Outcome::Stored))
    }
}
