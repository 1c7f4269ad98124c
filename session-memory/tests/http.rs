//! Overlapping requests through the whole HTTP stack, on two threads.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Request, Response, StatusCode};
use axum::routing::get;
use session_core::{ManualClock, SessionConfig, SessionInterface};
use session_memory::{MemorySessions, MemoryStore};
use session_tower::{Error, Session, SessionLayer};
use tokio::sync::Barrier;
use tower::ServiceExt as _;

/// Makes a slow request wait, after it opened its session, for the request that overtakes it.
type Gate = Arc<Barrier>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_inserts_of_different_keys_are_all_kept() {
    let app = App::new();
    let cookie = app.begin().await;
    let requests: Vec<_> = (0..64).map(|n| app.spawn(&format!("/write/key{n}"), &cookie)).collect();
    for request in requests {
        assert_eq!(request.await.unwrap().status, StatusCode::OK);
    }
    let keys = app.get("/keys", &cookie).await.body;
    let missing: Vec<_> =
        (0..64).filter(|n| !keys.split(' ').any(|key| key == format!("key{n}"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_updates_of_one_key_are_all_counted() {
    let app = App::new();
    let cookie = app.begin().await;
    let requests: Vec<_> = (0..64).map(|_| app.spawn("/update", &cookie)).collect();
    for request in requests {
        assert_eq!(request.await.unwrap().status, StatusCode::OK);
    }
    assert_eq!(app.get("/count", &cookie).await.body, "64");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logout_is_not_undone_by_slow_writer() {
    let (mut dropped, mut stored) = (0, 0);
    for round in 0..1000 {
        let app = App::new();
        let cookie = app.begin().await;
        let writer = app.spawn("/slow", &cookie);
        if round % 2 == 0 {
            // The writer has opened the session. From now on, both run at the same time.
            app.gate.wait().await;
        } else {
            let logout = app.spawn("/logout", &cookie);
            app.gate.wait().await;
            logout.await.unwrap();
        }
        let logout = app.get("/logout", &cookie).await;
        let writer = writer.await.unwrap();
        assert_eq!((logout.status, writer.status), (StatusCode::OK, StatusCode::OK));
        assert_eq!(
            app.get("/keys", &cookie).await.body,
            "",
            "round {round}: the session was revived"
        );
        match &*writer.body {
            "Dropped" => {
                dropped += 1;
                assert_eq!(writer.cookie, None, "round {round}: a dropped save set a cookie");
            }
            _ => stored += 1,
        }
    }
    println!("{stored} saves stored, {dropped} dropped");
    assert!(dropped > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn login_cuts_off_late_request_with_old_id() {
    for round in 0..200 {
        let app = App::new();
        let planted = app.begin().await;
        let late = app.spawn("/slow", &planted);
        let login = app.get("/login", &planted).await;
        let fresh = login.cookie.unwrap();
        assert_ne!(fresh, planted);
        app.gate.wait().await;
        let late = late.await.unwrap();
        assert_ne!(
            late.cookie.as_deref(),
            Some(&*fresh),
            "round {round}: the late request received the new id"
        );
        assert!(late.cookie.is_none() || late.body != "Dropped");
        let keys = app.get("/keys", &fresh).await.body;
        assert!(keys.contains("user") && !keys.contains("slow"), "round {round}: {keys}");
        assert_eq!(app.get("/keys", &planted).await.body, "");
    }
}

#[derive(Clone)]
struct App {
    router: Router,
    gate: Gate,
}

struct TestResponse {
    status: StatusCode,
    body: String,
    /// `session=value`, or `None` if the cookie was not set or removed.
    cookie: Option<String>,
}

impl App {
    fn new() -> Self {
        let clock = ManualClock::at(std::time::SystemTime::UNIX_EPOCH);
        let sessions = MemorySessions::new(
            MemoryStore::new(),
            SessionConfig::builder().clock(clock).build().unwrap(),
        );
        let interface: Arc<dyn SessionInterface> = Arc::new(sessions);
        let gate = Gate::new(Barrier::new(2));
        let router = Router::new()
            .route("/write/{key}", get(write))
            .route("/update", get(update))
            .route("/count", get(count))
            .route("/keys", get(keys))
            .route("/slow", get(slow))
            .route("/logout", get(logout))
            .route("/login", get(login))
            .with_state(Arc::clone(&gate))
            .layer(SessionLayer::new(interface));
        Self { router, gate }
    }

    /// Returns the cookie of a new session.
    async fn begin(&self) -> String {
        self.get("/write/base", "").await.cookie.unwrap()
    }

    fn spawn(&self, path: &str, cookie: &str) -> tokio::task::JoinHandle<TestResponse> {
        let (app, path, cookie) = (self.clone(), path.to_owned(), cookie.to_owned());
        tokio::spawn(async move { app.get(&path, &cookie).await })
    }

    async fn get(&self, path: &str, cookie: &str) -> TestResponse {
        let request = Request::get(path).header("cookie", cookie).body(Body::empty()).unwrap();
        let response: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let header =
            parts.headers.get("set-cookie").map(|header| header.to_str().unwrap().to_owned());
        let cookie = header.and_then(|header| Some(header.split(';').next()?.to_owned()));
        let cookie = cookie.filter(|cookie| !cookie.ends_with('='));
        TestResponse {
            status: parts.status,
            body: String::from_utf8(body.to_vec()).unwrap(),
            cookie,
        }
    }
}

async fn write(session: Session, Path(key): Path<String>) -> Result<(), Error> {
    session.insert(&*key, 1)?;
    Ok(())
}

async fn update(session: Session) -> Result<(), Error> {
    session.update("count", |count: Option<u64>| Some(count.unwrap_or(0) + 1))?;
    Ok(())
}

async fn count(session: Session) -> Result<String, Error> {
    Ok(session.get::<u64>("count")?.unwrap_or(0).to_string())
}

async fn keys(session: Session) -> String {
    session.keys().join(" ")
}

async fn slow(session: Session, State(gate): State<Gate>) -> Result<String, Error> {
    session.insert("slow", 1)?;
    gate.wait().await;
    tokio::task::yield_now().await;
    Ok(format!("{:?}", session.save().await?))
}

async fn logout(session: Session) -> Result<(), Error> {
    session.log_out().await?;
    Ok(())
}

async fn login(session: Session) -> Result<(), Error> {
    session.insert("user", "ada")?;
    session.log_in("ada", None).await?;
    Ok(())
}
