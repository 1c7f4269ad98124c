//! What the handlers do and answer: the same application in every framework.

use session_core::{Error, Session};

/// What a handler answers: make a response of your framework from it.
///
/// ```
/// use conformance_tests::adapter::answer;
/// use session_core::Session;
///
/// let answer = answer(&Session::new(), "/write/blue");
/// assert_eq!((answer.status(), answer.body()), (200, "written: blue"));
/// ```
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: String,
}

impl Answer {
    /// The status.
    ///
    /// ```
    /// # use conformance_tests::adapter::answer;
    /// assert_eq!(answer(&session_core::Session::new(), "/status/303").status(), 303);
    /// ```
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The headers, each to be added to those of its name.
    ///
    /// ```
    /// # use conformance_tests::adapter::answer;
    /// let answer = answer(&session_core::Session::new(), "/own-cookie");
    /// assert_eq!(answer.headers(), [("set-cookie", "theme=dark; Path=/")]);
    /// ```
    pub fn headers(&self) -> &'static [(&'static str, &'static str)] {
        self.headers
    }

    /// The body.
    ///
    /// ```
    /// # use conformance_tests::adapter::answer;
    /// assert_eq!(answer(&session_core::Session::new(), "/read").body(), "read: nothing");
    /// ```
    pub fn body(&self) -> &str {
        &self.body
    }
}

/// What the handler of every path but `/untouched` and `/twice` answers, given its session.
///
/// ```
/// use conformance_tests::adapter::answer;
/// use session_core::Session;
///
/// let session = Session::new();
/// answer(&session, "/write/blue");
/// assert_eq!(session.get::<String>("color")?.as_deref(), Some("blue"));
/// # Ok::<(), session_core::Error>(())
/// ```
pub fn answer(session: &Session, path: &str) -> Answer {
    act(session, path).unwrap_or_else(|error| Answer {
        status: 500,
        headers: &[],
        body: format!("the session of the handler cannot be used: {error}"),
    })
}

/// What the handler of `/twice` answers, which asks its framework for the session two times.
///
/// ```
/// use conformance_tests::adapter::answer_twice;
/// use session_core::Session;
///
/// let session = Session::new();
/// assert_eq!(answer_twice(&session.clone(), &session).body(), "read: blue");
/// ```
pub fn answer_twice(first: &Session, second: &Session) -> Answer {
    let written = answer(first, "/write/blue");
    if written.status == 200 { answer(second, "/read") } else { written }
}

/// The value that the handlers read and write.
pub(crate) const COLOR: &str = "color";

pub(crate) const OWN_CACHE_CONTROL: &str = "private, max-age=60";

pub(crate) const OWN_COOKIE: &str = "theme=dark; Path=/";

/// The headers of `/created`, which nothing but the handler cares about.
pub(crate) const NOTES: &[(&str, &str)] =
    &[("content-type", "text/x-note"), ("x-note", "one"), ("x-note", "two"), ("location", "/notes/1")];

fn act(session: &Session, path: &str) -> Result<Answer, Error> {
    let path = path.trim_start_matches('/');
    let (page, detail) = path.split_once('/').unwrap_or((path, ""));
    let (status, headers): (u16, &[_]) = match page {
        "read" => return read(session, &[]),
        "vary" => return read(session, own_vary(detail)),
        "logout" => {
            session.destroy()?;
            return Ok(Answer { status: 200, headers: &[], body: "logged out".to_owned() });
        }
        "write" | "permanent" => (200, &[]),
        "status" => (detail.parse().unwrap_or(404), &[]),
        "created" => (201, NOTES),
        "own-cache" => (200, &[("cache-control", OWN_CACHE_CONTROL)]),
        "own-cookie" => (200, &[("set-cookie", OWN_COOKIE)]),
        _ => return Ok(Answer { status: 404, headers: &[], body: format!("the suite has no page {path:?}") }),
    };
    session.insert(COLOR, detail)?;
    if page == "permanent" {
        session.set_permanent(true)?;
    }
    Ok(Answer { status, headers, body: format!("written: {detail}") })
}

fn read(session: &Session, headers: &'static [(&'static str, &'static str)]) -> Result<Answer, Error> {
    let color = session.get::<String>(COLOR)?.unwrap_or_else(|| "nothing".to_owned());
    Ok(Answer { status: 200, headers, body: format!("read: {color}") })
}

fn own_vary(kind: &str) -> &'static [(&'static str, &'static str)] {
    match kind {
        "star" => &[("vary", "*")],
        "cookie" => &[("vary", "accept, cookie")],
        _ => &[("vary", "Accept"), ("vary", "Accept-Language")],
    }
}
