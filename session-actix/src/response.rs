//! Functions for responses and response headers that the middlewares share.

use actix_web::HttpResponse;
use actix_web::body::EitherBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use session_core::request::SessionHeaders;
use session_core::{Error, ErrorKind};

pub(crate) type ServiceResult<B> = Result<ServiceResponse<B>, actix_web::Error>;

/// Returns the response to a request that fails before the handler.
pub(crate) fn failed<B>(
    request: ServiceRequest,
    error: impl Into<actix_web::Error>,
) -> ServiceResponse<EitherBody<B>> {
    request.into_response(HttpResponse::from_error(error)).map_into_right_body()
}

/// Applies changes to the headers of a response. For an error, actix-web creates the response
/// later, and applies the changes to that response.
pub(crate) fn finish<B>(
    result: ServiceResult<B>,
    apply: impl Fn(&mut HeaderMap) -> Result<(), Error> + 'static,
) -> ServiceResult<EitherBody<B>> {
    match result {
        Ok(mut response) => match apply(response.headers_mut()) {
            Ok(()) => Ok(response.map_into_left_body()),
            Err(error) => {
                let error = HttpResponse::from_error(crate::Error::from(error));
                Ok(response.into_response(error).map_into_right_body())
            }
        },
        Err(mut failed) => {
            failed.add_response_mapper(move |mut response| match apply(response.headers_mut()) {
                Ok(()) => response,
                Err(error) => HttpResponse::from_error(crate::Error::from(error)),
            });
            Err(failed)
        }
    }
}

/// Appends a `Set-Cookie` header. `invalid` is the message of the error if the cookie is not valid
/// in HTTP.
pub(crate) fn append_cookie(
    response: &mut HeaderMap,
    cookie: String,
    invalid: &'static str,
) -> Result<(), Error> {
    let mut cookie = HeaderValue::try_from(cookie)
        .map_err(|error| Error::new(ErrorKind::Backend, invalid).with_source(error))?;
    cookie.set_sensitive(true);
    response.append(SET_COOKIE, cookie);
    Ok(())
}

/// Prevents all caches from storing the response.
pub(crate) fn forbid_storing(response: &mut HeaderMap) {
    let no_store = HeaderValue::from_static("no-store");
    for name in SessionHeaders::TARGETED {
        if response.contains_key(name) {
            response.insert(HeaderName::from_static(name), no_store.clone());
        }
    }
    response.insert(CACHE_CONTROL, no_store);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appended_cookie_is_marked_sensitive() {
        let mut response = HeaderMap::new();
        append_cookie(&mut response, "a=b; Path=/".to_owned(), "invalid").unwrap();
        assert!(response.get(SET_COOKIE).is_some_and(HeaderValue::is_sensitive));
        let refused = append_cookie(&mut response, "a\nb".to_owned(), "invalid").unwrap_err();
        assert_eq!((refused.to_string().as_str(), response.len()), ("invalid", 1));
    }
}
