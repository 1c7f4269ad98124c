//! What a session interface may know of a request.

use crate::cookie;

/// A small snapshot of a request: its cookies, and where it went. It outlives the request that was handed on.
///
/// ```
/// use session_core::RequestView;
///
/// let request = RequestView::builder()
///     .cookie_header(b"session=abc; theme=dark")
///     .host("shop.example.com")
///     .path("/cart")
///     .build();
/// assert_eq!(request.cookie("session"), Some("abc"));
/// assert_eq!(request.host(), Some("shop.example.com"));
/// ```
#[derive(Clone, Default)]
pub struct RequestView {
    cookies: Vec<u8>,
    /// Host, scheme and path, one behind the other.
    text: String,
    host_end: Option<usize>,
    scheme_end: Option<usize>,
}

impl RequestView {
    /// A snapshot to fill.
    ///
    /// ```
    /// # use session_core::RequestView;
    /// assert_eq!(RequestView::builder().build().cookie("session"), None);
    /// ```
    pub fn builder() -> RequestViewBuilder<'static> {
        RequestViewBuilder { cookies: Vec::new(), host: None, scheme: None, path: "" }
    }

    /// The value of the first cookie of this name, over all `Cookie` headers, without quotes around it. `None` also if it
    /// is not UTF-8.
    ///
    /// ```
    /// # use session_core::RequestView;
    /// let request = RequestView::builder().cookie_header(b"a=1; a=2").build();
    /// assert_eq!(request.cookie("a"), Some("1"));
    /// ```
    pub fn cookie(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(cookie::find(&self.cookies, name)?).ok()
    }

    /// The host that the client asked for, as it wrote it, perhaps with a port.
    ///
    /// ```
    /// # use session_core::RequestView;
    /// assert_eq!(RequestView::builder().host("a.example:8080").build().host(), Some("a.example:8080"));
    /// ```
    pub fn host(&self) -> Option<&str> {
        self.host_end.map(|end| &self.text[..end])
    }

    /// The scheme, if the request names one; behind a proxy that ends TLS this is not the client's.
    ///
    /// ```
    /// # use session_core::RequestView;
    /// assert_eq!(RequestView::builder().scheme("https").build().scheme(), Some("https"));
    /// ```
    pub fn scheme(&self) -> Option<&str> {
        self.scheme_end.map(|end| &self.text[self.host_end.unwrap_or(0)..end])
    }

    /// The path, without the query.
    ///
    /// ```
    /// # use session_core::RequestView;
    /// assert_eq!(RequestView::builder().path("/cart").build().path(), "/cart");
    /// ```
    pub fn path(&self) -> &str {
        &self.text[self.scheme_end.or(self.host_end).unwrap_or(0)..]
    }
}

impl std::fmt::Debug for RequestView {
    /// Leaves the cookies out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestView")
            .field("host", &self.host())
            .field("scheme", &self.scheme())
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

/// Fills a [`RequestView`]: for whoever writes a framework adapter.
///
/// ```
/// use session_core::RequestView;
///
/// let request = RequestView::builder().path("/").build();
/// assert_eq!(request.path(), "/");
/// ```
#[derive(Clone)]
pub struct RequestViewBuilder<'a> {
    cookies: Vec<u8>,
    host: Option<&'a str>,
    scheme: Option<&'a str>,
    path: &'a str,
}

impl<'a> RequestViewBuilder<'a> {
    /// Adds the value of a `Cookie` header, which need not be UTF-8. Call it for each, in order.
    ///
    /// ```
    /// # use session_core::RequestView;
    /// let request = RequestView::builder().cookie_header(b"a=1").cookie_header(b"b=2").build();
    /// assert_eq!(request.cookie("b"), Some("2"));
    /// ```
    #[must_use]
    pub fn cookie_header(mut self, value: &[u8]) -> Self {
        if !self.cookies.is_empty() {
            self.cookies.push(b';');
        }
        self.cookies.extend_from_slice(value);
        self
    }

    /// Sets the host.
    ///
    /// ```
    /// # use session_core::RequestView;
    /// assert_eq!(RequestView::builder().host("a.example").build().host(), Some("a.example"));
    /// ```
    #[must_use]
    pub fn host<'b>(self, host: impl Into<Option<&'b str>>) -> RequestViewBuilder<'b>
    where
        'a: 'b,
    {
        RequestViewBuilder { host: host.into(), ..self }
    }

    /// Sets the scheme.
    ///
    /// ```
    /// # use session_core::RequestView;
    /// assert_eq!(RequestView::builder().scheme("http").build().scheme(), Some("http"));
    /// ```
    #[must_use]
    pub fn scheme<'b>(self, scheme: impl Into<Option<&'b str>>) -> RequestViewBuilder<'b>
    where
        'a: 'b,
    {
        RequestViewBuilder { scheme: scheme.into(), ..self }
    }

    /// Sets the path.
    ///
    /// ```
    /// # use session_core::RequestView;
    /// assert_eq!(RequestView::builder().path("/a").build().path(), "/a");
    /// ```
    #[must_use]
    pub fn path<'b>(self, path: &'b str) -> RequestViewBuilder<'b>
    where
        'a: 'b,
    {
        RequestViewBuilder { path, ..self }
    }

    /// The snapshot.
    ///
    /// ```
    /// # use session_core::RequestView;
    /// let _request = RequestView::builder().build();
    /// ```
    pub fn build(self) -> RequestView {
        let (host, scheme) = (self.host.unwrap_or(""), self.scheme.unwrap_or(""));
        let mut text = String::with_capacity(host.len() + scheme.len() + self.path.len());
        for part in [host, scheme, self.path] {
            text.push_str(part);
        }
        RequestView {
            cookies: self.cookies,
            text,
            host_end: self.host.map(str::len),
            scheme_end: self.scheme.map(|scheme| host.len() + scheme.len()),
        }
    }
}

impl std::fmt::Debug for RequestViewBuilder<'_> {
    /// Leaves the cookies out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestViewBuilder")
            .field("host", &self.host)
            .field("scheme", &self.scheme)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
