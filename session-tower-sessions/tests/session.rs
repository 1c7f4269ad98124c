//! Each call of a `tower_sessions::Session` and its effect on the session of this project.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::{MethodRouter, get};
use http::header::{SET_COOKIE, VARY};
use http::{Request, Response, StatusCode};
use session_core::{OwnerSessions as _, SessionConfig};
use session_memory::{MemorySessions, MemoryStore};
use session_tower::{ResponseBody, Session as Ours, SessionLayer};
use session_tower_sessions::TowerSessionsLayer;
use support::{Browser, memory, on_ours};
use time::OffsetDateTime;
use tower::{Layer as _, ServiceExt as _};
use tower_sessions::{Expiry, Session};

fn browser(routes: Router) -> Browser {
    Browser::new(on_ours(routes, memory()))
}

/// Adds a handler that stores `a`, and one that lists all keys.
fn with_basics(routes: Router) -> Router {
    let keys = async |session: Ours| {
        let mut keys = session.keys();
        keys.sort();
        keys.join(",")
    };
    let set = async |session: Session| session.insert("a", 1).await.unwrap();
    routes.route("/set", get(set)).route("/keys", get(keys))
}

#[tokio::test]
async fn values_are_shared_with_session_of_this_project() {
    let ours = async |session: Ours| session.insert("b", "text").unwrap();
    let theirs = async |session: Session| {
        let a = session.get::<u8>("a").await.unwrap().unwrap();
        let b = session.get::<String>("b").await.unwrap().unwrap();
        format!("{a} {b}")
    };
    let routes = Router::new().route("/ours", get(ours)).route("/theirs", get(theirs));
    let mut browser = browser(with_basics(routes));
    browser.get("/set").await;
    browser.get("/ours").await;
    assert_eq!(browser.text("/theirs").await, "1 text");
}

#[tokio::test]
async fn both_sessions_may_change_in_one_request() {
    let both = async |theirs: Session, ours: Ours| {
        theirs.insert("theirs", 1).await.unwrap();
        ours.insert("ours", 1).unwrap();
        ours.discard("a").unwrap();
    };
    let mut browser = browser(with_basics(Router::new().route("/both", get(both))));
    browser.get("/set").await;
    browser.get("/both").await;
    assert_eq!(browser.text("/keys").await, "ours,theirs");
}

#[tokio::test]
async fn clear_without_load_removes_values() {
    let clear = async |session: Session| session.clear().await;
    let mut browser = browser(with_basics(Router::new().route("/clear", get(clear))));
    browser.get("/set").await;
    browser.get("/clear").await;
    assert_eq!(browser.text("/keys").await, "");
}

#[tokio::test]
async fn explicit_save_is_stored_although_response_is_error() {
    let save = async |session: Session| {
        session.insert("saved", 1).await.unwrap();
        session.save().await.unwrap();
        session.insert("lost", 1).await.unwrap();
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let mut browser = browser(with_basics(Router::new().route("/save", get(save))));
    browser.get("/set").await;
    browser.get("/save").await;
    assert_eq!(browser.text("/keys").await, "a,saved");
}

#[tokio::test]
async fn values_after_flush_begin_new_session() {
    let flush = async |session: Session| {
        session.insert("before", 1).await.unwrap();
        session.flush().await.unwrap();
        session.insert("a", 1).await.unwrap();
    };
    let cycle = async |session: Session| {
        session.flush().await.unwrap();
        session.cycle_id().await.unwrap();
        session.insert("a", 1).await.unwrap();
    };
    let routes = Router::new().route("/flush", get(flush)).route("/flush-cycle", get(cycle));
    let mut browser = browser(with_basics(routes));
    browser.get("/set").await;
    for path in ["/flush", "/flush-cycle"] {
        let mut copy = browser.clone();
        browser.get(path).await;
        assert_eq!(browser.text("/keys").await, "a", "{path}");
        assert_eq!(copy.text("/keys").await, "", "{path}");
    }
}

#[tokio::test]
async fn values_of_deleted_session_are_not_stored() {
    let delete = async |session: Session| {
        session.insert("b", 1).await.unwrap();
        session.delete().await.unwrap();
        session.insert("c", 1).await.unwrap();
        session.save().await.unwrap_err().to_string()
    };
    let mut browser = browser(with_basics(Router::new().route("/delete", get(delete))));
    browser.get("/set").await;
    let text = browser.text("/delete").await;
    assert!(text.contains("session was ended by this request"), "{text}");
    assert!(!browser.has_cookies());
    assert_eq!(browser.text("/keys").await, "");
}

#[tokio::test]
async fn flush_after_explicit_save_of_new_session_ends_it() {
    let flush = async |session: Session| {
        session.insert("b", 1).await.unwrap();
        session.save().await.unwrap();
        assert!(session.id().is_some());
        session.flush().await.unwrap();
    };
    let mut browser = browser(with_basics(Router::new().route("/flush", get(flush))));
    browser.get("/flush").await;
    assert!(!browser.has_cookies());
}

#[tokio::test]
async fn cycle_after_explicit_save_keeps_values_under_new_id() {
    let cycle = async |session: Session| {
        session.insert("b", 1).await.unwrap();
        session.save().await.unwrap();
        session.cycle_id().await.unwrap();
    };
    let mut browser = browser(with_basics(Router::new().route("/cycle", get(cycle))));
    browser.get("/set").await;
    let mut copy = browser.clone();
    browser.get("/cycle").await;
    assert_eq!(browser.text("/keys").await, "a,b");
    assert_eq!(copy.text("/keys").await, "");
}

/// Returns a handler that stores `a`, and sets the expiry.
fn set_expiry(expiry: Expiry) -> MethodRouter {
    get(async move |session: Session| {
        session.insert("a", 1).await.unwrap();
        session.set_expiry(Some(expiry));
    })
}

/// Returns the `Max-Age` of the session cookie that a response sets.
fn max_age(page: &support::Page) -> Option<u64> {
    let header = page.response.headers()[SET_COOKIE].to_str().unwrap();
    header.split("; ").find_map(|attribute| attribute.strip_prefix("Max-Age=")?.parse().ok())
}

#[tokio::test]
async fn expiry_is_lifetime_of_this_session() {
    let hours = time::Duration::hours(2);
    let soon = OffsetDateTime::now_utc() + hours;
    let routes = Router::new()
        .route("/inactivity", set_expiry(Expiry::OnInactivity(hours)))
        .route("/date", set_expiry(Expiry::AtDateTime(soon)))
        .route("/past", set_expiry(Expiry::AtDateTime(OffsetDateTime::UNIX_EPOCH)))
        .route("/browser", set_expiry(Expiry::OnSessionEnd));
    let mut browser = browser(with_basics(routes));
    let begun = browser.get("/set").await;
    assert_eq!(max_age(&begun), None);
    // The cookie lives up to a minute longer than the lifetime.
    assert_eq!(max_age(&browser.get("/inactivity").await), Some(7260));
    assert_eq!(browser.text("/keys").await, "_lifetime,a");
    assert_eq!(max_age(&browser.get("/browser").await), None);
    assert_eq!(browser.text("/keys").await, "a");
    let left = max_age(&browser.get("/date").await).unwrap();
    assert!((7160..=7260).contains(&left), "{left}");
    assert!((1..=2).contains(&max_age(&browser.get("/past").await).unwrap()));
}

#[tokio::test]
async fn expiry_alone_begins_no_session() {
    let day = Expiry::OnInactivity(time::Duration::DAY);
    let expire = async move |session: Session| session.set_expiry(Some(day));
    let mut browser = browser(Router::new().route("/", get(expire)));
    browser.get("/").await;
    assert!(!browser.has_cookies());
}

#[tokio::test]
async fn save_after_response_is_stored_unless_session_ended() {
    let kept: Arc<Mutex<Option<Session>>> = Arc::default();
    let keep = Arc::clone(&kept);
    let hold = async move |session: Session| {
        session.get::<u8>("a").await.unwrap();
        *keep.lock().unwrap() = Some(session);
    };
    let flush = async |session: Session| session.flush().await.unwrap();
    let routes = Router::new().route("/hold", get(hold)).route("/flush", get(flush));
    let mut browser = browser(with_basics(routes));
    browser.get("/set").await;
    browser.get("/hold").await;
    let session = kept.lock().unwrap().take().unwrap();
    session.insert("later", 1).await.unwrap();
    session.save().await.unwrap();
    assert_eq!(browser.text("/keys").await, "a,later");

    browser.get("/flush").await;
    session.insert("too-late", 1).await.unwrap();
    session.save().await.unwrap_err();
    assert_eq!(browser.text("/keys").await, "");
}

#[tokio::test]
async fn flush_after_response_ends_session() {
    let kept: Arc<Mutex<Option<Session>>> = Arc::default();
    let keep = Arc::clone(&kept);
    let hold = async move |session: Session| {
        session.get::<u8>("a").await.unwrap();
        *keep.lock().unwrap() = Some(session);
    };
    let mut browser = browser(with_basics(Router::new().route("/hold", get(hold))));
    browser.get("/set").await;
    browser.get("/hold").await;
    let session = kept.lock().unwrap().take().unwrap();
    session.flush().await.unwrap();
    assert_eq!(browser.text("/keys").await, "");
}

#[tokio::test]
async fn response_varies_by_cookie_if_session_may_be_read() {
    let read = async |session: Session| {
        session.get::<u8>("a").await.unwrap();
    };
    let routes = Router::new().route("/read", get(read)).route("/untouched", get(async || ()));
    let mut browser = browser(with_basics(routes));
    let vary = |page: &support::Page| page.response.headers().contains_key(VARY);
    assert!(vary(&browser.get("/read").await));
    browser.get("/set").await;
    assert!(vary(&browser.get("/read").await));
    assert!(!vary(&browser.get("/untouched").await));
}

#[tokio::test]
async fn missing_session_layer_is_named() {
    let read = async |session: Session| session.get::<u8>("a").await.unwrap_err().to_string();
    let app = Router::new().route("/", get(read)).layer(TowerSessionsLayer::new());
    let text = Browser::new(app).text("/").await;
    assert!(text.contains("no session layer serves this request"), "{text}");
}

#[tokio::test]
async fn login_of_this_project_lists_session_of_user() {
    let sessions = Arc::new(MemorySessions::new(MemoryStore::new(), SessionConfig::default()));
    let log_in = async |theirs: Session, ours: Ours| {
        theirs.cycle_id().await.unwrap();
        theirs.insert("user", "ada").await.unwrap();
        ours.log_in("ada", None).await.unwrap();
    };
    let flush = async |session: Session| session.flush().await.unwrap();
    let routes = Router::new().route("/login", get(log_in)).route("/flush", get(flush));
    let app = with_basics(routes)
        .layer(TowerSessionsLayer::new())
        .layer(SessionLayer::new(Arc::clone(&sessions)));
    let mut browser = Browser::new(app);
    browser.get("/set").await;
    browser.get("/login").await;
    assert_eq!(browser.text("/keys").await, "a,user");
    assert_eq!(sessions.page("ada", None, 100).await.unwrap().sessions.len(), 1);
    browser.get("/flush").await;
    assert_eq!(sessions.page("ada", None, 100).await.unwrap().sessions.len(), 0);
}

#[tokio::test]
async fn refused_value_is_error_response() {
    let forge = async |session: Session| session.insert("_login", "ada").await.unwrap();
    let mut browser = browser(with_basics(Router::new().route("/forge", get(forge))));
    assert_eq!(browser.get("/forge").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!browser.has_cookies());
}

#[tokio::test]
async fn finished_and_dropped_requests_free_their_sessions() {
    let sessions = memory();
    let wait = async |session: Session| {
        session.insert("a", 1).await.unwrap();
        std::future::pending::<()>().await;
    };
    let routes = with_basics(Router::new().route("/wait", get(wait)));
    let mut browser = Browser::new(on_ours(routes, Arc::clone(&sessions)));
    browser.get("/set").await;
    let dropped = tokio::time::timeout(Duration::from_millis(10), browser.get("/wait")).await;
    assert!(dropped.is_err());
    drop(browser);
    assert_eq!(Arc::strong_count(&sessions), 1);
}

/// A body without `Default`.
#[derive(Debug, Eq, PartialEq)]
struct Sealed(&'static str);

#[tokio::test]
async fn body_without_default_passes_unless_save_fails() {
    let inner = tower::service_fn(|request: Request<()>| async move {
        let session = request.extensions().get::<Session>().unwrap().clone();
        session.insert(request.uri().path().trim_start_matches('/'), 1).await.unwrap();
        Ok::<_, Infallible>(Response::new(Sealed("handler")))
    });
    let service = SessionLayer::new(memory()).layer(TowerSessionsLayer::new().layer(inner));
    for (path, status, body) in [
        ("/a", StatusCode::OK, Some(Sealed("handler"))),
        ("/_login", StatusCode::INTERNAL_SERVER_ERROR, None),
    ] {
        let request = Request::get(path).body(()).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        let inner = response.into_body().into_inner().and_then(ResponseBody::into_inner);
        assert_eq!(inner, body, "{path}");
    }
}
