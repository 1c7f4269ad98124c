//! The middleware that adds a session to each request, and its headers to the response.

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, Ready, ready};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::header::{
    CACHE_CONTROL, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, SET_COOKIE, VARY,
};
use actix_web::{HttpMessage, HttpResponse};
use pin_project_lite::pin_project;
use session_core::request::{Committed, RequestSession, RequestView, SessionHeaders, SessionStack};
use session_core::{ErrorKind, OutagePolicy, SessionConfig, SessionInterface};

use crate::Error;

/// A middleware that adds a session to every request of an application, a scope or a resource.
///
/// Create the middleware before `HttpServer::new` and clone it for the application of each worker,
/// so that the workers share one backend.
///
/// # Examples
///
/// ```
/// use actix_web::App;
/// use session_actix::SessionMiddleware;
/// use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
///
/// let sessions = SignedCookieSessions::new(SessionConfig::default(), &SecretKey::generate()?)?;
/// let app = App::new().wrap(SessionMiddleware::new(sessions));
/// # Ok::<(), session_core::Error>(())
/// ```
pub struct SessionMiddleware<M = ()> {
    interface: Arc<dyn SessionInterface>,
    on_outage: OutagePolicy,
    marker: PhantomData<fn() -> M>,
}

impl SessionMiddleware {
    /// Returns a middleware with the sessions of this interface.
    pub fn new(interface: impl SessionInterface) -> Self {
        Self::marked(interface)
    }
}

impl<M> SessionMiddleware<M> {
    /// Returns a middleware for another session of the same request. This session needs its own
    /// cookie name. The marker type identifies the middleware in the extractor
    /// [`MarkedSession`](crate::MarkedSession) and in
    /// [`request_session_marked`](crate::request_session_marked).
    ///
    /// # Examples
    ///
    /// ```
    /// use session_actix::{MarkedSession, Session, SessionMiddleware};
    /// use session_core::SessionConfig;
    /// use session_memory::{MemorySessions, MemoryStore};
    ///
    /// struct Admin;
    ///
    /// async fn handler(session: Session, admin: MarkedSession<Admin>) {}
    ///
    /// let config = SessionConfig::builder().cookie_name("admin").build()?;
    /// let sessions = MemorySessions::new(MemoryStore::new(), config);
    /// let middleware = SessionMiddleware::<Admin>::marked(sessions);
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

impl<M> Clone for SessionMiddleware<M> {
    fn clone(&self) -> Self {
        Self {
            interface: Arc::clone(&self.interface),
            on_outage: self.on_outage,
            marker: PhantomData,
        }
    }
}

impl<M> fmt::Debug for SessionMiddleware<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionMiddleware")
            .field("interface", &self.interface)
            .field("on_outage", &self.on_outage)
            .finish_non_exhaustive()
    }
}

impl<M, S, B> Transform<S, ServiceRequest> for SessionMiddleware<M>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    M: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Transform = SessionService<S, M>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(SessionService { inner, middleware: self.clone() }))
    }
}

/// The service of a [`SessionMiddleware`] around another service.
pub struct SessionService<S, M = ()> {
    inner: S,
    middleware: SessionMiddleware<M>,
}

impl<S: fmt::Debug, M> fmt::Debug for SessionService<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService")
            .field("inner", &self.inner)
            .field("middleware", &self.middleware)
            .finish()
    }
}

impl<S, M, B> Service<ServiceRequest> for SessionService<S, M>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    M: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Future = ResponseFuture<S::Future, B>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), actix_web::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let SessionMiddleware { interface, on_outage, .. } = &self.middleware;
        let session = RequestSession::with_shared(
            Arc::clone(interface),
            view(&request, (**interface).config()),
            *on_outage,
        );
        let commit =
            request.extensions_mut().get_or_insert_with(SessionStack::default).push::<M>(session);
        ResponseFuture { inner: self.inner.call(request), session: commit, committing: None }
    }
}

type ServiceResult<B> = Result<ServiceResponse<B>, actix_web::Error>;

pin_project! {
    /// The future of a [`SessionService`], which waits for the inner response and commits the
    /// session.
    pub struct ResponseFuture<F, B> {
        #[pin]
        inner: F,
        // `None` if an outer middleware commits the session.
        session: Option<RequestSession>,
        committing: Option<Committing<B>>,
    }
}

struct Committing<B> {
    result: ServiceResult<B>,
    commit: Pin<Box<dyn Future<Output = Committed>>>,
}

impl<F, B> fmt::Debug for ResponseFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("session", &self.session).finish_non_exhaustive()
    }
}

impl<F, B> Future for ResponseFuture<F, B>
where
    F: Future<Output = ServiceResult<B>>,
{
    type Output = ServiceResult<EitherBody<B>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.committing.is_none() {
            let result = ready!(this.inner.poll(context));
            let Some(session) = this.session.take() else {
                return Poll::Ready(result.map(ServiceResponse::map_into_left_body));
            };
            if let Ok(response) = &result {
                session.note_cache_control(values(response.headers(), &CACHE_CONTROL));
            }
            match session.finish_if_unchanged() {
                Some(headers) if headers.vary() => {
                    return Poll::Ready(finish(result, Committed { headers, error: None }));
                }
                Some(_) => return Poll::Ready(result.map(ServiceResponse::map_into_left_body)),
                None => {}
            }
            let commit = Box::pin(async move { session.commit().await });
            *this.committing = Some(Committing { result, commit });
        }
        let Some(committing) = this.committing else { return Poll::Pending };
        let committed = ready!(committing.commit.as_mut().poll(context));
        let Some(Committing { result, .. }) = this.committing.take() else {
            return Poll::Pending;
        };
        Poll::Ready(finish(result, committed))
    }
}

/// Returns the result with the headers of the session, or an error response if the session was not
/// saved. The error response also has the headers, because an earlier `Session::save` may have
/// stored the session under a new id.
fn finish<B>(result: ServiceResult<B>, committed: Committed) -> ServiceResult<EitherBody<B>> {
    let Committed { mut headers, error } = committed;
    match (result, error) {
        (Ok(mut response), None) => match apply(response.headers_mut(), &mut headers) {
            Ok(()) => Ok(response.map_into_left_body()),
            Err(error) => Ok(replaced(response, error, headers)),
        },
        (Ok(response), Some(error)) => Ok(replaced(response, error, headers)),
        (Err(mut failed), None) => {
            failed.add_response_mapper(move |mut response| {
                let mut headers = headers.clone();
                match apply(response.headers_mut(), &mut headers) {
                    Ok(()) => response,
                    Err(error) => error_response(error, headers),
                }
            });
            Err(failed)
        }
        (Err(_), Some(error)) => {
            let mut failed = actix_web::Error::from(Error::from(error));
            failed.add_response_mapper(move |response| with_headers(response, headers.clone()));
            Err(failed)
        }
    }
}

fn replaced<B>(
    response: ServiceResponse<B>,
    error: session_core::Error,
    headers: SessionHeaders,
) -> ServiceResponse<EitherBody<B>> {
    response.into_response(error_response(error, headers)).map_into_right_body()
}

fn error_response(error: session_core::Error, headers: SessionHeaders) -> HttpResponse {
    with_headers(HttpResponse::from_error(Error::from(error)), headers)
}

fn with_headers(mut response: HttpResponse, mut headers: SessionHeaders) -> HttpResponse {
    // Fails only if these headers are invalid. The error is logged.
    let _ = apply(response.headers_mut(), &mut headers);
    response
}

fn apply(
    response: &mut HeaderMap,
    headers: &mut SessionHeaders,
) -> Result<(), session_core::Error> {
    if let Some(vary) = headers.merged_vary(response.get_all(VARY).map(HeaderValue::as_bytes)) {
        let vary = match vary {
            Cow::Borrowed("Cookie") => VARY_COOKIE.clone(),
            Cow::Borrowed(names) => HeaderValue::from_static(names),
            Cow::Owned(names) => HeaderValue::try_from(names).map_err(invalid)?,
        };
        response.insert(VARY, vary);
    }
    if let Some(directive) = headers.cache_control(values(response, &CACHE_CONTROL)) {
        response.insert(CACHE_CONTROL, directive_value(directive));
    }
    if headers.fields().next().is_none() {
        return Ok(());
    }
    for name in SessionHeaders::TARGETED.map(HeaderName::from_static) {
        if let Some(directive) = headers.targeted_cache_control(values(response, &name)) {
            response.insert(name, directive_value(directive));
        }
    }
    for (name, field) in headers.take_fields() {
        let mut field = HeaderValue::try_from(field).map_err(invalid)?;
        field.set_sensitive(true);
        match name {
            "set-cookie" => response.append(SET_COOKIE, field),
            _ => response.append(HeaderName::from_bytes(name.as_bytes()).map_err(invalid)?, field),
        }
    }
    Ok(())
}

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
    headers.get_all(name).map(HeaderValue::as_bytes)
}

fn view(request: &ServiceRequest, config: &SessionConfig) -> RequestView {
    let (headers, uri) = (request.headers(), request.uri());
    let host = uri.authority().map(actix_web::http::uri::Authority::as_str);
    let host = host.or_else(|| headers.get(HOST).and_then(|host| host.to_str().ok()));
    let mut view = RequestView::builder().host(host).scheme(uri.scheme_str()).path(uri.path());
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
