//! The middleware that refuses requests from other sites.

use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::EitherBody;
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::{HttpMessage as _, web};
use session_core::csrf::{CheckError, CsrfConfig, CsrfRequest, Reason};
use session_core::{Error, ErrorKind};

use super::Rejection;
use crate::request_session;
use crate::response::{ServiceResult, append_cookie, failed, finish, forbid_storing};

/// A middleware that refuses requests from other sites, by the [decision
/// table](session_core::csrf#decision-table).
///
/// The module [`csrf`](crate::csrf) has an example.
#[derive(Clone, Debug)]
pub struct CsrfMiddleware {
    config: CsrfConfig,
}

impl CsrfMiddleware {
    /// Returns a middleware with these settings.
    #[must_use]
    pub fn new(config: CsrfConfig) -> Self {
        Self { config }
    }
}

impl<S, B> Transform<S, ServiceRequest> for CsrfMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Transform = CsrfService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(CsrfService { inner: Rc::new(inner), config: self.config.clone() }))
    }
}

/// The service of a [`CsrfMiddleware`] around another service.
pub struct CsrfService<S> {
    inner: Rc<S>,
    config: CsrfConfig,
}

impl<S: fmt::Debug> fmt::Debug for CsrfService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsrfService")
            .field("inner", &self.inner)
            .field("config", &self.config)
            .finish()
    }
}

impl<S, B> Service<ServiceRequest> for CsrfService<S>
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
        let Some(csrf) = protection(&self.config, &request) else {
            return Box::pin(ready(Ok(refused(request, missing_middleware().into()))));
        };
        request.extensions_mut().insert(csrf.clone());
        let route = request.match_pattern();
        let passes = csrf.passes() || route.is_some_and(|route| self.config.is_exempt(&route));
        let (inner, limit) = (Rc::clone(&self.inner), self.config.body_limit());
        Box::pin(async move {
            let mut request = request;
            if !passes && let Err(error) = check(&csrf, &mut request, limit).await {
                return Ok(refused(request, error));
            }
            finish(inner.call(request).await, move |response| apply(response, &csrf))
        })
    }
}

fn protection(config: &CsrfConfig, request: &ServiceRequest) -> Option<CsrfRequest> {
    let session = (*request_session(request)?).clone();
    let header = |name| request.headers().get_all(name).map(HeaderValue::as_bytes);
    Some(CsrfRequest::new(config, session, request.method().as_str(), header))
}

fn missing_middleware() -> Error {
    let message = "no session middleware is around the CSRF middleware; \
                   add .wrap(SessionMiddleware::new(..)) after .wrap(CsrfMiddleware::new(..))";
    Error::new(ErrorKind::Unconfigured, message)
}

/// Checks a request, and reads its form if necessary.
async fn check(
    csrf: &CsrfRequest,
    request: &mut ServiceRequest,
    limit: usize,
) -> Result<(), CheckError> {
    if !csrf.needs_form() {
        return csrf.check(None).await;
    }
    let payload = request.extract::<web::Payload>().await;
    let payload = payload.map_err(|_| csrf.refuse(Reason::UnreadableBody))?;
    let form = payload.to_bytes_limited(limit).await;
    let form = form.map_err(|_| csrf.refuse(Reason::BodyTooLarge))?;
    let form = form.map_err(|_| csrf.refuse(Reason::UnreadableBody))?;
    let result = csrf.check(Some(&form)).await;
    let (_, mut payload) = actix_http::h1::Payload::create(true);
    payload.unread_data(form);
    request.set_payload(Payload::from(payload));
    result
}

fn refused<B>(request: ServiceRequest, error: CheckError) -> ServiceResponse<EitherBody<B>> {
    failed(request, Rejection::from(error))
}

fn apply(response: &mut HeaderMap, csrf: &CsrfRequest) -> Result<(), Error> {
    let headers = csrf.finish()?;
    if headers.no_store {
        forbid_storing(response);
    }
    let Some(cookie) = headers.set_cookie else { return Ok(()) };
    append_cookie(response, cookie, "CSRF headers are not valid in HTTP")
}
