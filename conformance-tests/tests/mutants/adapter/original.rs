//! A correct adapter for a minimal framework, in steps that a mutant overrides.

use std::sync::Arc;

use session_conformance::adapter::{Chunks, Request, Response, TestResponse};
use session_core::request::{RequestSession, RequestView, RequestViewBuilder, SessionHeaders};
use session_core::{Error, ErrorKind, OutagePolicy, SessionInterface};

use super::mutation::Mutation;

/// A request that is being served.
#[derive(Clone, Debug)]
pub struct Visit {
    pub interface: Arc<dyn SessionInterface>,
    pub request: Request,
    pub session: RequestSession,
}

impl Visit {
    pub fn new(interface: &Arc<dyn SessionInterface>, request: Request, view: RequestView) -> Self {
        let session =
            RequestSession::with_shared(Arc::clone(interface), view, OutagePolicy::Refuse);
        Self { interface: Arc::clone(interface), request, session }
    }

    pub fn path(&self) -> &str {
        path(&self.request)
    }

    pub fn has_cookies(&self) -> bool {
        values(&self.request, "cookie").next().is_some()
    }

    /// Returns whether the request sends a session cookie.
    pub fn has_session(&self) -> bool {
        self.session.request().cookie(self.session.cookie_name()).is_some()
    }
}

/// The response of the framework.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// The parts of a streamed body.
    pub chunks: Option<Chunks>,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), chunks: None }
    }

    /// Sends a streamed body.
    pub fn collect(&mut self) {
        if let Some(chunks) = self.chunks.take() {
            self.body = chunks.collect();
        }
    }

    pub fn append(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    /// Replaces all headers of this name by one.
    pub fn insert(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.append(name, value);
    }

    pub fn remove(&mut self, name: &str) {
        self.headers.retain(|(other, _)| other != name);
    }

    pub fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

impl From<TestResponse> for Reply {
    fn from(response: TestResponse) -> Self {
        let mut reply = Self::new(response.status(), response.body());
        for (name, value) in response.headers() {
            reply.append(name, *value);
        }
        reply
    }
}

impl From<Reply> for Response {
    fn from(reply: Reply) -> Self {
        let response = Response::new(reply.status).body(reply.body);
        reply
            .headers
            .into_iter()
            .fold(response, |response, (name, value)| response.header(name, value))
    }
}

/// Returns the values of the headers of this name.
pub fn values<'a>(
    request: &'a Request,
    name: &'a str,
) -> impl DoubleEndedIterator<Item = &'a [u8]> {
    request
        .headers()
        .iter()
        .filter(move |(other, _)| other == name)
        .map(|(_, value)| value.as_slice())
}

pub fn text_of<'a>(request: &'a Request, name: &'a str) -> Option<&'a str> {
    values(request, name).next().and_then(|value| std::str::from_utf8(value).ok())
}

/// Returns scheme, host and path of the request.
pub fn target(request: &Request) -> (Option<&str>, Option<&str>, &str) {
    let target = request.target();
    let (scheme, rest) =
        target.split_once("://").map_or((None, target), |(scheme, rest)| (Some(scheme), rest));
    let start = if scheme.is_some() { rest.find('/').unwrap_or(rest.len()) } else { 0 };
    let path = rest[start..].split('?').next().unwrap_or_default();
    (scheme, scheme.map(|_| &rest[..start]), path)
}

pub fn path(request: &Request) -> &str {
    target(request).2
}

pub fn view_with<'a>(request: &Request, cookies: impl Iterator<Item = &'a [u8]>) -> RequestView {
    let (scheme, host, path) = target(request);
    let view = RequestView::builder()
        .host(host.or_else(|| text_of(request, "host")))
        .scheme(scheme)
        .path(path);
    let cookies = cookies.collect::<Vec<_>>();
    let view = cookies.iter().fold(view, |view, cookie| view.cookie_header(cookie));
    with_tokens(view, request).build()
}

/// Adds the headers that may have the session token. At most one is configured.
pub fn with_tokens<'a>(view: RequestViewBuilder<'a>, request: &Request) -> RequestViewBuilder<'a> {
    let values = values(request, TOKEN).chain(values(request, "authorization"));
    values.fold(view, RequestViewBuilder::token_header)
}

/// The header of the session token.
pub const TOKEN: &str = "x-session-token";

pub fn apply_vary(headers: &SessionHeaders, reply: &mut Reply) {
    let merged = headers.merged_vary(reply.values("vary").map(str::as_bytes));
    if let Some(vary) = merged {
        reply.insert("vary", vary);
    }
}

pub fn apply_cache_control(headers: &SessionHeaders, reply: &mut Reply) {
    let directive = headers.cache_control(reply.values("cache-control").map(str::as_bytes));
    if let Some(directive) = directive {
        reply.insert("cache-control", directive);
    }
}

pub fn apply_targeted_cache_control(headers: &SessionHeaders, reply: &mut Reply) {
    for name in SessionHeaders::TARGETED {
        if let Some(directive) =
            headers.targeted_cache_control(reply.values(name).map(str::as_bytes))
        {
            reply.insert(name, directive);
        }
    }
}

/// The body of an error response.
pub const ERROR: &str = "the session failed";

pub fn error_reply(error: &Error) -> Reply {
    let status = match error.kind() {
        ErrorKind::Unavailable => 503,
        ErrorKind::AmbiguousToken => 400,
        _ => 500,
    };
    Reply::new(status, ERROR)
}

#[derive(Debug, Default)]
pub struct Unchanged;

impl Mutation for Unchanged {}
