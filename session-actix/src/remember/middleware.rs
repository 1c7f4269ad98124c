//! The middleware that restores the session before the handler runs, and sets the cookie.

use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage as _;
use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::header::HeaderMap;
use session_core::remember::{RememberMe, RememberRequest};
use session_core::{Error, ErrorKind};

use crate::request_session;
use crate::response::{ServiceResult, append_cookie, failed, finish, forbid_storing};

/// A middleware that logs the users of remembered browsers in again.
///
/// The module [`remember`](crate::remember) has an example.
#[derive(Clone, Debug)]
pub struct RememberMiddleware {
    settings: RememberMe,
}

impl RememberMiddleware {
    /// Returns a middleware with these settings.
    #[must_use]
    pub fn new(settings: RememberMe) -> Self {
        Self { settings }
    }
}

impl<S, B> Transform<S, ServiceRequest> for RememberMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Transform = RememberService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(RememberService { inner: Rc::new(inner), settings: self.settings.clone() }))
    }
}

/// The service of a [`RememberMiddleware`] around another service.
pub struct RememberService<S> {
    inner: Rc<S>,
    settings: RememberMe,
}

impl<S: fmt::Debug> fmt::Debug for RememberService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RememberService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, B> Service<ServiceRequest> for RememberService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = ServiceResult<EitherBody<B>>>>>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), actix_web::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let Some(session) = request_session(&request) else {
            return Box::pin(ready(Ok(failed(request, crate::Error::from(missing_middleware())))));
        };
        let remember = RememberRequest::new(&self.settings, (*session).clone());
        request.extensions_mut().insert(remember.clone());
        let inner = Rc::clone(&self.inner);
        Box::pin(async move {
            if remember.has_cookie()
                && let Err(error) = remember.restore().await
            {
                return Ok(failed(request, crate::Error::from(error)));
            }
            finish(inner.call(request).await, move |response| apply(response, &remember))
        })
    }
}

fn missing_middleware() -> Error {
    let message = "no session middleware is around the remember-me middleware; add \
                   .wrap(SessionMiddleware::new(..)) after .wrap(RememberMiddleware::new(..))";
    Error::new(ErrorKind::Unconfigured, message)
}

fn apply(response: &mut HeaderMap, remember: &RememberRequest) -> Result<(), Error> {
    let Some(cookie) = remember.finish()? else { return Ok(()) };
    append_cookie(response, cookie, "remember-me cookie is not valid in HTTP")?;
    forbid_storing(response);
    Ok(())
}
