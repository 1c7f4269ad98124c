//! Cookies: reading a `Cookie` header, the attributes that are sent with one, and rendering `Set-Cookie`.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::{Error, ErrorKind};

/// What a cookie's `Path` keeps as it is: what Werkzeug keeps. Everything else, `;` above all, is percent-encoded.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b';')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// 9999-12-31T23:59:59Z, the last second that an HTTP date can show.
pub(crate) const LAST_HTTP_DATE: Duration = Duration::from_secs(253_402_300_799);

/// What must become of the client's cookie after a save.
///
/// ```
/// use session_core::CookieAction;
///
/// let action = CookieAction::Set("value".to_owned());
/// assert_eq!(format!("{action:?}"), "Set(..)");
/// ```
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub enum CookieAction {
    /// Send no `Set-Cookie`: the client keeps what it has.
    Keep,
    /// Set the cookie to this value, which may hold only what RFC 6265bis, section 4.1.1 calls `cookie-octet`.
    Set(String),
    /// Remove the cookie.
    Remove,
}

impl fmt::Debug for CookieAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keep => "Keep",
            Self::Set(_) => "Set(..)",
            Self::Remove => "Remove",
        })
    }
}

/// The `SameSite` attribute: which requests from other sites bring the cookie.
///
/// ```
/// use session_core::SameSite;
///
/// assert_eq!("lax".parse::<SameSite>()?, SameSite::Lax);
/// assert!("bad".parse::<SameSite>().is_err());
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SameSite {
    /// Only requests from the same site.
    Strict,
    /// Also a link from another site that leads here.
    Lax,
    /// Every request; browsers take it only together with `Secure`.
    None,
}

impl SameSite {
    fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

impl FromStr for SameSite {
    type Err = Error;

    /// Takes the three names in any case, as Flask's `SESSION_COOKIE_SAMESITE` does.
    fn from_str(text: &str) -> Result<Self, Error> {
        [Self::Strict, Self::Lax, Self::None]
            .into_iter()
            .find(|site| site.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| configuration("SameSite must be Strict, Lax or None"))
    }
}

/// The attributes that go with a session cookie, the same when it is set and when it is removed.
///
/// ```
/// use session_core::{CookieAttributes, SameSite};
///
/// let attributes = CookieAttributes::builder()
///     .domain("example.com")
///     .same_site(SameSite::Strict)
///     .build()?;
/// assert_eq!(attributes.domain(), Some("example.com"));
/// assert!(attributes.secure() && attributes.http_only());
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CookieAttributes {
    domain: Option<String>,
    path: String,
    secure: bool,
    http_only: bool,
    same_site: Option<SameSite>,
    partitioned: bool,
    /// `; Domain=…; Secure; …`, ready to append.
    rendered: String,
}

impl CookieAttributes {
    /// Attributes to change one by one: `Secure; HttpOnly; SameSite=Lax; Path=/` to begin with.
    ///
    /// ```
    /// # use session_core::CookieAttributes;
    /// assert_eq!(CookieAttributes::builder().build()?.path(), "/");
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn builder() -> CookieAttributesBuilder {
        CookieAttributesBuilder::default()
    }

    /// The `Domain`, without a leading dot.
    ///
    /// ```
    /// # use session_core::CookieAttributes;
    /// assert_eq!(CookieAttributes::builder().build()?.domain(), None);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// The `Path`, percent-encoded.
    ///
    /// ```
    /// # use session_core::CookieAttributes;
    /// assert_eq!(CookieAttributes::builder().path("/a b").build()?.path(), "/a%20b");
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether the cookie goes over HTTPS only.
    ///
    /// ```
    /// # use session_core::CookieAttributes;
    /// assert!(CookieAttributes::builder().build()?.secure());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn secure(&self) -> bool {
        self.secure
    }

    /// Whether scripts in the page cannot see the cookie.
    ///
    /// ```
    /// # use session_core::CookieAttributes;
    /// assert!(CookieAttributes::builder().build()?.http_only());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn http_only(&self) -> bool {
        self.http_only
    }

    /// The `SameSite`, if one is sent.
    ///
    /// ```
    /// # use session_core::{CookieAttributes, SameSite};
    /// assert_eq!(CookieAttributes::builder().build()?.same_site(), Some(SameSite::Lax));
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn same_site(&self) -> Option<SameSite> {
        self.same_site
    }

    /// Whether the cookie is kept apart per top-level site (CHIPS).
    ///
    /// ```
    /// # use session_core::CookieAttributes;
    /// assert!(!CookieAttributes::builder().build()?.partitioned());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn partitioned(&self) -> bool {
        self.partitioned
    }

    /// The defaults without `Secure`.
    pub(crate) fn insecure_default() -> Self {
        Self::from_checked(CookieAttributesBuilder::default().secure(false), None)
    }

    /// Attributes whose builder was checked, with the domain in its normal form.
    fn from_checked(builder: CookieAttributesBuilder, domain: Option<String>) -> Self {
        let mut attributes = Self {
            domain,
            path: utf8_percent_encode(&builder.path, PATH).to_string(),
            secure: builder.secure,
            http_only: builder.http_only,
            same_site: builder.same_site,
            partitioned: builder.partitioned,
            rendered: String::new(),
        };
        attributes.rendered = render_attributes(&attributes);
        attributes
    }

    /// How many bytes of a `Set-Cookie` header are not value: name, attributes and the longest `Expires`.
    pub(crate) fn overhead(&self, name: &str) -> usize {
        name.len() + 1 + self.rendered.len() + "; Expires=Thu, 01 Jan 1970 00:00:00 GMT".len()
    }
}

impl Default for CookieAttributes {
    fn default() -> Self {
        Self::from_checked(CookieAttributesBuilder::default(), None)
    }
}

/// Collects [`CookieAttributes`]; nothing is checked before [`build`](Self::build).
///
/// ```
/// use session_core::{CookieAttributes, SameSite};
///
/// // A browser would drop this cookie, so it cannot be built.
/// let error = CookieAttributes::builder().same_site(SameSite::None).secure(false).build().unwrap_err();
/// assert!(error.to_string().contains("Secure"));
/// ```
#[derive(Clone, Debug)]
pub struct CookieAttributesBuilder {
    domain: Option<String>,
    path: String,
    secure: bool,
    http_only: bool,
    same_site: Option<SameSite>,
    partitioned: bool,
}

impl Default for CookieAttributesBuilder {
    fn default() -> Self {
        Self {
            domain: None,
            path: "/".to_owned(),
            secure: true,
            http_only: true,
            same_site: Some(SameSite::Lax),
            partitioned: false,
        }
    }
}

impl CookieAttributesBuilder {
    /// Sends the cookie to this domain and its subdomains; `None` to this host only. A leading dot and a port are
    /// dropped, as Flask does. International names are given in their ASCII form.
    ///
    /// ```
    /// # use session_core::CookieAttributes;
    /// let attributes = CookieAttributes::builder().domain(".example.com:80").build()?;
    /// assert_eq!(attributes.domain(), Some("example.com"));
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn domain<'a>(mut self, domain: impl Into<Option<&'a str>>) -> Self {
        self.domain = domain.into().map(str::to_owned);
        self
    }

    /// Sends the cookie to this path and below. Characters that a cookie path cannot hold are percent-encoded.
    ///
    /// ```
    /// # use session_core::CookieAttributes;
    /// assert_eq!(CookieAttributes::builder().path("/shop").build()?.path(), "/shop");
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// HTTPS only, or plain HTTP too.
    ///
    /// ```
    /// # use session_core::CookieAttributes;
    /// assert!(!CookieAttributes::builder().secure(false).build()?.secure());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Hides the cookie from scripts, or shows it to them.
    ///
    /// ```
    /// # use session_core::CookieAttributes;
    /// assert!(!CookieAttributes::builder().http_only(false).build()?.http_only());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn http_only(mut self, http_only: bool) -> Self {
        self.http_only = http_only;
        self
    }

    /// Sets `SameSite`; `None` sends no such attribute, and each browser follows its own default.
    ///
    /// ```
    /// # use session_core::CookieAttributes;
    /// assert_eq!(CookieAttributes::builder().same_site(None).build()?.same_site(), None);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn same_site(mut self, same_site: impl Into<Option<SameSite>>) -> Self {
        self.same_site = same_site.into();
        self
    }

    /// Keeps the cookie apart per top-level site.
    ///
    /// ```
    /// # use session_core::CookieAttributes;
    /// assert!(CookieAttributes::builder().partitioned(true).build()?.partitioned());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    #[must_use]
    pub fn partitioned(mut self, partitioned: bool) -> Self {
        self.partitioned = partitioned;
        self
    }

    /// The attributes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for what a browser would drop: `SameSite=None` or `Partitioned` without `Secure`
    /// (RFC 6265bis, section 5.7), a domain that is no ASCII host name, a path that does not begin with a slash.
    ///
    /// ```
    /// # use session_core::CookieAttributes;
    /// assert!(CookieAttributes::builder().partitioned(true).secure(false).build().is_err());
    /// assert!(CookieAttributes::builder().path("shop").build().is_err());
    /// ```
    pub fn build(self) -> Result<CookieAttributes, Error> {
        if self.same_site == Some(SameSite::None) && !self.secure {
            return Err(configuration("browsers drop a SameSite=None cookie without Secure"));
        }
        if self.partitioned && !self.secure {
            return Err(configuration("browsers drop a Partitioned cookie without Secure"));
        }
        if !self.path.starts_with('/') {
            return Err(configuration("the cookie path must begin with a slash"));
        }
        let domain = self.domain.as_deref().map(normal_domain).transpose()?;
        Ok(CookieAttributes::from_checked(self, domain))
    }
}

/// The value of the first cookie of this name in a `Cookie` header value. One pair of quotes around it is dropped.
pub(crate) fn find<'a>(header: &'a [u8], name: &str) -> Option<&'a [u8]> {
    header.split(|byte| *byte == b';').find_map(|pair| {
        let value = pair.trim_ascii_start().strip_prefix(name.as_bytes())?;
        let value = value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii();
        Some(value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
    })
}

/// Checks a cookie name, and the attributes against the promises of its prefix (RFC 6265bis, section 4.1.3).
pub(crate) fn check_name(name: &str, attributes: &CookieAttributes) -> Result<(), Error> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(configuration(
            "the cookie name must be a token: letters, digits and !#$%&'*+-.^_`|~",
        ));
    }
    if !name.starts_with("__") {
        return Ok(());
    }
    let prefix = |prefix: &str| {
        name.get(..prefix.len()).is_some_and(|name| name.eq_ignore_ascii_case(prefix))
    };
    if prefix("__Secure-") && !attributes.secure {
        return Err(configuration("browsers drop a __Secure- cookie without Secure"));
    }
    if prefix("__Host-")
        && (!attributes.secure || attributes.domain.is_some() || attributes.path != "/")
    {
        return Err(configuration(
            "browsers drop a __Host- cookie without Secure, with a domain or with a path but /",
        ));
    }
    Ok(())
}

/// A `Set-Cookie` header that sets the cookie.
///
/// # Errors
///
/// [`ErrorKind::Backend`] if the value holds what a cookie cannot: a stray `;` or line break would change the response.
pub(crate) fn render_set(
    name: &str,
    value: &str,
    expires: Option<SystemTime>,
    attributes: &CookieAttributes,
) -> Result<String, Error> {
    // No early exit: the whole loop runs in vector registers.
    let octets = value.bytes().fold(true, |all, byte| all & is_cookie_octet(byte));
    if !octets {
        return Err(Error::new(
            ErrorKind::Backend,
            "the interface gave a cookie value that no cookie can hold",
        ));
    }
    let mut header = String::with_capacity(attributes.overhead(name) + value.len());
    header.push_str(name);
    header.push('=');
    header.push_str(value);
    if let Some(expires) = expires {
        header.push_str("; Expires=");
        header.push_str(&http_date(expires));
    }
    header.push_str(&attributes.rendered);
    Ok(header)
}

/// A `Set-Cookie` header that removes the cookie: every attribute of the set one, no value, an end in the past.
pub(crate) fn render_removal(name: &str, attributes: &CookieAttributes) -> String {
    format!("{name}=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0{}", attributes.rendered)
}

/// An HTTP date (RFC 9110, section 5.6.7), at the nearer end of its range for times outside 1970 to 9999.
pub(crate) fn http_date(time: SystemTime) -> String {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since_epoch.min(LAST_HTTP_DATE))
}

fn is_cookie_octet(byte: u8) -> bool {
    (0x21..=0x7e).contains(&byte)
        & (byte != b'"')
        & (byte != b',')
        & (byte != b';')
        & (byte != b'\\')
}

fn render_attributes(attributes: &CookieAttributes) -> String {
    let mut rendered = String::new();
    if let Some(domain) = &attributes.domain {
        rendered.push_str("; Domain=");
        rendered.push_str(domain);
    }
    if attributes.secure {
        rendered.push_str("; Secure");
    }
    if attributes.http_only {
        rendered.push_str("; HttpOnly");
    }
    rendered.push_str("; Path=");
    rendered.push_str(&attributes.path);
    if let Some(same_site) = attributes.same_site {
        rendered.push_str("; SameSite=");
        rendered.push_str(same_site.as_str());
    }
    if attributes.partitioned {
        rendered.push_str("; Partitioned");
    }
    rendered
}

fn normal_domain(domain: &str) -> Result<String, Error> {
    let domain = domain.split(':').next().unwrap_or_default().trim_start_matches('.');
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if domain.is_empty() || !domain.bytes().all(legal) {
        return Err(configuration("the cookie domain must be a host name in ASCII"));
    }
    Ok(domain.to_owned())
}

fn configuration(message: &'static str) -> Error {
    Error::new(ErrorKind::Configuration, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'a>(header: &'a str, name: &str) -> Option<&'a str> {
        find(header.as_bytes(), name).map(|value| std::str::from_utf8(value).unwrap())
    }

    #[test]
    fn the_first_cookie_of_the_exact_name_is_read() {
        assert_eq!(found("a=1; session=x; session=y", "session"), Some("x"));
        assert_eq!(found("xsession=1; sessionx=2; session =3", "session"), Some("3"));
        assert_eq!(found("session=\"quoted\"", "session"), Some("quoted"));
        assert_eq!(found("session=", "session"), Some(""));
        assert_eq!(found("session", "session"), None);
        assert_eq!(found("Session=1", "session"), None);
        assert_eq!(found(";;; =; session=a=b ;", "session"), Some("a=b"));
        assert_eq!(find(b"\xff=\xfe; session=ok", "session"), Some(&b"ok"[..]));
    }

    #[test]
    fn prefixes_keep_their_promises() {
        let secure = CookieAttributes::builder().build().unwrap();
        let plain = CookieAttributes::builder().secure(false).build().unwrap();
        let wide = CookieAttributes::builder().domain("example.com").build().unwrap();
        let deep = CookieAttributes::builder().path("/x").build().unwrap();
        assert!(check_name("__Host-id", &secure).is_ok());
        assert!(check_name("__Secure-id", &wide).is_ok());
        for attributes in [&plain, &wide, &deep] {
            assert!(check_name("__host-id", attributes).is_err());
        }
        assert!(check_name("__secure-id", &plain).is_err());
        for name in ["", "a b", "a;b", "a=b", "é", "a\n"] {
            assert!(check_name(name, &secure).is_err(), "{name}");
        }
    }

    #[test]
    fn a_value_that_would_change_the_response_is_refused() {
        let attributes = CookieAttributes::builder().build().unwrap();
        for value in ["a;b", "a\r\nX: y", "a b", "a,b", "a\"b", "a\\b", "é"] {
            assert!(render_set("s", value, None, &attributes).is_err(), "{value}");
        }
        assert!(render_set("s", "!#$%&'()*+-./09:<=>?@AZ[]^_`az{|}~", None, &attributes).is_ok());
    }

    #[test]
    fn dates_outside_the_range_become_its_ends() {
        assert_eq!(
            http_date(SystemTime::UNIX_EPOCH - Duration::from_secs(1)),
            "Thu, 01 Jan 1970 00:00:00 GMT"
        );
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(http_date(far), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
