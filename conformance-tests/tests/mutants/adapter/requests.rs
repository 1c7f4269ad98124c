//! Mutants of the rules of requests.

use std::sync::Mutex;

use session_conformance::adapter::Request;
use session_core::request::{RequestSession, RequestView, RequestViewBuilder};
use session_core::{Error, Session};

use super::mutation::{commit, mutants, mutation};
use super::original::{Reply, Visit, path, target, text_of, values, view_with, with_tokens};

mutants! {
    OpensForTheLog breaks request_without_session_opens_nothing;
    OpensTwice breaks session_obtained_twice_is_same_session;
    HandsOutACopy breaks session_obtained_twice_is_same_session;
    TellsTheQuery breaks interface_gets_host_and_path;
    ForgetsThePort breaks interface_gets_host_and_path;
    ForgetsTheHost breaks interface_gets_host_and_path;
    ReadsTheHostHeaderFirst breaks absolute_url_determines_scheme_and_host;
    ForgetsTheScheme breaks absolute_url_determines_scheme_and_host;
    BelievesTheForwardedHost breaks forwarded_headers_are_ignored;
    BelievesTheForwardedScheme breaks forwarded_headers_are_ignored;
    KeepsTheCurrentSessionInTheService breaks concurrent_requests_have_own_sessions;
    RemembersTheLastCookie breaks next_request_has_own_session;
}

/// Returns a second session of the request.
fn another(visit: &Visit) -> RequestSession {
    Visit::new(&visit.interface, visit.request.clone(), visit.session.request().clone()).session
}

mutation! {
    OpensForTheLog;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        if visit.path() == "/untouched" {
            let _logged = another(visit).session().await;
        }
        commit(self, visit, reply).await
    }
}

mutation! {
    OpensTwice;
    async fn session(&self, visit: &Visit, time: usize) -> Result<Session, Error> {
        if time == 2 {
            another(visit).session().await?;
        }
        visit.session.session().await
    }
}

mutation! {
    HandsOutACopy;
    async fn session(&self, visit: &Visit, time: usize) -> Result<Session, Error> {
        if time == 2 {
            return another(visit).session().await;
        }
        visit.session.session().await
    }
}

/// Returns the request view with some parts replaced.
fn told(request: &Request, scheme: Option<&str>, host: Option<&str>, path: &str) -> RequestView {
    let view = RequestView::builder().host(host).scheme(scheme).path(path);
    let view = values(request, "cookie").fold(view, RequestViewBuilder::cookie_header);
    with_tokens(view, request).build()
}

mutation! {
    TellsTheQuery;
    fn view(&self, request: &Request) -> RequestView {
        let (scheme, host, path) = target(request);
        let path = if scheme.is_none() { request.target() } else { path };
        told(request, scheme, host.or_else(|| text_of(request, "host")), path)
    }
}

mutation! {
    ForgetsThePort;
    fn view(&self, request: &Request) -> RequestView {
        let (scheme, host, path) = target(request);
        let header = text_of(request, "host").filter(|_| request.target().contains('?'));
        let without_port = header.map(|host| host.split(':').next().unwrap());
        told(request, scheme, host.or(without_port).or_else(|| text_of(request, "host")), path)
    }
}

mutation! {
    ForgetsTheHost;
    fn view(&self, request: &Request) -> RequestView {
        let (scheme, host, path) = target(request);
        let forgotten = request.target().contains('?');
        told(request, scheme, host.or_else(|| text_of(request, "host").filter(|_| !forgotten)), path)
    }
}

mutation! {
    ReadsTheHostHeaderFirst;
    fn view(&self, request: &Request) -> RequestView {
        let (scheme, host, path) = target(request);
        told(request, scheme, text_of(request, "host").or(host), path)
    }
}

mutation! {
    ForgetsTheScheme;
    fn view(&self, request: &Request) -> RequestView {
        told(request, None, target(request).1.or_else(|| text_of(request, "host")), path(request))
    }
}

mutation! {
    BelievesTheForwardedHost;
    fn view(&self, request: &Request) -> RequestView {
        let (scheme, host, path) = target(request);
        let forwarded = text_of(request, "x-forwarded-host");
        told(request, scheme, forwarded.or(host).or_else(|| text_of(request, "host")), path)
    }
}

mutation! {
    BelievesTheForwardedScheme;
    fn view(&self, request: &Request) -> RequestView {
        let (scheme, host, path) = target(request);
        let forwarded = text_of(request, "x-forwarded-proto");
        told(request, forwarded.or(scheme), host.or_else(|| text_of(request, "host")), path)
    }
}

mutation! {
    KeepsTheCurrentSessionInTheService { current: Mutex<Option<RequestSession>> };
    async fn before(&self, visit: &Visit) -> Option<Reply> {
        *self.current.lock().unwrap() = Some(visit.session.clone());
        None
    }
    async fn session(&self, visit: &Visit, _: usize) -> Result<Session, Error> {
        visit.session.session().await?;
        let current = self.current.lock().unwrap().clone().unwrap();
        current.session().await
    }
}

mutation! {
    RemembersTheLastCookie { last: Mutex<Vec<Vec<u8>>> };
    fn view(&self, request: &Request) -> RequestView {
        let cookies: Vec<_> = values(request, "cookie").map(<[u8]>::to_vec).collect();
        let mut last = self.last.lock().unwrap();
        if !cookies.is_empty() {
            *last = cookies;
        }
        view_with(request, last.iter().map(Vec::as_slice))
    }
}
