//! The number of calls of each hook, and the effects of a hook that fails.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use session_core::interface::{
    CookieAction, Hooked, Hooks, OpenContext, Opened, Save, Saved, SessionView,
};
use session_core::request::{RequestSession, RequestView};
use session_core::{
    CookieAttributes, Error, ErrorKind, OutagePolicy, Outcome, Session, SessionConfig,
    SessionInterface, async_trait,
};

use crate::support::{App, HOUR, Handler, log_out, read, write_user};

const NAME: &str = "cookie_name";
const ATTRIBUTES: &str = "cookie_attributes";
const LIFETIME: &str = "lifetime";
const SHOULD_SET: &str = "should_set_cookie";

/// Counts the calls, and panics or returns unusable attributes on request.
#[derive(Clone, Debug, Default)]
struct Probe {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    calls: BTreeMap<&'static str, usize>,
    panics_in: Option<&'static str>,
    refused_by_browsers: bool,
    always_sets: bool,
    /// The session that each hook reads, and the values that they found.
    session: Option<Session>,
    found: Vec<(&'static str, String)>,
}

impl Probe {
    fn call(&self, hook: &'static str) {
        let mut shared = self.shared.lock().unwrap();
        *shared.calls.entry(hook).or_default() += 1;
        let panics = shared.panics_in == Some(hook);
        let session = shared.session.clone();
        drop(shared);
        if let Some(user) = session.and_then(|session| session.get("user").unwrap()) {
            self.set(|shared| shared.found.push((hook, user)));
        }
        assert!(!panics, "{hook} was told to panic");
    }

    fn set(&self, change: impl FnOnce(&mut Shared)) {
        change(&mut self.shared.lock().unwrap());
    }

    /// Returns the numbers of calls of the four hooks since the last call.
    fn take(&self) -> [usize; 4] {
        let calls = std::mem::take(&mut self.shared.lock().unwrap().calls);
        [NAME, ATTRIBUTES, LIFETIME, SHOULD_SET]
            .map(|hook| calls.get(hook).copied().unwrap_or_default())
    }
}

impl Hooks for Probe {
    fn cookie_name<'a>(&'a self, _: &RequestView, inner: Cow<'a, str>) -> Cow<'a, str> {
        self.call(NAME);
        inner
    }

    fn cookie_attributes<'a>(
        &'a self,
        _: &RequestView,
        _: &SessionView<'_>,
        inner: Cow<'a, CookieAttributes>,
    ) -> Cow<'a, CookieAttributes> {
        self.call(ATTRIBUTES);
        if self.shared.lock().unwrap().refused_by_browsers {
            return Cow::Owned(CookieAttributes::builder().secure(false).build().unwrap());
        }
        inner
    }

    fn lifetime(&self, _: &SessionView<'_>, inner: Option<Duration>) -> Option<Duration> {
        self.call(LIFETIME);
        inner
    }

    fn should_set_cookie(&self, _: &SessionView<'_>, inner: bool) -> bool {
        self.call(SHOULD_SET);
        inner || self.shared.lock().unwrap().always_sets
    }
}

fn app() -> (App, Probe) {
    let probe = Probe::default();
    let hooks = probe.clone();
    let app = App::wrapped(
        |config| config.cookie_name("__Host-session"),
        |engine| Arc::new(Hooked::new(engine, hooks)),
    );
    (app, probe)
}

fn log_out_and_write(session: &Session) -> Result<(), Error> {
    log_out(session)?;
    session.flash("You are logged out")
}

#[tokio::test]
async fn each_hook_is_called_as_often_as_documented() {
    let requests: [(&str, Handler, [usize; 4]); 6] = [
        ("read", read, [1, 0, 1, 1]),
        ("write", write_user, [1, 0, 2, 1]),
        ("rotate", Session::rotate_id, [1, 1, 2, 1]),
        ("renew", |session| session.set_modified(true), [1, 1, 2, 1]),
        ("end", log_out, [1, 1, 1, 1]),
        ("end and write", log_out_and_write, [1, 2, 2, 1]),
    ];
    for (name, handler, calls) in requests {
        let (app, probe) = app();
        let cookie = app.begin(write_user).await;
        probe.take();
        app.request(&cookie, handler).await;
        assert_eq!(probe.take(), calls, "{name}");
    }
}

#[tokio::test]
async fn cookie_wanted_by_hook_is_set_after_one_call() {
    let (app, probe) = app();
    let cookie = app.begin(write_user).await;
    probe.set(|shared| shared.always_sets = true);
    probe.take();
    assert_eq!(app.request(&cookie, read).await.cookie(), Some(cookie));
    assert_eq!(probe.take(), [1, 1, 2, 1]);
}

#[tokio::test]
async fn manual_save_calls_hooks_once_more() {
    let (app, probe) = app();
    let cookie = app.begin(write_user).await;
    probe.take();
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    session.insert("a", 1).unwrap();
    session.save().await.unwrap();
    session.insert("b", 2).unwrap();
    request.commit().await.into_result().unwrap();
    assert_eq!(probe.take(), [1, 0, 3, 2]);
}

#[tokio::test]
async fn merged_values_get_their_own_lifetime() {
    let (app, probe) = app();
    let cookie = app.begin(write_user).await;
    let request = app.open(&cookie);
    write_user(&request.session().await.unwrap()).unwrap();
    app.request(&cookie, |session| session.insert("other", 1)).await;
    probe.take();
    request.commit().await.into_result().unwrap();
    assert_eq!(probe.take(), [0, 0, 2, 1]);
}

#[tokio::test]
async fn panic_in_any_hook_cannot_prevent_logout() {
    for hook in [ATTRIBUTES, LIFETIME, SHOULD_SET] {
        for handler in [log_out as Handler, Session::clear, log_out_and_write] {
            let (app, probe) = app();
            let cookie = app.begin(write_user).await;
            let request = app.open(&cookie);
            let session = request.session().await.unwrap();
            probe.set(|shared| shared.panics_in = Some(hook));
            let whole = async move { handler(&session).map(|()| request.commit()).unwrap().await };
            let committed = tokio::spawn(whole).await;
            assert!(committed.is_err() || hook != ATTRIBUTES, "{hook} did not panic");
            assert!(app.store.record(&cookie).is_none(), "{hook}: the session is still stored");
        }
    }
}

#[tokio::test]
async fn panic_in_hook_leaves_session_and_store_usable() {
    for hook in [NAME, ATTRIBUTES, LIFETIME, SHOULD_SET] {
        let (app, probe) = app();
        let cookie = app.begin(|session| session.insert("n", 1)).await;
        probe.set(|shared| shared.panics_in = Some(hook));
        let opened = catch_unwind(AssertUnwindSafe(|| app.open(&cookie)));
        assert_eq!(opened.is_err(), hook == NAME);
        if let Ok(request) = opened {
            let panicked = tokio::spawn(async move {
                let session = request.session().await?;
                session.insert("n", 2)?;
                session.rotate_id()?;
                request.commit().await.into_result()
            });
            assert!(panicked.await.unwrap_err().is_panic(), "{hook}");
        }
        probe.set(|shared| shared.panics_in = None);
        assert_eq!(app.payload(&cookie).await, r#"{"n":1}"#, "{hook}");
        app.request(&cookie, |session| session.insert("n", 3)).await;
        assert_eq!(app.payload(&cookie).await, r#"{"n":3}"#, "{hook}");
    }
}

/// A hook that is called under the lock of the session would wait for itself.
#[tokio::test]
async fn hook_can_read_session_it_is_called_for() {
    let (app, probe) = app();
    let cookie = app.begin(write_user).await;
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    session.insert("user", "eve").unwrap();
    session.rotate_id().unwrap();
    probe.set(|shared| shared.session = Some(session));
    request.commit().await.into_result().unwrap();
    let found = std::mem::take(&mut probe.shared.lock().unwrap().found);
    for hook in [ATTRIBUTES, LIFETIME, SHOULD_SET] {
        assert!(found.contains(&(hook, "eve".to_owned())), "{hook}: {found:?}");
    }
}

#[tokio::test]
async fn attributes_browsers_refuse_store_nothing_but_end_session() {
    let (app, probe) = app();
    let cookie = app.begin(|session| session.insert("n", 1)).await;
    probe.set(|shared| shared.refused_by_browsers = true);

    let change = |session: &Session| session.insert("n", 2).and_then(|()| session.rotate_id());
    let error = app.respond(&cookie, change).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(app.payload(&cookie).await, r#"{"n":1}"#);

    let error = app.respond(&cookie, log_out).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(app.store.record(&cookie).is_none());
}

/// A wrapper that overrides only the lifetime.
#[derive(Debug)]
struct AnHour;

impl Hooks for AnHour {
    fn lifetime(&self, _: &SessionView<'_>, _: Option<Duration>) -> Option<Duration> {
        Some(HOUR)
    }
}

#[tokio::test]
async fn wrapper_of_one_hook_keeps_sessions_alive_while_used() {
    let app = App::wrapped(|config| config, |engine| Arc::new(Hooked::new(engine, AnHour)));
    let cookie = app.begin(write_user).await;
    for _ in 0..10 {
        app.clock.advance(HOUR);
        let response = app.request(&cookie, read).await;
        assert!(response.cookie().is_some(), "the renewal sets the cookie");
    }
    assert_eq!(app.payload(&cookie).await, r#"{"user":"ada"}"#);
    app.clock.advance(HOUR * 2);
    assert!(app.peek(&cookie).await.is_new());
}

/// A backend that does not renew sessions, and counts the sessions that ended.
#[derive(Clone, Debug, Default)]
struct Plain {
    config: SessionConfig,
    ended: Arc<Mutex<usize>>,
}

#[async_trait]
impl SessionInterface for Plain {
    fn config(&self) -> &SessionConfig {
        &self.config
    }

    async fn open(&self, _: &OpenContext<'_>) -> Result<Opened, Error> {
        Opened::from_payload(r#"{"_permanent":true}"#)
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        *self.ended.lock().unwrap() += usize::from(save.ends());
        let contents = save.contents();
        let cookie = if contents.is_empty() {
            CookieAction::Remove
        } else {
            CookieAction::Set { value: "x".into(), expires: contents.expires_at() }
        };
        Ok(Saved::new(cookie, Outcome::Stored))
    }
}

#[tokio::test]
async fn session_without_renewal_follows_flask_and_ends_before_hooks() {
    let (plain, probe) = (Plain::default(), Probe::default());
    let interface: Arc<dyn SessionInterface> = Arc::new(Hooked::new(plain.clone(), probe.clone()));
    let open = || {
        let view = RequestView::builder().cookie_header(b"session=x").build();
        RequestSession::with_shared(Arc::clone(&interface), view, OutagePolicy::Refuse)
    };

    let request = open();
    read(&request.session().await.unwrap()).unwrap();
    assert!(
        request.commit().await.headers.set_cookie().is_some(),
        "a permanent session is renewed"
    );
    assert_eq!(probe.take(), [1, 1, 1, 1]);

    let request = open();
    let session = request.session().await.unwrap();
    probe.set(|shared| shared.panics_in = Some(LIFETIME));
    let ended = tokio::spawn(async move { session.log_out().await }).await;
    assert!(ended.is_err(), "the backend computes the lifetime of what is left");
    assert_eq!(*plain.ended.lock().unwrap(), 1);
}
