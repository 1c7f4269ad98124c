//! An application with sessions in Redis, called without a network.

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use session_core::SessionConfig;
use session_redis::{RedisSessions, RedisStore};
use session_tower::{Error, Session, SessionLayer};
use tower::ServiceExt as _;

#[derive(Clone)]
pub(crate) struct App(Router);

#[derive(Debug)]
pub(crate) struct TestResponse {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
    /// `session=value`, or `None` if the cookie was not set or removed.
    pub(crate) cookie: Option<String>,
    pub(crate) retry_after: Option<String>,
}

impl App {
    pub(crate) fn new(store: RedisStore) -> Self {
        Self::with_config(store, SessionConfig::default())
    }

    pub(crate) fn with_config(store: RedisStore, config: SessionConfig) -> Self {
        let router = Router::new()
            .route("/untouched", get(async || ""))
            .route("/read", get(async |session: Session| session.keys().join(" ")))
            .route("/write/{key}", get(write))
            .route("/count", get(count))
            .route("/login/{owner}", get(login))
            .route("/logout", get(logout))
            .layer(SessionLayer::new(RedisSessions::new(store, config)));
        Self(router)
    }

    pub(crate) async fn get(&self, path: &str, cookie: &str) -> TestResponse {
        let request = Request::get(path).header("cookie", cookie).body(Body::empty()).unwrap();
        let (parts, body) = self.0.clone().oneshot(request).await.unwrap().into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let header =
            parts.headers.get("set-cookie").map(|header| header.to_str().unwrap().to_owned());
        let cookie = header.and_then(|header| Some(header.split(';').next()?.to_owned()));
        let cookie = cookie.filter(|cookie| !cookie.ends_with('='));
        let retry_after = parts.headers.get("retry-after");
        TestResponse {
            status: parts.status,
            retry_after: retry_after.map(|seconds| seconds.to_str().unwrap().to_owned()),
            body: String::from_utf8(body.to_vec()).unwrap(),
            cookie,
        }
    }
}

async fn write(session: Session, Path(key): Path<String>) -> Result<(), Error> {
    session.insert(&*key, 1)?;
    Ok(())
}

async fn count(session: Session) -> Result<String, Error> {
    session.update("count", |count: Option<u64>| Some(count.unwrap_or(0) + 1))?;
    Ok(session.get::<u64>("count")?.unwrap_or(0).to_string())
}

async fn login(session: Session, Path(owner): Path<String>) -> Result<(), Error> {
    session.set_permanent(true)?;
    session.log_in(&owner, None).await?;
    Ok(())
}

async fn logout(session: Session) -> Result<(), Error> {
    session.log_out().await?;
    Ok(())
}
