//! The attributes of a session cookie.

use std::str::FromStr;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::domain;
use crate::error::{Error, ErrorKind};

/// The longest `Path` that browsers accept, in bytes (RFC 6265bis, section 5.6).
const LONGEST_PATH: usize = 1024;

/// The ASCII characters, such as `;`, that are percent-encoded in a cookie's `Path`, as in
/// Werkzeug.
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

/// The attributes of a session cookie. The cookie is set and removed with the same attributes.
///
/// The default is `Secure; HttpOnly; Path=/; SameSite=Lax`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CookieAttributes {
    domain: Option<String>,
    path: String,
    secure: bool,
    http_only: bool,
    same_site: Option<SameSite>,
    partitioned: bool,
    /// The attributes as in a header: `; Domain=…; Secure; …`.
    rendered: String,
}

impl CookieAttributes {
    /// Returns a builder with the default attributes.
    pub fn builder() -> CookieAttributesBuilder {
        CookieAttributesBuilder::default()
    }

    /// Returns the `Domain`, without a leading dot. `None` means that only the host that set the
    /// cookie receives it.
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// Returns the `Path`, percent-encoded.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns whether the cookie is sent over HTTPS only.
    pub fn secure(&self) -> bool {
        self.secure
    }

    /// Returns whether the cookie is hidden from scripts.
    pub fn http_only(&self) -> bool {
        self.http_only
    }

    /// Returns the `SameSite` attribute, or `None` if it is omitted.
    pub fn same_site(&self) -> Option<SameSite> {
        self.same_site
    }

    /// Returns whether browsers store a separate cookie for each top-level site (CHIPS).
    pub fn partitioned(&self) -> bool {
        self.partitioned
    }

    /// Returns the default attributes without `Secure`.
    pub(crate) fn insecure_default() -> Self {
        Self::from_checked(CookieAttributesBuilder::default().secure(false), None)
    }

    /// Returns the same attributes with `HttpOnly`.
    pub(crate) fn hidden_from_scripts(&self) -> Self {
        let mut attributes = Self { http_only: true, ..self.clone() };
        attributes.rendered = render_attributes(&attributes);
        attributes
    }

    /// Returns the attributes of a builder that was checked, with the normalized domain.
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

    /// Returns the attributes as in a header: `; Domain=…; Secure; …`.
    pub(super) fn rendered(&self) -> &str {
        &self.rendered
    }

    /// Returns the same attributes for another domain and path, which must be valid and encoded.
    pub(crate) fn at(&self, domain: Option<&str>, path: &str) -> Self {
        let mut attributes = self.clone();
        (attributes.domain, attributes.path) = (domain.map(str::to_owned), path.to_owned());
        attributes.rendered = render_attributes(&attributes);
        attributes
    }

    /// Returns the size of a `Set-Cookie` header without its value: name, attributes and the
    /// longest expiry.
    pub(crate) fn overhead(&self, name: &str) -> usize {
        const EXPIRY: &str = "; Expires=Fri, 31 Dec 9999 23:59:59 GMT; Max-Age=253402300799";
        name.len() + 1 + self.rendered.len() + EXPIRY.len()
    }
}

impl Default for CookieAttributes {
    fn default() -> Self {
        Self::from_checked(CookieAttributesBuilder::default(), None)
    }
}

/// A builder of [`CookieAttributes`]. [`build`](Self::build) checks the attributes.
///
/// # Examples
///
/// ```
/// use session_core::{CookieAttributes, ErrorKind, SameSite};
///
/// // Browsers reject a `SameSite=None` cookie without `Secure`.
/// let result = CookieAttributes::builder().same_site(SameSite::None).secure(false).build();
/// assert_eq!(result.unwrap_err().kind(), ErrorKind::Configuration);
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
    /// Sets the domain that receives the cookie, with its subdomains. With the default, `None`,
    /// only the host that set the cookie receives it.
    ///
    /// A leading dot and a port are removed, as in Flask. Write international names in their ASCII
    /// form. Public suffixes such as `co.uk` are not detected. Browsers reject cookies for a public
    /// suffix.
    #[must_use]
    pub fn domain<'a>(mut self, domain: impl Into<Option<&'a str>>) -> Self {
        self.domain = domain.into().map(str::to_owned);
        self
    }

    /// Sets the path at and below which the cookie is sent. The default is `/`. Characters that a
    /// cookie path cannot contain are percent-encoded.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets whether the cookie is sent over HTTPS only. The default is `true`.
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Sets whether the cookie is hidden from scripts. The default is `true`.
    #[must_use]
    pub fn http_only(mut self, http_only: bool) -> Self {
        self.http_only = http_only;
        self
    }

    /// Sets the `SameSite` attribute. The default is [`SameSite::Lax`]. `None` omits the attribute,
    /// and each browser then applies its own default.
    #[must_use]
    pub fn same_site(mut self, same_site: impl Into<Option<SameSite>>) -> Self {
        self.same_site = same_site.into();
        self
    }

    /// Sets whether browsers store a separate cookie for each top-level site (CHIPS). The default
    /// is `false`.
    #[must_use]
    pub fn partitioned(mut self, partitioned: bool) -> Self {
        self.partitioned = partitioned;
        self
    }

    /// Checks the attributes and returns them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if browsers would reject the cookie:
    ///
    /// - `SameSite=None` or `Partitioned` is set, and `Secure` is off (RFC 6265bis, section 5.7).
    /// - The domain is not an ASCII host name, is an address, or has a single label and is not
    ///   `localhost`.
    /// - The path does not begin with a slash, or has more than 1024 bytes after encoding.
    pub fn build(self) -> Result<CookieAttributes, Error> {
        if self.same_site == Some(SameSite::None) && !self.secure {
            return Err(configuration(
                "SameSite=None cookie without Secure is rejected by browsers; set Secure",
            ));
        }
        if self.partitioned && !self.secure {
            return Err(configuration(
                "Partitioned cookie without Secure is rejected by browsers; set Secure",
            ));
        }
        if !self.path.starts_with('/') {
            return Err(configuration(
                "cookie path does not begin with a slash; use a path such as /shop",
            ));
        }
        let domain = self.domain.as_deref().map(domain::normalize).transpose()?;
        let attributes = CookieAttributes::from_checked(self, domain);
        if attributes.path.len() > LONGEST_PATH {
            return Err(configuration(
                "cookie path is longer than the 1024 bytes that browsers accept; use a shorter path",
            ));
        }
        Ok(attributes)
    }
}

/// The `SameSite` attribute: the requests with which browsers send the cookie.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SameSite {
    /// Only requests from the same site.
    Strict,
    /// Requests from the same site, and links from other sites.
    Lax,
    /// All requests. Browsers accept this value only together with `Secure`.
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

    /// Parses the three names in any case, as in Flask's `SESSION_COOKIE_SAMESITE`.
    fn from_str(text: &str) -> Result<Self, Error> {
        [Self::Strict, Self::Lax, Self::None]
            .into_iter()
            .find(|site| site.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| configuration("SameSite value is unknown; use Strict, Lax or None"))
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

fn configuration(message: &'static str) -> Error {
    Error::new(ErrorKind::Configuration, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_longer_than_browsers_accept_is_refused() {
        let build = |path: String| CookieAttributes::builder().path(path).build();
        assert!(build(format!("/{}", "a".repeat(1023))).is_ok());
        assert!(build(format!("/{}", " ".repeat(341))).is_ok());
        for path in [format!("/{}", "a".repeat(1024)), format!("/{}", " ".repeat(342))] {
            let error = build(path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.to_string().contains("1024"), "{error}");
        }
    }
}
