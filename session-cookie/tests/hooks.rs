//! Wrappers that override one hook, cookies near and above the size limit, and the rotation of keys.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use session_cookie::{Compression, SecretKey, SessionConfig, SignedCookieSessions};
use session_core::{
    CookieAction, CookieAttributes, Error, ErrorKind, ManualClock, OpenContext, Oversize, RequestSession, RequestView,
    SameSite, SaveContext, Session, SessionConfigBuilder, SessionInterface, async_trait,
};

use support::{at, parts, request};

const NOW: u64 = 1_700_000_000;

/// Signed cookies with one hook overridden.
#[derive(Clone, Debug)]
struct Overriding {
    inner: SignedCookieSessions,
    hook: Hook,
}

#[derive(Clone, Debug)]
enum Hook {
    Lifetime(Duration),
    NameByHost,
    Attributes(CookieAttributes),
    NeverSet,
}

#[async_trait]
impl SessionInterface for Overriding {
    fn config(&self) -> &SessionConfig {
        self.inner.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
        self.inner.open(context).await
    }

    async fn save(&self, session: &Session, context: &SaveContext<'_>) -> Result<CookieAction, Error> {
        self.inner.save(session, context).await
    }

    fn cookie_name(&self, request: &RequestView) -> Cow<'_, str> {
        match (&self.hook, request.host()) {
            (Hook::NameByHost, Some(host)) => Cow::Owned(host.replace('.', "-")),
            _ => self.inner.cookie_name(request),
        }
    }

    fn cookie_attributes(&self, request: &RequestView, session: &Session) -> Cow<'_, CookieAttributes> {
        match &self.hook {
            Hook::Attributes(attributes) => Cow::Borrowed(attributes),
            _ => self.inner.cookie_attributes(request, session),
        }
    }

    fn lifetime(&self, session: &Session) -> Option<Duration> {
        match &self.hook {
            Hook::Lifetime(lifetime) => Some(*lifetime),
            _ => self.inner.lifetime(session),
        }
    }

    fn should_set_cookie(&self, session: &Session) -> bool {
        !matches!(self.hook, Hook::NeverSet) && self.inner.should_set_cookie(session)
    }
}

#[tokio::test]
async fn an_overridden_lifetime_counts_at_save_and_at_open() {
    for (configured, overridden, expires) in
        [(86_400, 60, "Expires=Tue, 14 Nov 2023 22:14:20 GMT"), (60, 3600, "Expires=Tue, 14 Nov 2023 23:13:20 GMT")]
    {
        let clock = ManualClock::at(at(NOW));
        let config = SessionConfig::builder().permanent_lifetime(Duration::from_secs(configured)).clock(clock.clone());
        let sessions = overriding(config, Hook::Lifetime(Duration::from_secs(overridden)));

        let set_cookie = response_to(&request(sessions.clone(), None), |session| session.insert("a", 1)).await.unwrap();
        let (name, value, attributes) = parts(&set_cookie);
        assert!(attributes.contains(expires), "{set_cookie}");

        let cookie = format!("{name}={value}");
        for (age, is_new) in [(overridden, false), (overridden + 1, true)] {
            clock.set(at(NOW + age));
            let request = request(sessions.clone(), Some(&cookie));
            assert_eq!(request.session().await.unwrap().is_new(), is_new, "{overridden} s at the age of {age} s");
        }
    }
}

#[tokio::test]
async fn a_name_that_depends_on_the_host_is_read_set_and_removed() {
    let sessions = overriding(SessionConfig::builder(), Hook::NameByHost);
    let shop = |cookies: &str| {
        let view = RequestView::builder().host("shop.example").cookie_header(cookies.as_bytes()).build();
        RequestSession::new(sessions.clone(), view)
    };

    let set = response_to(&shop(""), |session| session.insert("place", "shop")).await.unwrap();
    let elsewhere = response_to(&request(sessions.clone(), None), |session| session.insert("place", "else")).await;
    let (elsewhere, (name, value, _)) = (elsewhere.unwrap(), parts(&set));
    assert_eq!((name, parts(&elsewhere).0), ("shop-example", "session"));

    let both = shop(&format!("session={}; {name}={value}", parts(&elsewhere).1));
    assert_eq!(both.session().await.unwrap().get::<String>("place").unwrap().unwrap(), "shop");
    let removal = response_to(&both, Session::clear).await.unwrap();
    assert_eq!((parts(&removal).0, parts(&removal).1), ("shop-example", ""));
}

#[tokio::test]
async fn overridden_attributes_are_on_the_cookie_and_on_its_removal() {
    let attributes = CookieAttributes::builder().domain("example.com").path("/shop").same_site(SameSite::Strict);
    let hook = Hook::Attributes(attributes.http_only(false).partitioned(true).build().unwrap());
    let sessions = overriding(SessionConfig::builder(), hook);
    let expected = ["Domain=example.com", "Path=/shop", "SameSite=Strict", "Secure", "Partitioned"];

    let set = response_to(&request(sessions.clone(), None), |session| session.insert("a", 1)).await.unwrap();
    let (name, value, attributes) = parts(&set);
    assert_eq!(attributes, BTreeSet::from(expected));

    let cookie = format!("{name}={value}");
    let removal = response_to(&request(sessions, Some(&cookie)), Session::clear).await.unwrap();
    let mut with_end = BTreeSet::from(expected);
    with_end.extend(["Expires=Thu, 01 Jan 1970 00:00:00 GMT", "Max-Age=0"]);
    assert_eq!(parts(&removal).2, with_end);
}

#[tokio::test]
async fn should_set_cookie_holds_back_a_cookie_but_no_removal() {
    let sessions = overriding(SessionConfig::builder(), Hook::NeverSet);
    let changed = request(sessions.clone(), None);
    changed.session().await.unwrap().insert("a", 1).unwrap();
    let headers = changed.commit().await.unwrap();
    assert_eq!((headers.set_cookie(), headers.vary()), (None, true));

    let removal = response_to(&request(sessions, None), Session::clear).await.unwrap();
    assert_eq!(parts(&removal).1, "");
}

#[tokio::test]
async fn a_cookie_above_the_limit_is_sent_with_a_warning_that_gives_the_figures() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let header = save(SessionConfig::builder(), Compression::Never, 4000).await.unwrap();
    let (size, value) = (header.len(), parts(&header).1.len());
    assert!(size > 4093);
    let warning = |limit| format!("value={value} attributes={} size={size} limit={limit}", size - value);
    let logged = log.take();
    assert!(logged.contains("WARN") && logged.contains(&warning(4093)), "{logged}");

    for (limit, warned) in [(size - 1, true), (size, false), (0, false)] {
        let builder = SessionConfig::builder().max_cookie_size(limit);
        assert_eq!(save(builder, Compression::Never, 4000).await.unwrap(), header);
        let logged = log.take();
        assert_eq!(logged.contains(&warning(limit)), warned, "{limit}: {logged}");
        assert_eq!(logged.is_empty(), !warned, "{limit}: {logged}");
    }
}

#[tokio::test]
async fn a_cookie_above_the_limit_can_be_refused() {
    let header = save(SessionConfig::builder(), Compression::Never, 1000).await.unwrap();
    let (size, value) = (header.len(), parts(&header).1.len());
    let strict = |limit| SessionConfig::builder().oversize(Oversize::Refuse).max_cookie_size(limit);
    assert_eq!(save(strict(size), Compression::Never, 1000).await.unwrap(), header);
    assert_eq!(save(strict(0), Compression::Never, 1000).await.unwrap(), header);

    let refused = save(strict(size - 1), Compression::Never, 1000).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge);
    for figure in [size, value, size - value, size - 1] {
        assert!(refused.to_string().contains(&figure.to_string()), "{refused}");
    }
}

#[tokio::test]
async fn compression_begins_above_three_quarters_of_the_room() {
    let attributes = "session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; HttpOnly; Path=/; SameSite=Lax";
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
            let sessions = signed(SessionConfig::builder().clock(ManualClock::at(at(NOW))), Compression::NearLimit);
            let request = request(sessions, Some(&format!("session={value}")));
            assert_eq!(request.session().await.unwrap().get::<String>("a").unwrap().unwrap(), "x".repeat(length));
        } else {
            below += 1;
            assert_eq!(value.len(), plain, "{plain} of {threshold}");
        }
    }
    assert!(below > 50 && above > 50, "{below} below, {above} above");
}

#[tokio::test]
async fn a_retired_key_is_read_and_the_next_cookie_is_signed_by_the_new_one_alone() {
    let retired = SecretKey::new("retired-0123456789-0123456789-0123456789").unwrap();
    let current = SecretKey::new("current-0123456789-0123456789-0123456789").unwrap();
    let rotated = with_key(&current.clone().with_fallback(&retired));
    let (only_retired, only_current) = (with_key(&retired), with_key(&current));
    let visits = async |sessions: &SignedCookieSessions, cookie: &str| {
        let request = request(sessions.clone(), Some(cookie));
        request.session().await.unwrap().get::<u64>("visits").unwrap()
    };

    let set = response_to(&request(only_retired.clone(), None), |session| session.insert("visits", 1)).await.unwrap();
    let old = format!("session={}", parts(&set).1);
    assert_eq!((visits(&rotated, &old).await, visits(&only_current, &old).await), (Some(1), None));

    let set = response_to(&request(rotated, Some(&old)), |session| session.insert("visits", 2)).await.unwrap();
    let new = format!("session={}", parts(&set).1);
    assert_eq!((visits(&only_current, &new).await, visits(&only_retired, &new).await), (Some(2), None));
}

/// The `Set-Cookie` of a request whose handler makes one change.
async fn response_to(
    request: &RequestSession,
    change: impl FnOnce(&Session) -> Result<(), Error>,
) -> Result<String, Error> {
    change(&request.session().await?)?;
    Ok(request.commit().await?.set_cookie().unwrap().to_owned())
}

/// The `Set-Cookie` that stores a text of this length.
async fn save(builder: SessionConfigBuilder, compression: Compression, length: usize) -> Result<String, Error> {
    let sessions = signed(builder.clock(ManualClock::at(at(NOW))), compression);
    response_to(&request(sessions, None), |session| session.insert("a", "x".repeat(length))).await
}

fn signed(builder: SessionConfigBuilder, compression: Compression) -> SignedCookieSessions {
    let key = SecretKey::new("a-secret-of-32-bytes-or-more-0123456789").unwrap();
    SignedCookieSessions::builder(builder.build().unwrap(), &key).compression(compression).build().unwrap()
}

fn overriding(builder: SessionConfigBuilder, hook: Hook) -> Overriding {
    Overriding { inner: signed(builder, Compression::default()), hook }
}

fn with_key(key: &SecretKey) -> SignedCookieSessions {
    let config = SessionConfig::builder().clock(ManualClock::at(at(NOW))).build().unwrap();
    SignedCookieSessions::new(config, key).unwrap()
}

/// Collects what is logged.
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
fn timeouts_that_a_cookie_cannot_keep_are_refused() {
    let key = SecretKey::generate().unwrap();
    let hour = Duration::from_hours(1);
    for config in [SessionConfig::builder().idle_timeout(hour), SessionConfig::builder().absolute_timeout(hour)] {
        let error = SignedCookieSessions::new(config.build().unwrap(), &key).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains("timeouts need a sealed cookie or a server-side backend"), "{error}");
    }
}
