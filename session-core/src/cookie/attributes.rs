//! The attributes that a session cookie is set and removed with.

use std::str::FromStr;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::configuration;
use crate::Error;

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

    /// `; Domain=…; Secure; …`, ready to append.
    pub(super) fn rendered(&self) -> &str {
        &self.rendered
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
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for what a browser would drop: `SameSite=None` or `Partitioned` without `Secure`
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
