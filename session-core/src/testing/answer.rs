//! What an application answered, read to its end.

use std::fmt;

use serde::de::DeserializeOwned;

use super::Request;
use crate::{Error, ErrorKind};

/// A response with its whole body, in no framework's types.
///
/// ```
/// use session_core::testing::Answer;
///
/// let answer = Answer::new(200).with_header("content-type", "text/plain").with_body("hello");
/// assert_eq!((answer.status(), answer.text()), (200, "hello".into()));
/// ```
#[derive(Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// As the test gave it; what an [`Application`](super::Application) answers is not yet joined to one.
    request: Option<Request>,
}

impl Answer {
    /// An answer without headers and body, as an [`Application`](super::Application) makes it.
    ///
    /// ```
    /// # use session_core::testing::Answer;
    /// assert_eq!(Answer::new(404).status(), 404);
    /// ```
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), request: None }
    }

    /// Adds a header; what is no UTF-8 in its value is replaced.
    ///
    /// ```
    /// # use session_core::testing::Answer;
    /// assert_eq!(Answer::new(200).with_header("Vary", "Cookie").header("vary"), Some("Cookie"));
    /// ```
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), String::from_utf8_lossy(value.as_ref()).into_owned()));
        self
    }

    /// Sets the body.
    ///
    /// ```
    /// # use session_core::testing::Answer;
    /// assert_eq!(Answer::new(200).with_body("hello").bytes(), b"hello");
    /// ```
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The status.
    ///
    /// ```
    /// # use session_core::testing::Answer;
    /// assert_eq!(Answer::new(303).status(), 303);
    /// ```
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first header of this name, in upper or lower case.
    ///
    /// ```
    /// # use session_core::testing::Answer;
    /// assert_eq!(Answer::new(200).header("vary"), None);
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find_map(|(kept, value)| kept.eq_ignore_ascii_case(name).then_some(value))
    }

    /// All headers.
    ///
    /// ```
    /// # use session_core::testing::Answer;
    /// let answer = Answer::new(200).with_header("set-cookie", "a=1").with_header("set-cookie", "b=2");
    /// assert!(answer.headers().eq([("set-cookie", "a=1"), ("set-cookie", "b=2")]));
    /// ```
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Where a redirect leads.
    ///
    /// ```
    /// # use session_core::testing::Answer;
    /// assert_eq!(Answer::new(303).with_header("location", "/login").location(), Some("/login"));
    /// ```
    pub fn location(&self) -> Option<&str> {
        self.header("location")
    }

    /// The body as text; what is no UTF-8 is replaced.
    ///
    /// ```
    /// # use session_core::testing::Answer;
    /// assert_eq!(Answer::new(200).with_body("hello").text(), "hello");
    /// ```
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body.
    ///
    /// ```
    /// # use session_core::testing::Answer;
    /// assert!(Answer::new(304).bytes().is_empty());
    /// ```
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body, from JSON.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Value`] if it is not JSON of this type.
    ///
    /// ```
    /// # use session_core::testing::Answer;
    /// assert_eq!(Answer::new(200).with_body("[1, 2]").json::<Vec<u64>>()?, [1, 2]);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Error::new(ErrorKind::Value, "the body is not JSON of this type").with_source(error))
    }

    pub(super) fn to(self, request: Request) -> Self {
        Self { request: Some(request), ..self }
    }

    /// Where a redirect leads, and what is to be asked for there (Fetch, section 4.4); `None` if this is none.
    pub(super) fn redirect(&self) -> Option<(&str, Request)> {
        let request = self.request.clone().unwrap_or_else(|| Request::new("GET", "/"));
        let as_get = match self.status {
            301 | 302 => request.method() == "POST",
            303 => request.method() != "HEAD",
            307 | 308 => false,
            _ => return None,
        };
        let request = if as_get { Request::new("GET", "/") } else { request };
        Some((self.location()?, request))
    }
}

impl fmt::Debug for Answer {
    /// Leaves cookies and body out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("content_type", &self.header("content-type"))
            .field("location", &self.location())
            .finish_non_exhaustive()
    }
}
