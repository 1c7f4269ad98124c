//! Parsing of `Cookie` headers and rendering of `Set-Cookie` headers.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use httpdate::HttpDate;

use super::attributes::CookieAttributes;
use crate::error::{Error, ErrorKind};

/// 9999-12-31T23:59:59Z, the latest second that an HTTP date can represent.
const LAST_HTTP_DATE: Duration = Duration::from_secs(253_402_300_799);

/// Adds a duration, saturating at the latest date HTTP can represent.
pub fn saturating_add(time: SystemTime, duration: Duration) -> SystemTime {
    let last = SystemTime::UNIX_EPOCH + LAST_HTTP_DATE;
    time.checked_add(duration).map_or(last, |sum| sum.min(last))
}

/// Returns the values of the cookies with this name in a `Cookie` header value, each without one
/// pair of surrounding quotes.
pub(crate) fn values<'a>(header: &'a [u8], name: &str) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = Some(header);
    std::iter::from_fn(move || {
        loop {
            let header = rest?;
            let (pair, others) = match memchr::memchr(b';', header) {
                Some(end) => (&header[..end], Some(&header[end + 1..])),
                None => (header, None),
            };
            rest = others;
            if let Some(value) = value_of(pair, name) {
                return Some(value);
            }
        }
    })
}

/// Returns the value of a cookie if the cookie has this name.
#[inline]
fn value_of<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let value = pair.trim_ascii_start().strip_prefix(name.as_bytes())?;
    let value = value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii();
    Some(value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
}

/// Checks a cookie name, and that the attributes meet the requirements of its prefix (RFC 6265bis,
/// section 4.1.3).
pub(crate) fn check_name(name: &str, attributes: &CookieAttributes) -> Result<(), Error> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(Error::new(
            ErrorKind::Configuration,
            "cookie name is not a token; use only letters, digits and !#$%&'*+-.^_`|~",
        ));
    }
    if !name.starts_with("__") {
        return Ok(());
    }
    let prefix = |prefix: &str| {
        name.get(..prefix.len()).is_some_and(|name| name.eq_ignore_ascii_case(prefix))
    };
    let host = prefix("__Host-");
    let http = prefix("__Http-") || prefix("__Host-Http-");
    let is_host_only = attributes.domain().is_none() && attributes.path() == "/";
    let problem = if prefix("__Secure-") && !attributes.secure() {
        "__Secure- cookie without Secure is rejected by browsers; set Secure"
    } else if http && !(attributes.secure() && attributes.http_only()) {
        "__Http- cookie without Secure and HttpOnly is rejected by browsers; set both"
    } else if host && !(attributes.secure() && is_host_only) {
        "__Host- cookie is rejected by browsers; set Secure and the path /, and no domain"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Configuration, problem))
}

/// Checks the value of a cookie or of a header that has the session token.
pub(crate) fn check_value(value: &str) -> Result<(), Error> {
    if has_only_octets(value.as_bytes()) {
        return Ok(());
    }
    let message = "cookie value from the session interface has invalid characters; encode it";
    Err(Error::new(ErrorKind::Backend, message))
}

/// Returns the value as text if it has only characters that are valid in a cookie value.
pub(crate) fn checked_value(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok().filter(|_| has_only_octets(value))
}

/// Returns a `Set-Cookie` header that sets the cookie.
///
/// `Max-Age` is also correct in a browser whose clock is wrong. `Expires` is for other clients.
/// Flask sends only `Expires`.
///
/// # Errors
///
/// [`ErrorKind::Backend`] if the value has characters that cookie values cannot contain, because a
/// `;` or a line break would change the response.
pub(crate) fn render_set(
    name: &str,
    value: &str,
    expires: Option<SystemTime>,
    now: SystemTime,
    attributes: &CookieAttributes,
) -> Result<String, Error> {
    check_value(value)?;
    let expiry = expires.map(|expires| {
        let expires = within_range(expires);
        (HttpDate::from(expires), max_age(expires, now))
    });
    // A string whose capacity is its length becomes a header value without an allocation.
    let expiry_length = expiry.as_ref().map_or(0, |(_, max_age)| {
        "; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0".len()
            + max_age.checked_ilog10().unwrap_or(0) as usize
    });
    let parts = [name, "=", value];
    let length = parts.map(str::len).iter().sum::<usize>() + expiry_length;
    let mut header = String::with_capacity(length + attributes.rendered().len());
    for part in parts {
        header.push_str(part);
    }
    if let Some((date, max_age)) = expiry {
        let _infallible = write!(header, "; Expires={date}; Max-Age={max_age}");
    }
    header.push_str(attributes.rendered());
    Ok(header)
}

/// Returns a `Set-Cookie` header that removes the cookie. The header has an empty value, an expiry
/// in the past, and the attributes with which the cookie was set.
pub(crate) fn render_removal(name: &str, attributes: &CookieAttributes) -> String {
    format!("{name}=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0{}", attributes.rendered())
}

/// Returns an HTTP date (RFC 9110, section 5.6.7). A time before 1970 or after 9999 becomes the
/// nearest date within that range.
pub(crate) fn http_date(time: SystemTime) -> String {
    HttpDate::from(within_range(time)).to_string()
}

/// Returns the seconds until the expiry, rounded up, so that the browser drops no cookie early.
fn max_age(expires: SystemTime, now: SystemTime) -> u64 {
    let left = expires.duration_since(now).unwrap_or_default();
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
}

fn within_range(time: SystemTime) -> SystemTime {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + since_epoch.min(LAST_HTTP_DATE)
}

fn has_only_octets(value: &[u8]) -> bool {
    // Without an early exit, the loop is vectorized.
    value.iter().fold(true, |all, byte| all & is_cookie_octet(*byte))
}

fn is_cookie_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'a>(header: &'a str, name: &str) -> Option<&'a str> {
        values(header.as_bytes(), name).next().map(|value| std::str::from_utf8(value).unwrap())
    }

    #[test]
    fn first_cookie_with_exact_name_is_read() {
        assert_eq!(found("a=1; session=x; session=y", "session"), Some("x"));
        assert_eq!(found("xsession=1; sessionx=2; session =3", "session"), Some("3"));
        assert_eq!(found("session=\"quoted\"", "session"), Some("quoted"));
        assert_eq!(found("session=", "session"), Some(""));
        assert_eq!(found("session", "session"), None);
        assert_eq!(found("Session=1", "session"), None);
        assert_eq!(found(";;; =; session=a=b ;", "session"), Some("a=b"));
        assert_eq!(values(b"\xff=\xfe; session=ok", "session").next(), Some(&b"ok"[..]));
    }

    #[test]
    fn prefixed_cookie_without_required_attributes_is_refused() {
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
        let scripted = CookieAttributes::builder().http_only(false).build().unwrap();
        assert!(check_name("__Http-id", &wide).is_ok());
        assert!(check_name("__Host-Http-id", &secure).is_ok());
        for name in ["__Http-id", "__http-id", "__Host-Http-id", "__HOST-HTTP-id"] {
            for attributes in [&plain, &scripted] {
                let error = check_name(name, attributes).unwrap_err();
                assert!(error.to_string().contains("rejected by browsers"), "{name}: {error}");
            }
        }
        for attributes in [&wide, &deep] {
            assert!(check_name("__Host-Http-id", attributes).is_err());
        }
        for name in ["", "a b", "a;b", "a=b", "é", "a\n"] {
            assert!(check_name(name, &secure).is_err(), "{name}");
        }
    }

    #[test]
    fn cookie_value_with_invalid_characters_is_refused() {
        let attributes = CookieAttributes::builder().build().unwrap();
        for value in ["a;b", "a\r\nX: y", "a b", "a,b", "a\"b", "a\\b", "é"] {
            let set = render_set("s", value, None, SystemTime::UNIX_EPOCH, &attributes);
            assert!(set.is_err(), "{value}");
        }
        let legal = "!#$%&'()*+-./09:<=>?@AZ[]^_`az{|}~";
        assert!(render_set("s", legal, None, SystemTime::UNIX_EPOCH, &attributes).is_ok());
    }

    #[test]
    fn max_age_is_time_until_expiry_rounded_up() {
        let attributes = CookieAttributes::builder().build().unwrap();
        let at = |milliseconds| SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds);
        for (expires, now, max_age) in
            [(10_000, 0, 10), (10_000, 9_999, 1), (10_001, 1, 10), (10_001, 0, 11), (5, 10, 0)]
        {
            let header = render_set("s", "v", Some(at(expires)), at(now), &attributes).unwrap();
            assert!(header.contains(&format!("; Max-Age={max_age}; ")), "{header}");
        }
        let header = render_set("s", "v", None, at(0), &attributes).unwrap();
        assert!(!header.contains("Max-Age") && !header.contains("Expires"), "{header}");
    }

    #[test]
    fn set_header_fits_into_computed_overhead() {
        let attributes = CookieAttributes::builder().domain("example.com").build().unwrap();
        let (now, far) = (SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + LAST_HTTP_DATE);
        let longest = render_set("s", "v", Some(far), now, &attributes).unwrap();
        assert_eq!(longest.len(), attributes.overhead("s") + 1);
    }

    #[test]
    fn date_outside_range_is_clamped() {
        assert_eq!(
            http_date(SystemTime::UNIX_EPOCH - Duration::from_secs(1)),
            "Thu, 01 Jan 1970 00:00:00 GMT"
        );
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(http_date(far), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
