//! The columns of the matrix: stores, sessions in cookies, and adapters.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use actix_web::body::to_bytes;
use actix_web::test::{TestRequest, init_service};
use axum::Router;
use axum::body::Body;
use session_actix::SessionMiddleware;
use session_cookie::{SealedCookieSessions, SignedCookieSessions};
use session_core::config::SecretKey;
use session_core::request::{RequestSession, RequestView};
use session_core::store::OwnerIndex;
use session_core::{Error, OutagePolicy, Session, SessionConfig, SessionInterface};
use session_memory::MemoryStore;
use session_redis::RedisStore;
use session_sql::SqlStore;
use session_tower::SessionLayer;
use test_servers::TemporaryFolder;
use tower::ServiceExt as _;

/// A session store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Server {
    Memory,
    Sqlite,
    Postgres,
    Mariadb,
    Redis,
}

impl Server {
    pub(crate) const ALL: [Self; 5] =
        [Self::Memory, Self::Sqlite, Self::Postgres, Self::Mariadb, Self::Redis];

    pub(crate) async fn store(self) -> Arc<dyn OwnerIndex> {
        static FOLDER: LazyLock<TemporaryFolder> = LazyLock::new(TemporaryFolder::new);
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let url = match self {
            Self::Memory => return Arc::new(MemoryStore::new()),
            Self::Redis => {
                let url = test_servers::redis().await.url();
                let builder = RedisStore::builder(url).key_prefix(format!("security-{name}:"));
                return Arc::new(builder.connect().await.unwrap());
            }
            Self::Sqlite => format!("sqlite:{}", FOLDER.path().join(&name).display()),
            Self::Postgres => test_servers::postgres().await.url().to_owned(),
            Self::Mariadb => test_servers::mysql().await.url().to_owned(),
        };
        let table = format!("security_{name}");
        let store = SqlStore::builder().table(table).connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        Arc::new(store)
    }
}

/// A backend that stores the session in its cookie.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum InCookie {
    Signed,
    Sealed,
    Starlette,
}

impl InCookie {
    pub(crate) const ALL: [Self; 3] = [Self::Signed, Self::Sealed, Self::Starlette];

    pub(crate) fn sessions(self, key: &SecretKey) -> Arc<dyn SessionInterface> {
        let config = SessionConfig::default();
        match self {
            Self::Signed => Arc::new(SignedCookieSessions::new(config, key).unwrap()),
            Self::Sealed => Arc::new(SealedCookieSessions::new(config, key).unwrap()),
            Self::Starlette => Arc::new(SignedCookieSessions::starlette(config, key).unwrap()),
        }
    }
}

pub(crate) type Reply = Pin<Box<dyn Future<Output = Result<String, Error>> + Send>>;
pub(crate) type Handler = Arc<dyn Fn(Session) -> Reply + Send + Sync>;

pub(crate) fn handler<F, R>(function: F) -> Handler
where
    F: Fn(Session) -> R + Send + Sync + 'static,
    R: Future<Output = Result<String, Error>> + Send + 'static,
{
    Arc::new(move |session| Box::pin(function(session)))
}

/// An adapter for a framework.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Adapter {
    Axum,
    Actix,
}

/// The parts of a response that matter here.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: String,
}

impl Adapter {
    pub(crate) const ALL: [Self; 2] = [Self::Axum, Self::Actix];

    /// Sends a request with this `Cookie` header to an application with one handler.
    pub(crate) async fn send(
        self,
        sessions: Arc<dyn SessionInterface>,
        handler: Handler,
        cookie: &[u8],
    ) -> Response {
        match self {
            Self::Axum => send_to_axum(sessions, handler, cookie).await,
            Self::Actix => send_to_actix(sessions, handler, cookie).await,
        }
    }
}

async fn send_to_axum(
    sessions: Arc<dyn SessionInterface>,
    handler: Handler,
    cookie: &[u8],
) -> Response {
    let page = async move |session: session_tower::Session| {
        handler(Session::clone(&session)).await.map_err(session_tower::Error::from)
    };
    let app = Router::new().route("/", axum::routing::get(page)).layer(SessionLayer::new(sessions));
    let request = http::Request::builder().header("cookie", cookie).body(Body::empty());
    let (parts, body) = app.oneshot(request.unwrap()).await.unwrap().into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.to_string(), value.as_bytes().to_vec())
    };
    Response {
        status: parts.status.as_u16(),
        headers: parts.headers.iter().map(header).collect(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

async fn send_to_actix(
    sessions: Arc<dyn SessionInterface>,
    handler: Handler,
    cookie: &[u8],
) -> Response {
    let page = move |session: session_actix::Session| {
        let reply = handler(Session::clone(&session));
        async move { reply.await.map_err(session_actix::Error::from) }
    };
    let app = actix_web::App::new()
        .wrap(SessionMiddleware::new(sessions))
        .route("/", actix_web::web::get().to(page));
    let app = init_service(app).await;
    let request = TestRequest::get().insert_header(("cookie", cookie)).to_request();
    let response = match actix_web::test::try_call_service(&app, request).await {
        Ok(response) => response.into_parts().1.map_into_boxed_body(),
        Err(error) => error.error_response(),
    };
    let header = |(name, value): (
        &actix_web::http::header::HeaderName,
        &actix_web::http::header::HeaderValue,
    )| (name.to_string(), value.as_bytes().to_vec());
    let (status, headers) =
        (response.status().as_u16(), response.headers().iter().map(header).collect());
    let body = to_bytes(response.into_body()).await.unwrap();
    Response { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

/// Returns a request outside an application, with this `Cookie` header.
pub(crate) fn request(sessions: &Arc<dyn SessionInterface>, cookie: &[u8]) -> RequestSession {
    let view = RequestView::builder().cookie_header(cookie).build();
    RequestSession::with_shared(Arc::clone(sessions), view, OutagePolicy::Refuse)
}

/// Runs a handler in a request outside an application, and returns the value of the cookie.
pub(crate) async fn visit(
    sessions: &Arc<dyn SessionInterface>,
    cookie: &[u8],
    handler: &Handler,
) -> Result<Option<String>, Error> {
    let request = request(sessions, cookie);
    handler(request.session().await?).await?;
    let headers = request.commit().await.into_result()?;
    Ok(headers.set_cookie().and_then(value_of))
}

fn value_of(set_cookie: &str) -> Option<String> {
    let (_, value) = set_cookie.split(';').next()?.split_once('=')?;
    Some(value.to_owned())
}

/// Returns the value of a key in the session of this cookie, or `None` if it opens nothing.
pub(crate) async fn opened(
    sessions: &Arc<dyn SessionInterface>,
    cookie: &[u8],
    key: &str,
) -> Option<String> {
    let session = request(sessions, cookie).session().await.unwrap();
    session.get(key).unwrap()
}

/// Stores a value under this key.
pub(crate) fn storing(key: &'static str, value: &'static str) -> Handler {
    handler(
        move |session: Session| async move { session.insert(key, value).map(|()| String::new()) },
    )
}

/// Returns the value under this key.
pub(crate) fn reading(key: &'static str) -> Handler {
    handler(move |session: Session| async move { Ok(session.get(key)?.unwrap_or_default()) })
}
