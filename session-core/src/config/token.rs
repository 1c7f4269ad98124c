//! The header that contains the session token instead of the cookie.

use crate::error::{Error, ErrorKind};

/// A request header and a response header that contain the session token instead of the cookie.
#[derive(Clone, Debug)]
pub(crate) struct TokenHeader {
    name: String,
    /// Whether requests send the token in `Authorization: Bearer`.
    is_bearer: bool,
}

impl TokenHeader {
    pub(super) fn new(name: String) -> Self {
        Self { name, is_bearer: false }
    }

    /// Returns the setting for a token in `Authorization: Bearer` of requests and in this header of
    /// responses.
    pub(super) fn bearer(name: String) -> Self {
        Self { name, is_bearer: true }
    }

    /// Returns the name of the request header.
    pub(crate) fn request_name(&self) -> &str {
        if self.is_bearer { "Authorization" } else { &self.name }
    }

    /// Returns the name of the response header.
    pub(crate) fn response_name(&self) -> &str {
        &self.name
    }

    /// Returns the value of the request header for this token.
    pub(crate) fn request_value(&self, token: &str) -> String {
        if self.is_bearer { format!("Bearer {token}") } else { token.to_owned() }
    }

    /// Returns the token in a value of the request header. An empty value, as after a logout, and a
    /// value of another authentication scheme contain no token.
    pub(crate) fn token_of<'a>(&self, value: &'a [u8]) -> Option<&'a [u8]> {
        let value = value.trim_ascii();
        let token = if self.is_bearer {
            let (scheme, token) = value.split_first_chunk::<7>()?;
            scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii_start())?
        } else {
            value
        };
        Some(token).filter(|token| !token.is_empty())
    }

    /// Checks the name of the header.
    pub(super) fn check(&self) -> Result<(), Error> {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let message = if self.name.is_empty() || !self.name.bytes().all(token) {
            "name of the session token's header is not a token; \
             use only letters, digits and !#$%&'*+-.^_`|~"
        } else if self.name.eq_ignore_ascii_case("authorization") {
            "Authorization is not a response header; use bearer_token with another response header"
        } else if ["cookie", "set-cookie", "vary", "cache-control"]
            .iter()
            .any(|used| self.name.eq_ignore_ascii_case(used))
        {
            "header of the session token has another purpose; use a name such as X-Session-Token"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Configuration, message))
    }
}
