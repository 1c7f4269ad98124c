//! The layer that refuses requests from other sites.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use session_core::csrf::{CheckError, CsrfConfig, CsrfRequest, Reason};
use session_core::{Error, ErrorKind};
use tower_layer::Layer;
use tower_service::Service;

use super::{Rejection, RequestBody, ResponseBody};
use crate::request_session;
use crate::response::{append_cookie, forbid_storing};

/// A layer that refuses requests from other sites, by the [decision
/// table](session_core::csrf#decision-table).
///
/// The module [`csrf`](crate::csrf) has an example. The body of the request becomes a
/// [`RequestBody`], and the body of the response a [`ResponseBody`].
#[derive(Clone, Debug)]
pub struct CsrfLayer {
    config: CsrfConfig,
}

impl CsrfLayer {
    /// Returns a layer with these settings.
    #[must_use]
    pub fn new(config: CsrfConfig) -> Self {
        Self { config }
    }
}

impl<S> Layer<S> for CsrfLayer {
    type Service = CsrfService<S>;

    fn layer(&self, inner: S) -> CsrfService<S> {
        CsrfService { inner, config: self.config.clone() }
    }
}

/// The service of a [`CsrfLayer`] around another service.
#[derive(Clone, Debug)]
pub struct CsrfService<S> {
    inner: S,
    config: CsrfConfig,
}

type Checked<B> = Result<Request<RequestBody<B>>, CheckError>;
type Check<B> = Pin<Box<dyn Future<Output = Checked<B>> + Send>>;

impl<S, B, R> Service<Request<B>> for CsrfService<S>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>> + Clone,
    B: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The clone may not be ready. The service that was polled above is ready.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let Some(csrf) = protection(&self.config, &request) else {
            let check: Check<B> = Box::pin(async { Err(missing_layer().into()) });
            return ResponseFuture { csrf: None, state: State::Checking { check, inner } };
        };
        request.extensions_mut().insert(csrf.clone());
        let is_exempt = is_exempt(&self.config, &request);
        let state = if is_exempt || csrf.passes() {
            State::Running { response: inner.call(request.map(RequestBody::unread)) }
        } else {
            let check: Check<B> = Box::pin(check(csrf.clone(), request, self.config.body_limit()));
            State::Checking { check, inner }
        };
        ResponseFuture { csrf: Some(csrf), state }
    }
}

fn protection<B>(config: &CsrfConfig, request: &Request<B>) -> Option<CsrfRequest> {
    let session = request_session(request.extensions())?;
    let header = |name| request.headers().get_all(name).iter().map(HeaderValue::as_bytes);
    Some(CsrfRequest::new(config, session, request.method().as_str(), header))
}

fn missing_layer() -> Error {
    let message = "no session layer is around the CSRF layer; \
                   add .layer(SessionLayer::new(..)) after .layer(CsrfLayer::new(..))";
    Error::new(ErrorKind::Unconfigured, message)
}

#[cfg(feature = "matched-path")]
fn is_exempt<B>(config: &CsrfConfig, request: &Request<B>) -> bool {
    let route = request.extensions().get::<axum::extract::MatchedPath>();
    route.is_some_and(|route| config.is_exempt(route.as_str()))
}

#[cfg(not(feature = "matched-path"))]
fn is_exempt<B>(_: &CsrfConfig, _: &Request<B>) -> bool {
    false
}

/// Checks a request, and reads its form if necessary.
async fn check<B: Body<Data = Bytes>>(
    csrf: CsrfRequest,
    request: Request<B>,
    limit: usize,
) -> Checked<B> {
    if !csrf.needs_form() {
        csrf.check(None).await?;
        return Ok(request.map(RequestBody::unread));
    }
    let (head, body) = request.into_parts();
    let mut body = pin!(body);
    let (mut frames, mut form) = (VecDeque::new(), Vec::new());
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let frame = frame.map_err(|_| csrf.refuse(Reason::UnreadableBody))?;
        if let Some(data) = frame.data_ref() {
            if data.len() > limit - form.len() {
                return Err(csrf.refuse(Reason::BodyTooLarge));
            }
            form.extend_from_slice(data);
        }
        frames.push_back(frame);
    }
    csrf.check(Some(&form)).await?;
    Ok(Request::from_parts(head, RequestBody::read(frames)))
}

pin_project! {
    /// The future of a [`CsrfService`], which checks the request and waits for the inner response.
    pub struct ResponseFuture<S: Service<Request<RequestBody<B>>>, B> {
        // `None` if there is no session.
        csrf: Option<CsrfRequest>,
        #[pin]
        state: State<S, S::Future, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, F, B> {
        Checking { check: Check<B>, inner: S },
        Running { #[pin] response: F },
    }
}

impl<S: Service<Request<RequestBody<B>>>, B> fmt::Debug for ResponseFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("csrf", &self.csrf).finish_non_exhaustive()
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let StateProjection::Checking { check, inner } = this.state.as_mut().project() {
            match ready!(check.as_mut().poll(context)) {
                Ok(request) => {
                    let response = inner.call(request);
                    this.state.set(State::Running { response });
                }
                Err(error) => return Poll::Ready(Ok(refused(error))),
            }
        }
        let StateProjection::Running { response } = this.state.project() else {
            return Poll::Pending;
        };
        let response = ready!(response.poll(context))?;
        Poll::Ready(Ok(finish(response, this.csrf.as_ref())))
    }
}

fn refused<R>(error: CheckError) -> Response<ResponseBody<R>> {
    Rejection::from(error).into_text_response().map(ResponseBody::text)
}

fn finish<R>(mut response: Response<R>, csrf: Option<&CsrfRequest>) -> Response<ResponseBody<R>> {
    match csrf.map_or(Ok(()), |csrf| apply(response.headers_mut(), csrf)) {
        Ok(()) => response.map(ResponseBody::new),
        Err(error) => refused(error.into()),
    }
}

fn apply(response: &mut HeaderMap, csrf: &CsrfRequest) -> Result<(), Error> {
    let headers = csrf.finish()?;
    if headers.no_store {
        forbid_storing(response);
    }
    let Some(cookie) = headers.set_cookie else { return Ok(()) };
    append_cookie(response, cookie, "CSRF headers are not valid in HTTP")
}
