//! A running application, for requests through the adapter and for sessions without the adapter.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use session_core::request::{RequestSession, RequestView};
use session_core::{Error, ManualClock, OutagePolicy, Session, SessionInterface};

use crate::harness::adapter::AdapterUnderTest;
use crate::harness::adapter::handlers::COLOR;
use crate::harness::adapter::message::{Request, Response};
use crate::harness::adapter::observed::Observed;
use crate::harness::adapter::reply::{Reply, attribute};
use crate::harness::adapter::server::Server;
use crate::report::{Checked, Failure, chain};

/// The host of every request.
pub(crate) const HOST: &str = "shop.example:8443";

/// The maximum number of headers in a message, and of characters of each header. If a request has
/// more headers, only the last are shown.
const MOST: usize = 6;
const LONGEST: usize = 160;

/// The time for which a request may wait.
const PATIENCE: Duration = Duration::from_secs(5);

/// The header of the session token, if one is configured.
pub(crate) const TOKEN: &str = "x-session-token";

pub(crate) struct Application<'a> {
    adapter: &'a AdapterUnderTest,
    /// Sessions that are not observed, for the steps of rules without the adapter.
    sessions: Arc<dyn SessionInterface>,
    pub(crate) observed: Arc<Observed>,
    server: Arc<dyn Server>,
    clock: ManualClock,
    cookie_name: String,
    /// The cookie name of the other type of sessions of the same server.
    other_name: Option<String>,
}

/// Requests through the adapter.
impl<'a> Application<'a> {
    pub(crate) fn new(
        adapter: &'a AdapterUnderTest,
        sessions: Arc<dyn SessionInterface>,
        observed: Arc<Observed>,
        server: Arc<dyn Server>,
        clock: ManualClock,
    ) -> Self {
        let cookie_name = sessions.cookie_name(&view("")).into_owned();
        Self { adapter, sessions, observed, server, clock, cookie_name, other_name: None }
    }

    /// Returns the applications of both types of sessions of one server. Messages mask the cookies
    /// of both types.
    pub(crate) fn beside_each_other(mut first: Self, mut second: Self) -> [Self; 2] {
        first.other_name = Some(second.cookie_name.clone());
        second.other_name = Some(first.cookie_name.clone());
        [first, second]
    }

    /// Sends a request for this target with each of these `Cookie` headers.
    pub(crate) async fn get(&self, target: &str, cookies: &[&str]) -> Reply {
        let cookies: Vec<_> = cookies.iter().map(|cookie| cookie.as_bytes()).collect();
        self.send(request(target, &cookies)).await
    }

    pub(crate) async fn send(&self, request: Request) -> Reply {
        let call = self.show_request(&request);
        let response = self.server.call(request).await;
        self.calls().note(format!("{call} = {}", self.show_response(&response)));
        Reply::new(response, &self.cookie_name)
    }
}

/// Concurrent requests through the adapter.
impl Application<'_> {
    /// Sends these requests at the same time. Returns the replies in the order of the requests.
    pub(crate) async fn send_at_once<const N: usize>(
        &self,
        requests: [Request; N],
    ) -> Result<Vec<Reply>, Failure> {
        let mut running = Vec::new();
        for request in requests {
            let (call, server) = (self.show_request(&request), Arc::clone(&self.server));
            running.push((call, tokio::spawn(async move { server.call(request).await })));
        }
        let mut replies = Vec::new();
        for (call, response) in running {
            let response = response.await.map_err(|_| self.failure("a response", "a panic"))?;
            self.calls().note(format!(
                "{call}, at the same time as the other = {}",
                self.show_response(&response)
            ));
            replies.push(Reply::new(response, &self.cookie_name));
        }
        Ok(replies)
    }
}

/// Requests that are interrupted.
impl Application<'_> {
    /// Sends a request whose handler panics. The server may respond to it.
    pub(crate) async fn send_to_panic(&self, request: Request) -> Option<Reply> {
        let (call, server) = (self.show_request(&request), Arc::clone(&self.server));
        let response = tokio::spawn(async move { server.call(request).await }).await.ok();
        let shown = response.as_ref().map_or("no response".to_owned(), |it| self.show_response(it));
        self.calls().note(format!("{call}, whose handler panics = {shown}"));
        response.map(|response| Reply::new(response, &self.cookie_name))
    }

    /// Sends a request, and drops it while its handler runs.
    pub(crate) async fn drop_in_handler(&self, request: Request) -> Checked {
        let (call, server) = (self.show_request(&request), Arc::clone(&self.server));
        let sending = tokio::spawn(async move { server.call(request).await });
        let begun = Instant::now();
        while self.observed.take_sessions().is_empty() {
            if begun.elapsed() > PATIENCE {
                return Err(self.failure(format!("{call} runs its handler"), "it does not"));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        sending.abort();
        // Waits until the task has ended.
        drop(sending.await);
        self.calls().note(format!("{call}, dropped while its handler runs"));
        Ok(())
    }

    /// Sends a request that must not wait for another request.
    pub(crate) async fn get_in_time(
        &self,
        target: &str,
        cookies: &[&str],
    ) -> Result<Reply, Failure> {
        let reply = tokio::time::timeout(PATIENCE, self.get(target, cookies)).await;
        reply.map_err(|_| self.failure(format!("a response to {target}"), "none, for 5 s"))
    }
}

/// Sessions without the adapter.
impl Application<'_> {
    /// Returns the cookie of a new session with this color, as a browser sends it.
    pub(crate) async fn cookie(&self, color: &str) -> Result<String, Failure> {
        self.cookie_of(|session| session.insert(COLOR, color)).await
    }

    /// Returns the cookie of a permanent session with this color.
    pub(crate) async fn permanent_cookie(&self, color: &str) -> Result<String, Failure> {
        self.cookie_of(|session| {
            session.insert(COLOR, color).and_then(|()| session.set_permanent(true))
        })
        .await
    }

    /// Returns the color in the session of this cookie.
    pub(crate) async fn stored(&self, cookie: &str) -> Result<Option<String>, Failure> {
        let opened = self.beside(cookie).session().await;
        let color = opened
            .and_then(|session| session.get::<String>(COLOR))
            .map_err(|error| self.failed(&error))?;
        self.calls()
            .note(format!("-- the session of {} has the color {color:?} --", self.mask(cookie)));
        Ok(color)
    }

    /// Returns the token of a new session with this color, if the token is in a header.
    pub(crate) async fn token(&self, color: &str) -> Result<String, Failure> {
        let token = self.set_beside(|session| session.insert(COLOR, color)).await?;
        self.calls().note(format!("-- {} is the token of a session --", self.adapter.name(&token)));
        Ok(token)
    }

    /// Returns the color in the session of this token.
    pub(crate) async fn stored_by_token(&self, token: &str) -> Result<Option<String>, Failure> {
        let view = RequestView::builder().host(HOST).path("/").token_header(token.as_bytes());
        let sessions = Arc::clone(&self.sessions);
        let request = RequestSession::with_shared(sessions, view.build(), OutagePolicy::Refuse);
        let color = request.session().await.and_then(|session| session.get::<String>(COLOR));
        color.map_err(|error| self.failed(&error))
    }

    pub(crate) fn cookie_name(&self) -> &str {
        &self.cookie_name
    }

    /// Returns the sessions that are not observed.
    pub(crate) fn sessions(&self) -> &Arc<dyn SessionInterface> {
        &self.sessions
    }

    /// Returns the `Set-Cookie` header of a new session, as the interface and the core create it.
    pub(crate) async fn rendered(
        &self,
        fill: impl FnOnce(&Session) -> Result<(), Error>,
    ) -> Result<String, Failure> {
        self.set_beside(fill).await
    }

    /// Returns the value of the header that sets the cookie or the token of a new session.
    async fn set_beside(
        &self,
        fill: impl FnOnce(&Session) -> Result<(), Error>,
    ) -> Result<String, Failure> {
        let request = self.beside("");
        let session = request.session().await.map_err(|error| self.failed(&error))?;
        fill(&session).map_err(|error| self.failed(&error))?;
        let headers = request.commit().await.into_result().map_err(|error| self.failed(&error))?;
        let set = headers.fields().next().map(|(_, value)| value.to_owned());
        set.ok_or_else(|| self.failure("sessions that set a cookie after a change", "no cookie"))
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.calls().note(format!("-- {} hours pass --", time.as_secs() / 3600));
        self.clock.advance(time);
    }

    async fn cookie_of(
        &self,
        fill: impl FnOnce(&Session) -> Result<(), Error>,
    ) -> Result<String, Failure> {
        let header = self.rendered(fill).await?;
        let pair = header.split(';').next().unwrap_or_default().to_owned();
        self.calls().note(format!("-- {} is the cookie of a session --", self.mask(&pair)));
        Ok(pair)
    }

    fn beside(&self, cookie: &str) -> RequestSession {
        RequestSession::with_shared(Arc::clone(&self.sessions), view(cookie), OutagePolicy::Refuse)
    }

    pub(crate) fn failed(&self, error: &Error) -> Failure {
        self.failure(
            "sessions that work",
            format!("the error {:?}: {}", error.kind(), chain(error)),
        )
    }
}

/// Messages.
impl Application<'_> {
    pub(crate) fn failure(&self, expected: impl Into<String>, seen: impl Into<String>) -> Failure {
        self.calls().failure(expected, seen)
    }

    pub(crate) fn equal<T: std::fmt::Debug + PartialEq>(&self, expected: T, seen: T) -> Checked {
        self.calls().equal(expected, seen)
    }

    /// Fails unless the condition holds.
    pub(crate) fn hold(&self, so: bool, expected: &str, seen: impl Into<String>) -> Checked {
        if so { Ok(()) } else { Err(self.failure(expected, seen)) }
    }

    /// Replaces the session cookies in a text by their names.
    pub(crate) fn mask(&self, text: &str) -> String {
        let mut shown = String::new();
        for (number, part) in text.split(';').enumerate() {
            let names = [Some(&self.cookie_name), self.other_name.as_ref()];
            let is_ours = |name: &&str| names.iter().flatten().any(|ours| ours == name);
            let cookie = part.trim().split_once('=').filter(|(name, _)| is_ours(name));
            let part = match cookie {
                Some((name, value)) if !value.is_empty() => {
                    format!("{name}={}", self.adapter.name(value))
                }
                _ => attribute(part).to_owned(),
            };
            let _ = write!(shown, "{}{part}", if number == 0 { "" } else { "; " });
        }
        shown
    }

    fn calls(&self) -> &crate::report::Calls {
        self.adapter.calls()
    }

    fn show_request(&self, request: &Request) -> String {
        let mut shown = format!("{} {}", request.method(), request.target());
        let headers = request.headers().iter().filter(|(name, _)| name != "host");
        let hidden = headers.clone().count().saturating_sub(MOST);
        if hidden > 0 {
            let _ = write!(shown, ", {hidden} headers before these");
        }
        for (name, value) in headers.skip(hidden) {
            let value = value.escape_ascii().to_string();
            let value = match (name.as_str(), value.strip_prefix("Bearer ")) {
                ("authorization", Some(token)) => format!("Bearer {}", self.adapter.name(token)),
                (TOKEN, _) => self.adapter.name(&value),
                _ => self.mask(&value),
            };
            let cut = value.char_indices().nth(LONGEST).map_or(value.len(), |(at, _)| at);
            let dots = if cut < value.len() { "…" } else { "" };
            let _ = write!(shown, ", {name}: {}{dots}", &value[..cut]);
        }
        shown
    }

    fn show_response(&self, response: &Response) -> String {
        let text: String = response.text().chars().take(LONGEST).collect();
        let mut shown = format!("{} {text:?}", response.status());
        for name in ["Vary", "Set-Cookie"] {
            for value in response.all(name) {
                let _ = write!(shown, ", {name}: {}", self.mask(&value));
            }
        }
        shown
    }
}

/// Returns a request for this target with each of these `Cookie` headers.
pub(crate) fn request(target: &str, cookies: &[&[u8]]) -> Request {
    request_by("GET", target, cookies)
}

/// Returns a request with this method, this target and each of these `Cookie` headers.
pub(crate) fn request_by(method: &'static str, target: &str, cookies: &[&[u8]]) -> Request {
    let request = Request::new(method, target).with("host", HOST.as_bytes());
    cookies.iter().fold(request, |request, cookie| request.with("cookie", cookie))
}

fn view(cookie: &str) -> RequestView {
    RequestView::builder().host(HOST).path("/").cookie_header(cookie.as_bytes()).build()
}
