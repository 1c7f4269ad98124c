//! The layer: hands each request its session, and lets the response carry it back.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::{CACHE_CONTROL, COOKIE, HOST, SET_COOKIE, VARY};
use http::{Extensions, HeaderMap, HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use session_core::{ErrorKind, OnOutage, RequestSession, RequestView, SessionHeaders, SessionInterface, SessionLayers};
use tower_layer::Layer;
use tower_service::Service;

use crate::Error;

/// Gives every request of a tower HTTP service its session.
///
/// ```
/// use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
/// use session_tower::SessionLayer;
///
/// let sessions = SignedCookieSessions::new(SessionConfig::default(), &SecretKey::generate()?)?;
/// let app: axum::Router = axum::Router::new().layer(SessionLayer::new(sessions));
/// # Ok::<(), session_core::Error>(())
/// ```
///
/// The response body must have a `Default`, for the empty body of the error response when a save fails; axum's and
/// hyper's have.
pub struct SessionLayer<M = ()> {
    interface: Arc<dyn SessionInterface>,
    on_outage: OnOutage,
    marker: PhantomData<fn() -> M>,
}

impl SessionLayer {
    /// Sessions by this interface.
    ///
    /// ```
    /// use session_core::NullSessions;
    /// use session_tower::SessionLayer;
    ///
    /// let layer = SessionLayer::new(NullSessions::new("set SECRET_KEY to keep sessions"));
    /// ```
    pub fn new(interface: impl SessionInterface) -> Self {
        Self::marked(interface)
    }
}

impl<M> SessionLayer<M> {
    /// A second session beside the first, under another cookie name: the marker type tells the extractor which is meant.
    ///
    /// ```
    /// use session_core::NullSessions;
    /// use session_tower::{Session, SessionLayer};
    ///
    /// struct Admin;
    ///
    /// async fn handler(_session: Session, _admin: Session<Admin>) {}
    ///
    /// let layer = SessionLayer::<Admin>::marked(NullSessions::new("no key"));
    /// ```
    pub fn marked(interface: impl SessionInterface) -> Self {
        Self { interface: Arc::new(interface), on_outage: OnOutage::default(), marker: PhantomData }
    }

    /// What a request gets while the backend is down; [`OnOutage::Refuse`] if not given.
    ///
    /// ```
    /// use session_core::NullSessions;
    /// use session_tower::{OnOutage, SessionLayer};
    ///
    /// let layer = SessionLayer::new(NullSessions::new("no key")).on_outage(OnOutage::Anonymous);
    /// ```
    #[must_use]
    pub fn on_outage(mut self, on_outage: OnOutage) -> Self {
        self.on_outage = on_outage;
        self
    }
}

impl<M> Clone for SessionLayer<M> {
    fn clone(&self) -> Self {
        Self { interface: Arc::clone(&self.interface), on_outage: self.on_outage, marker: PhantomData }
    }
}

impl<M> fmt::Debug for SessionLayer<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer")
            .field("interface", &self.interface)
            .field("on_outage", &self.on_outage)
            .finish_non_exhaustive()
    }
}

impl<M, S> Layer<S> for SessionLayer<M> {
    type Service = SessionService<S, M>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService { inner, layer: self.clone() }
    }
}

/// A service under a [`SessionLayer`].
///
/// ```
/// use session_core::NullSessions;
/// use session_tower::{SessionLayer, SessionService};
/// use tower_layer::Layer;
///
/// let service: SessionService<axum::Router> = SessionLayer::new(NullSessions::new("no key")).layer(axum::Router::new());
/// ```
pub struct SessionService<S, M = ()> {
    inner: S,
    layer: SessionLayer<M>,
}

impl<S: Clone, M> Clone for SessionService<S, M> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<S: fmt::Debug, M> fmt::Debug for SessionService<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService").field("inner", &self.inner).field("layer", &self.layer).finish()
    }
}

impl<S, M, B, R> Service<Request<B>> for SessionService<S, M>
where
    S: Service<Request<B>, Response = Response<R>>,
    M: 'static,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, R>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let session =
            RequestSession::with_shared(Arc::clone(&self.layer.interface), view(&request), self.layer.on_outage);
        let commit = request.extensions_mut().get_or_insert_default::<SessionLayers>().enter::<M>(session);
        ResponseFuture::new(self.inner.call(request), commit)
    }
}

/// The session of a request, for code that is no handler: other middleware, or a step that loads the user. It is not
/// opened before it is asked.
///
/// `M` is the marker of the layer, `()` for [`SessionLayer::new`].
///
/// ```
/// use axum::extract::Request;
/// use axum::middleware::Next;
/// use axum::response::Response;
/// use session_tower::{Error, request_session};
///
/// async fn load_user(mut request: Request, next: Next) -> Result<Response, Error> {
///     if let Some(handle) = request_session::<()>(request.extensions()) {
///         if let Some(user) = handle.session().await?.get::<String>("user")? {
///             request.extensions_mut().insert(user);
///         }
///     }
///     Ok(next.run(request).await)
/// }
///
/// let app: axum::Router = axum::Router::new().layer(axum::middleware::from_fn(load_user));
/// ```
pub fn request_session<M: 'static>(extensions: &Extensions) -> Option<RequestSession> {
    extensions.get::<SessionLayers>()?.get::<M>()
}

pin_project! {
    /// The response of a [`SessionService`]: the inner response, then the commit of its session.
    ///
    /// ```
    /// use session_core::NullSessions;
    /// use session_tower::{ResponseFuture, SessionLayer};
    /// use tower_layer::Layer;
    /// use tower_service::Service;
    ///
    /// let mut service = SessionLayer::new(NullSessions::new("no key")).layer(axum::Router::new());
    /// let _response: ResponseFuture<_, axum::body::Body> = service.call(http::Request::<axum::body::Body>::default());
    /// ```
    pub struct ResponseFuture<F, R> {
        #[pin]
        inner: F,
        // `None` if an outer layer commits the session.
        session: Option<RequestSession>,
        committing: Option<Committing<R>>,
    }
}

struct Committing<R> {
    response: Response<R>,
    commit: Pin<Box<dyn Future<Output = Result<SessionHeaders, session_core::Error>> + Send>>,
}

impl<F, R> ResponseFuture<F, R> {
    fn new(inner: F, session: Option<RequestSession>) -> Self {
        Self { inner, session, committing: None }
    }
}

impl<F, R> fmt::Debug for ResponseFuture<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("session", &self.session).finish_non_exhaustive()
    }
}

impl<F, R, E> Future for ResponseFuture<F, R>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Default,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.committing.is_none() {
            let response = match ready!(this.inner.poll(context)) {
                Ok(response) => response,
                Err(error) => return Poll::Ready(Err(error)),
            };
            let session = this.session.take().filter(|session| !session.close_untouched());
            let Some(session) = session else { return Poll::Ready(Ok(response)) };
            let commit = Box::pin(async move { session.commit().await });
            *this.committing = Some(Committing { response, commit });
        }
        let Some(committing) = this.committing else { return Poll::Pending };
        let committed = ready!(committing.commit.as_mut().poll(context));
        let Some(Committing { response, .. }) = this.committing.take() else {
            return Poll::Pending;
        };
        Poll::Ready(Ok(finish(response, committed)))
    }
}

/// The response with the session's headers, or an error response if the session was not saved.
fn finish<R: Default>(
    mut response: Response<R>,
    committed: Result<SessionHeaders, session_core::Error>,
) -> Response<R> {
    let applied = committed.and_then(|headers| apply(response.headers_mut(), &headers));
    match applied {
        Ok(()) => response,
        Err(error) => {
            let error = Error::from(error);
            error.log();
            let mut response = Response::new(R::default());
            *response.status_mut() = error.status();
            response
        }
    }
}

fn apply(response: &mut HeaderMap, headers: &SessionHeaders) -> Result<(), session_core::Error> {
    let value = |text: &str| {
        HeaderValue::from_bytes(text.as_bytes()).map_err(|error| {
            session_core::Error::new(ErrorKind::Backend, "the session's headers are not valid").with_source(error)
        })
    };
    if let Some(vary) = headers.merged_vary(response.get_all(VARY).iter().map(HeaderValue::as_bytes)) {
        let vary = match vary {
            Cow::Borrowed(names) => HeaderValue::from_static(names),
            Cow::Owned(names) => value(&names)?,
        };
        response.insert(VARY, vary);
    }
    let Some(cookie) = headers.set_cookie() else { return Ok(()) };
    if let Some(directive) = headers.cache_control(response.get_all(CACHE_CONTROL).iter().map(HeaderValue::as_bytes)) {
        response.insert(CACHE_CONTROL, HeaderValue::from_static(directive));
    }
    response.append(SET_COOKIE, value(cookie)?);
    Ok(())
}

fn view<B>(request: &Request<B>) -> RequestView {
    let (headers, uri) = (request.headers(), request.uri());
    let host = uri.authority().map(http::uri::Authority::as_str);
    let host = host.or_else(|| headers.get(HOST).and_then(|host| host.to_str().ok()));
    let mut view = RequestView::builder().host(host).scheme(uri.scheme_str()).path(uri.path());
    for cookies in headers.get_all(COOKIE) {
        view = view.cookie_header(cookies.as_bytes());
    }
    view.build()
}
