//! A maximum number of sessions per owner.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;

use session_core::request::{RequestSession, RequestView};
use session_core::store::{
    NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Version,
};
use session_core::{
    Error, ErrorKind, OwnerSessions, ServerSideSessions, SessionConfig, async_trait, login,
};

use crate::owners::is_live;
use crate::store::{Call, TestStore};
use crate::support::{App, DAY, MINUTE, SECOND, at_once, log_in, log_in_as, start, write_user};

fn app(limit: usize) -> App {
    App::with(|config| config.max_sessions(limit))
}

#[tokio::test]
async fn login_beyond_limit_ends_oldest_sessions() {
    let app = app(2);
    let visitor = app.begin(write_user).await;
    let eve = app.begin(|session| log_in_as(session, "eve")).await;
    let mut cookies = Vec::new();
    for _ in 0..4 {
        app.clock.advance(MINUTE);
        cookies.push(app.begin(log_in).await);
    }
    for (cookie, expected) in cookies.iter().zip([false, false, true, true]) {
        assert_eq!(is_live(&app, cookie).await, expected);
    }
    assert!(is_live(&app, &visitor).await && is_live(&app, &eve).await);
    assert_eq!(app.owners.page("ada", None, 100).await.unwrap().sessions.len(), 2);

    // A second login in the same browser replaces its session and ends no other session.
    app.clock.advance(MINUTE);
    let again = app.request(&cookies[2], log_in).await.cookie().unwrap();
    assert!(is_live(&app, &again).await && is_live(&app, &cookies[3]).await);
}

#[tokio::test]
async fn expired_sessions_do_not_count() {
    let app = app(1);
    app.begin(log_in).await;
    app.clock.advance(2 * DAY);
    let cookie = app.begin(log_in).await;
    assert!(is_live(&app, &cookie).await);
    assert_eq!(app.store.records().len(), 2, "an expired session needs no call");
}

#[tokio::test]
async fn login_on_slow_clock_is_later_than_all_others() {
    let app = app(1);
    let fast = app.begin(log_in).await;
    app.clock.set(start() - MINUTE);
    let session = app.peek("").await;
    log_in(&session).unwrap();
    assert!(session.authenticated_at().unwrap() > start());
    assert!(!is_live(&app, &fast).await);
    let listed = app.owners.page("ada", None, 100).await.unwrap().sessions;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].authenticated_at(), session.authenticated_at());
}

#[tokio::test]
async fn login_fails_if_oldest_session_cannot_be_ended() {
    let app = app(1);
    let oldest = app.begin(log_in).await;
    app.store.fail(Call::Remove, ErrorKind::Unavailable);
    app.clock.advance(SECOND);
    let session = app.peek("").await;
    assert_eq!(log_in(&session).unwrap_err().kind(), ErrorKind::Unavailable);
    app.store.recover();
    app.clock.advance(SECOND);
    let last = app.begin(log_in).await;
    assert!(is_live(&app, &last).await && !is_live(&app, &oldest).await);
    assert_eq!(
        app.owners.page("ada", None, 100).await.unwrap().sessions.len(),
        1,
        "the next login ends all"
    );
}

#[tokio::test]
async fn new_stamp_ends_no_session() {
    let app = app(2);
    let (one, other) = (app.begin(log_in).await, app.begin(log_in).await);
    let replace = |session: &session_core::Session| at_once(login::replace_stamp(session, "2"));
    let one = app.request(&one, replace).await.cookie().unwrap();
    assert!(is_live(&app, &one).await && is_live(&app, &other).await);
}

/// A store of several processes. Each call waits once, and the test decides which call continues.
#[derive(Clone, Debug)]
pub struct Taking(pub TestStore);

impl Taking {
    async fn wait(&self) -> &TestStore {
        let mut is_first = true;
        poll_fn(|_| if std::mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) })
            .await;
        &self.0
    }
}

#[async_trait]
impl SessionStore for Taking {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.wait().await.load(key).await
    }

    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        self.wait().await.load_many(keys).await
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.wait().await.create(key, record).await
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        self.wait().await.replace(key, expected, record).await
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        self.wait().await.touch(key, expected, expires_at).await
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.wait().await.remove(key, expected).await
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

#[async_trait]
impl OwnerIndex for Taking {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        self.wait().await.keys_of(owner).await
    }
}

/// Logs in with a separate engine, as another process.
async fn log_in_elsewhere(store: TestStore, config: SessionConfig) -> Result<String, Error> {
    let sessions = Arc::new(ServerSideSessions::new(Taking(store), config));
    let owners = Arc::clone(&sessions);
    let session = RequestSession::new(sessions, RequestView::default()).session().await?;
    session.log_in("ada", None).await?;
    Ok(owners.handle_of(&session).unwrap_or_default())
}

/// Runs two requests. The bits of `order` decide which one makes the next store call.
pub fn in_order<T>(
    order: u32,
    one: impl Future<Output = T>,
    other: impl Future<Output = T>,
) -> [T; 2] {
    let (one, other) = (pin!(one), pin!(other));
    let mut requests: [Pin<&mut dyn Future<Output = T>>; 2] = [one, other];
    let mut results = [None, None];
    for step in 0.. {
        let wanted = usize::from(order >> (step % 32) & 1 == 1);
        let next = if results[wanted].is_none() { wanted } else { 1 - wanted };
        let context = &mut Context::from_waker(Waker::noop());
        if let Poll::Ready(result) = requests[next].as_mut().poll(context) {
            results[next] = Some(result);
        }
        if results.iter().all(Option::is_some) {
            break;
        }
    }
    results.map(Option::unwrap)
}

#[tokio::test]
async fn concurrent_logins_agree_on_last_in_every_order() {
    let (mut refused, mut both) = (0, 0);
    for order in 0..1 << 12 {
        let app = app(1);
        let config = SessionConfig::builder().clock(app.clock.clone()).max_sessions(1);
        let config = config.build().unwrap();
        let login = || log_in_elsewhere(app.store.clone(), config.clone());
        let results = in_order(order, login(), login());
        let left = app.owners.page("ada", None, 100).await.unwrap().sessions;
        let left: Vec<_> = left.iter().map(|session| session.handle().to_owned()).collect();
        assert_eq!(left.len(), 1, "order {order:b}: {results:?}");
        assert!(results.iter().flatten().any(|handle| *handle == left[0]), "order {order:b}");
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            assert_eq!(error.kind(), ErrorKind::Conflict, "order {order:b}: {error}");
        }
        let failures = results.iter().filter(|result| result.is_err()).count();
        assert!(failures < 2, "order {order:b}");
        if failures == 0 { both += 1 } else { refused += 1 }
    }
    assert!(refused > 0 && both > 0, "{refused} {both}");
}
