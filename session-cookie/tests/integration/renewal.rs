//! Reads that set the cookie of a permanent session again, for both kinds of cookie.
use std::sync::Arc;
use std::time::Duration;

use session_cookie::{SealedCookieSessions, SecretKey, SessionConfig, SignedCookieSessions};
use session_core::request::RequestSession;
use session_core::{
    Error, ManualClock, Outcome, Refresh, Session, SessionConfigBuilder, SessionInterface,
};

use crate::support::{at, parts, request};

const NOW: u64 = 1_700_000_000;
const SECRET: &str = "a-test-secret-7Qd0pXw4ZrLk9Vm2Bn8Ys5Tc1";
const DAY: Duration = Duration::from_secs(24 * 3600);
const SECOND: Duration = Duration::from_secs(1);

struct Browser {
    name: &'static str,
    sessions: Arc<dyn SessionInterface>,
    clock: ManualClock,
    cookie: String,
}

impl Browser {
    fn request(&self) -> RequestSession {
        request(Arc::clone(&self.sessions), Some(&self.cookie))
    }

    async fn visit(
        &mut self,
        change: impl FnOnce(&Session) -> Result<(), Error>,
    ) -> Option<String> {
        let request = self.request();
        change(&request.session().await.unwrap()).unwrap();
        let headers = request.commit().await.into_result().unwrap();
        let set_cookie = headers.set_cookie()?;
        let (name, value, _) = parts(set_cookie);
        self.cookie = format!("{name}={value}");
        Some(set_cookie.to_owned())
    }

    async fn is_renewed_by_read(&mut self) -> bool {
        self.visit(read).await.is_some()
    }
}

fn read(session: &Session) -> Result<(), Error> {
    assert_eq!(session.get::<u64>("n")?, Some(1));
    Ok(())
}

/// Returns a browser of each kind of cookie, with a permanent session.
async fn browsers(config: impl Fn() -> SessionConfigBuilder) -> [Browser; 2] {
    let key = SecretKey::new(SECRET).unwrap();
    let clocks = [(); 2].map(|()| ManualClock::at(at(NOW)));
    let [signed, sealed] = clocks.clone().map(|clock| config().clock(clock).build().unwrap());
    let kinds: [(_, Arc<dyn SessionInterface>); 2] = [
        ("signed", Arc::new(SignedCookieSessions::new(signed, &key).unwrap())),
        ("sealed", Arc::new(SealedCookieSessions::new(sealed, &key).unwrap())),
    ];
    let mut clocks = clocks.into_iter();
    let mut browsers = kinds.map(|(name, sessions)| Browser {
        name,
        sessions,
        clock: clocks.next().unwrap(),
        cookie: String::new(),
    });
    for browser in &mut browsers {
        let write = |session: &Session| {
            session.set_permanent(true)?;
            session.insert("n", 1)
        };
        browser.visit(write).await.unwrap();
    }
    browsers
}

#[tokio::test]
async fn read_sets_cookie_only_when_renewal_is_due() {
    let slacks = [(DAY, 60), (Duration::from_secs(5 * 60), 30), (Duration::from_secs(20), 2)];
    for (lifetime, slack) in slacks {
        for mut browser in browsers(|| SessionConfig::builder().permanent_lifetime(lifetime)).await
        {
            let name = browser.name;
            for _ in 0..3 {
                assert!(!browser.is_renewed_by_read().await, "{name} {lifetime:?}: at once");
            }
            browser.clock.advance(SECOND * slack);
            assert!(!browser.is_renewed_by_read().await, "{name} {lifetime:?}: at the limit");
            browser.clock.advance(SECOND);
            assert!(browser.is_renewed_by_read().await, "{name} {lifetime:?}: after the limit");
            assert!(!browser.is_renewed_by_read().await, "{name} {lifetime:?}: after a renewal");
        }
    }
}

#[tokio::test]
async fn renewed_session_lives_for_whole_lifetime() {
    for mut browser in browsers(|| SessionConfig::builder().permanent_lifetime(DAY)).await {
        for _ in 0..3 {
            browser.clock.advance(DAY);
            assert!(browser.is_renewed_by_read().await, "{}", browser.name);
        }
        browser.clock.advance(DAY + SECOND);
        assert!(browser.request().session().await.unwrap().is_new(), "{}", browser.name);
    }
}

#[tokio::test]
async fn each_request_renews_if_flasks_rule_is_configured() {
    for mut browser in browsers(|| SessionConfig::builder().refresh(Refresh::EachRequest)).await {
        for _ in 0..3 {
            assert!(browser.is_renewed_by_read().await, "{}", browser.name);
        }
    }
}

#[tokio::test]
async fn read_during_logout_and_write_sets_no_cookie() {
    for browser in browsers(SessionConfig::builder).await {
        let slow = browser.request();
        let session = slow.session().await.unwrap();
        for change in [Session::clear, |session: &Session| session.insert("n", 2)] {
            let fast = browser.request();
            change(&fast.session().await.unwrap()).unwrap();
            assert!(fast.commit().await.into_result().unwrap().set_cookie().is_some());
        }
        read(&session).unwrap();
        let headers = slow.commit().await.into_result().unwrap();
        assert_eq!((headers.set_cookie(), headers.vary()), (None, true), "{}", browser.name);
        assert_eq!(session.outcome(), Some(Outcome::Unchanged), "{}", browser.name);
    }
}

#[tokio::test]
async fn read_near_absolute_timeout_is_not_renewed() {
    let config = SessionConfig::builder().absolute_timeout(DAY).permanent_lifetime(2 * DAY);
    let key = SecretKey::new(SECRET).unwrap();
    let clock = ManualClock::at(at(NOW));
    let config = config.clock(clock.clone()).build().unwrap();
    let sessions: Arc<dyn SessionInterface> =
        Arc::new(SealedCookieSessions::new(config, &key).unwrap());
    let mut browser = Browser { name: "sealed", sessions, clock, cookie: String::new() };
    let write = |session: &Session| {
        session.set_permanent(true)?;
        session.insert("n", 1)
    };
    browser.visit(write).await.unwrap();
    browser.clock.advance(DAY / 2);
    assert!(!browser.is_renewed_by_read().await);
}

#[tokio::test]
async fn shorter_lifetime_applies_to_existing_cookie() {
    for browser in browsers(|| SessionConfig::builder().permanent_lifetime(DAY)).await {
        let name = browser.name;
        for (lifetime, is_new) in [(DAY, false), (Duration::from_secs(3600), true)] {
            browser.clock.set(at(NOW) + Duration::from_secs(2 * 3600));
            let config = SessionConfig::builder().permanent_lifetime(lifetime);
            let config = config.clock(browser.clock.clone()).build().unwrap();
            let key = SecretKey::new(SECRET).unwrap();
            let sessions: Arc<dyn SessionInterface> = match name {
                "signed" => Arc::new(SignedCookieSessions::new(config, &key).unwrap()),
                _ => Arc::new(SealedCookieSessions::new(config, &key).unwrap()),
            };
            let session = request(sessions, Some(&browser.cookie)).session().await.unwrap();
            assert_eq!(session.is_new(), is_new, "{name} {lifetime:?}");
        }
    }
}
