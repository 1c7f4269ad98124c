//! The middleware: hands each request its session, and lets the response carry it back.

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, Ready, ready};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::header::{CACHE_CONTROL, COOKIE, HOST, HeaderMap, HeaderValue, SET_COOKIE, VARY};
use actix_web::{HttpMessage, HttpResponse, ResponseError as _};
use pin_project_lite::pin_project;
use session_core::{ErrorKind, OnOutage, RequestSession, RequestView, SessionHeaders, SessionInterface, SessionLayers};

use crate::Error;

/// Gives every request of an application, a scope or a resource its session.
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
///
/// Make it before `HttpServer::new` and clone it into each worker's application, so that they share one backend.
pub struct SessionMiddleware<M = ()> {
    interface: Arc<dyn SessionInterface>,
    on_outage: OnOutage,
    marker: PhantomData<fn() -> M>,
}

impl SessionMiddleware {
    /// Sessions by this interface.
    ///
    /// ```
    /// use session_actix::SessionMiddleware;
    /// use session_core::NullSessions;
    ///
    /// let middleware = SessionMiddleware::new(NullSessions::new("set SECRET_KEY to keep sessions"));
    /// ```
    pub fn new(interface: impl SessionInterface) -> Self {
        Self::marked(interface)
    }
}

impl<M> SessionMiddleware<M> {
    /// A second session beside the first, under another cookie name: the marker type tells the extractor which is meant.
    ///
    /// ```
    /// use session_actix::{Session, SessionMiddleware};
    /// use session_core::NullSessions;
    ///
    /// struct Admin;
    ///
    /// async fn handler(_session: Session, _admin: Session<Admin>) {}
    ///
    /// let middleware = SessionMiddleware::<Admin>::marked(NullSessions::new("no key"));
    /// ```
    pub fn marked(interface: impl SessionInterface) -> Self {
        Self { interface: Arc::new(interface), on_outage: OnOutage::default(), marker: PhantomData }
    }

    /// What a request gets while the backend is down; [`OnOutage::Refuse`] if not given.
    ///
    /// ```
    /// use session_actix::{OnOutage, SessionMiddleware};
    /// use session_core::NullSessions;
    ///
    /// let middleware = SessionMiddleware::new(NullSessions::new("no key")).on_outage(OnOutage::Anonymous);
    /// ```
    #[must_use]
    pub fn on_outage(mut self, on_outage: OnOutage) -> Self {
        self.on_outage = on_outage;
        self
    }
}

impl<M> Clone for SessionMiddleware<M> {
    fn clone(&self) -> Self {
        Self { interface: Arc::clone(&self.interface), on_outage: self.on_outage, marker: PhantomData }
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

/// A service under a [`SessionMiddleware`].
///
/// ```
/// use actix_web::dev::Transform;
/// use actix_web::test::ok_service;
/// use session_actix::{SessionMiddleware, SessionService};
/// use session_core::NullSessions;
///
/// # actix_web::rt::System::new().block_on(async {
/// let middleware = SessionMiddleware::new(NullSessions::new("no key"));
/// let service: SessionService<_> = middleware.new_transform(ok_service()).await.unwrap();
/// # });
/// ```
pub struct SessionService<S, M = ()> {
    inner: S,
    middleware: SessionMiddleware<M>,
}

impl<S: fmt::Debug, M> fmt::Debug for SessionService<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService").field("inner", &self.inner).field("middleware", &self.middleware).finish()
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
        let session = RequestSession::with_shared(Arc::clone(interface), view(&request), *on_outage);
        let commit = request.extensions_mut().get_or_insert_with(SessionLayers::default).enter::<M>(session);
        ResponseFuture { inner: self.inner.call(request), session: commit, committing: None }
    }
}

/// The session of a request, for code that is no handler: other middleware, or a step that loads the user. It is not
/// opened before it is asked.
///
/// `M` is the marker of the middleware, `()` for [`SessionMiddleware::new`].
///
/// ```
/// use actix_web::body::MessageBody;
/// use actix_web::dev::{ServiceRequest, ServiceResponse};
/// use actix_web::middleware::{Next, from_fn};
/// use actix_web::{App, HttpMessage as _};
/// use session_actix::{Error, request_session};
///
/// async fn load_user(
///     request: ServiceRequest,
///     next: Next<impl MessageBody>,
/// ) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
///     if let Some(handle) = request_session::<()>(&request) {
///         let session = handle.session().await.map_err(Error::from)?;
///         if let Some(user) = session.get::<String>("user").map_err(Error::from)? {
///             request.extensions_mut().insert(user);
///         }
///     }
///     next.call(request).await
/// }
///
/// let app = App::new().wrap(from_fn(load_user));
/// ```
pub fn request_session<M: 'static>(request: &impl HttpMessage) -> Option<RequestSession> {
    request.extensions().get::<SessionLayers>()?.get::<M>()
}

type Answer<B> = Result<ServiceResponse<B>, actix_web::Error>;

pin_project! {
    /// The response of a [`SessionService`]: the inner response, then the commit of its session.
    ///
    /// ```
    /// use actix_web::dev::{Service as _, Transform as _};
    /// use actix_web::test::{TestRequest, ok_service};
    /// use session_actix::{ResponseFuture, SessionMiddleware};
    /// use session_core::NullSessions;
    ///
    /// # actix_web::rt::System::new().block_on(async {
    /// let middleware = SessionMiddleware::new(NullSessions::new("no key"));
    /// let service = middleware.new_transform(ok_service()).await.unwrap();
    /// let response: ResponseFuture<_, _> = service.call(TestRequest::default().to_srv_request());
    /// assert_eq!(response.await.unwrap().status(), 200);
    /// # });
    /// ```
    pub struct ResponseFuture<F, B> {
        #[pin]
        inner: F,
        // `None` if an outer middleware commits the session.
        session: Option<RequestSession>,
        committing: Option<Committing<B>>,
    }
}

struct Committing<B> {
    answer: Answer<B>,
    commit: Pin<Box<dyn Future<Output = Result<SessionHeaders, session_core::Error>>>>,
}

impl<F, B> fmt::Debug for ResponseFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("session", &self.session).finish_non_exhaustive()
    }
}

impl<F, B> Future for ResponseFuture<F, B>
where
    F: Future<Output = Answer<B>>,
{
    type Output = Answer<EitherBody<B>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.committing.is_none() {
            let answer = ready!(this.inner.poll(context));
            let session = this.session.take().filter(|session| !session.close_untouched());
            let Some(session) = session else {
                return Poll::Ready(answer.map(ServiceResponse::map_into_left_body));
            };
            let commit = Box::pin(async move { session.commit().await });
            *this.committing = Some(Committing { answer, commit });
        }
        let Some(committing) = this.committing else { return Poll::Pending };
        let committed = ready!(committing.commit.as_mut().poll(context));
        let Some(Committing { answer, .. }) = this.committing.take() else {
            return Poll::Pending;
        };
        Poll::Ready(finish(answer, committed))
    }
}

/// The answer with the session's headers, or an error response if the session was not saved.
fn finish<B>(answer: Answer<B>, committed: Result<SessionHeaders, session_core::Error>) -> Answer<EitherBody<B>> {
    match (answer, committed) {
        (Ok(mut response), Ok(headers)) => match apply(response.headers_mut(), &headers) {
            Ok(()) => Ok(response.map_into_left_body()),
            Err(error) => Ok(replaced(response, error)),
        },
        (Ok(response), Err(error)) => Ok(replaced(response, error)),
        (Err(mut answer), Ok(headers)) => {
            answer.add_response_mapper(move |mut response| match apply(response.headers_mut(), &headers) {
                Ok(()) => response,
                Err(error) => Error::from(error).error_response(),
            });
            Err(answer)
        }
        (Err(_), Err(error)) => Err(Error::from(error).into()),
    }
}

fn replaced<B>(response: ServiceResponse<B>, error: session_core::Error) -> ServiceResponse<EitherBody<B>> {
    response.into_response(HttpResponse::from_error(Error::from(error))).map_into_right_body()
}

fn apply(response: &mut HeaderMap, headers: &SessionHeaders) -> Result<(), session_core::Error> {
    let value = |text: &str| {
        HeaderValue::from_bytes(text.as_bytes()).map_err(|error| {
            session_core::Error::new(ErrorKind::Backend, "the session's headers are not valid").with_source(error)
        })
    };
    if let Some(vary) = headers.merged_vary(response.get_all(VARY).map(HeaderValue::as_bytes)) {
        let vary = match vary {
            Cow::Borrowed(names) => HeaderValue::from_static(names),
            Cow::Owned(names) => value(&names)?,
        };
        response.insert(VARY, vary);
    }
    let Some(cookie) = headers.set_cookie() else { return Ok(()) };
    if let Some(directive) = headers.cache_control(response.get_all(CACHE_CONTROL).map(HeaderValue::as_bytes)) {
        response.insert(CACHE_CONTROL, HeaderValue::from_static(directive));
    }
    response.append(SET_COOKIE, value(cookie)?);
    Ok(())
}

fn view(request: &ServiceRequest) -> RequestView {
    let (headers, uri) = (request.headers(), request.uri());
    let host = uri.authority().map(actix_web::http::uri::Authority::as_str);
    let host = host.or_else(|| headers.get(HOST).and_then(|host| host.to_str().ok()));
    let mut view = RequestView::builder().host(host).scheme(uri.scheme_str()).path(uri.path());
    for cookies in headers.get_all(COOKIE) {
        view = view.cookie_header(cookies.as_bytes());
    }
    view.build()
}
