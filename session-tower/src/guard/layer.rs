//! The layer that loads the user, and decides whether the request reaches the handler.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use session_core::guard::{Guard, GuardError, GuardRequest, Loaded, Users};
use session_core::{Error, ErrorKind};
use tower_layer::Layer;
use tower_service::Service;

use super::{Rejection, ResponseBody};
use crate::original_uri::original_uri;
use crate::request_session;

/// A layer that forwards only the requests that a [`Guard`] admits.
///
/// The module [`guard`](crate::guard) has an example. Add the layer with `Router::route_layer`, so
/// that requests for unknown paths still receive status 404.
pub struct GuardLayer<U> {
    guard: Guard<U>,
}

impl<U: Users> GuardLayer<U> {
    /// Returns a layer with this guard.
    #[must_use]
    pub fn new(guard: Guard<U>) -> Self {
        Self { guard }
    }
}

impl<U> Clone for GuardLayer<U> {
    fn clone(&self) -> Self {
        Self { guard: self.guard.clone() }
    }
}

impl<U> fmt::Debug for GuardLayer<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardLayer").field("guard", &self.guard).finish()
    }
}

impl<S, U> Layer<S> for GuardLayer<U> {
    type Service = GuardService<S, U>;

    fn layer(&self, inner: S) -> GuardService<S, U> {
        GuardService { inner, guard: self.guard.clone() }
    }
}

/// The service of a [`GuardLayer`] around another service.
pub struct GuardService<S, U> {
    inner: S,
    guard: Guard<U>,
}

impl<S: Clone, U> Clone for GuardService<S, U> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), guard: self.guard.clone() }
    }
}

impl<S: fmt::Debug, U> fmt::Debug for GuardService<S, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardService")
            .field("inner", &self.inner)
            .field("guard", &self.guard)
            .finish()
    }
}

type Check<B> = Pin<Box<dyn Future<Output = Result<Request<B>, GuardError>> + Send>>;

impl<S, U, B, R> Service<Request<B>> for GuardService<S, U>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    U: Users,
    B: Send + 'static,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The clone may not be ready. The service that was polled above is ready.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        let check: Check<B> = Box::pin(check(self.guard.clone(), request));
        ResponseFuture { state: State::Checking { check, inner } }
    }
}

async fn check<U: Users, B>(
    guard: Guard<U>,
    mut request: Request<B>,
) -> Result<Request<B>, GuardError> {
    let Some(session) = request_session(request.extensions()) else {
        let message = "no session layer is around the guard; \
                       add .layer(SessionLayer::new(..)) after .layer(GuardLayer::new(..))";
        return Err(Error::new(ErrorKind::Unconfigured, message).into());
    };
    let header = |name| request.headers().get(name).map(HeaderValue::as_bytes);
    let target = original_uri(request.extensions(), request.uri()).path_and_query();
    let target = target.map_or("/", |target| target.as_str());
    let facts = GuardRequest::new(request.method().as_str(), target, header);
    let known = request.extensions_mut().remove::<Loaded<U::User>>();
    let loaded = guard.check(&facts, &session, known).await?;
    request.extensions_mut().insert(loaded);
    Ok(request)
}

pin_project! {
    /// The future of a [`GuardService`], which waits for the guard and for the inner response.
    pub struct ResponseFuture<S: Service<Request<B>>, B> {
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

impl<S: Service<Request<B>>, B> fmt::Debug for ResponseFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
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
                Err(error) => {
                    let response = Rejection::from(error).into_text_response();
                    return Poll::Ready(Ok(response.map(ResponseBody::text)));
                }
            }
        }
        let StateProjection::Running { response } = this.state.project() else {
            return Poll::Pending;
        };
        let response = ready!(response.poll(context))?;
        Poll::Ready(Ok(response.map(ResponseBody::new)))
    }
}
