//! The handlers of the application, which are the same in every framework.

use std::time::Duration;

use session_core::interface::state_of;
use session_core::{Error, Session};

use crate::harness::adapter::cases::{headers_of, perform};
use crate::harness::adapter::observed::Witness;

/// The response of a handler. Convert it to a response of your framework.
///
/// # Examples
///
/// ```
/// use session_conformance::adapter::respond;
/// use session_core::interface::Opened;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let response = respond(&Opened::new().into_session(), "/own-cookie/blue").await;
/// assert_eq!((response.status(), response.body()), (200, "written: blue"));
/// assert_eq!(response.headers(), [("set-cookie", "theme=dark; Path=/")]);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct TestResponse {
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: String,
    /// The session that a streamed body changes.
    streams: Option<Session>,
}

impl TestResponse {
    fn new(status: u16, headers: &'static [(&'static str, &'static str)], body: &str) -> Self {
        Self { status, headers, body: body.to_owned(), streams: None }
    }

    /// Returns the status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the headers. Append each header, because a name may occur more than once.
    pub fn headers(&self) -> &'static [(&'static str, &'static str)] {
        self.headers
    }

    /// Returns the body. For `/streamed`, use [`chunks`](Self::chunks) instead.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Returns the parts of the body of `/streamed`, for a streamed body of your framework.
    pub fn chunks(&self) -> Chunks {
        Chunks { session: self.streams.clone(), body: Some(self.body.clone()), left: LATE }
    }
}

/// The parts of a streamed body. The later parts try to change the session, so create each part
/// when the framework sends it.
#[derive(Clone, Debug)]
pub struct Chunks {
    session: Option<Session>,
    body: Option<String>,
    left: u8,
}

impl Iterator for Chunks {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if let Some(body) = self.body.take() {
            return Some(body);
        }
        let session = self.session.as_ref().filter(|_| self.left > 0)?;
        self.left -= 1;
        let late = match session.insert(COLOR, "late") {
            Ok(()) => "stored".to_owned(),
            Err(error) => format!("{:?}", error.kind()),
        };
        Some(format!("; late change {}: {late}", LATE - self.left))
    }
}

/// The number of parts of a streamed body that try to change the session.
pub(crate) const LATE: u8 = 2;

/// Returns the response of the handler for every path that begins with `/untouched`. The handler
/// does not obtain the session.
///
/// # Examples
///
/// ```
/// use session_conformance::adapter::respond_untouched;
///
/// let response = respond_untouched("/untouched/404/vary");
/// assert_eq!((response.status(), response.body()), (404, "untouched"));
/// ```
pub fn respond_untouched(path: &str) -> TestResponse {
    let mut details = path.split('/').skip(2);
    let status = details.next().and_then(|status| status.parse().ok()).unwrap_or(200);
    let headers = headers_of(details.next().unwrap_or("none"));
    TestResponse::new(status, headers, "untouched")
}

/// Returns the response of the handler for every other path except `/twice` and `/both`. The
/// handler uses `session`.
///
/// # Examples
///
/// ```
/// use session_conformance::adapter::respond;
/// use session_core::interface::Opened;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let session = Opened::new().into_session();
/// respond(&session, "/write/blue").await;
/// assert_eq!(session.get::<String>("color")?.as_deref(), Some("blue"));
/// # Ok::<(), session_core::Error>(())
/// # }).unwrap();
/// ```
pub async fn respond(session: &Session, path: &str) -> TestResponse {
    if let Some(witness) = state_of(session).backend_state::<Witness>() {
        witness.note(session);
    }
    act(session, path).await.unwrap_or_else(|error| {
        let body = format!("the session of the handler cannot be used: {error}");
        TestResponse::new(500, &[], &body)
    })
}

/// Returns the response of the handler for `/twice`. The handler obtains the session from its
/// framework twice.
///
/// # Examples
///
/// ```
/// use session_conformance::adapter::respond_twice;
/// use session_core::interface::Opened;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let session = Opened::new().into_session();
/// assert_eq!(respond_twice(&session.clone(), &session).await.body(), "read: blue");
/// # });
/// ```
pub async fn respond_twice(first: &Session, second: &Session) -> TestResponse {
    let written = respond(first, "/write/blue").await;
    if written.status == 200 { respond(second, "/read").await } else { written }
}

/// Returns the response of the handler for `/both`, which obtains the sessions of both types.
///
/// # Examples
///
/// ```
/// use session_conformance::adapter::respond_both;
/// use session_core::interface::Opened;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (first, second) = (Opened::new().into_session(), Opened::new().into_session());
/// assert_eq!(respond_both(&first, &second).await.body(), "written: blue and red");
/// # });
/// ```
pub async fn respond_both(first: &Session, second: &Session) -> TestResponse {
    for (session, path) in [(first, "/write/blue"), (second, "/write/red")] {
        let written = respond(session, path).await;
        if written.status != 200 {
            return written;
        }
    }
    TestResponse::new(200, &[], "written: blue and red")
}

/// The key that the handlers read and write.
pub(crate) const COLOR: &str = "color";

/// The duration of the handler of `/slow`.
const SLOW: Duration = Duration::from_millis(500);

/// The number of dots at the end of a large body.
pub(crate) const FILLING: usize = 100_000;

pub(crate) const OWN_CACHE_CONTROL: &str = "private, max-age=60";

/// The headers of `/public-cache`, which allow shared caches to store the response.
pub(crate) const PUBLIC_CACHE: &[(&str, &str)] = &[
    ("cache-control", "public, max-age=60"),
    ("cdn-cache-control", "max-age=60"),
    ("surrogate-control", "max-age=60"),
];

pub(crate) const OWN_COOKIE: &str = "theme=dark; Path=/";

/// The headers of `/created`, which are unrelated to sessions.
pub(crate) const NOTES: &[(&str, &str)] = &[
    ("content-type", "text/x-note"),
    ("x-note", "one"),
    ("x-note", "two"),
    ("location", "/notes/1"),
];

async fn act(session: &Session, path: &str) -> Result<TestResponse, Error> {
    let path = path.trim_start_matches('/');
    let path = path.strip_prefix("second/").unwrap_or(path);
    let (page, detail) = path.split_once('/').unwrap_or((path, ""));
    let (status, headers): (u16, &[_]) = match page {
        "read" => return read(session, &[]),
        "case" => return case(session, detail).await,
        "vary" => return read(session, own_vary(detail)),
        "logout" => {
            session.log_out().await?;
            return Ok(TestResponse::new(200, &[], "logged out"));
        }
        "write" | "permanent" | "streamed" | "large" | "empty" | "panics" | "slow" => (200, &[]),
        "status" => (detail.parse().unwrap_or(404), &[]),
        "created" => (201, NOTES),
        "own-cache" => (200, &[("cache-control", OWN_CACHE_CONTROL)]),
        "public-cache" => (200, PUBLIC_CACHE),
        "own-cookie" => (200, &[("set-cookie", OWN_COOKIE)]),
        _ => {
            return Ok(TestResponse::new(404, &[], &format!("the suite has no page {path:?}")));
        }
    };
    session.insert(COLOR, detail)?;
    if page == "permanent" {
        session.set_permanent(true)?;
    }
    interrupt(page).await;
    let streams = (page == "streamed").then(|| session.clone());
    let filling = if page == "large" { FILLING } else { 0 };
    let body = format!("written: {detail}{}", ".".repeat(filling));
    let body = if page == "empty" { "" } else { &body };
    let written = TestResponse::new(status, headers, body);
    Ok(TestResponse { streams, ..written })
}

/// Panics, or waits so long that the client can disconnect.
#[expect(clippy::panic, reason = "an adapter is checked with a handler that panics")]
async fn interrupt(page: &str) {
    match page {
        "panics" => panic!("this handler panics, because a rule checks that"),
        "slow" => tokio::time::sleep(SLOW).await,
        _ => {}
    }
}

/// Returns the response for an action, a status and the name of a list of headers, such as
/// `write/303/vary`.
async fn case(session: &Session, detail: &str) -> Result<TestResponse, Error> {
    let mut details = detail.split('/');
    let action = details.next().unwrap_or_default();
    let status = details.next().and_then(|status| status.parse().ok()).unwrap_or(200);
    let headers = headers_of(details.next().unwrap_or("none"));
    perform(session, action).await?;
    Ok(TestResponse::new(status, headers, &format!("case: {action}")))
}

fn read(
    session: &Session,
    headers: &'static [(&'static str, &'static str)],
) -> Result<TestResponse, Error> {
    let color = session.get::<String>(COLOR)?.unwrap_or_else(|| "nothing".to_owned());
    Ok(TestResponse::new(200, headers, &format!("read: {color}")))
}

fn own_vary(kind: &str) -> &'static [(&'static str, &'static str)] {
    match kind {
        "star" => &[("vary", "*")],
        "cookie" => &[("vary", "accept, cookie")],
        _ => &[("vary", "Accept"), ("vary", "Accept-Language")],
    }
}
