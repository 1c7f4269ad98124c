//! Protection against cross-site request forgery (CSRF). In this attack, a page of another site
//! makes a browser send a request with the user's cookies.
//!
//! Applications add the layer of an adapter, `session_tower::csrf::CsrfLayer` or
//! `session_actix::csrf::CsrfMiddleware`, inside the session layer and around all routes that
//! change data. A handler obtains [`Csrf`] from an extractor, and writes [`Csrf::token`] into its
//! form. This module has the parts that do not depend on a framework, for authors of adapters.
//!
//! # Decision table
//!
//! The first row that matches applies. *Trusted* origins are set with
//! [`CsrfConfigBuilder::trusted_origin`].
//!
//! | request | result |
//! |---|---|
//! | `GET`, `HEAD` or `OPTIONS`, unless it upgrades the connection (WebSocket) | passes |
//! | `Origin` is trusted | passes |
//! | `Sec-Fetch-Site` is `same-origin` or `none` | passes |
//! | another `Sec-Fetch-Site` | is refused; a token does not override this |
//! | no `Sec-Fetch-Site`, `Origin` is an own origin | passes |
//! | no `Sec-Fetch-Site`, another `Origin` | is refused; a token does not override this |
//! | no `Sec-Fetch-Site`, `Origin` is `null` or missing | needs a token |
//!
//! Browsers released since 2023 send `Sec-Fetch-Site` with every request to a trustworthy address.
//! Tokens are for older browsers, for plain HTTP, and for browser settings and proxies that remove
//! headers.
//!
//! # Tokens
//!
//! A form sends the token in the field `csrf_token`. A script sends the token in the header
//! `X-CSRFToken` or `X-CSRF-Token`. A token in the query string is ignored. Requests with
//! `multipart/form-data` or a JSON body need the header. Alternatively, exempt the route and call
//! [`Csrf::verify`] in the handler.
//!
//! A token belongs to one login. A login or a logout invalidates earlier tokens. A token has a new
//! mask in each response, so that compression does not reveal the token (BREACH). Tokens are valid
//! as long as their session. The secret of a token is derived from a
//! [`SecretKey`](crate::config::SecretKey) and a second value, which depends on the session:
//!
//! | session | second value |
//! |---|---|
//! | stored on a server | its lineage, which remains the same when the id is rotated, and changes at each login |
//! | in a cookie, with an owner | the login, and a random value in the session under the key `csrf_token` |
//! | any other | a signed random cookie of a visitor, which expires after a day |
//!
//! The cookie of a visitor has the name of the session cookie with the suffix `-csrf`. If the
//! session cookie is `Secure`, the name has the prefix `__Host-`. The visitor's cookie is ignored
//! once the session has an owner, and the response to a login removes the cookie.
//!
//! # Flask-WTF
//!
//! For an application that shares signed cookies with Flask,
//! [`CsrfConfigBuilder::flask_wtf`] selects the tokens of Flask-WTF.

mod config;
mod decision;
mod flask_wtf;
#[cfg(test)]
mod fuzz;
mod origin;
mod refused;
mod request;
mod secret;
mod visitor;

pub(crate) use secret::{Keys, random};
pub(crate) use visitor::{attributes, companion_name};

pub use config::{CsrfConfig, CsrfConfigBuilder};
pub use refused::{CheckError, Reason, Refused};
pub use request::{Csrf, CsrfHeaders, CsrfRequest};

/// The form field of a token.
pub const FIELD: &str = "csrf_token";
/// The request headers of a token.
pub const HEADERS: [&str; 2] = ["x-csrftoken", "x-csrf-token"];
