//! The layer that adds a `tower_sessions::Session` to each request.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{HeaderValue, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use session_core::Clock as _;
use session_core::config::SystemClock;
use session_core::events::LogLimit;
use session_tower::{Error, RequestSession, ResponseBody, request_session};
use tower_layer::Layer;
use tower_service::Service;
use tower_sessions_core::session::{Id, Session};

use crate::store::RequestStore;

/// The limit of the log events of this process.
static LIMIT: LogLimit = LogLimit::new();

/// A layer that adds a `tower_sessions::Session` to the extensions of every request. Place this
/// layer inside a [`SessionLayer`](session_tower::SessionLayer).
///
/// # Examples
///
/// ```
/// use session_core::SessionConfig;
/// use session_memory::{MemorySessions, MemoryStore};
/// use session_tower::SessionLayer;
/// use session_tower_sessions::TowerSessionsLayer;
///
/// let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::default());
/// let app: axum::Router = axum::Router::new()
///     .layer(TowerSessionsLayer::new())
///     .layer(SessionLayer::new(sessions));
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TowerSessionsLayer {}

impl TowerSessionsLayer {
    /// Returns the layer.
    pub fn new() -> Self {
        Self {}
    }
}

impl<S> Layer<S> for TowerSessionsLayer {
    type Service = TowerSessionsService<S>;

    fn layer(&self, inner: S) -> TowerSessionsService<S> {
        TowerSessionsService { inner }
    }
}

/// The service of a [`TowerSessionsLayer`] around another service.
#[derive(Clone, Debug)]
pub struct TowerSessionsService<S> {
    inner: S,
}

impl<S, B, R> Service<Request<B>> for TowerSessionsService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    R: Send,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let ours = request_session(request.extensions());
        // Without a cookie, tower-sessions never loads the session.
        let has_cookie =
            ours.as_ref().is_some_and(|ours| ours.request().cookie(ours.cookie_name()).is_some());
        let id = (has_cookie || ours.is_none()).then(Id::default);
        let store = Arc::new(RequestStore::new(ours.clone()));
        let session = Session::new(id, Arc::clone(&store), None);
        store.attach(session.clone());
        let attached = Attached { store, session: session.clone() };
        request.extensions_mut().insert(session);
        let response = self.inner.call(request);
        Box::pin(async move {
            let response = response.await?;
            if let Some(ours) = ours.filter(|_| !has_cookie) {
                mark_accessed(&ours).await;
            }
            Ok(attached.commit(response).await)
        })
    }
}

/// Opens the session of a request without a cookie, so that the response has `Vary: Cookie`. The
/// layer cannot detect whether a handler read the session. Opening this session causes no I/O.
async fn mark_accessed(request: &RequestSession) {
    // An interface that fails here fails whenever a handler uses the session.
    let _ = request.session().await;
}

/// The session of a request whose response is not ready.
struct Attached {
    store: Arc<RequestStore>,
    session: Session,
}

impl Attached {
    /// Passes the changes to the session of this project. Like the layer of tower-sessions, this
    /// layer drops the changes if the response is a server error.
    async fn commit<R>(self, response: Response<R>) -> Response<ResponseBody<R>> {
        if !self.session.is_modified() || response.status().is_server_error() {
            return response.map(ResponseBody::from);
        }
        self.store.begin_commit();
        let Err(error) = self.session.save().await else {
            return response.map(ResponseBody::from);
        };
        let error = self.store.take_error().unwrap_or_else(|| {
            session_core::Error::new(session_core::ErrorKind::Backend, "session was not loaded")
                .with_source(error)
        });
        if let Some(suppressed) = LIMIT.admit(&error, SystemClock.monotonic()) {
            let source = std::error::Error::source(&error);
            tracing::error!(%error, source, suppressed, "session failed");
        }
        let mut response = Response::new(ResponseBody::default());
        *response.status_mut() = Error::from(error).status();
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.store.detach();
    }
}
