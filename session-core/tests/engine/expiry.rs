//! Expiry of sessions: four lifetimes, their last moments, and renewal.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use session_core::interface::{Hooked, Hooks, SessionView};
use session_core::{Session, SessionConfigBuilder};

use crate::store::Call;
use crate::support::{
    App, DAY, HOUR, MILLISECOND, MINUTE, SECOND, read, start, write_permanent, write_user,
};

/// Returns the longest time by which a renewal exceeds the promised lifetime.
fn slack(life: Duration) -> Duration {
    (life / 10).min(MINUTE)
}

type Configure = fn(SessionConfigBuilder) -> SessionConfigBuilder;

/// A setting, whether the session is permanent, and the promised lifetime.
type Promise = (&'static str, Configure, bool, Duration);

const PROMISES: &[Promise] = &[
    ("permanent", |config| config, true, Duration::from_secs(31 * 24 * 3600)),
    (
        "permanent, ten seconds",
        |config| config.permanent_lifetime(SECOND * 10),
        true,
        Duration::from_secs(10),
    ),
    ("browser", |config| config, false, DAY),
    ("browser, one second", |config| config.browser_lifetime(SECOND), false, SECOND),
    ("permanent and idle", |config| config.idle_timeout(HOUR), true, HOUR),
    ("browser and idle", |config| config.idle_timeout(MINUTE), false, MINUTE),
    ("idle longer than the browser's", |config| config.idle_timeout(DAY * 2), false, DAY),
    ("absolute longer than all", |config| config.absolute_timeout(DAY * 365), false, DAY),
];

async fn begin(app: &App, permanent: bool) -> String {
    app.begin(if permanent { write_permanent } else { write_user }).await
}

#[tokio::test]
async fn session_expires_after_its_last_millisecond() {
    for (name, configure, permanent, life) in PROMISES {
        let app = App::with(configure);
        let cookie = begin(&app, *permanent).await;
        let last = start() + *life + slack(*life);
        assert_eq!(app.store.record(&cookie).unwrap().expires_at(), last, "{name}");
        assert!(app.is_live_at(&cookie, last).await, "{name}");
        assert!(!app.is_live_at(&cookie, last + MILLISECOND).await, "{name}");
    }
}

#[tokio::test]
async fn absolute_timeout_has_no_slack() {
    for permanent in [false, true] {
        let app = App::with(|config| config.absolute_timeout(HOUR));
        let cookie = begin(&app, permanent).await;
        let last = start() + HOUR;
        assert_eq!(app.store.record(&cookie).unwrap().expires_at(), last);
        assert!(app.is_live_at(&cookie, last).await, "permanent: {permanent}");
        assert!(!app.is_live_at(&cookie, last + MILLISECOND).await, "permanent: {permanent}");
    }
}

#[tokio::test]
async fn shorter_absolute_timeout_ends_earlier_sessions() {
    let (before, after) = (App::new(), App::with(|config| config.absolute_timeout(HOUR)));
    let cookie = begin(&before, true).await;
    let record = before.store.record(&cookie).unwrap();
    after.store.plant(&cookie, record.payload(), record.created_at(), record.expires_at());
    assert!(after.is_live_at(&cookie, start() + HOUR).await);
    assert!(!after.is_live_at(&cookie, start() + HOUR + MILLISECOND).await);
}

#[tokio::test]
async fn only_permanent_session_has_cookie_with_expiry() {
    let app = App::with(|config| config.permanent_lifetime(HOUR).idle_timeout(MINUTE * 5));
    let response = app.request("", write_permanent).await;
    assert_eq!(response.expires(), Some(start() + HOUR));
    assert_eq!(app.request("", write_user).await.expires(), None);
}

#[tokio::test]
async fn request_with_session_extends_expiry_as_promised() {
    for (name, configure, permanent, life) in PROMISES {
        let app = App::with(configure);
        let cookie = begin(&app, *permanent).await;
        // The steps range from long before a renewal is due to the last promised moment.
        let steps =
            [1, 40, 70, 99, 100, 101, 250, 900, 1000, 3, 500, 1000, 1000, 20, 20, 20, 20, 20, 1000];
        for permille in steps {
            let held = app.store.record(&cookie).unwrap().expires_at();
            app.clock.advance(*life * permille / 1000);
            let now = app.now();
            let response = app.request(&cookie, read).await;
            let calls = app.store.take_calls();
            assert_eq!(
                calls.contains(&Call::Touch),
                held < now + *life,
                "{name}: a touch only if it is due"
            );
            assert!(!response.is_removal());
            assert!(app.is_live_at(&cookie, now + *life).await, "{name}: ended before the promise");
            let late = now + *life + slack(*life) + MILLISECOND;
            assert!(!app.is_live_at(&cookie, late).await, "{name}: lives on after the slack");
            app.store.take_calls();
        }
    }
}

#[tokio::test]
async fn permanent_cookie_lives_as_long_as_promised() {
    let app = App::new();
    let life = DAY * 31;
    let first = app.request("", write_permanent).await;
    let (cookie, mut kept_until) = (first.cookie().unwrap(), first.expires().unwrap());
    for step in [SECOND * 30, SECOND * 30, SECOND, HOUR, SECOND * 59, DAY] {
        app.clock.advance(step);
        let response = app.request(&cookie, read).await;
        kept_until = response.expires().unwrap_or(kept_until);
        let promised = app.now() + life;
        let early = promised.duration_since(kept_until).unwrap_or_default();
        assert_eq!(early, Duration::ZERO, "{step:?} later: the browser drops the cookie too early");
    }
}

#[tokio::test]
async fn session_renewed_for_year_ends_at_absolute_timeout() {
    for permanent in [false, true] {
        let limit = DAY * 365;
        let app = App::with(|config| config.absolute_timeout(limit));
        let mut cookie = begin(&app, permanent).await;
        for hour in 1..=365 * 24_u32 {
            app.clock.advance(HOUR);
            let rotates = hour % (24 * 30) == 0;
            let response =
                app.request(&cookie, if rotates { Session::rotate_id } else { read }).await;
            assert!(!rotates || response.cookie().is_some_and(|new| new != cookie));
            cookie = response.cookie().unwrap_or(cookie);
            assert_eq!(app.store.record(&cookie).unwrap().created_at(), start(), "hour {hour}");
            assert!(
                app.store.record(&cookie).unwrap().expires_at() <= start() + limit,
                "hour {hour}"
            );
        }
        assert_eq!(app.now(), start() + limit);
        assert!(app.is_live_at(&cookie, start() + limit).await, "permanent: {permanent}");
        assert!(
            !app.is_live_at(&cookie, start() + limit + MILLISECOND).await,
            "permanent: {permanent}"
        );
    }
}

#[tokio::test]
async fn session_near_absolute_timeout_is_not_touched() {
    let app = App::with(|config| config.absolute_timeout(HOUR * 2).browser_lifetime(HOUR));
    let cookie = begin(&app, false).await;
    app.clock.advance(MINUTE * 50);
    app.request(&cookie, read).await;
    assert_eq!(app.store.take_calls(), [Call::Load, Call::Touch]);
    app.clock.advance(MINUTE * 30);
    app.request(&cookie, read).await;
    assert_eq!(app.store.take_calls(), [Call::Load, Call::Touch]);
    assert_eq!(app.store.record(&cookie).unwrap().expires_at(), start() + HOUR * 2);
    app.clock.advance(MINUTE * 30);
    app.request(&cookie, read).await;
    assert_eq!(app.store.take_calls(), [Call::Load]);
}

#[tokio::test]
async fn lifetimes_saturate_at_latest_time() {
    let last = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    let longest: [(&str, Configure); 4] = [
        ("permanent", |config| config.permanent_lifetime(Duration::MAX)),
        ("browser", |config| config.browser_lifetime(Duration::MAX)),
        ("idle", |config| {
            config
                .permanent_lifetime(Duration::MAX)
                .browser_lifetime(Duration::MAX)
                .idle_timeout(Duration::MAX)
        }),
        ("absolute", |config| {
            config
                .permanent_lifetime(DAY * 400_000_000)
                .browser_lifetime(DAY * 400_000_000)
                .absolute_timeout(Duration::MAX)
        }),
    ];
    for (name, configure) in longest {
        let app = App::with(configure);
        let cookie = begin(&app, name != "browser").await;
        assert_eq!(app.store.record(&cookie).unwrap().expires_at(), last, "{name}");
        app.clock.advance(DAY * 365_000);
        app.request(&cookie, read).await;
        assert!(!app.peek(&cookie).await.is_new(), "{name}");
    }
}

/// A wrapper with another lifetime.
#[derive(Debug)]
struct Lifetime(Option<Duration>);

impl Hooks for Lifetime {
    fn lifetime(&self, _: &SessionView<'_>, _: Option<Duration>) -> Option<Duration> {
        self.0
    }
}

#[tokio::test]
async fn wrapper_lifetime_applies_to_record_and_cookie() {
    for (permanent, lifetime) in [(false, Some(HOUR)), (true, Some(MINUTE)), (true, None)] {
        let app = App::wrapped(
            |config| config,
            |engine| Arc::new(Hooked::new(engine, Lifetime(lifetime))),
        );
        let handler = if permanent { write_permanent } else { write_user };
        let life = lifetime.unwrap_or(DAY);
        let response = app.request("", handler).await;
        let cookie = response.cookie().unwrap();
        assert_eq!(response.expires(), lifetime.map(|life| start() + life + slack(life)));
        assert_eq!(app.store.record(&cookie).unwrap().expires_at(), start() + life + slack(life));

        app.clock.advance(life);
        app.request(&cookie, read).await;
        assert_eq!(
            app.store.record(&cookie).unwrap().expires_at(),
            app.now() + life + slack(life),
            "renewed"
        );
        let new = app.request(&cookie, Session::rotate_id).await.cookie().unwrap();
        assert_eq!(
            app.store.record(&new).unwrap().expires_at(),
            app.now() + life + slack(life),
            "rotated"
        );
    }
}

#[tokio::test]
async fn write_after_manual_renewal_keeps_renewed_expiry() {
    for keeps_version in [false, true] {
        let app = App::with(|config| config.permanent_lifetime(HOUR));
        if keeps_version {
            app.store.keep_version_when_touched();
        }
        let cookie = app.begin(|session| session.set_permanent(true)).await;
        app.clock.advance(HOUR / 2);
        let request = app.open(&cookie);
        let session = request.session().await.unwrap();
        assert_eq!(session.save().await.unwrap(), session_core::Outcome::Stored);
        session.insert("n", 1).unwrap();
        request.commit().await.into_result().unwrap();
        let expires_at = app.store.record(&cookie).unwrap().expires_at();
        assert!(expires_at >= app.now() + HOUR, "keeps version: {keeps_version}");
    }
}
