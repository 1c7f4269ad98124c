//! Remember-me: overlapping requests, in every order of their store calls.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use session_core::config::SecretKey;
use session_core::events::{Event, EventHandler, Events};
use session_core::remember::{RememberMe, RememberRequest};
use session_core::request::{RequestSession, RequestView};
use session_core::store::OwnerIndex as _;
use session_core::{Error, ManualClock, OwnerSessions, ServerSideSessions, SessionConfig};

use crate::limits::{Taking, in_order};
use crate::store::TestStore;
use crate::support::{MINUTE, SECOND, start};

const COOKIE: &str = "__Host-session-remember";

#[derive(Clone)]
struct Remembering {
    sessions: Arc<ServerSideSessions<Taking>>,
    settings: RememberMe,
}

impl Remembering {
    fn new() -> Self {
        Self::with(ManualClock::at(start()), Events::default())
    }

    fn with(clock: ManualClock, events: Events) -> Self {
        let config = SessionConfig::builder().clock(clock).events(events).build().unwrap();
        let sessions = ServerSideSessions::new(Taking(TestStore::default()), config);
        let sessions = Arc::new(sessions);
        let key = SecretKey::generate().unwrap();
        let settings = RememberMe::new(Arc::clone(&sessions), &key).unwrap();
        Self { sessions, settings }
    }

    /// Runs a request with this token, which logs in or restores the login. Returns the owner and
    /// the next token.
    async fn request(self, token: String, logs_in: bool) -> Result<String, Error> {
        let header = format!("{COOKIE}={token}");
        let view = RequestView::builder().cookie_header(header.as_bytes()).build();
        let request = RequestSession::new(self.sessions, view);
        let remember = RememberRequest::new(&self.settings, request.clone());
        remember.restore().await?;
        let session = request.session().await?;
        if logs_in {
            session.log_in("ada", None).await?;
            remember.open().await?.start().await?;
        }
        let cookie = remember.finish()?.unwrap_or_default();
        let next = cookie.split(['=', ';']).nth(1).unwrap_or_default().to_owned();
        request.commit().await.into_result()?;
        Ok(format!("{}:{next}", session.owner().unwrap_or_default()))
    }

    fn log_in(&self) -> String {
        let result = run(self.clone().request("forged".to_owned(), true)).unwrap();
        result.strip_prefix("ada:").unwrap().to_owned()
    }

    fn count(&self) -> usize {
        run(self.sessions.page("ada", None, 100)).unwrap().sessions.len()
    }
}

/// Runs a future whose store calls each wait once.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return result;
        }
    }
}

#[test]
fn parallel_tokens_restore_one_session_in_every_order() {
    for order in 0..1 << 12 {
        let remembering = Remembering::new();
        let token = remembering.log_in();
        let request = || remembering.clone().request(token.clone(), false);
        let [one, other] = in_order(order, request(), request());
        let (one, other) = (one.unwrap(), other.unwrap());
        assert!(one.starts_with("ada:") && other.starts_with("ada:"), "{one} {other}");
        assert_ne!(one, other, "order {order:b}: each gets its own token");
        assert_eq!(remembering.count(), 1, "order {order:b}");
        for next in [&one, &other] {
            let (_, next) = next.split_once(':').unwrap();
            let again = run(remembering.clone().request(next.to_owned(), false)).unwrap();
            assert!(again.starts_with("ada:"), "order {order:b}: {again}");
            assert_eq!(remembering.count(), 1, "order {order:b}");
        }
    }
}

#[test]
fn end_all_leaves_no_restored_session_in_any_order() {
    let (mut restored, mut refused) = (0, 0);
    for order in 0..1 << 12 {
        let remembering = Remembering::new();
        let token = remembering.log_in();
        let sessions = Arc::clone(&remembering.sessions);
        let end_all = async move { sessions.end_all("ada").await.map(|count| count.to_string()) };
        let request = remembering.clone().request(token, false);
        let [user, ended] = in_order(order, request, end_all);
        assert_ne!(ended.unwrap(), "0", "order {order:b}");
        let user = user.unwrap();
        if user.starts_with("ada:") {
            restored += 1;
        } else {
            refused += 1;
        }
        assert_eq!(remembering.count(), 0, "order {order:b}: {user}");
        let keys = run(remembering.sessions.store().keys_of("ada")).unwrap();
        assert_eq!(keys.len(), 0, "order {order:b}: {user}");
    }
    assert!(restored > 0 && refused > 0, "{restored} {refused}");
}

/// Returns a list of what a function returns for events, and the handler that fills it.
fn recorded<T: Send + 'static>(
    select: impl Fn(&Event<'_>) -> Option<T> + Send + Sync + 'static,
) -> (Arc<Mutex<Vec<T>>>, impl EventHandler) {
    let list = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&list);
    (list, move |event: &Event<'_>| seen.lock().unwrap().extend(select(event)))
}

#[test]
fn theft_of_token_is_event_with_owner_and_handle() {
    let (thefts, handler) = recorded(|event| match event {
        Event::Theft { session } => {
            Some([session.owner(), session.handle()].map(|text| text.unwrap().to_owned()))
        }
        _ => None,
    });
    let clock = ManualClock::at(start());
    let remembering = Remembering::with(clock.clone(), Events::new(handler));
    let first = remembering.log_in();
    let mut token = first.clone();
    for _ in 0..2 {
        let restored = run(remembering.clone().request(token, false)).unwrap();
        token = restored.strip_prefix("ada:").unwrap().to_owned();
    }
    clock.advance(MINUTE + SECOND);
    let restored = run(remembering.sessions.page("ada", None, 100)).unwrap().sessions;
    assert!(thefts.lock().unwrap().is_empty());
    assert_eq!(run(remembering.clone().request(first, false)).unwrap(), ":");
    assert_eq!(*thefts.lock().unwrap(), [["ada".to_owned(), restored[0].handle().to_owned()]]);
    assert_eq!(remembering.count(), 0);
}

#[test]
fn store_calls_of_series_are_events() {
    let (calls, handler) = recorded(|event| match event {
        Event::StoreCallBegan { call } => Some(format!("{call:?}")),
        _ => None,
    });
    let remembering = Remembering::with(ManualClock::at(start()), Events::new(handler));
    let token = remembering.log_in();
    assert_eq!(std::mem::take(&mut *calls.lock().unwrap()), ["Create", "Create"]);
    run(remembering.clone().request(token, false)).unwrap();
    let calls = calls.lock().unwrap();
    assert_eq!(calls[..3], ["Load", "Replace", "Create"], "the series, then the session");
}
