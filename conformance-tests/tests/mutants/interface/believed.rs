//! Interfaces around the signed cookie that believe too much.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conformance_tests::interface::InterfaceUnderTest;
use session_cookie::SignedCookieSessions;
use session_core::{
    CookieAction, Error, OnOutage, OpenContext, RequestSession, RequestView, SaveContext, Session, SessionConfig,
    SessionInterface, async_trait,
};

use super::client_side::{SECRET, signed};
use crate::judge::Mutant;

pub fn mutants() -> Vec<Mutant<InterfaceUnderTest>> {
    vec![
        Mutant::new("SignsInTwoParts", "parts_of_two_cookies_make_no_third", || {
            InterfaceUnderTest::new(|config| async move { SignsInTwoParts(Arc::new(signed(config, SECRET))) })
        }),
        Mutant::new("BelievesForEver", "a_cookie_without_an_end_is_not_believed_for_ever", || {
            InterfaceUnderTest::new(|config| async move {
                BelievesForEver { inner: signed(config, SECRET), given: Given(Mutex::default()) }
            })
        }),
    ]
}

/// Signs `role` apart from the rest, and joins both with a tilde.
#[derive(Debug)]
struct SignsInTwoParts(Arc<SignedCookieSessions>);

impl SignsInTwoParts {
    async fn opened(&self, context: &OpenContext<'_>, part: &str) -> Result<Session, Error> {
        let header = format!("{}={part}", context.cookie_name());
        let view = RequestView::builder().cookie_header(header.as_bytes()).build();
        let interface: Arc<dyn SessionInterface> = self.0.clone();
        RequestSession::with_shared(interface, view, OnOutage::Refuse).session().await
    }
}

#[async_trait]
impl SessionInterface for SignsInTwoParts {
    fn config(&self) -> &SessionConfig {
        self.0.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
        let Some((rest, role)) = context.cookie().and_then(|cookie| cookie.split_once('~')) else {
            return self.0.open(context).await;
        };
        let (rest, role) = (self.opened(context, rest).await?, self.opened(context, role).await?);
        let Some(role) = role.get::<String>("role")?.filter(|_| !rest.is_empty()) else { return Ok(Session::new()) };
        rest.insert("role", role)?;
        Session::from_payload(rest.payload())
    }

    async fn save(&self, session: &Session, context: &SaveContext<'_>) -> Result<CookieAction, Error> {
        let Some(role) = session.get::<String>("role")? else { return self.0.save(session, context).await };
        let (rest, part) = (Session::from_payload(session.payload())?, Session::new());
        rest.discard("role")?;
        part.insert("role", role)?;
        match (self.0.save(&rest, context).await?, self.0.save(&part, context).await?) {
            (CookieAction::Set(rest), CookieAction::Set(part)) => Ok(CookieAction::Set(format!("{rest}~{part}"))),
            _ => Ok(CookieAction::Keep),
        }
    }

    fn lifetime(&self, session: &Session) -> Option<Duration> {
        self.0.lifetime(session)
    }
}

/// Judges the age of permanent sessions only.
#[derive(Debug)]
struct BelievesForEver {
    inner: SignedCookieSessions,
    given: Given,
}

/// The payload of each cookie that was given without an end.
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

    async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
        let given = self.given.0.lock().unwrap().get(context.cookie().unwrap_or("")).cloned();
        match given {
            Some(payload) => Session::from_payload(payload),
            None => self.inner.open(context).await,
        }
    }

    async fn save(&self, session: &Session, context: &SaveContext<'_>) -> Result<CookieAction, Error> {
        let action = self.inner.save(session, context).await?;
        if let CookieAction::Set(cookie) = &action
            && context.lifetime().is_none()
        {
            self.given.0.lock().unwrap().insert(cookie.clone(), session.payload());
        }
        Ok(action)
    }

    fn lifetime(&self, session: &Session) -> Option<Duration> {
        self.inner.lifetime(session)
    }
}
