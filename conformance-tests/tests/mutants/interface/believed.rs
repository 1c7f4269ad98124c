//! Mutants of the signed cookie that accept cookies they must reject.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use conformance_tests::interface::InterfaceUnderTest;
use session_cookie::SignedCookieSessions;
use session_core::interface::{CookieAction, OpenContext, Opened, Save, Saved, state_of};
use session_core::request::{RequestSession, RequestView};
use session_core::{Error, OutagePolicy, Session, SessionConfig, SessionInterface, async_trait};

use super::client_side::{SECRET, signed};
use super::original::{session_of, stored};
use crate::judge::Mutant;

pub fn mutants() -> Vec<Mutant<InterfaceUnderTest>> {
    vec![
        Mutant::new("SignsInTwoParts", "parts_of_two_cookies_make_no_third", || {
            InterfaceUnderTest::new(|config| async move {
                SignsInTwoParts(Arc::new(signed(config, SECRET)))
            })
        }),
        Mutant::new("BelievesForEver", "a_cookie_without_an_end_is_not_believed_for_ever", || {
            InterfaceUnderTest::new(|config| async move {
                BelievesForEver { inner: signed(config, SECRET), given: Given(Mutex::default()) }
            })
        }),
    ]
}

/// Signs `role` separately, and joins both values with a tilde.
#[derive(Debug)]
struct SignsInTwoParts(Arc<SignedCookieSessions>);

impl SignsInTwoParts {
    fn request(&self, cookie: &str) -> RequestSession {
        let header = format!("{}={cookie}", self.config().cookie_name());
        let view = RequestView::builder().cookie_header(header.as_bytes()).build();
        let interface: Arc<dyn SessionInterface> = self.0.clone();
        RequestSession::with_shared(interface, view, OutagePolicy::Refuse)
    }

    async fn opened(&self, part: &str) -> Result<Session, Error> {
        self.request(part).session().await
    }

    /// Returns the cookie of a session with these texts.
    async fn signed(&self, texts: &[(String, String)]) -> Result<String, Error> {
        let request = self.request("");
        let session = request.session().await?;
        texts.iter().try_for_each(|(key, text)| session.insert(key, text))?;
        let headers = request.commit().await.into_result()?;
        let pair = headers.set_cookie().and_then(|header| header.split(';').next());
        let value = pair.and_then(|pair| pair.split_once('=')).map(|(_, value)| value.to_owned());
        Ok(value.unwrap())
    }
}

#[async_trait]
impl SessionInterface for SignsInTwoParts {
    fn config(&self) -> &SessionConfig {
        self.0.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let Some((rest, role)) = context.cookie().and_then(|cookie| cookie.split_once('~')) else {
            return self.0.open(context).await;
        };
        let (rest, role) = (self.opened(rest).await?, self.opened(role).await?);
        let Some(role) = role.get::<String>("role")?.filter(|_| !rest.is_empty()) else {
            return Ok(Opened::new());
        };
        rest.insert("role", role)?;
        Opened::from_payload(state_of(&rest).payload())
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        let session = session_of(save);
        if !session.contains_key("role") {
            return self.0.save(save).await;
        }
        let mut texts = Vec::new();
        for key in session.keys() {
            let text = session.get::<String>(&key)?.unwrap();
            texts.push((key, text));
        }
        let (part, rest): (Vec<_>, Vec<_>) = texts.into_iter().partition(|(key, _)| key == "role");
        let value = format!("{}~{}", self.signed(&rest).await?, self.signed(&part).await?);
        Ok(stored(CookieAction::Set { value, expires: save.contents().expires_at() }))
    }
}

/// Checks the age of permanent sessions only, unless sessions of visitors have a limit.
#[derive(Debug)]
struct BelievesForEver {
    inner: SignedCookieSessions,
    given: Given,
}

/// The payload of each cookie that has no expiry.
struct Given(Mutex<HashMap<String, String>>);

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("..")
    }
}

#[async_trait]
impl SessionInterface for BelievesForEver {
    fn config(&self) -> &SessionConfig {
        self.inner.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let given = self.given.0.lock().unwrap().get(context.cookie().unwrap_or("")).cloned();
        match given.filter(|_| context.config().visitor_lifetime().is_none()) {
            Some(payload) => Opened::from_payload_with_login(payload),
            None => self.inner.open(context).await,
        }
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        let saved = self.inner.save(save).await?;
        if let CookieAction::Set { value, expires: None } = saved.cookie() {
            self.given
                .0
                .lock()
                .unwrap()
                .insert(value.clone(), save.contents().payload_with_login());
        }
        Ok(saved)
    }
}
