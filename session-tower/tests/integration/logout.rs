//! A logout ends the session, even if its request fails afterwards.

#![cfg(feature = "axum")]

use std::borrow::Cow;
use std::future::pending;
use std::sync::Arc;
use std::task::{Context, Waker};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use session_core::interface::{Hooked, Hooks, SessionView};
use session_core::request::{RequestSession, RequestView};
use session_core::{CookieAttributes, OutagePolicy, Outcome, SessionConfig, SessionInterface};
use session_memory::{MemorySessions, MemoryStore};
use session_tower::{Session, SessionLayer};
use tower::ServiceExt as _;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum After {
    HandlerPanics,
    ClientDisconnects,
    HookPanics,
    HookReturnsUnusableAttributes,
}

const ALL: [After; 4] = [
    After::HandlerPanics,
    After::ClientDisconnects,
    After::HookPanics,
    After::HookReturnsUnusableAttributes,
];

impl Hooks for After {
    fn cookie_attributes<'a>(
        &'a self,
        _: &RequestView,
        _: &SessionView<'_>,
        inner: Cow<'a, CookieAttributes>,
    ) -> Cow<'a, CookieAttributes> {
        match self {
            Self::HookPanics => panic!("the hook panics on purpose"),
            Self::HookReturnsUnusableAttributes => {
                // The name of the cookie forbids a domain.
                Cow::Owned(CookieAttributes::builder().domain("example.com").build().unwrap())
            }
            _ => inner,
        }
    }
}

/// Returns a request outside the application.
fn request(sessions: &Arc<dyn SessionInterface>, cookie: &str) -> RequestSession {
    let view = RequestView::builder().cookie_header(cookie.as_bytes()).build();
    RequestSession::with_shared(Arc::clone(sessions), view, OutagePolicy::Refuse)
}

/// Runs the request until it is done, or waits for something that never comes.
async fn send(app: Router, cookie: String) {
    let request = http::Request::builder().header("cookie", cookie).body(Body::empty()).unwrap();
    let mut response = Box::pin(app.oneshot(request));
    for _ in 0..100 {
        if response.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn logout_holds_if_request_does_not_end_well() {
    for after in ALL {
        let config = SessionConfig::builder().cookie_name("__Host-session").build().unwrap();
        let store = MemoryStore::new();
        let sessions: Arc<dyn SessionInterface> =
            Arc::new(MemorySessions::new(store.clone(), config.clone()));
        let login = request(&sessions, "");
        login.session().await.unwrap().log_in("ada", None).await.unwrap();
        let headers = login.commit().await.into_result().unwrap();
        let cookie = headers.set_cookie().unwrap().split(';').next().unwrap().to_owned();

        let handler = async move |session: Session| -> Result<(), session_tower::Error> {
            let outcome = session.log_out().await?;
            assert_eq!(outcome, Outcome::Stored);
            match after {
                After::HandlerPanics => panic!("the handler panics on purpose"),
                After::ClientDisconnects => pending().await,
                _ => Ok(()),
            }
        };
        let hooked = Hooked::new(MemorySessions::new(store, config), after);
        let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(hooked));
        let sent = tokio::spawn(send(app, cookie.clone())).await;
        assert_eq!(
            sent.is_err(),
            matches!(after, After::HandlerPanics | After::HookPanics),
            "{after:?}"
        );

        let later = request(&sessions, &cookie);
        let session = later.session().await.unwrap();
        assert!(session.is_new() && session.owner().is_none(), "{after:?}");
    }
}

#[tokio::test]
async fn logout_of_unknown_cookie_is_unchanged() {
    let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::default());
    let handler = async |session: Session| -> Result<String, session_tower::Error> {
        Ok(format!("{:?}", session.log_out().await?))
    };
    let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(sessions));
    let request = http::Request::builder().header("cookie", "session=none").body(Body::empty());
    let response = app.oneshot(request.unwrap()).await.unwrap();
    let body = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
    assert_eq!(body, "Unchanged");
}
