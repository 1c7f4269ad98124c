//! Cookies: reading a `Cookie` header and rendering `Set-Cookie`.

mod attributes;

use std::fmt::{self, Write as _};
use std::time::{Duration, SystemTime};

use httpdate::HttpDate;

use crate::{Error, ErrorKind};

pub use attributes::{CookieAttributes, CookieAttributesBuilder, SameSite};

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
    /// Set it, to end at another time than the session's lifetime says: for a backend that renews less often than it
    /// promises to, and so promises more. A session that ends with the browser still does.
    SetUntil(String, SystemTime),
    /// Remove the cookie.
    Remove,
}

impl fmt::Debug for CookieAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keep => "Keep",
            Self::Set(_) => "Set(..)",
            Self::SetUntil(..) => "SetUntil(..)",
            Self::Remove => "Remove",
        })
    }
}

/// The value of the first cookie of this name in a `Cookie` header value. One pair of quotes around it is dropped.
pub(crate) fn find<'a>(header: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut start = 0;
    memchr::memchr_iter(b';', header).chain([header.len()]).find_map(|end| {
        let pair = &header[start..end];
        start = end + 1;
        let value = pair.trim_ascii_start().strip_prefix(name.as_bytes())?;
        let value = value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii();
        Some(value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
    })
}

/// Checks a cookie name, and the attributes against the promises of its prefix (RFC 6265bis, section 4.1.3).
pub(crate) fn check_name(name: &str, attributes: &CookieAttributes) -> Result<(), Error> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(configuration("the cookie name must be a token: letters, digits and !#$%&'*+-.^_`|~"));
    }
    if !name.starts_with("__") {
        return Ok(());
    }
    let prefix = |prefix: &str| name.get(..prefix.len()).is_some_and(|name| name.eq_ignore_ascii_case(prefix));
    if prefix("__Secure-") && !attributes.secure() {
        return Err(configuration("browsers drop a __Secure- cookie without Secure"));
    }
    if prefix("__Host-") && (!attributes.secure() || attributes.domain().is_some() || attributes.path() != "/") {
        return Err(configuration("browsers drop a __Host- cookie without Secure, with a domain or with a path but /"));
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
        return Err(Error::new(ErrorKind::Backend, "the interface gave a cookie value that no cookie can hold"));
    }
    let mut header = String::with_capacity(attributes.overhead(name) + value.len());
    header.push_str(name);
    header.push('=');
    header.push_str(value);
    if let Some(expires) = expires {
        let _infallible = write!(header, "; Expires={}", HttpDate::from(within_range(expires)));
    }
    header.push_str(attributes.rendered());
    Ok(header)
}

/// A `Set-Cookie` header that removes the cookie: every attribute of the set one, no value, an end in the past.
pub(crate) fn render_removal(name: &str, attributes: &CookieAttributes) -> String {
    format!("{name}=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0{}", attributes.rendered())
}

/// An HTTP date (RFC 9110, section 5.6.7), at the nearer end of its range for times outside 1970 to 9999.
pub(crate) fn http_date(time: SystemTime) -> String {
    HttpDate::from(within_range(time)).to_string()
}

fn within_range(time: SystemTime) -> SystemTime {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + since_epoch.min(LAST_HTTP_DATE)
}

fn is_cookie_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
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
        assert_eq!(http_date(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), "Thu, 01 Jan 1970 00:00:00 GMT");
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(http_date(far), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
