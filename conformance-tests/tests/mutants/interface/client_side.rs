//! The signed cookie, which fulfils every rule, and mutants of it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use conformance_tests::interface::InterfaceUnderTest;
use session_cookie::{SecretKey, SignedCookieSessions};
use session_core::interface::{CookieAction, OpenContext, Opened, Renewal, Save, Saved, state_of};
use session_core::request::{RequestSession, RequestView};
use session_core::{Error, OutagePolicy, SessionConfig, SessionInterface, async_trait};

use super::original::stored;
use crate::judge::Mutant;

pub(super) const SECRET: &str = "b0c1f4a7d92e6835a1f0473be85dc6291e7fa3058cd4b96271e8fd3a50c794b2";

pub fn unchanged() -> InterfaceUnderTest {
    InterfaceUnderTest::new(|config| async move { signed(config, SECRET) })
}

pub fn mutants() -> Vec<Mutant<InterfaceUnderTest>> {
    vec![
        Mutant::new("EndOfTheCookieDoesNotMatter", "an_edited_cookie_is_refused", || {
            InterfaceUnderTest::new(|config| async move {
                EndDoesNotMatter(Arc::new(signed(config, SECRET)))
            })
        }),
        Mutant::new("KeyOfItsOwnAtEachStart", "another_instance_opens_the_cookie", || {
            InterfaceUnderTest::new(|config| async move {
                let key: String = std::iter::repeat_with(fastrand::alphanumeric).take(64).collect();
                signed(config, &key)
            })
        }),
        Mutant::new("RenewsAtEachRead", "a_read_sets_the_cookie_only_when_that_is_due", || {
            InterfaceUnderTest::new(
                |config| async move { RenewsAfter::new(config, Duration::ZERO) },
            )
        }),
        Mutant::new(
            "RenewsAfterTwoMinutes",
            "a_read_sets_the_cookie_only_when_that_is_due",
            || {
                InterfaceUnderTest::new(|config| async move {
                    RenewsAfter::new(config, Duration::from_mins(2))
                })
            },
        ),
        Mutant::new("LetsTooMuchPass", "a_session_that_does_not_fit_is_refused", || {
            InterfaceUnderTest::new(
                |config| async move { LeavesOutWhatIsLong(signed(config, SECRET)) },
            )
        }),
    ]
}

pub(super) fn signed(config: SessionConfig, key: &str) -> SignedCookieSessions {
    // Cookies of several names with one key need different salts.
    let salt = config.namespace().to_owned();
    SignedCookieSessions::builder(config, &SecretKey::new(key).unwrap()).salt(salt).build().unwrap()
}

/// Completes a cookie whose end is missing.
#[derive(Debug)]
struct EndDoesNotMatter(Arc<SignedCookieSessions>);

#[async_trait]
impl SessionInterface for EndDoesNotMatter {
    fn config(&self) -> &SessionConfig {
        self.0.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let opened = self.0.open(context).await?;
        let Some(cookie) =
            context.cookie().filter(|cookie| opened.is_new() && cookie.matches('.').count() == 2)
        else {
            return Ok(opened);
        };
        for last in ('a'..='z').chain('A'..='Z').chain('0'..='9').chain(['-', '_']) {
            let header = format!("{}={cookie}{last}", context.cookie_name());
            let view = RequestView::builder().cookie_header(header.as_bytes()).build();
            let interface: Arc<dyn SessionInterface> = self.0.clone();
            let request = RequestSession::with_shared(interface, view, OutagePolicy::Refuse);
            let padded = request.session().await?;
            if !padded.is_new() {
                return Opened::from_payload(state_of(&padded).payload());
            }
        }
        Ok(opened)
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        self.0.save(save).await
    }
}

/// Keeps the old cookie if the new one is too long.
#[derive(Debug)]
struct LeavesOutWhatIsLong(SignedCookieSessions);

#[async_trait]
impl SessionInterface for LeavesOutWhatIsLong {
    fn config(&self) -> &SessionConfig {
        self.0.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        self.0.open(context).await
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        let saved = self.0.save(save).await?;
        match saved.cookie() {
            CookieAction::Set { value, .. }
                if save.value_limit().is_some_and(|limit| value.len() > limit) =>
            {
                Ok(stored(CookieAction::Keep))
            }
            _ => Ok(saved),
        }
    }
}

/// Renews a permanent session when this time has passed since its last save.
#[derive(Debug)]
struct RenewsAfter {
    inner: SignedCookieSessions,
    slack: Duration,
    saved_at: Mutex<SystemTime>,
}

impl RenewsAfter {
    fn new(config: SessionConfig, slack: Duration) -> Self {
        let saved_at = Mutex::new(SystemTime::UNIX_EPOCH);
        Self { inner: signed(config, SECRET), slack, saved_at }
    }
}

#[async_trait]
impl SessionInterface for RenewsAfter {
    fn config(&self) -> &SessionConfig {
        self.inner.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let opened = self.inner.open(context).await?;
        if opened.is_new() || context.lifetime(&opened).permanent().is_none() {
            return Ok(opened);
        }
        let renewal = Renewal::flasks(context.config().refresh());
        let due = *self.saved_at.lock().unwrap() + self.slack;
        let at = if self.slack.is_zero() { renewal.at } else { due };
        Ok(opened.with_renewal(Renewal { at, ..renewal }))
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        *self.saved_at.lock().unwrap() = save.now();
        self.inner.save(save).await
    }
}
