//! Mutants of the rules of requests.

use std::collections::HashMap;
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
    WritesTheHostInSmallLetters breaks interface_gets_host_and_path;
    ForgetsTheHost breaks interface_gets_host_and_path;
    DecodesThePath breaks interface_gets_path_as_sent;
    JoinsSlashes breaks interface_gets_path_as_sent;
    DropsTheLastSlash breaks interface_gets_path_as_sent;
    WritesThePathInSmallLetters breaks interface_gets_path_as_sent;
    FindsTheSessionByTheCookie breaks concurrent_requests_with_one_cookie_open_it_each;
    FindsTheSessionOfVisitors breaks concurrent_requests_with_one_cookie_open_it_each;
    ReadsTheHostHeaderFirst breaks absolute_url_determines_scheme_and_host;
    ForgetsTheScheme breaks absolute_url_determines_scheme_and_host;
    BelievesTheForwardedHost breaks forwarded_headers_are_ignored;
    BelievesTheForwardedScheme breaks forwarded_headers_are_ignored;
    KeepsTheCurrentSessionInTheService breaks concurrent_requests_have_own_sessions;
    RemembersTheLastCookie breaks next_request_has_own_session;
    OpensForAPost breaks request_without_session_opens_nothing;
    CommitsNoSecondExtraction breaks session_obtained_twice_is_same_session;
    CutsTheAddress breaks interface_gets_host_and_path;
    CutsTheLongPath breaks interface_gets_path_as_sent;
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
    WritesTheHostInSmallLetters;
    fn view(&self, request: &Request) -> RequestView {
        let (scheme, host, path) = target(request);
        let small = text_of(request, "host").map(str::to_ascii_lowercase);
        told(request, scheme, host.or(small.as_deref()), path)
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

/// Returns the request view with a changed path.
fn told_path(request: &Request, change: impl FnOnce(&str) -> String) -> RequestView {
    let (scheme, host, path) = target(request);
    told(request, scheme, host.or_else(|| text_of(request, "host")), &change(path))
}

mutation! {
    DecodesThePath;
    fn view(&self, request: &Request) -> RequestView {
        told_path(request, |path| path.replace("%61", "a").replace("%20", " "))
    }
}

mutation! {
    JoinsSlashes;
    fn view(&self, request: &Request) -> RequestView {
        told_path(request, |path| path.replace("//", "/"))
    }
}

mutation! {
    DropsTheLastSlash;
    fn view(&self, request: &Request) -> RequestView {
        told_path(request, |path| path.strip_suffix('/').unwrap_or(path).to_owned())
    }
}

mutation! {
    WritesThePathInSmallLetters;
    fn view(&self, request: &Request) -> RequestView {
        told_path(request, str::to_lowercase)
    }
}

/// The sessions of the requests in progress, by their cookies.
type ByCookie = Mutex<HashMap<Vec<Vec<u8>>, RequestSession>>;

fn cookies_of(visit: &Visit) -> Vec<Vec<u8>> {
    values(&visit.request, "cookie").map(<[u8]>::to_vec).collect()
}

/// Returns the session of another request with the same cookie that is in progress.
async fn shared(sessions: &ByCookie, visit: &Visit) -> Result<Session, Error> {
    let cookies = cookies_of(visit);
    let running =
        sessions.lock().unwrap().entry(cookies).or_insert_with(|| visit.session.clone()).clone();
    running.session().await
}

mutation! {
    FindsTheSessionByTheCookie { running: ByCookie };
    async fn session(&self, visit: &Visit, _: usize) -> Result<Session, Error> {
        if visit.has_session() { shared(&self.running, visit).await } else { visit.session.session().await }
    }
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        self.running.lock().unwrap().remove(&cookies_of(visit));
        commit(self, visit, reply).await
    }
}

mutation! {
    FindsTheSessionOfVisitors { running: ByCookie };
    async fn session(&self, visit: &Visit, _: usize) -> Result<Session, Error> {
        if visit.has_session() { visit.session.session().await } else { shared(&self.running, visit).await }
    }
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        self.running.lock().unwrap().remove(&cookies_of(visit));
        commit(self, visit, reply).await
    }
}

mutation! {
    OpensForAPost;
    async fn before(&self, visit: &Visit) -> Option<Reply> {
        if visit.request.method() == "POST" && visit.path() == "/untouched" {
            let _ = visit.session.session().await;
        }
        None
    }
}

mutation! {
    CommitsNoSecondExtraction;
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        if visit.path() == "/twice" && visit.has_session() { reply } else { commit(self, visit, reply).await }
    }
}

mutation! {
    /// A colon separates the port.
    CutsTheAddress;
    fn view(&self, request: &Request) -> RequestView {
        let (_, _, path) = target(request);
        match text_of(request, "host").filter(|host| host.starts_with('[')) {
            Some(host) => RequestView::builder().host(host.split(':').next()).path(path).build(),
            None => view_with(request, values(request, "cookie")),
        }
    }
}

mutation! {
    CutsTheLongPath;
    fn view(&self, request: &Request) -> RequestView {
        let (_, _, path) = target(request);
        match path.get(..255).filter(|_| path.starts_with("/read")) {
            Some(start) => RequestView::builder().host(text_of(request, "host")).path(start).build(),
            None => view_with(request, values(request, "cookie")),
        }
    }
}
