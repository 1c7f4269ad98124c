//! What the application answered, read to its end.

use std::fmt;

use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use session_core::ErrorKind;

use crate::Error;

/// A response with its whole body.
///
/// ```
/// # use session_core::NullSessions;
/// # use session_tower::testing::TestClient;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let app: axum::Router = axum::Router::new().route("/", axum::routing::get(async || "hello"));
/// # let mut client = TestClient::new(app, NullSessions::new("no key"));
/// let answer = client.get("/").await?;
/// assert_eq!((answer.status().as_u16(), answer.text()), (200, "hello".into()));
/// # Ok::<(), session_tower::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Answer {
    response: Response<Vec<u8>>,
    request: Request<Vec<u8>>,
}

impl Answer {
    pub(super) fn new(response: Response<Vec<u8>>, request: Request<Vec<u8>>) -> Self {
        Self { response, request }
    }

    pub(super) fn request(&self) -> &Request<Vec<u8>> {
        &self.request
    }

    /// The status.
    ///
    /// ```
    /// # use session_tower::testing::Answer;
    /// fn is_page(answer: &Answer) -> bool {
    ///     answer.status() == http::StatusCode::OK
    /// }
    /// ```
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The headers.
    ///
    /// ```
    /// # use session_tower::testing::Answer;
    /// fn varies(answer: &Answer) -> bool {
    ///     answer.headers().contains_key("vary")
    /// }
    /// ```
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Where a redirect leads.
    ///
    /// ```
    /// # use session_tower::testing::Answer;
    /// fn asks_for_login(answer: &Answer) -> bool {
    ///     answer.location() == Some("/login")
    /// }
    /// ```
    pub fn location(&self) -> Option<&str> {
        self.headers().get(LOCATION)?.to_str().ok()
    }

    /// The body as text; what is no UTF-8 is replaced.
    ///
    /// ```
    /// # use session_tower::testing::Answer;
    /// fn greets(answer: &Answer) -> bool {
    ///     answer.text().contains("Hello")
    /// }
    /// ```
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// The body.
    ///
    /// ```
    /// # use session_tower::testing::Answer;
    /// fn is_empty(answer: &Answer) -> bool {
    ///     answer.bytes().is_empty()
    /// }
    /// ```
    pub fn bytes(&self) -> &[u8] {
        self.response.body()
    }

    /// The body, from JSON.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Value`] if it is not JSON of this type.
    ///
    /// ```
    /// # use session_tower::{Error, testing::Answer};
    /// fn numbers(answer: &Answer) -> Result<Vec<u64>, Error> {
    ///     answer.json()
    /// }
    /// ```
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(self.bytes()).map_err(|error| {
            session_core::Error::new(ErrorKind::Value, "the body is not JSON of this type").with_source(error).into()
        })
    }
}

impl fmt::Debug for Answer {
    /// Leaves cookies and body out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status())
            .field("content_type", &self.headers().get(CONTENT_TYPE))
            .field("location", &self.location())
            .finish_non_exhaustive()
    }
}
