//! The middleware that loads the user, and decides whether the request reaches the handler.

use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage as _;
use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::header::HeaderValue;
use session_core::guard::{Guard, GuardError, GuardRequest, Loaded, Users};
use session_core::{Error, ErrorKind};

use super::Rejection;
use crate::request_session;
use crate::response::{ServiceResult, failed};

/// A middleware that forwards only the requests that a [`Guard`] admits.
///
/// The module [`guard`](crate::guard) has an example. A middleware around a scope also guards
/// unknown paths.
pub struct GuardMiddleware<U> {
    guard: Guard<U>,
}

impl<U: Users> GuardMiddleware<U> {
    /// Returns a middleware with this guard.
    #[must_use]
    pub fn new(guard: Guard<U>) -> Self {
        Self { guard }
    }
}

impl<U> Clone for GuardMiddleware<U> {
    fn clone(&self) -> Self {
        Self { guard: self.guard.clone() }
    }
}

impl<U> fmt::Debug for GuardMiddleware<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardMiddleware").field("guard", &self.guard).finish()
    }
}

impl<S, U, B> Transform<S, ServiceRequest> for GuardMiddleware<U>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    U: Users,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Transform = GuardService<S, U>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(GuardService { inner: Rc::new(inner), guard: self.guard.clone() }))
    }
}

/// The service of a [`GuardMiddleware`] around another service.
pub struct GuardService<S, U> {
    inner: Rc<S>,
    guard: Guard<U>,
}

impl<S: fmt::Debug, U> fmt::Debug for GuardService<S, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardService")
            .field("inner", &self.inner)
            .field("guard", &self.guard)
            .finish()
    }
}

impl<S, U, B> Service<ServiceRequest> for GuardService<S, U>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    U: Users,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = ServiceResult<EitherBody<B>>>>>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), actix_web::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (inner, guard) = (Rc::clone(&self.inner), self.guard.clone());
        Box::pin(async move {
            if let Err(error) = check(&guard, &request).await {
                return Ok(failed(request, Rejection::from(error)));
            }
            Ok(inner.call(request).await?.map_into_left_body())
        })
    }
}

async fn check<U: Users>(guard: &Guard<U>, request: &ServiceRequest) -> Result<(), GuardError> {
    let Some(session) = request_session(request) else {
        let message = "no session middleware is around the guard; \
                       add .wrap(SessionMiddleware::new(..)) after .wrap(GuardMiddleware::new(..))";
        return Err(Error::new(ErrorKind::Unconfigured, message).into());
    };
    let header = |name| request.headers().get(name).map(HeaderValue::as_bytes);
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let facts = GuardRequest::new(request.method().as_str(), target, header);
    let known = request.extensions_mut().remove::<Loaded<U::User>>();
    let loaded = guard.check(&facts, &session, known).await?;
    request.extensions_mut().insert(loaded);
    Ok(())
}
