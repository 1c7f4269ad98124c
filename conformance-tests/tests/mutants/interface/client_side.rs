//! The signed cookie, which passes, and interfaces around it that break one rule of those that keep the session in the cookie.

use std::sync::Arc;
use std::time::Duration;

use conformance_tests::interface::InterfaceUnderTest;
use session_cookie::{SecretKey, SignedCookieSessions};
use session_core::{
    CookieAction, Error, OnOutage, OpenContext, RequestSession, RequestView, SaveContext, Session, SessionConfig,
    SessionInterface, async_trait,
};

use crate::judge::Mutant;

pub(super) const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

pub fn unbroken() -> InterfaceUnderTest {
    InterfaceUnderTest::new(|config| async move { signed(config, SECRET) })
}

pub fn mutants() -> Vec<Mutant<InterfaceUnderTest>> {
    vec![
        Mutant::new("EndOfTheCookieDoesNotMatter", "an_edited_cookie_is_refused", || {
            InterfaceUnderTest::new(|config| async move { EndDoesNotMatter(Arc::new(signed(config, SECRET))) })
        }),
        Mutant::new("KeyOfItsOwnAtEachStart", "another_instance_opens_the_cookie", || {
            InterfaceUnderTest::new(|config| async move {
                let key: String = std::iter::repeat_with(fastrand::alphanumeric).take(64).collect();
                signed(config, &key)
            })
        }),
        Mutant::new("LetsTooMuchPass", "a_session_that_does_not_fit_is_refused", || {
            InterfaceUnderTest::new(|config| async move { LeavesOutWhatIsLong(signed(config, SECRET)) })
        }),
    ]
}

pub(super) fn signed(config: SessionConfig, key: &str) -> SignedCookieSessions {
    SignedCookieSessions::new(config, &SecretKey::new(key).unwrap()).unwrap()
}

/// Pads a cookie whose end is missing with what it remembers.
#[derive(Debug)]
struct EndDoesNotMatter(Arc<SignedCookieSessions>);

#[async_trait]
impl SessionInterface for EndDoesNotMatter {
    fn config(&self) -> &SessionConfig {
        self.0.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
        let session = self.0.open(context).await?;
        let Some(cookie) = context.cookie().filter(|cookie| session.is_new() && cookie.matches('.').count() == 2)
        else {
            return Ok(session);
        };
        for last in ('a'..='z').chain('A'..='Z').chain('0'..='9').chain(['-', '_']) {
            let header = format!("{}={cookie}{last}", context.cookie_name());
            let view = RequestView::builder().cookie_header(header.as_bytes()).build();
            let interface: Arc<dyn SessionInterface> = self.0.clone();
            let request = RequestSession::with_shared(interface, view, OnOutage::Refuse);
            let padded = request.session().await?;
            if !padded.is_new() {
                return Session::from_payload(padded.payload());
            }
        }
        Ok(session)
    }

    async fn save(&self, session: &Session, context: &SaveContext<'_>) -> Result<CookieAction, Error> {
        self.0.save(session, context).await
    }

    fn lifetime(&self, session: &Session) -> Option<Duration> {
        self.0.lifetime(session)
    }
}

/// Stores an empty session in the place of one that is too long.
#[derive(Debug)]
struct LeavesOutWhatIsLong(SignedCookieSessions);

#[async_trait]
impl SessionInterface for LeavesOutWhatIsLong {
    fn config(&self) -> &SessionConfig {
        self.0.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
        self.0.open(context).await
    }

    async fn save(&self, session: &Session, context: &SaveContext<'_>) -> Result<CookieAction, Error> {
        let action = self.0.save(session, context).await?;
        match &action {
            CookieAction::Set(value) if context.value_limit().is_some_and(|limit| value.len() > limit) => {
                Ok(CookieAction::Keep)
            }
            _ => Ok(action),
        }
    }
}
