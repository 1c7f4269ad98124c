//! Requests and responses without a framework: what goes through the adapter's server, and what comes back.

/// A request to send. It has no body.
///
/// ```
/// use conformance_tests::adapter::Request;
///
/// fn first_line(request: &Request) -> String {
///     format!("{} {} HTTP/1.1", request.method(), request.target())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Request {
    method: &'static str,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
}

impl Request {
    pub(crate) fn get(target: &str) -> Self {
        Self { method: "GET", target: target.to_owned(), headers: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: &[u8]) -> Self {
        self.headers.push((name.to_owned(), value.to_vec()));
        self
    }

    /// The method: `GET`, in all rules so far.
    ///
    /// ```
    /// fn is_get(request: &conformance_tests::adapter::Request) -> bool {
    ///     request.method() == "GET"
    /// }
    /// ```
    pub fn method(&self) -> &str {
        self.method
    }

    /// The path and perhaps a query; in one rule a whole URL, as a proxy sends it (RFC 9112, section 3.2.2).
    ///
    /// ```
    /// fn is_whole(request: &conformance_tests::adapter::Request) -> bool {
    ///     request.target().starts_with("http")
    /// }
    /// ```
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The headers in their order, `Host` among them. A name may come several times, and a value need not be text.
    ///
    /// ```
    /// fn cookies(request: &conformance_tests::adapter::Request) -> usize {
    ///     request.headers().iter().filter(|(name, _)| name == "cookie").count()
    /// }
    /// ```
    pub fn headers(&self) -> &[(String, Vec<u8>)] {
        &self.headers
    }
}

/// The response that a client got.
///
/// ```
/// use conformance_tests::adapter::Response;
///
/// let response = Response::new(200).header("Vary", "Cookie").body("hello");
/// ```
#[derive(Clone, Debug)]
pub struct Response {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Response {
    /// A response of this status, with no headers and an empty body.
    ///
    /// ```
    /// let response = conformance_tests::adapter::Response::new(404);
    /// ```
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// One more header. Add each as the client got it: two of one name are two, and not joined.
    ///
    /// ```
    /// # use conformance_tests::adapter::Response;
    /// let response = Response::new(200).header("Set-Cookie", "a=1").header("Set-Cookie", "b=2");
    /// ```
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The whole body.
    ///
    /// ```
    /// let response = conformance_tests::adapter::Response::new(200).body("hello");
    /// ```
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// The body, with what is no text replaced.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The values of the headers of this name, with what is no text replaced.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let headers = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        headers.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
    }
}
