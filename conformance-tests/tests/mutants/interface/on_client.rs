//! Mutants of the rules of a session in the cookie.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use session_conformance::interface::InterfaceUnderTest;
use session_cookie::SignedCookieSessions;
use session_core::interface::{CookieAction, OpenContext, Opened, Renewal, Save, Saved};
use session_core::{Error, SessionConfig, SessionInterface, async_trait};

use super::original::{Hidden, stored};
use super::signed::{SECRET, signed};
use super::tokens;
use crate::judge::Mutant;

pub fn mutants() -> Vec<Mutant<InterfaceUnderTest>> {
    vec![
        Mutant::new("KeyOfItsOwnAtEachStart", "other_instance_opens_cookie", || {
            InterfaceUnderTest::new(|config| async move {
                let key: String = std::iter::repeat_with(fastrand::alphanumeric).take(64).collect();
                signed(config, &key)
            })
        }),
        Mutant::new("SignsNoNamespace", "cookie_of_other_namespace_opens_nothing", || {
            tokens::of_every_namespace()
        }),
        Mutant::new("RenewsAtEachRead", "read_sets_cookie_only_if_renewal_is_due", || {
            InterfaceUnderTest::new(
                |config| async move { RenewsAfter::new(config, Duration::ZERO) },
            )
        }),
        Mutant::new("RenewsAfterTwoMinutes", "read_sets_cookie_only_if_renewal_is_due", || {
            InterfaceUnderTest::new(|config| async move {
                RenewsAfter::new(config, Duration::from_mins(2))
            })
        }),
        Mutant::new("ReportsLogoutsAsStored", "logout_reports_that_copies_remain", || {
            InterfaceUnderTest::new(|config| async move {
                ReportsLogoutsAsStored(signed(config, SECRET))
            })
        }),
        Mutant::new("LetsTooMuchPass", "session_larger_than_cookie_is_refused", || {
            InterfaceUnderTest::new(
                |config| async move { LeavesOutWhatIsLong(signed(config, SECRET)) },
            )
        }),
        Mutant::new("BelievesForEver", "cookie_without_expiry_expires", || {
            InterfaceUnderTest::new(|config| async move {
                BelievesForEver { inner: signed(config, SECRET), given: Hidden::default() }
            })
        }),
    ]
}

/// Reports the removal of a cookie as the end of its session.
#[derive(Debug)]
struct ReportsLogoutsAsStored(SignedCookieSessions);

#[async_trait]
impl SessionInterface for ReportsLogoutsAsStored {
    fn config(&self) -> &SessionConfig {
        self.0.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        self.0.open(context).await
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        let saved = self.0.save(save).await?;
        Ok(if save.ends() { stored(saved.cookie().clone()) } else { saved })
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

/// Checks the age of permanent sessions only, unless sessions of visitors have a limit.
#[derive(Debug)]
struct BelievesForEver {
    inner: SignedCookieSessions,
    given: Hidden<HashMap<String, String>>,
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
