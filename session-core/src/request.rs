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
    /// Host, scheme, path and cookies, one behind the other.
    text: Vec<u8>,
    host_end: Option<usize>,
    scheme_end: Option<usize>,
    path_end: usize,
}

impl RequestView {
    /// A snapshot to fill.
    ///
    /// ```
    /// # use session_core::RequestView;
    /// assert_eq!(RequestView::builder().build().cookie("session"), None);
    /// ```
    pub fn builder() -> RequestViewBuilder<'static> {
        RequestViewBuilder { cookies: Cookies::None, host: None, scheme: None, path: "" }
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
        std::str::from_utf8(cookie::find(&self.text[self.path_end..], name)?).ok()
    }

    /// The host that the client asked for, as it wrote it, perhaps with a port.
    ///
    /// ```
    /// # use session_core::RequestView;
    /// assert_eq!(RequestView::builder().host("a.example:8080").build().host(), Some("a.example:8080"));
    /// ```
    pub fn host(&self) -> Option<&str> {
        self.host_end.map(|end| self.part(0, end))
    }

    /// The scheme, if the request names one; behind a proxy that ends TLS this is not the client's.
    ///
    /// ```
    /// # use session_core::RequestView;
    /// assert_eq!(RequestView::builder().scheme("https").build().scheme(), Some("https"));
    /// ```
    pub fn scheme(&self) -> Option<&str> {
        self.scheme_end.map(|end| self.part(self.host_end.unwrap_or(0), end))
    }

    /// The path, without the query.
    ///
    /// ```
    /// # use session_core::RequestView;
    /// assert_eq!(RequestView::builder().path("/cart").build().path(), "/cart");
    /// ```
    pub fn path(&self) -> &str {
        self.part(self.scheme_end.or(self.host_end).unwrap_or(0), self.path_end)
    }

    /// A part that came in as text.
    fn part(&self, start: usize, end: usize) -> &str {
        std::str::from_utf8(&self.text[start..end]).unwrap_or_default()
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
    cookies: Cookies<'a>,
    host: Option<&'a str>,
    scheme: Option<&'a str>,
    path: &'a str,
}

/// The `Cookie` headers so far. There is seldom more than one, so that one is not copied before the end.
#[derive(Clone)]
enum Cookies<'a> {
    None,
    One(&'a [u8]),
    Several(Vec<u8>),
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
    pub fn cookie_header<'b>(self, value: &'b [u8]) -> RequestViewBuilder<'b>
    where
        'a: 'b,
    {
        let cookies = match self.cookies {
            Cookies::None => Cookies::One(value),
            Cookies::One(first) => Cookies::Several([first, b";", value].concat()),
            Cookies::Several(mut cookies) => {
                cookies.push(b';');
                cookies.extend_from_slice(value);
                Cookies::Several(cookies)
            }
        };
        RequestViewBuilder { cookies, ..self }
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
        let cookies = match &self.cookies {
            Cookies::None => &[][..],
            Cookies::One(header) => header,
            Cookies::Several(headers) => headers,
        };
        let path_end = host.len() + scheme.len() + self.path.len();
        let mut text = Vec::with_capacity(path_end + cookies.len());
        for part in [host.as_bytes(), scheme.as_bytes(), self.path.as_bytes(), cookies] {
            text.extend_from_slice(part);
        }
        RequestView {
            text,
            host_end: self.host.map(str::len),
            scheme_end: self.scheme.map(|scheme| host.len() + scheme.len()),
            path_end,
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
