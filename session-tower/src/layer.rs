//! The layer that adds a session to each request, and its headers to the response.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::{CACHE_CONTROL, COOKIE, HOST, HeaderName, SET_COOKIE, VARY};
use http::{Extensions, HeaderMap, HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use session_core::request::{Committed, RequestSession, RequestView, SessionHeaders, SessionStack};
use session_core::{ErrorKind, OutagePolicy, SessionConfig, SessionInterface};
use tower_layer::Layer;
use tower_service::Service;

use crate::error::allow_retry;
use crate::original_uri::original_uri;
use crate::{Error, ResponseBody};

/// A layer that adds a session to every request of a tower HTTP service.
///
/// The response body becomes a [`ResponseBody`], because the error response of a failed save has an
/// empty body. The module [`layer_orders`](crate::layer_orders) shows the position of this layer
/// among other layers.
///
/// # Examples
///
/// ```
/// use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
/// use session_tower::SessionLayer;
///
/// let sessions = SignedCookieSessions::new(SessionConfig::default(), &SecretKey::generate()?)?;
/// let app: axum::Router = axum::Router::new().layer(SessionLayer::new(sessions));
/// # Ok::<(), session_core::Error>(())
/// ```
pub struct SessionLayer<M = ()> {
    interface: Arc<dyn SessionInterface>,
    on_outage: OutagePolicy,
    marker: PhantomData<fn() -> M>,
}

impl SessionLayer {
    /// Returns a layer with the sessions of this interface.
    pub fn new(interface: impl SessionInterface) -> Self {
        Self::marked(interface)
    }
}

impl<M> SessionLayer<M> {
    /// Returns a layer for another session of the same request. This session needs its own cookie
    /// name. The marker type identifies the layer in the extractor `MarkedSession` and in
    /// [`request_session_marked`].
    ///
    /// # Examples
    ///
    /// ```
    /// use session_core::SessionConfig;
    /// use session_memory::{MemorySessions, MemoryStore};
    /// use session_tower::{MarkedSession, Session, SessionLayer};
    ///
    /// struct Admin;
    ///
    /// async fn handler(session: Session, admin: MarkedSession<Admin>) {}
    ///
    /// let config = SessionConfig::builder().cookie_name("admin").build()?;
    /// let sessions = MemorySessions::new(MemoryStore::new(), config);
    /// let layer = SessionLayer::<Admin>::marked(sessions);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn marked(interface: impl SessionInterface) -> Self {
        Self {
            interface: Arc::new(interface),
            on_outage: OutagePolicy::default(),
            marker: PhantomData,
        }
    }

    /// Sets the policy for requests whose session the backend fails to open. The default is
    /// [`OutagePolicy::Refuse`].
    #[must_use]
    pub fn on_outage(mut self, policy: OutagePolicy) -> Self {
        self.on_outage = policy;
        self
    }
}

impl<M> Clone for SessionLayer<M> {
    fn clone(&self) -> Self {
        Self {
            interface: Arc::clone(&self.interface),
            on_outage: self.on_outage,
            marker: PhantomData,
        }
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

/// The service of a [`SessionLayer`] around another service.
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
        f.debug_struct("SessionService")
            .field("inner", &self.inner)
            .field("layer", &self.layer)
            .finish()
    }
}

impl<S, M, B, R> Service<Request<B>> for SessionService<S, M>
where
    S: Service<Request<B>, Response = Response<R>>,
    M: 'static,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, R>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let session = RequestSession::with_shared(
            Arc::clone(&self.layer.interface),
            view(&request, (*self.layer.interface).config()),
            self.layer.on_outage,
        );
        let stack = request.extensions_mut().get_or_insert_default::<SessionStack>();
        let commit = stack.push::<M>(session);
        ResponseFuture::new(self.inner.call(request), commit)
    }
}

/// Returns the session of a request, for code that is not a handler, such as middleware that loads
/// the user. Returns `None` if there is no [`SessionLayer`].
///
/// This function does not open the session. [`RequestSession::session`] opens it.
///
/// # Examples
///
/// ```
/// use axum::extract::Request;
/// use axum::middleware::Next;
/// use axum::response::Response;
/// use session_tower::{Error, request_session};
///
/// async fn load_user(mut request: Request, next: Next) -> Result<Response, Error> {
///     if let Some(handle) = request_session(request.extensions()) {
///         if let Some(user) = handle.session().await?.get::<String>("user")? {
///             request.extensions_mut().insert(user);
///         }
///     }
///     Ok(next.run(request).await)
/// }
///
/// let app: axum::Router = axum::Router::new().layer(axum::middleware::from_fn(load_user));
/// ```
pub fn request_session(extensions: &Extensions) -> Option<RequestSession> {
    request_session_marked::<()>(extensions)
}

/// Returns the session of the innermost [`SessionLayer`] with the marker `M`; see
/// [`request_session`].
pub fn request_session_marked<M: 'static>(extensions: &Extensions) -> Option<RequestSession> {
    extensions.get::<SessionStack>()?.get::<M>()
}

pin_project! {
    /// The future of a [`SessionService`], which waits for the inner response and commits the
    /// session.
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
    commit: Pin<Box<dyn Future<Output = Committed> + Send>>,
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
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.committing.is_none() {
            let response = match ready!(this.inner.poll(context)) {
                Ok(response) => response,
                Err(error) => return Poll::Ready(Err(error)),
            };
            let Some(session) = this.session.take() else {
                return Poll::Ready(Ok(response.map(ResponseBody::from)));
            };
            let cache_control = || values(response.headers(), &CACHE_CONTROL);
            session.note_cache_control(std::iter::once_with(cache_control).flatten());
            if let Some(headers) = session.finish_if_unchanged() {
                let committed = Committed { headers, error: None };
                return Poll::Ready(Ok(finish(response, committed)));
            }
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

/// Returns the response with the headers of the session, or an error response if the session was
/// not saved. The error response also has the headers, because an earlier `Session::save` may have
/// stored the session under a new id.
fn finish<R>(mut response: Response<R>, committed: Committed) -> Response<ResponseBody<R>> {
    let Committed { mut headers, error } = committed;
    let Some(error) = error.or_else(|| apply(response.headers_mut(), &mut headers).err()) else {
        return response.map(ResponseBody::from);
    };
    let error = Error::from(error);
    error.log();
    let mut response = Response::new(ResponseBody::default());
    *response.status_mut() = error.status();
    allow_retry(error.status(), response.headers_mut());
    // Fails only if these headers are invalid. The error is logged.
    let _ = apply(response.headers_mut(), &mut headers);
    response
}

fn apply(
    response: &mut HeaderMap,
    headers: &mut SessionHeaders,
) -> Result<(), session_core::Error> {
    let has_fields = headers.fields().next().is_some();
    if !has_fields && !headers.vary() {
        return Ok(());
    }
    // Most responses have few headers, and neither `Vary` nor `Cache-Control`. Comparing names is
    // then faster than two searches.
    let no_values = HeaderMap::new();
    let is_set = |name: &HeaderName| *name == VARY || *name == CACHE_CONTROL;
    let present = if response.keys().any(is_set) { &*response } else { &no_values };
    let vary = headers.merged_vary(values(present, &VARY));
    let directive = headers.cache_control(values(present, &CACHE_CONTROL));
    if let Some(vary) = vary {
        let vary = match vary {
            Cow::Borrowed("Cookie") => VARY_COOKIE.clone(),
            Cow::Borrowed(names) => HeaderValue::from_static(names),
            Cow::Owned(names) => HeaderValue::try_from(names).map_err(invalid)?,
        };
        response.insert(VARY, vary);
    }
    if let Some(directive) = directive {
        response.insert(CACHE_CONTROL, directive_value(directive));
    }
    if !has_fields {
        return Ok(());
    }
    for name in &TARGETED {
        if let Some(directive) = headers.targeted_cache_control(values(response, name)) {
            response.insert(name, directive_value(directive));
        }
    }
    for (name, field) in headers.take_fields() {
        let mut field = HeaderValue::try_from(field).map_err(invalid)?;
        field.set_sensitive(true);
        match name {
            "set-cookie" => response.append(SET_COOKIE, field),
            _ => response.append(HeaderName::from_bytes(name.as_bytes()).map_err(invalid)?, field),
        };
    }
    Ok(())
}

static TARGETED: [HeaderName; SessionHeaders::TARGETED.len()] = {
    let [cdn, surrogate] = SessionHeaders::TARGETED;
    [HeaderName::from_static(cdn), HeaderName::from_static(surrogate)]
};

static VARY_COOKIE: HeaderValue = HeaderValue::from_static("Cookie");
static PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
static NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Returns the header value of a directive. Frequent directives are not validated again.
fn directive_value(directive: &'static str) -> HeaderValue {
    match directive {
        "private, no-cache" => PRIVATE.clone(),
        "no-store" => NO_STORE.clone(),
        other => HeaderValue::from_static(other),
    }
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> session_core::Error {
    session_core::Error::new(ErrorKind::Backend, "session headers are not valid in HTTP")
        .with_source(error)
}

fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers.get_all(name).iter().map(HeaderValue::as_bytes)
}

fn view<B>(request: &Request<B>, config: &SessionConfig) -> RequestView {
    let (headers, uri) = (request.headers(), request.uri());
    let host = uri.authority().map(http::uri::Authority::as_str);
    let host = host.or_else(|| headers.get(HOST).and_then(|host| host.to_str().ok()));
    let path = original_uri(request.extensions(), uri).path();
    let mut view = RequestView::builder().host(host).scheme(uri.scheme_str()).path(path);
    for cookies in headers.get_all(COOKIE) {
        view = view.cookie_header(cookies.as_bytes());
    }
    if let Some(name) = config.token_header() {
        for token in headers.get_all(name) {
            view = view.token_header(token.as_bytes());
        }
    }
    view.build()
}
