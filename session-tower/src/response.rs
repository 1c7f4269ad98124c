//! Responses and response headers that the layers share.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use session_core::ErrorKind;
use session_core::request::SessionHeaders;

use crate::Error;
use crate::error::allow_retry;

/// Logs an error and returns its response.
pub(crate) fn error_response(error: session_core::Error) -> Response<String> {
    let error = Error::from(error);
    error.log();
    let mut response = text_response(error.status(), error.text());
    allow_retry(response.status(), response.headers_mut());
    response
}

pub(crate) fn text_response(status: StatusCode, text: &str) -> Response<String> {
    let mut response = Response::new(text.to_owned());
    *response.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}

/// Appends a `Set-Cookie` header. `invalid` is the message of the error if the cookie is not valid
/// in HTTP.
pub(crate) fn append_cookie(
    response: &mut HeaderMap,
    cookie: String,
    invalid: &'static str,
) -> Result<(), session_core::Error> {
    let mut cookie = HeaderValue::try_from(cookie).map_err(|error| {
        session_core::Error::new(ErrorKind::Backend, invalid).with_source(error)
    })?;
    cookie.set_sensitive(true);
    response.append(SET_COOKIE, cookie);
    Ok(())
}

/// Prevents all caches from storing the response.
pub(crate) fn forbid_storing(response: &mut HeaderMap) {
    let no_store = HeaderValue::from_static("no-store");
    for name in SessionHeaders::TARGETED {
        if response.contains_key(name) {
            response.insert(name, no_store.clone());
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
        assert!(response[SET_COOKIE].is_sensitive());
        let refused = append_cookie(&mut response, "a\nb".to_owned(), "invalid").unwrap_err();
        assert_eq!((refused.to_string().as_str(), response.len()), ("invalid", 1));
    }
}
