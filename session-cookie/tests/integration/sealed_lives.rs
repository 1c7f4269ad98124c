//! The expiry of sessions in sealed cookies, and the responses that set the cookie.
use std::sync::Arc;
use std::time::Duration;

use session_cookie::{SealedCookieSessions, SecretKey, SessionConfig, SignedCookieSessions};
use session_core::request::RequestSession;
use session_core::{
    Error, ErrorKind, ManualClock, Outcome, Refresh, Session, SessionConfigBuilder,
    SessionInterface,
};

use crate::support::{at, parts, request};

const NOW: u64 = 1_700_000_000;
const SECRET: &str = "a-test-secret-7Qd0pXw4ZrLk9Vm2Bn8Ys5Tc1";
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// The changes that a handler makes.
type Visit = fn(&Session) -> Result<(), Error>;
type Make = fn(SessionConfigBuilder) -> Arc<dyn SessionInterface>;

#[test]
fn session_expires_exactly_after_its_lifetime() {
    let cases: [(&str, Visit); 2] = [
        ("permanent", |session| session.set_permanent(true)),
        ("ends with the browser", |_| Ok(())),
    ];
    for (name, change) in cases {
        let mut browser = Browser::new(SessionConfig::builder().permanent_lifetime(seconds(HOUR)));
        browser.visit(|session| change(session).and_then(|()| session.insert("n", 1)));
        let cookie = browser.cookie.clone();
        browser.clock.advance(seconds(HOUR));
        assert!(browser.has_session(), "{name}");
        browser.cookie = cookie;
        browser.clock.advance(Duration::from_millis(1));
        assert!(!browser.has_session(), "{name}");
    }
}

#[test]
fn idle_session_expires_and_read_session_does_not() {
    for permanent in [false, true] {
        let idle = SessionConfig::builder()
            .idle_timeout(seconds(10 * MINUTE))
            .refresh(Refresh::WhenModified);
        let mut browser = Browser::new(idle);
        browser.begin(permanent);
        for _ in 0..10 {
            browser.clock.advance(seconds(10 * MINUTE));
            assert!(browser.has_session(), "permanent: {permanent}");
        }
        browser.clock.advance(seconds(11 * MINUTE));
        assert!(browser.has_session(), "the slack is a tenth of the timeout, at most a minute");
        browser.clock.advance(seconds(11 * MINUTE + 1));
        assert!(!browser.has_session(), "permanent: {permanent}");
    }
}

#[test]
fn unused_session_does_not_extend_idle_timeout() {
    for refresh in [Refresh::EachRequest, Refresh::WhenAccessed, Refresh::WhenModified] {
        let idle = SessionConfig::builder().idle_timeout(seconds(10 * MINUTE)).refresh(refresh);
        let mut browser = Browser::new(idle);
        browser.begin(true);
        browser.clock.advance(seconds(8 * MINUTE));
        assert_eq!(browser.pass_by(), None, "{refresh:?}");
        browser.clock.advance(seconds(4 * MINUTE));
        assert!(!browser.has_session(), "{refresh:?}");
    }
}

#[test]
fn read_sets_cookie_only_if_idle_timeout_requires_it() {
    let mut browser = Browser::new(SessionConfig::builder().idle_timeout(seconds(10 * MINUTE)));
    browser.begin(true);
    assert_eq!(browser.read(), (None, Outcome::Unchanged));
    browser.clock.advance(seconds(MINUTE));
    assert_eq!(browser.read(), (None, Outcome::Unchanged));
    browser.clock.advance(seconds(1));
    let (set_cookie, outcome) = browser.read();
    assert_eq!(outcome, Outcome::Stored);
    // 22:13:20, a minute and a second, ten minutes, and a minute of slack.
    assert!(set_cookie.unwrap().contains("; Expires=Tue, 14 Nov 2023 22:25:21 GMT"));
    assert_eq!(browser.read(), (None, Outcome::Unchanged));
}

#[test]
fn renewed_browser_session_cookie_has_no_expiry() {
    let mut browser = Browser::new(SessionConfig::builder().idle_timeout(seconds(10 * MINUTE)));
    let first = browser.begin(false);
    browser.clock.advance(seconds(5 * MINUTE));
    let renewed = browser.read().0.unwrap();
    for set_cookie in [first, renewed] {
        assert!(!set_cookie.contains("Expires") && !set_cookie.contains("Max-Age"), "{set_cookie}");
    }
}

#[test]
fn absolute_timeout_is_never_extended() {
    let visits: [(&str, Visit); 4] = [
        ("reads", |session| session.get::<u64>("n").map(drop)),
        ("writes", |session| session.update("n", |n: Option<u64>| n.map(|n| n + 1))),
        ("clears and writes", |session| session.clear().and_then(|()| session.insert("n", 1))),
        ("gets a new id", Session::rotate_id),
    ];
    for (name, visit) in visits {
        let config = SessionConfig::builder()
            .absolute_timeout(seconds(HOUR))
            .idle_timeout(seconds(40 * MINUTE));
        let mut browser = Browser::new(config);
        browser.begin(true);
        for _ in 0..2 {
            browser.clock.advance(seconds(HOUR / 2));
            assert!(browser.has_session(), "{name}");
            browser.visit(visit);
        }
        browser.clock.advance(Duration::from_millis(1));
        assert!(!browser.has_session(), "{name}");
    }
}

#[test]
fn login_restarts_absolute_timeout() {
    let mut browser = Browser::new(SessionConfig::builder().absolute_timeout(seconds(HOUR)));
    browser.begin(true);
    for _ in 0..3 {
        browser.clock.advance(seconds(50 * MINUTE));
        browser.visit(|session| run(session.log_in("ada", None)).map(drop));
    }
    for (time, owner) in [(0, Some("ada")), (HOUR + 1, None)] {
        browser.clock.advance(seconds(time));
        let session = run(browser.request().session()).unwrap();
        assert_eq!(session.owner().as_deref(), owner);
    }
}

#[test]
fn cookie_expires_with_session() {
    let config = SessionConfig::builder()
        .absolute_timeout(seconds(HOUR))
        .permanent_lifetime(seconds(2 * HOUR));
    let set_cookie = Browser::new(config).begin(true);
    assert!(set_cookie.contains("; Expires=Tue, 14 Nov 2023 23:13:20 GMT"), "{set_cookie}");
}

#[test]
fn write_after_logout_starts_new_session() {
    let mut browser = Browser::new(SessionConfig::builder().absolute_timeout(seconds(HOUR)));
    browser.begin(true);
    browser.clock.advance(seconds(HOUR));
    browser.visit(|session| run(session.log_out()).and_then(|_| session.insert("n", 1)));
    browser.clock.advance(seconds(HOUR));
    assert!(browser.has_session());
}

#[test]
fn write_after_saved_logout_starts_new_session() {
    let mut browser = Browser::new(SessionConfig::builder().absolute_timeout(seconds(HOUR)));
    browser.begin(true);
    browser.clock.advance(seconds(HOUR));
    let request = browser.request();
    let session = run(request.session()).unwrap();
    assert_eq!(run(session.log_out()).unwrap(), Outcome::BrowserOnly);
    session.insert("n", 1).unwrap();
    browser.keep(run(request.commit()).into_result().unwrap().set_cookie());
    browser.clock.advance(seconds(HOUR));
    assert!(browser.has_session());
}

#[test]
fn read_near_absolute_timeout_sets_no_cookie() {
    let config =
        SessionConfig::builder().absolute_timeout(seconds(HOUR)).idle_timeout(seconds(40 * MINUTE));
    let mut browser = Browser::new(config);
    browser.begin(true);
    browser.clock.advance(seconds(30 * MINUTE));
    assert_eq!(browser.read().1, Outcome::Stored);
    browser.clock.advance(seconds(29 * MINUTE));
    assert_eq!(browser.read(), (None, Outcome::Unchanged));
}

#[test]
fn commit_long_after_manual_save_extends_idle_timeout() {
    let mut browser = Browser::new(SessionConfig::builder().idle_timeout(seconds(10 * MINUTE)));
    let request = browser.request();
    let session = run(request.session()).unwrap();
    session.insert("n", 1).unwrap();
    assert_eq!(run(session.save()).unwrap(), Outcome::Stored);
    browser.clock.advance(seconds(20 * MINUTE));
    browser.keep(run(request.commit()).into_result().unwrap().set_cookie());
    browser.clock.advance(seconds(10 * MINUTE));
    assert!(browser.has_session());
}

#[test]
fn reopened_session_refuses_changes_and_saves_nothing_else() {
    let changes: [(&str, Visit); 2] =
        [("writes", |session| session.insert("n", 2)), ("clears", Session::clear)];
    for make in [sealed as Make, signed] {
        for (name, change) in changes {
            let mut browser = Browser::of(SessionConfig::builder(), make);
            browser.begin(true);
            browser.clock.advance(seconds(MINUTE));
            let request = browser.request();
            let session = run(request.session()).unwrap();
            browser.keep(run(request.commit()).into_result().unwrap().set_cookie());

            let reopened = run(session.reopen()).unwrap();
            assert_eq!(run(reopened.save()).unwrap(), Outcome::Unchanged, "{name}");
            change(&reopened).unwrap();
            let error = run(reopened.save()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Committed, "{name}");
            assert!(error.to_string().contains("response has been sent"), "{name}: {error}");
            assert!(reopened.is_modified() && browser.has_session(), "{name}");
            let error = run(reopened.log_out()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Committed, "{name}");
        }
    }
}

#[test]
fn shorter_absolute_timeout_applies_to_existing_cookie() {
    let mut browser = Browser::new(SessionConfig::builder());
    browser.begin(true);
    browser.clock.advance(seconds(HOUR));
    assert!(browser.has_session());
    let shorter =
        SessionConfig::builder().absolute_timeout(seconds(HOUR - 1)).clock(browser.clock.clone());
    browser.sessions = sealed(shorter);
    assert!(!browser.has_session());
}

#[test]
fn details_have_times_but_no_handle() {
    let config = || SessionConfig::builder().permanent_lifetime(seconds(HOUR));
    for (make, created_at) in [(sealed as Make, Some(at(NOW))), (signed, None)] {
        let mut browser = Browser::of(config(), make);
        browser.begin(true);
        browser.clock.advance(seconds(MINUTE));
        let mut seen = Vec::new();
        browser.visit(|session| {
            seen.push(session.details());
            session.insert("n", 2)?;
            run(session.save()).map(drop)?;
            seen.push(session.details());
            run(session.log_out()).map(drop)?;
            seen.push(session.details());
            Ok(())
        });
        let times: Vec<_> =
            seen.iter().map(|details| (details.created_at(), details.expires_at())).collect();
        let later = Some(at(NOW + MINUTE + HOUR));
        let expected = [(created_at, Some(at(NOW + HOUR))), (created_at, later), (None, None)];
        assert_eq!(times, expected);
        assert!(seen.iter().all(|details| details.handle().is_none()));
    }
}

#[test]
fn manual_save_keeps_creation_time() {
    let mut browser = Browser::new(SessionConfig::builder().absolute_timeout(seconds(HOUR)));
    let request = browser.request();
    let session = run(request.session()).unwrap();
    session.insert("n", 1).unwrap();
    assert_eq!(run(session.save()).unwrap(), Outcome::Stored);
    browser.clock.advance(seconds(MINUTE));
    session.insert("n", 2).unwrap();
    browser.keep(run(request.commit()).into_result().unwrap().set_cookie());
    browser.clock.advance(seconds(HOUR - MINUTE));
    assert!(browser.has_session());
    browser.clock.advance(Duration::from_millis(1));
    assert!(!browser.has_session());
}

#[test]
fn sealed_and_signed_cookies_are_set_by_same_responses() {
    let visits: [(&str, Option<Visit>); 6] = [
        ("passes by", None),
        ("reads", Some(|session| session.get::<u64>("n").map(drop))),
        ("writes", Some(|session| session.insert("n", 2))),
        (
            "writes, says it did not",
            Some(|session| session.insert("n", 2).and_then(|()| session.set_modified(false))),
        ),
        (
            "removes all",
            Some(|session| {
                session.keys().iter().try_for_each(|key| session.discard(key).map(drop))
            }),
        ),
        ("clears", Some(Session::clear)),
    ];
    for refresh in [Refresh::EachRequest, Refresh::WhenAccessed, Refresh::WhenModified] {
        for (name, visit) in visits {
            for began in [None, Some(false), Some(true)] {
                let seen = |make: Make| {
                    let mut browser = Browser::of(SessionConfig::builder().refresh(refresh), make);
                    began.map(|permanent| browser.begin(permanent));
                    browser.clock.advance(seconds(MINUTE));
                    let request = browser.request();
                    if let Some(visit) = visit {
                        visit(&run(request.session()).unwrap()).unwrap();
                    }
                    let headers = run(request.commit()).into_result().unwrap();
                    let set_cookie = headers.set_cookie().map(|set_cookie| {
                        let (name, value, attributes) = parts(set_cookie);
                        format!("{name} {} {attributes:?}", value.is_empty())
                    });
                    (set_cookie, headers.vary())
                };
                assert_eq!(seen(sealed), seen(signed), "{name} {refresh:?} {began:?}");
            }
        }
    }
}

/// A browser that ignores the expiry of its cookie.
struct Browser {
    sessions: Arc<dyn SessionInterface>,
    clock: ManualClock,
    cookie: Option<String>,
}

impl Browser {
    fn new(config: SessionConfigBuilder) -> Self {
        Self::of(config, sealed)
    }

    fn of(config: SessionConfigBuilder, make: Make) -> Self {
        let clock = ManualClock::at(at(NOW));
        Self { sessions: make(config.clock(clock.clone())), clock, cookie: None }
    }

    fn request(&self) -> RequestSession {
        request(Arc::clone(&self.sessions), self.cookie.as_deref())
    }

    fn keep(&mut self, set_cookie: Option<&str>) {
        if let Some(set_cookie) = set_cookie {
            let (name, value, _) = parts(set_cookie);
            self.cookie = (!value.is_empty()).then(|| format!("{name}={value}"));
        }
    }

    /// Sends a request whose handler does this. Returns the `Set-Cookie` of the response.
    fn visit(
        &mut self,
        change: impl FnOnce(&Session) -> Result<(), Error>,
    ) -> (Option<String>, Outcome) {
        let request = self.request();
        let session = run(request.session()).unwrap();
        change(&session).unwrap();
        let headers = run(request.commit()).into_result().unwrap();
        self.keep(headers.set_cookie());
        (headers.set_cookie().map(str::to_owned), session.outcome().unwrap())
    }

    fn begin(&mut self, permanent: bool) -> String {
        self.visit(|session| {
            if permanent {
                session.set_permanent(true)?;
            }
            session.insert("n", 1)
        })
        .0
        .unwrap()
    }

    fn read(&mut self) -> (Option<String>, Outcome) {
        self.visit(|session| session.get::<u64>("n").map(drop))
    }

    /// Sends a request whose handler does not obtain the session.
    fn pass_by(&mut self) -> Option<String> {
        let headers = run(self.request().commit()).into_result().unwrap();
        self.keep(headers.set_cookie());
        headers.set_cookie().map(str::to_owned)
    }

    /// Sends a request that reads the session.
    fn has_session(&mut self) -> bool {
        let mut found = false;
        self.visit(|session| {
            found = session.contains_key("n");
            Ok(())
        });
        found
    }
}

fn sealed(config: SessionConfigBuilder) -> Arc<dyn SessionInterface> {
    let key = SecretKey::new(SECRET).unwrap();
    Arc::new(SealedCookieSessions::new(config.build().unwrap(), &key).unwrap())
}

fn signed(config: SessionConfigBuilder) -> Arc<dyn SessionInterface> {
    let key = SecretKey::new(SECRET).unwrap();
    Arc::new(SignedCookieSessions::new(config.build().unwrap(), &key).unwrap())
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
