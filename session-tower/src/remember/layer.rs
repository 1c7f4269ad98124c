//! The layer that restores the session before the handler runs, and sets the cookie.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response};
use session_core::remember::{RememberMe, RememberRequest};
use session_core::{Error, ErrorKind};
use tower_layer::Layer;
use tower_service::Service;

use super::ResponseBody;
use crate::request_session;
use crate::response::{append_cookie, error_response, forbid_storing};

/// A layer that logs the users of remembered browsers in again.
///
/// The module [`remember`](crate::remember) has an example.
#[derive(Clone, Debug)]
pub struct RememberLayer {
    settings: RememberMe,
}

impl RememberLayer {
    /// Returns a layer with these settings.
    #[must_use]
    pub fn new(settings: RememberMe) -> Self {
        Self { settings }
    }
}

impl<S> Layer<S> for RememberLayer {
    type Service = RememberService<S>;

    fn layer(&self, inner: S) -> RememberService<S> {
        RememberService { inner, settings: self.settings.clone() }
    }
}

/// The service of a [`RememberLayer`] around another service.
#[derive(Clone, Debug)]
pub struct RememberService<S> {
    inner: S,
    settings: RememberMe,
}

type Answer<R, E> = Pin<Box<dyn Future<Output = Result<Response<ResponseBody<R>>, E>> + Send>>;

impl<S, B, R> Service<Request<B>> for RememberService<S>
where
    S: Service<Request<B>, Response = Response<R>, Future: Send> + Clone + Send + 'static,
    B: Send + 'static,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = Answer<R, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The clone may not be ready. The service that was polled above is ready.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let Some(session) = request_session(request.extensions()) else {
            return Box::pin(async { Ok(failed(missing_layer())) });
        };
        let remember = RememberRequest::new(&self.settings, session);
        request.extensions_mut().insert(remember.clone());
        Box::pin(async move {
            if remember.has_cookie()
                && let Err(error) = remember.restore().await
            {
                return Ok(failed(error));
            }
            let mut response = inner.call(request).await?;
            match apply(response.headers_mut(), &remember) {
                Ok(()) => Ok(response.map(ResponseBody::new)),
                Err(error) => Ok(failed(error)),
            }
        })
    }
}

fn missing_layer() -> Error {
    let message = "no session layer is around the remember-me layer; \
                   add .layer(SessionLayer::new(..)) after .layer(RememberLayer::new(..))";
    Error::new(ErrorKind::Unconfigured, message)
}

fn failed<R>(error: Error) -> Response<ResponseBody<R>> {
    error_response(error).map(ResponseBody::text)
}

fn apply(response: &mut HeaderMap, remember: &RememberRequest) -> Result<(), Error> {
    let Some(cookie) = remember.finish()? else { return Ok(()) };
    append_cookie(response, cookie, "remember-me cookie is not valid in HTTP")?;
    forbid_storing(response);
    Ok(())
}
