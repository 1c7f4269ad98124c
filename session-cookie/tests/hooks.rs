//! Changed hooks, cookies near and above the size limit, and the rotation of keys.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use session_cookie::{
    Compression, SealedCookieSessions, SecretKey, SessionConfig, SignedCookieSessions,
};
use session_core::interface::{Hooked, Hooks, SessionView};
use session_core::request::{RequestSession, RequestView};
use session_core::{
    CookieAttributes, Error, ErrorKind, ManualClock, Outcome, OversizePolicy, Refresh, SameSite,
    Session, SessionConfigBuilder, SessionInterface,
};

use support::{at, parts, request};

const NOW: u64 = 1_700_000_000;

/// One changed hook.
#[derive(Clone, Debug)]
enum Hook {
    Lifetime(Duration),
    NameByHost,
    Attributes(CookieAttributes),
    NeverSet,
}

impl Hooks for Hook {
    fn cookie_name<'a>(&'a self, request: &RequestView, inner: Cow<'a, str>) -> Cow<'a, str> {
        match (self, request.host()) {
            (Self::NameByHost, Some(host)) => Cow::Owned(host.replace('.', "-")),
            _ => inner,
        }
    }

    fn cookie_attributes<'a>(
        &'a self,
        _: &RequestView,
        _: &SessionView<'_>,
        inner: Cow<'a, CookieAttributes>,
    ) -> Cow<'a, CookieAttributes> {
        match self {
            Self::Attributes(attributes) => Cow::Borrowed(attributes),
            _ => inner,
        }
    }

    fn lifetime(&self, _: &SessionView<'_>, inner: Option<Duration>) -> Option<Duration> {
        match self {
            Self::Lifetime(lifetime) => Some(*lifetime),
            _ => inner,
        }
    }

    fn should_set_cookie(&self, _: &SessionView<'_>, inner: bool) -> bool {
        !matches!(self, Self::NeverSet) && inner
    }
}

/// Records the calls of the hooks.
#[derive(Clone, Debug, Default)]
struct Recording(Arc<Mutex<Vec<&'static str>>>);

impl Recording {
    fn record(&self, hook: &'static str) {
        self.0.lock().unwrap().push(hook);
    }

    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Hooks for Recording {
    fn cookie_attributes<'a>(
        &'a self,
        _: &RequestView,
        _: &SessionView<'_>,
        inner: Cow<'a, CookieAttributes>,
    ) -> Cow<'a, CookieAttributes> {
        self.record("cookie_attributes");
        inner
    }

    fn lifetime(&self, _: &SessionView<'_>, inner: Option<Duration>) -> Option<Duration> {
        self.record("lifetime");
        inner
    }

    fn should_set_cookie(&self, _: &SessionView<'_>, inner: bool) -> bool {
        self.record("should_set_cookie");
        inner
    }
}

#[tokio::test]
async fn hooks_are_called_only_as_needed() {
    for compression in [Compression::NearLimit, Compression::Never] {
        let config = || SessionConfig::builder().build().unwrap();
        let sealed = SealedCookieSessions::builder(config(), &SecretKey::generate().unwrap());
        let interfaces: [Arc<dyn SessionInterface>; 2] = [
            Arc::new(signed(SessionConfig::builder(), compression)),
            Arc::new(sealed.compression(compression).build().unwrap()),
        ];
        for inner in interfaces {
            let calls = Recording::default();
            let sessions = Arc::new(Hooked::new(inner, calls.clone()));

            let first = request(Arc::clone(&sessions), None);
            let set = response_to(&first, |session| session.insert("a", 1)).await.unwrap();
            let cookie = set.split(';').next().unwrap();
            let mut called = calls.take();
            called.sort_unstable();
            let written = ["cookie_attributes", "lifetime", "should_set_cookie"];
            assert_eq!(called, written, "a write");

            let read = request(Arc::clone(&sessions), Some(cookie));
            assert!(read.session().await.unwrap().contains_key("a"));
            assert_eq!(calls.take(), ["lifetime"], "opening");
            assert_eq!(read.commit().await.into_result().unwrap().set_cookie(), None);
            assert_eq!(calls.take(), ["should_set_cookie"], "a read");

            let cleared = request(Arc::clone(&sessions), Some(cookie));
            cleared.session().await.unwrap();
            calls.take();
            response_to(&cleared, Session::clear).await.unwrap();
            assert_eq!(calls.take(), ["cookie_attributes"], "an end");
        }
    }
}

#[tokio::test]
async fn lifetime_hook_applies_at_save_and_open() {
    for (configured, overridden, expires) in [
        (86_400, 60, "Expires=Tue, 14 Nov 2023 22:14:20 GMT"),
        (60, 3600, "Expires=Tue, 14 Nov 2023 23:13:20 GMT"),
    ] {
        let clock = ManualClock::at(at(NOW));
        let config = SessionConfig::builder()
            .permanent_lifetime(Duration::from_secs(configured))
            .clock(clock.clone());
        let sessions = hooked(config, Hook::Lifetime(Duration::from_secs(overridden)));

        let set_cookie =
            response_to(&request(sessions.clone(), None), |session| session.insert("a", 1))
                .await
                .unwrap();
        let (name, value, attributes) = parts(&set_cookie);
        assert!(attributes.contains(expires), "{set_cookie}");

        let cookie = format!("{name}={value}");
        for (age, is_new) in [(overridden, false), (overridden + 1, true)] {
            clock.set(at(NOW + age));
            let request = request(sessions.clone(), Some(&cookie));
            assert_eq!(
                request.session().await.unwrap().is_new(),
                is_new,
                "{overridden} s at the age of {age} s"
            );
        }
    }
}

#[tokio::test]
async fn cookie_name_by_host_is_read_set_and_removed() {
    let sessions = hooked(SessionConfig::builder(), Hook::NameByHost);
    let shop = |cookies: &str| {
        let view =
            RequestView::builder().host("shop.example").cookie_header(cookies.as_bytes()).build();
        RequestSession::new(sessions.clone(), view)
    };

    let set = response_to(&shop(""), |session| session.insert("place", "shop")).await.unwrap();
    let elsewhere =
        response_to(&request(sessions.clone(), None), |session| session.insert("place", "else"))
            .await;
    let (elsewhere, (name, value, _)) = (elsewhere.unwrap(), parts(&set));
    assert_eq!((name, parts(&elsewhere).0), ("shop-example", "session"));

    let both = shop(&format!("session={}; {name}={value}", parts(&elsewhere).1));
    assert_eq!(both.session().await.unwrap().get::<String>("place").unwrap().unwrap(), "shop");
    let removal = response_to(&both, Session::clear).await.unwrap();
    assert_eq!((parts(&removal).0, parts(&removal).1), ("shop-example", ""));
}

#[tokio::test]
async fn attributes_hook_applies_to_cookie_and_removal() {
    let attributes =
        CookieAttributes::builder().domain("example.com").path("/shop").same_site(SameSite::Strict);
    let hook = Hook::Attributes(attributes.http_only(false).partitioned(true).build().unwrap());
    let sessions = hooked(SessionConfig::builder(), hook);
    let expected = ["Domain=example.com", "Path=/shop", "SameSite=Strict", "Secure", "Partitioned"];

    let set = response_to(&request(sessions.clone(), None), |session| session.insert("a", 1))
        .await
        .unwrap();
    let (name, value, attributes) = parts(&set);
    assert_eq!(attributes, BTreeSet::from(expected));

    let cookie = format!("{name}={value}");
    let removal = response_to(&request(sessions, Some(&cookie)), Session::clear).await.unwrap();
    let mut with_end = BTreeSet::from(expected);
    with_end.extend(["Expires=Thu, 01 Jan 1970 00:00:00 GMT", "Max-Age=0"]);
    assert_eq!(parts(&removal).2, with_end);
}

#[tokio::test]
async fn should_set_cookie_hook_prevents_cookie_but_not_removal() {
    let sessions = hooked(SessionConfig::builder(), Hook::NeverSet);
    let changed = request(sessions.clone(), None);
    changed.session().await.unwrap().insert("a", 1).unwrap();
    let headers = changed.commit().await.into_result().unwrap();
    assert_eq!((headers.set_cookie(), headers.vary()), (None, true));

    let removal = response_to(&request(sessions, None), Session::clear).await.unwrap();
    assert_eq!(parts(&removal).1, "");
}

#[tokio::test]
async fn oversize_cookie_is_sent_with_warning_that_has_sizes() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let lenient = || SessionConfig::builder().oversize(OversizePolicy::Warn);
    let header = save(lenient(), Compression::Never, 4000).await.unwrap();
    let (size, value) = (header.len(), parts(&header).1.len());
    assert!(size > 4093);
    let warning =
        |limit| format!("value={value} attributes={} size={size} limit={limit}", size - value);
    let logged = log.take();
    assert!(logged.contains("WARN") && logged.contains(&warning(4093)), "{logged}");

    for (limit, warned) in [(size - 1, true), (size, false), (0, false)] {
        let builder = lenient().max_cookie_size(limit);
        assert_eq!(save(builder, Compression::Never, 4000).await.unwrap(), header);
        let logged = log.take();
        assert_eq!(logged.contains(&warning(limit)), warned, "{limit}: {logged}");
        assert_eq!(logged.is_empty(), !warned, "{limit}: {logged}");
    }
}

#[tokio::test]
async fn oversize_cookie_is_refused_by_default() {
    let header = save(SessionConfig::builder(), Compression::Never, 1000).await.unwrap();
    let (size, value) = (header.len(), parts(&header).1.len());
    let strict = |limit| SessionConfig::builder().max_cookie_size(limit);
    assert_eq!(save(strict(size), Compression::Never, 1000).await.unwrap(), header);
    assert_eq!(save(strict(0), Compression::Never, 1000).await.unwrap(), header);

    let refused = save(strict(size - 1), Compression::Never, 1000).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge);
    for figure in [size, value, size - value, size - 1] {
        assert!(refused.to_string().contains(&figure.to_string()), "{refused}");
    }
}

#[tokio::test]
async fn read_of_session_that_outgrew_limit_succeeds_without_cookie() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let large = signed(SessionConfig::builder().max_cookie_size(0), Compression::Never);
    let fill = |session: &Session| {
        session.set_permanent(true)?;
        session.insert("a", "x".repeat(4000))
    };
    let set_cookie = response_to(&request(large, None), fill).await.unwrap();
    let (name, value, _) = parts(&set_cookie);
    let cookie = format!("{name}={value}");
    for refresh in [Refresh::EachRequest, Refresh::WhenAccessed] {
        let clock = ManualClock::at(SystemTime::now() + Duration::from_secs(3600));
        let sessions =
            signed(SessionConfig::builder().refresh(refresh).clock(clock), Compression::Never);
        log.take();
        let read = request(sessions.clone(), Some(&cookie));
        let session = read.session().await.unwrap();
        assert_eq!(session.get::<String>("a").unwrap().unwrap().len(), 4000);
        let headers = read.commit().await.into_result().unwrap();
        assert_eq!((headers.set_cookie(), headers.vary()), (None, true), "{refresh:?}");
        assert_eq!(session.outcome(), Some(Outcome::Unchanged), "{refresh:?}");
        let logged = log.take();
        assert!(logged.contains("WARN") && logged.contains("could not be renewed"), "{logged}");
        assert!(logged.contains("exceeds the limit of 4093 bytes"), "{logged}");

        let write = request(sessions, Some(&cookie));
        let refused = response_to(&write, |session| session.insert("b", 1)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TooLarge, "{refresh:?}");
    }
}

#[tokio::test]
async fn compression_starts_above_three_quarters_of_limit() {
    let attributes = "session=; Expires=Fri, 31 Dec 9999 23:59:59 GMT; Max-Age=253402300799; \
                      Secure; HttpOnly; Path=/; SameSite=Lax";
    let threshold = (4093 - attributes.len()) * 3 / 4;
    let (mut below, mut above) = (0, 0);
    for length in (1000..3000).step_by(10) {
        let header = save(SessionConfig::builder(), Compression::Never, length).await.unwrap();
        let plain = parts(&header).1.len();
        let header = save(SessionConfig::builder(), Compression::NearLimit, length).await.unwrap();
        let value = parts(&header).1;
        if plain > threshold {
            above += 1;
            assert!(value.starts_with('.') && value.len() < plain, "{plain} of {threshold}");
            let sessions = signed(
                SessionConfig::builder().clock(ManualClock::at(at(NOW))),
                Compression::NearLimit,
            );
            let request = request(sessions, Some(&format!("session={value}")));
            assert_eq!(
                request.session().await.unwrap().get::<String>("a").unwrap().unwrap(),
                "x".repeat(length)
            );
        } else {
            below += 1;
            assert_eq!(value.len(), plain, "{plain} of {threshold}");
        }
    }
    assert!(below > 50 && above > 50, "{below} below, {above} above");
}

#[tokio::test]
async fn retired_key_verifies_and_current_key_signs() {
    let retired = SecretKey::new("retired-0123456789-0123456789-0123456789").unwrap();
    let current = SecretKey::new("current-0123456789-0123456789-0123456789").unwrap();
    let rotated = with_key(&current.clone().with_fallback(&retired));
    let (only_retired, only_current) = (with_key(&retired), with_key(&current));
    let visits = async |sessions: &SignedCookieSessions, cookie: &str| {
        let request = request(sessions.clone(), Some(cookie));
        request.session().await.unwrap().get::<u64>("visits").unwrap()
    };

    let set =
        response_to(&request(only_retired.clone(), None), |session| session.insert("visits", 1))
            .await
            .unwrap();
    let old = format!("session={}", parts(&set).1);
    assert_eq!((visits(&rotated, &old).await, visits(&only_current, &old).await), (Some(1), None));

    let set = response_to(&request(rotated, Some(&old)), |session| session.insert("visits", 2))
        .await
        .unwrap();
    let new = format!("session={}", parts(&set).1);
    assert_eq!(
        (visits(&only_current, &new).await, visits(&only_retired, &new).await),
        (Some(2), None)
    );
}

/// Returns the `Set-Cookie` of a request whose handler makes one change.
async fn response_to(
    request: &RequestSession,
    change: impl FnOnce(&Session) -> Result<(), Error>,
) -> Result<String, Error> {
    change(&request.session().await?)?;
    Ok(request.commit().await.into_result()?.set_cookie().unwrap().to_owned())
}

/// Returns the `Set-Cookie` that stores a text of this length.
async fn save(
    builder: SessionConfigBuilder,
    compression: Compression,
    length: usize,
) -> Result<String, Error> {
    let sessions = signed(builder.clock(ManualClock::at(at(NOW))), compression);
    response_to(&request(sessions, None), |session| session.insert("a", "x".repeat(length))).await
}

fn signed(builder: SessionConfigBuilder, compression: Compression) -> SignedCookieSessions {
    let key = SecretKey::new("a-test-secret-7Qd0pXw4ZrLk9Vm2Bn8Ys5Tc1").unwrap();
    SignedCookieSessions::builder(builder.build().unwrap(), &key)
        .compression(compression)
        .build()
        .unwrap()
}

fn hooked(builder: SessionConfigBuilder, hook: Hook) -> Hooked<SignedCookieSessions, Hook> {
    Hooked::new(signed(builder, Compression::default()), hook)
}

fn with_key(key: &SecretKey) -> SignedCookieSessions {
    let config = SessionConfig::builder().clock(ManualClock::at(at(NOW))).build().unwrap();
    SignedCookieSessions::new(config, key).unwrap()
}

/// Collects log events.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn signed_cookie_refuses_timeouts() {
    let key = SecretKey::generate().unwrap();
    let hour = Duration::from_secs(3600);
    for config in [
        SessionConfig::builder().idle_timeout(hour),
        SessionConfig::builder().absolute_timeout(hour),
    ] {
        let error = SignedCookieSessions::new(config.build().unwrap(), &key).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(
            error.to_string().contains("timeouts need a sealed cookie or a server-side backend"),
            "{error}"
        );
    }
}
