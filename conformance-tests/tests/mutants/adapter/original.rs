//! A right adapter for a framework of a few lines, in steps that a mutant changes one by one.

use std::sync::Arc;

use conformance_tests::adapter::{Answer, Request, Response};
use session_core::{Error, ErrorKind, OnOutage, RequestSession, RequestView, SessionHeaders, SessionInterface};

use super::mutation::Mutation;

/// One request on its way.
#[derive(Clone, Debug)]
pub struct Visit {
    pub interface: Arc<dyn SessionInterface>,
    pub request: Request,
    pub session: RequestSession,
}

impl Visit {
    pub fn new(interface: &Arc<dyn SessionInterface>, request: Request, view: RequestView) -> Self {
        let session = RequestSession::with_shared(Arc::clone(interface), view, OnOutage::Refuse);
        Self { interface: Arc::clone(interface), request, session }
    }

    pub fn path(&self) -> &str {
        path(&self.request)
    }

    pub fn has_cookies(&self) -> bool {
        values(&self.request, "cookie").next().is_some()
    }

    /// Whether the request brings a session.
    pub fn has_session(&self) -> bool {
        self.session.request().cookie(&self.session.cookie_name()).is_some()
    }
}

/// What the framework sends.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub fn append(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    /// Puts one header in the place of all of its name.
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

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        let mut reply = Self::new(answer.status(), answer.body());
        for (name, value) in answer.headers() {
            reply.append(name, *value);
        }
        reply
    }
}

impl From<Reply> for Response {
    fn from(reply: Reply) -> Self {
        let response = Response::new(reply.status).body(reply.body);
        reply.headers.into_iter().fold(response, |response, (name, value)| response.header(name, value))
    }
}

/// The values of the headers of this name.
pub fn values<'a>(request: &'a Request, name: &'a str) -> impl DoubleEndedIterator<Item = &'a [u8]> {
    request.headers().iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_slice())
}

pub fn text_of<'a>(request: &'a Request, name: &'a str) -> Option<&'a str> {
    values(request, name).next().and_then(|value| std::str::from_utf8(value).ok())
}

/// The target of the request: scheme, host, path.
pub fn target(request: &Request) -> (Option<&str>, Option<&str>, &str) {
    let target = request.target();
    let (scheme, rest) = target.split_once("://").map_or((None, target), |(scheme, rest)| (Some(scheme), rest));
    let start = if scheme.is_some() { rest.find('/').unwrap_or(rest.len()) } else { 0 };
    let path = rest[start..].split('?').next().unwrap_or_default();
    (scheme, scheme.map(|_| &rest[..start]), path)
}

pub fn path(request: &Request) -> &str {
    target(request).2
}

pub fn view_with<'a>(request: &Request, cookies: impl Iterator<Item = &'a [u8]>) -> RequestView {
    let (scheme, host, path) = target(request);
    let view = RequestView::builder().host(host.or_else(|| text_of(request, "host"))).scheme(scheme).path(path);
    let cookies = cookies.collect::<Vec<_>>();
    cookies.iter().fold(view, |view, cookie| view.cookie_header(cookie)).build()
}

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

pub fn error_reply(error: &Error) -> Reply {
    let status = if error.kind() == ErrorKind::Unavailable { 503 } else { 500 };
    Reply::new(status, "the session failed")
}

#[derive(Debug, Default)]
pub struct Unchanged;

impl Mutation for Unchanged {}
