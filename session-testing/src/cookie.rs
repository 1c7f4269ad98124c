//! One cookie as a browser stores it (RFC 6265bis, section 5).

use std::fmt;
use std::time::{Duration, SystemTime};

use session_core::Error;

use super::origin::Origin;
use super::rejected;

pub(super) struct Cookie {
    name: String,
    value: String,
    /// The `Domain` attribute, or the host that set the cookie.
    domain: String,
    host_only: bool,
    path: String,
    secure: bool,
    /// `None` for a cookie that the browser removes when the browser closes.
    expires: Option<SystemTime>,
}

/// The attributes of a `Set-Cookie` header.
#[derive(Default)]
struct Attributes<'a> {
    domain: Option<&'a str>,
    path: Option<&'a str>,
    secure: bool,
    same_site_none: bool,
    expires: Option<SystemTime>,
    max_age: Option<i64>,
}

impl Cookie {
    pub(super) fn parse(
        header: &str,
        origin: &Origin,
        path: &str,
        now: SystemTime,
    ) -> Result<Self, Error> {
        let (pair, rest) = header.split_once(';').unwrap_or((header, ""));
        let (name, value) = pair.split_once('=').ok_or_else(|| rejected("it has no name"))?;
        let (name, value) = (name.trim(), value.trim());
        let attributes = Attributes::parse(rest);
        attributes.check(name, origin)?;
        let path = attributes.path.unwrap_or_else(|| directory(path));
        Ok(Self {
            name: name.to_owned(),
            value: value.to_owned(),
            domain: attributes.domain.unwrap_or(origin.name()).to_ascii_lowercase(),
            host_only: attributes.domain.is_none(),
            path: path.to_owned(),
            secure: attributes.secure,
            expires: attributes.expiry(now),
        })
    }

    /// Returns whether one of the cookies replaces the other.
    pub(super) fn is_same_cookie(&self, other: &Self) -> bool {
        (&self.name, &self.domain, self.host_only, &self.path)
            == (&other.name, &other.domain, other.host_only, &other.path)
    }

    /// Returns whether a request for this path sends the cookie.
    pub(super) fn is_sent_to(&self, origin: &Origin, path: &str, now: SystemTime) -> bool {
        let host = if self.host_only {
            origin.name() == self.domain
        } else {
            origin.is_within(&self.domain)
        };
        let rest = path.split('?').next().and_then(|path| path.strip_prefix(self.path.as_str()));
        let below = rest.is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
        });
        host && below && (origin.is_secure() || !self.secure) && !self.is_expired(now)
    }

    /// Returns whether the expiry is past. At the second of its expiry, a cookie is still sent.
    pub(super) fn is_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| expires < now)
    }

    pub(super) fn is_persistent(&self) -> bool {
        self.expires.is_some()
    }

    pub(super) fn path_length(&self) -> usize {
        self.path.len()
    }

    pub(super) fn pair(&self) -> String {
        format!("{}={}", self.name, self.value)
    }

    pub(super) fn value_of(&self, name: &str) -> Option<&str> {
        (self.name == name).then_some(&self.value)
    }
}

impl fmt::Debug for Cookie {
    /// Omits the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookie").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<'a> Attributes<'a> {
    /// Parses the attributes. The last of repeated attributes is used. Invalid attributes are
    /// ignored.
    fn parse(text: &'a str) -> Self {
        let mut attributes = Self::default();
        for part in text.split(';') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "domain" => {
                    attributes.domain =
                        Some(value.trim_start_matches('.')).filter(|domain| !domain.is_empty());
                }
                "path" => attributes.path = Some(value).filter(|path| path.starts_with('/')),
                "secure" => attributes.secure = true,
                "samesite" => attributes.same_site_none = value.eq_ignore_ascii_case("none"),
                "expires" => {
                    attributes.expires =
                        httpdate::parse_http_date(value).ok().or(attributes.expires);
                }
                "max-age" => attributes.max_age = value.parse().ok().or(attributes.max_age),
                _ => {}
            }
        }
        attributes
    }

    fn check(&self, name: &str, origin: &Origin) -> Result<(), Error> {
        let prefix = |prefix: &str| {
            name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        if self.secure && !origin.is_secure() {
            return Err(rejected("it is Secure, but the origin is http://"));
        }
        if !self.secure && self.same_site_none {
            return Err(rejected("it is SameSite=None without Secure"));
        }
        if let Some(domain) =
            self.domain.filter(|domain| !origin.is_within(&domain.to_ascii_lowercase()))
        {
            let host = origin.name();
            return Err(rejected(format_args!("host {host} is not within domain {domain}")));
        }
        if prefix("__Secure-") && !self.secure {
            return Err(rejected("prefix __Secure- requires Secure"));
        }
        if prefix("__Host-") && !(self.secure && self.domain.is_none() && self.path == Some("/")) {
            return Err(rejected("prefix __Host- requires Secure, path / and no domain"));
        }
        Ok(())
    }

    fn expiry(&self, now: SystemTime) -> Option<SystemTime> {
        match self.max_age {
            Some(seconds) => match u64::try_from(seconds) {
                Ok(seconds) if seconds > 0 => now.checked_add(Duration::from_secs(seconds)),
                _ => Some(SystemTime::UNIX_EPOCH),
            },
            None => self.expires,
        }
    }
}

/// Returns the default path of a cookie: the path of the request up to its last slash.
fn directory(path: &str) -> &str {
    let path = path.split('?').next().unwrap_or_default();
    match path.rfind('/') {
        Some(end) if end > 0 && path.starts_with('/') => &path[..end],
        _ => "/",
    }
}
