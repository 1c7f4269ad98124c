//! What a committed session adds to the response: `Set-Cookie`, `Vary` and `Cache-Control`.

use std::borrow::Cow;
use std::fmt;

/// What a committed session adds to the response.
///
/// ```
/// use session_core::SessionHeaders;
///
/// let headers = SessionHeaders::default();
/// assert!(headers.set_cookie().is_none() && !headers.vary());
/// ```
#[derive(Clone, Default)]
pub struct SessionHeaders {
    pub(crate) set_cookie: Option<String>,
    pub(crate) vary: bool,
}

impl SessionHeaders {
    /// The value of a `Set-Cookie` header to append, in visible ASCII.
    ///
    /// ```
    /// # use session_core::SessionHeaders;
    /// assert_eq!(SessionHeaders::default().set_cookie(), None);
    /// ```
    pub fn set_cookie(&self) -> Option<&str> {
        self.set_cookie.as_deref()
    }

    /// Whether the response depends on the cookie, so that no cache hands it to someone else.
    ///
    /// ```
    /// # use session_core::SessionHeaders;
    /// assert!(!SessionHeaders::default().vary());
    /// ```
    pub fn vary(&self) -> bool {
        self.vary
    }

    /// The one `Vary` header that replaces those the response has; `None` if they stay as they are, because nothing
    /// depends on the cookie or because they say `Cookie` or `*` already (RFC 9110, section 12.5.5).
    ///
    /// ```
    /// # use session_core::SessionHeaders;
    /// let present: [&[u8]; 1] = [b"Accept"];
    /// assert_eq!(SessionHeaders::default().merged_vary(present), None);
    /// ```
    pub fn merged_vary<'a>(&self, present: impl IntoIterator<Item = &'a [u8]>) -> Option<Cow<'static, str>> {
        if !self.vary {
            return None;
        }
        let mut merged = String::new();
        for value in present {
            let mut names = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            if names.any(|name| name == b"*" || name.eq_ignore_ascii_case(b"cookie")) {
                return None;
            }
            if !value.trim_ascii().is_empty() {
                merged.push_str(&String::from_utf8_lossy(value.trim_ascii()));
                merged.push_str(", ");
            }
        }
        if merged.is_empty() {
            return Some(Cow::Borrowed("Cookie"));
        }
        merged.push_str("Cookie");
        Some(Cow::Owned(merged))
    }

    /// The `Cache-Control` header that the response gets, `no-store`; `None` if the cookie is neither set nor removed, or if the
    /// response has a header of its own, which wins whatever it says.
    ///
    /// A cache need not leave `Set-Cookie` out of what it stores (RFC 9111, section 7.3), and would hand the cookie to the next
    /// visitor. A handler that means to have such a response stored says so itself:
    /// `Cache-Control: no-cache=\"set-cookie\", max-age=60`.
    ///
    /// ```
    /// # use session_core::SessionHeaders;
    /// assert_eq!(SessionHeaders::default().cache_control([]), None);
    /// ```
    pub fn cache_control<'a>(&self, present: impl IntoIterator<Item = &'a [u8]>) -> Option<&'static str> {
        let own = present.into_iter().any(|value| !value.trim_ascii().is_empty());
        (self.set_cookie.is_some() && !own).then_some("no-store")
    }
}

impl fmt::Debug for SessionHeaders {
    /// Says whether a cookie is set, not to what.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionHeaders")
            .field("set_cookie", &self.set_cookie.as_ref().map(|_| ".."))
            .field("vary", &self.vary)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vary_is_merged_into_one_header_and_a_star_stays() {
        let headers = SessionHeaders { set_cookie: None, vary: true };
        let merged = |present: &[&str]| headers.merged_vary(present.iter().map(|value| value.as_bytes()));
        assert_eq!(merged(&[]).as_deref(), Some("Cookie"));
        assert_eq!(
            merged(&["Accept", " ", "Accept-Encoding, Origin"]).as_deref(),
            Some("Accept, Accept-Encoding, Origin, Cookie")
        );
        assert_eq!(merged(&["Accept", "origin , COOKIE"]), None);
        assert_eq!(merged(&["Accept", "*"]), None);
    }

    #[test]
    fn what_sets_a_cookie_is_not_stored_unless_it_says_otherwise() {
        let setting = SessionHeaders { set_cookie: Some("session=x".to_owned()), vary: true };
        assert_eq!(setting.cache_control([]), Some("no-store"));
        assert_eq!(setting.cache_control([&b" "[..]]), Some("no-store"));
        assert_eq!(setting.cache_control([&b""[..], b"public, max-age=60"]), None);
        let reading = SessionHeaders { set_cookie: None, vary: true };
        assert_eq!(reading.cache_control([]), None);
    }
}
