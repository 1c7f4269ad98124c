//! One session shared by a Flask application and a Rust application. Tests start both applications
//! and send requests to them from one browser.

#![allow(clippy::missing_errors_doc, reason = "every error of a step fails the test")]

mod browser;
mod python;
mod rust_app;
mod rust_login;
mod rust_sessions;
mod sample;

pub use browser::{Answer, Browser, SetCookie};
pub use python::{Batch, FlaskApp};
pub use rust_app::{RustApp, every_type};
pub use rust_sessions::RustSessions;
pub use sample::{Sample, describe_all};

use session_cookie::Digest;

/// The result of a test step.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The signing settings of both applications: Flask's `SECRET_KEY`, `SECRET_KEY_FALLBACKS` and
/// `digest_method`.
#[derive(Clone, Copy, Debug)]
pub struct Signing {
    /// The signing key.
    pub key: &'static str,
    /// Keys that verify but do not sign.
    pub retired: &'static [&'static str],
    /// The hash function.
    pub digest: Digest,
}

impl Signing {
    /// Returns the settings with one key, and with Flask's defaults.
    pub const fn with_key(key: &'static str) -> Self {
        Self { key, retired: &[], digest: Digest::Sha1 }
    }
}

impl Default for Signing {
    fn default() -> Self {
        Self::with_key("the key of the whole shop, 0123456789abcdef")
    }
}
