//! Remember-me: overlapping requests, in every order of their store calls.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use session_core::config::SecretKey;
use session_core::remember::{RememberMe, RememberRequest};
use session_core::request::{RequestSession, RequestView};
use session_core::store::OwnerIndex as _;
use session_core::{Error, ManualClock, OwnerSessions, ServerSideSessions, SessionConfig};

use crate::limits::{Taking, in_order};
use crate::store::TestStore;
use crate::support::start;

const COOKIE: &str = "__Host-session-remember";

#[derive(Clone)]
struct Remembering {
    sessions: Arc<ServerSideSessions<Taking>>,
    settings: RememberMe,
}

impl Remembering {
    fn new() -> Self {
        let config = SessionConfig::builder().clock(ManualClock::at(start())).build().unwrap();
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
