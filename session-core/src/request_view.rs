//! The part of a request that session interfaces can read.

use crate::config::token::TokenHeader;
use crate::cookie;

/// The cookies, session token, host, scheme and path of a request.
///
/// The view is a copy, so it stays valid after the framework has forwarded the request.
///
/// # Examples
///
/// ```
/// use session_core::request::RequestView;
///
/// let request = RequestView::builder()
///     .cookie_header(b"session=abc; theme=dark")
///     .cookie_header(b"session=\"other\"")
///     .host("shop.example.com")
///     .path("/cart")
///     .build();
/// assert_eq!(request.cookie("session"), Some("abc"));
/// ```
#[derive(Clone, Default)]
pub struct RequestView {
    /// Host, scheme, path and cookies, concatenated.
    text: Vec<u8>,
    host_end: Option<usize>,
    scheme_end: Option<usize>,
    path_end: usize,
    token: Token,
    /// The session token that replaces the cookie.
    in_place: Option<Box<InPlace>>,
}

/// The values of the header that has the session token.
#[derive(Clone, Default)]
enum Token {
    #[default]
    None,
    One(Box<[u8]>),
    Several,
}

/// The session token that replaces the cookie with this name.
#[derive(Clone)]
struct InPlace {
    name: Box<str>,
    token: Option<Box<str>>,
}

impl RequestView {
    /// Returns a builder without cookies, host or scheme, and with an empty path.
    #[inline]
    pub fn builder() -> RequestViewBuilder<'static> {
        RequestViewBuilder {
            cookies: Cookies::None,
            token: Token::None,
            host: None,
            scheme: None,
            path: "",
        }
    }

    /// Returns the value of the first cookie with this name in all `Cookie` headers, without
    /// surrounding quotes. Returns `None` if there is no such cookie or its value is not UTF-8.
    ///
    /// If the session token is in a [header](crate::SessionConfig::token_header), hooks and
    /// interfaces receive it as the cookie with the name of the session cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        if let Some(token) = self.in_place_of(name) {
            return token.token.as_deref();
        }
        let first = cookie::values(&self.text[self.path_end..], name).next()?;
        std::str::from_utf8(first).ok()
    }

    /// Returns the results of [`cookie`](Self::cookie) and
    /// [`has_several_cookies`](Self::has_several_cookies), with one search.
    pub(crate) fn cookie_and_whether_several(&self, name: &str) -> (Option<&str>, bool) {
        if let Some(token) = self.in_place_of(name) {
            return (token.token.as_deref(), false);
        }
        let mut values = cookie::values(&self.text[self.path_end..], name);
        let Some(first) = values.next() else { return (None, false) };
        (std::str::from_utf8(first).ok(), values.next().is_some())
    }

    /// Returns the values of all cookies with this name that are UTF-8, in the order of the
    /// headers.
    pub(crate) fn cookies(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = cookie::values(&self.text[self.path_end..], name);
        values.filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// Returns a copy of the request with this cookie before all other cookies.
    pub(crate) fn with_first_cookie(&self, name: &str, value: &str) -> Self {
        let mut text = self.text[..self.path_end].to_vec();
        for part in [name.as_bytes(), b"=", value.as_bytes(), b";", &self.text[self.path_end..]] {
            text.extend_from_slice(part);
        }
        Self { text, token: self.token.clone(), in_place: self.in_place.clone(), ..*self }
    }

    /// Returns whether the request has several cookies with this name, as after a change of the
    /// cookie's domain or path.
    pub fn has_several_cookies(&self, name: &str) -> bool {
        self.cookie_and_whether_several(name).1
    }

    fn in_place_of(&self, name: &str) -> Option<&InPlace> {
        self.in_place.as_deref().filter(|in_place| *in_place.name == *name)
    }

    /// Replaces the cookie with this name by the session token of the header. Returns whether the
    /// request is ambiguous. An ambiguous request has several tokens, or also has the cookie, which
    /// the settings do not accept.
    pub(crate) fn put_token(
        &mut self,
        name: &str,
        header: &TokenHeader,
        accepts_cookie: bool,
    ) -> bool {
        let has_cookie =
            !accepts_cookie && cookie::values(&self.text[self.path_end..], name).next().is_some();
        let (token, is_ambiguous) = match &self.token {
            Token::None => (None, false),
            Token::One(value) => match header.token_of(value) {
                Some(token) => (cookie::checked_value(token).map(Box::from), has_cookie),
                None => (None, false),
            },
            Token::Several => (None, true),
        };
        self.in_place = Some(Box::new(InPlace { name: name.into(), token }));
        is_ambiguous
    }

    /// Returns the host that the client sent, unchanged. It may include a port.
    pub fn host(&self) -> Option<&str> {
        self.host_end.map(|end| self.part(0, end))
    }

    /// Returns the scheme, if the framework provides one. Behind a proxy that terminates TLS, this
    /// is not the scheme that the client used.
    pub fn scheme(&self) -> Option<&str> {
        self.scheme_end.map(|end| self.part(self.host_end.unwrap_or(0), end))
    }

    /// Returns the full path, without the query. Below axum's `nest`, the path includes the prefix.
    pub fn path(&self) -> &str {
        self.part(self.scheme_end.or(self.host_end).unwrap_or(0), self.path_end)
    }

    /// Returns a part that was given as text.
    fn part(&self, start: usize, end: usize) -> &str {
        std::str::from_utf8(&self.text[start..end]).unwrap_or_default()
    }
}

impl std::fmt::Debug for RequestView {
    /// Hides the cookies.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestView")
            .field("host", &self.host())
            .field("scheme", &self.scheme())
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

/// A builder of [`RequestView`], for framework adapters.
#[derive(Clone)]
pub struct RequestViewBuilder<'a> {
    cookies: Cookies<'a>,
    token: Token,
    host: Option<&'a str>,
    scheme: Option<&'a str>,
    path: &'a str,
}

/// The `Cookie` headers so far. Most requests have only one header, so a single header is not
/// copied before `build`.
#[derive(Clone)]
enum Cookies<'a> {
    None,
    One(&'a [u8]),
    Several(Vec<u8>),
}

impl<'a> RequestViewBuilder<'a> {
    /// Adds the value of a `Cookie` header, which may contain bytes other than UTF-8. Call this
    /// method for each header, in order.
    #[inline]
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

    /// Adds a value of the header that [`SessionConfig::token_header`] names. Call this method for
    /// each value.
    ///
    /// [`SessionConfig::token_header`]: crate::SessionConfig::token_header
    #[must_use]
    pub fn token_header(self, value: &[u8]) -> Self {
        let token = match self.token {
            Token::None => Token::One(value.into()),
            Token::One(_) | Token::Several => Token::Several,
        };
        Self { token, ..self }
    }

    /// Sets the host. The default is `None`.
    #[must_use]
    pub fn host<'b>(self, host: impl Into<Option<&'b str>>) -> RequestViewBuilder<'b>
    where
        'a: 'b,
    {
        RequestViewBuilder { host: host.into(), ..self }
    }

    /// Sets the scheme. The default is `None`.
    #[must_use]
    pub fn scheme<'b>(self, scheme: impl Into<Option<&'b str>>) -> RequestViewBuilder<'b>
    where
        'a: 'b,
    {
        RequestViewBuilder { scheme: scheme.into(), ..self }
    }

    /// Sets the path, without the query. The default is an empty path.
    #[inline]
    #[must_use]
    pub fn path<'b>(self, path: &'b str) -> RequestViewBuilder<'b>
    where
        'a: 'b,
    {
        RequestViewBuilder { path, ..self }
    }

    /// Returns the [`RequestView`].
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
            token: self.token,
            in_place: None,
        }
    }
}

impl std::fmt::Debug for RequestViewBuilder<'_> {
    /// Hides the cookies.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestViewBuilder")
            .field("host", &self.host)
            .field("scheme", &self.scheme)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
