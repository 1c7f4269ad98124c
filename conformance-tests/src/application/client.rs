//! Sends the requests of the adapter contract to the application.

use std::fmt::Display;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use session_core::{Error, ErrorKind};
use ureq::Agent;
use ureq::http::HeaderName;

use super::Options;
use super::cookie::Jar;
use super::exchange::{Request, Response};

const TIMEOUT: Duration = Duration::from_mins(1);
/// An oversized cookie is part of a check.
const MAX_HEADERS: usize = 4 * 1024 * 1024;

/// The application under test.
pub(super) struct Application<'a> {
    agent: Agent,
    url: String,
    pub(super) options: &'a Options,
    /// The sum of the waits that a test has simulated.
    skipped: Mutex<Duration>,
}

impl<'a> Application<'a> {
    pub(super) fn new(url: &str, options: &'a Options) -> Result<Self, Error> {
        let url = url.trim_end_matches('/').to_owned();
        if !url.starts_with("http://") {
            let message = format!("address `{url}` of the application must begin with http://");
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .max_idle_connections(0)
            .max_response_header_size(MAX_HEADERS)
            .timeout_global(Some(TIMEOUT))
            .user_agent("check-application")
            .build();
        Ok(Self { agent: config.into(), url, options, skipped: Mutex::default() })
    }

    /// Returns the current time of the application.
    pub(super) fn now(&self) -> SystemTime {
        let skipped = self.skipped.lock().map(|skipped| *skipped).unwrap_or_default();
        SystemTime::now() + skipped
    }

    /// Waits, or advances the clock of the application if the options have `advance`.
    pub(super) fn wait(&self, duration: Duration) {
        match &self.options.advance {
            Some(advance) => {
                advance(duration);
                if let Ok(mut skipped) = self.skipped.lock() {
                    *skipped += duration;
                }
            }
            None => std::thread::sleep(duration),
        }
    }

    /// Sends a request with the cookies of `jar`.
    pub(super) fn send(&self, request: &Request, jar: &Jar) -> Result<Response, Error> {
        let mut builder = ureq::http::Request::builder()
            .method(request.method)
            .uri(format!("{}{}", self.url, request.path))
            .header("content-type", "text/plain");
        for (name, value) in &self.options.headers {
            builder = builder.header(name, value);
        }
        if let Some(cookies) = jar.header(self.now()) {
            builder = builder.header("cookie", cookies);
        }
        let line = request.line();
        let failed = |error: &dyn Display| {
            Error::new(ErrorKind::Unavailable, format!("{line} at {} failed: {error}", self.url))
        };
        let built = builder.body(request.body.clone()).map_err(|error| failed(&error))?;
        let mut response = self.agent.run(built).map_err(|error| failed(&error))?;
        let body = response.body_mut().read_to_vec().map_err(|error| failed(&error))?;
        let headers = response.headers().iter().map(|(name, value)| {
            (HeaderName::as_str(name).to_owned(), String::from_utf8_lossy(value.as_bytes()).into())
        });
        Ok(Response {
            status: response.status().as_u16(),
            headers: headers.collect(),
            body: String::from_utf8_lossy(&body).into_owned(),
            request: line,
        })
    }
}
