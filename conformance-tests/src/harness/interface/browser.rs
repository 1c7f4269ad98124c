//! A visitor that stores cookies as a browser does and records each response.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use session_core::request::{RequestSession, RequestView, SessionHeaders};
use session_core::{Clock, Error, ManualClock, OutagePolicy, Session, SessionInterface};

use crate::report::{Calls, Checked, Failure, chain};

/// A visitor, with stored cookies.
pub(crate) struct Browser {
    name: &'static str,
    interface: Arc<dyn SessionInterface>,
    clock: ManualClock,
    calls: Calls,
    jar: Vec<SetCookie>,
}

/// A parsed `Set-Cookie` header.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SetCookie {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Without the expiry, sorted: `domain=..`, `httponly`, `path=..`.
    pub(crate) attributes: Vec<String>,
    pub(crate) expires: Option<SystemTime>,
}

impl Browser {
    pub(crate) fn new(
        name: &'static str,
        interface: Arc<dyn SessionInterface>,
        clock: ManualClock,
        calls: Calls,
    ) -> Self {
        Self { name, interface, clock, calls, jar: Vec::new() }
    }

    /// Sends a request whose handler calls a function. Returns the cookie that the response sets.
    pub(crate) async fn visit(
        &mut self,
        what: &str,
        act: impl FnOnce(&Session) -> Result<(), Error>,
    ) -> Result<Option<SetCookie>, Failure> {
        let request = self.request();
        let session = self.told(what, request.session().await)?;
        self.told(what, act(&session))?;
        self.finish(what, &request).await
    }

    /// Sends a request whose handler calls a function and then logs a user in. Returns the cookie
    /// that the response sets.
    pub(crate) async fn log_in(
        &mut self,
        before: &str,
        act: impl FnOnce(&Session) -> Result<(), Error>,
        owner: &str,
    ) -> Result<Option<SetCookie>, Failure> {
        let what = format!("{before}log_in({owner})");
        let request = self.request();
        let session = self.told(&what, request.session().await)?;
        self.told(&what, act(&session))?;
        self.told(&what, session.log_in(owner, Some("stamp")).await)?;
        self.finish(&what, &request).await
    }

    /// Sends a request whose handler logs out and then calls a function. Returns the cookie that
    /// the response sets.
    pub(crate) async fn log_out(
        &mut self,
        after: &str,
        act: impl FnOnce(&Session) -> Result<(), Error>,
    ) -> Result<Option<SetCookie>, Failure> {
        let what = format!("log_out{after}");
        let request = self.request();
        let session = self.told(&what, request.session().await)?;
        self.told(&what, session.log_out().await)?;
        self.told(&what, act(&session))?;
        self.finish(&what, &request).await
    }

    /// Sends a request whose handler reads one key.
    pub(crate) async fn get<T: DeserializeOwned>(
        &mut self,
        key: &str,
    ) -> Result<Option<T>, Failure> {
        let mut value = None;
        let what = format!("get {key:?}");
        self.visit(&what, |session| {
            value = session.get(key)?;
            Ok(())
        })
        .await?;
        Ok(value)
    }

    /// Sends a request whose handler must find this number under the key `n`.
    pub(crate) async fn expect(&mut self, n: Option<u64>) -> Checked {
        let seen = self.get("n").await?;
        self.calls.equal(n, seen)
    }

    /// Sends a request whose handler sets the key `n` to this number.
    pub(crate) async fn set(&mut self, n: u64) -> Result<Option<SetCookie>, Failure> {
        self.visit(&format!("insert n = {n}"), |session| session.insert("n", n)).await
    }

    /// Returns a request with the stored cookies. The session is not open yet.
    pub(crate) fn request(&self) -> RequestSession {
        let view = RequestView::builder().host("shop.example").path("/").scheme("https");
        let cookies = self.header();
        RequestSession::with_shared(
            Arc::clone(&self.interface),
            view.cookie_header(cookies.as_bytes()).build(),
            OutagePolicy::Refuse,
        )
    }

    /// Commits a request, and processes and records its response.
    pub(crate) async fn finish(
        &mut self,
        what: &str,
        request: &RequestSession,
    ) -> Result<Option<SetCookie>, Failure> {
        let headers = self.told(what, request.commit().await.into_result())?;
        self.note(what, &headers);
        let set_cookie = headers.set_cookie().map(|header| self.parse(header)).transpose()?;
        if let Some(cookie) = &set_cookie {
            self.obey(cookie.clone());
        }
        Ok(set_cookie)
    }

    /// Opens the session and finishes the request. Returns the session, which can be opened again.
    pub(crate) async fn opened_before_response(&mut self) -> Result<Session, Failure> {
        let request = self.request();
        let session = self.told("open", request.session().await)?;
        self.finish("nothing, but reopen the session afterwards", &request).await?;
        Ok(session)
    }

    /// Sends a request whose response must set the cookie.
    pub(crate) async fn given(
        &mut self,
        what: &str,
        act: impl FnOnce(&Session) -> Result<(), Error>,
    ) -> Result<SetCookie, Failure> {
        let cookie = self.visit(what, act).await?;
        cookie.ok_or_else(|| self.calls.failure("a Set-Cookie", "none"))
    }

    /// Stores a cookie that no response set, such as an invented, planted or copied cookie.
    pub(crate) fn plant(&mut self, name: &str, value: &str) {
        let shown: String = value.chars().take(60).collect();
        self.calls.note(format!(
            "{}: has the cookie {name}={}, by hand",
            self.name,
            shown.escape_debug()
        ));
        self.jar = vec![SetCookie {
            name: name.to_owned(),
            value: value.to_owned(),
            attributes: Vec::new(),
            expires: None,
        }];
    }

    pub(crate) fn jar(&self) -> &[SetCookie] {
        &self.jar
    }

    fn header(&self) -> String {
        let now = self.clock.now();
        let kept =
            self.jar.iter().filter(|cookie| cookie.expires.is_none_or(|expires| now < expires));
        kept.map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect::<Vec<_>>()
            .join("; ")
    }

    fn obey(&mut self, set: SetCookie) {
        let place = |cookie: &SetCookie| {
            let where_to = |attribute: &&String| {
                attribute.starts_with("path=") || attribute.starts_with("domain=")
            };
            (
                cookie.name.clone(),
                cookie.attributes.iter().filter(where_to).cloned().collect::<Vec<_>>(),
            )
        };
        self.jar.retain(|kept| place(kept) != place(&set) && !kept.attributes.is_empty());
        if set.expires.is_none_or(|expires| self.clock.now() < expires) {
            self.jar.push(set);
        }
    }

    fn parse(&self, header: &str) -> Result<SetCookie, Failure> {
        let malformed = || self.calls.failure("a Set-Cookie that a browser accepts", header);
        let mut parts = header.split("; ");
        let (name, value) =
            parts.next().and_then(|pair| pair.split_once('=')).ok_or_else(malformed)?;
        let (mut attributes, mut expires, mut max_age) = (Vec::new(), None, None);
        for part in parts {
            let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
            match attribute.to_ascii_lowercase().as_str() {
                "expires" => {
                    expires = Some(httpdate::parse_http_date(value).map_err(|_| malformed())?);
                }
                "max-age" => max_age = Some(value.parse::<i64>().map_err(|_| malformed())?),
                attribute if value.is_empty() => attributes.push(attribute.to_owned()),
                attribute => attributes.push(format!("{attribute}={value}")),
            }
        }
        if let Some(seconds) = max_age {
            let life = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
            expires =
                Some(if seconds > 0 { self.clock.now() + life } else { SystemTime::UNIX_EPOCH });
        }
        attributes.sort();
        Ok(SetCookie { name: name.to_owned(), value: value.to_owned(), attributes, expires })
    }

    fn note(&self, what: &str, headers: &SessionHeaders) {
        let cookie = headers.set_cookie().map_or_else(|| "no cookie".to_owned(), show);
        let vary = if headers.vary() { ", Vary" } else { "" };
        self.calls.note(format!("{}: {what} -> {cookie}{vary}", self.name));
    }

    pub(crate) fn told<T>(&self, what: &str, result: Result<T, Error>) -> Result<T, Failure> {
        result.map_err(|error| {
            self.calls.note(format!("{}: {what} -> an error", self.name));
            self.calls
                .failure("no error", format!("the error {:?}: {}", error.kind(), chain(&error)))
        })
    }
}

/// Returns a `Set-Cookie` header for messages: the start of a long value, and all attributes.
fn show(header: &str) -> String {
    let (pair, attributes) = header.split_once(';').unwrap_or((header, ""));
    let shown: String = pair.chars().take(60).collect();
    let cut = if shown.len() < pair.len() { "…" } else { "" };
    format!("Set-Cookie: {shown}{cut};{attributes}")
}
