//! The response headers of a committed session: `Set-Cookie`, `Vary` and `Cache-Control`.

use std::borrow::Cow;
use std::fmt;
use std::sync::Once;

use super::caching::Directives;

/// The response headers of a committed session. The default adds no header.
///
/// An adapter appends [`set_cookies`](Self::set_cookies), and sets the headers that
/// [`merged_vary`](Self::merged_vary), [`cache_control`](Self::cache_control) and
/// [`targeted_cache_control`](Self::targeted_cache_control) return.
#[derive(Clone, Default)]
pub struct SessionHeaders {
    pub(crate) set_cookie: Option<String>,
    /// Removals of cookies of the same name that have another domain or path.
    pub(crate) removals: Box<[String]>,
    pub(crate) vary: bool,
}

impl SessionHeaders {
    /// Returns the values of the `Set-Cookie` headers to append, in visible ASCII: the
    /// [session's](Self::set_cookie), and removals of cookies of the same name with another domain
    /// or path.
    pub fn set_cookies(&self) -> impl Iterator<Item = &str> {
        self.set_cookie().into_iter().chain(self.removals.iter().map(String::as_str))
    }

    /// Returns the `Set-Cookie` header of the session, which sets or removes its cookie.
    pub fn set_cookie(&self) -> Option<&str> {
        self.set_cookie.as_deref()
    }

    /// Returns whether the response depends on the cookie, so that a cache must not send it to
    /// another client.
    pub fn vary(&self) -> bool {
        self.vary
    }

    /// Returns the `Vary` header that replaces all `Vary` headers of the response, given their
    /// values.
    ///
    /// Returns `None` if they need no change: the response does not depend on the cookie, or a
    /// header already contains `Cookie` or `*` (RFC 9110, section 12.5.5).
    pub fn merged_vary<'a>(
        &self,
        present: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<Cow<'static, str>> {
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

    /// Returns the value that replaces all `Cache-Control` headers of the response, given their
    /// values, or `None` if they need no change.
    ///
    /// | response | result |
    /// |---|---|
    /// | sets or removes the cookie | `no-store`, unless the values have `no-store`, `private` or `no-cache="set-cookie"` |
    /// | only depends on the cookie | `private, no-cache`, if there is no value |
    /// | neither | `None` |
    ///
    /// The reason for `no-store` is that a cache may store a response with its `Set-Cookie` header
    /// (RFC 9111, section 7.3) and send the cookie to another client. A handler whose response
    /// should be cached sets its own header: `Cache-Control: no-cache="set-cookie", max-age=60`.
    ///
    /// A response that depends on the cookie keeps the value `public` of its handler. The first one
    /// in a process logs a warning.
    pub fn cache_control<'a>(
        &self,
        present: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<&'static str> {
        if self.set_cookie.is_none() && !self.vary {
            return None;
        }
        let present = Directives::of(present);
        if self.set_cookie.is_some() {
            return (!present.protects_cookie).then_some("no-store");
        }
        if !present.any {
            return Some("private, no-cache");
        }
        if present.public {
            WARN_OF_PUBLIC.call_once(|| {
                tracing::warn!("response that depends on the session has Cache-Control: public");
            });
        }
        None
    }

    /// Returns the value that replaces all headers of one of the names in [`TARGETED`], given their
    /// values, or `None` if they need no change.
    ///
    /// [`TARGETED`]: Self::TARGETED
    pub fn targeted_cache_control<'a>(
        &self,
        present: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<&'static str> {
        let present = Directives::of(present);
        let is_stored = present.any && !present.protects_cookie;
        (self.set_cookie.is_some() && is_stored).then_some("no-store")
    }

    /// The headers that some caches obey instead of `Cache-Control` (RFC 9213; the Edge
    /// Architecture Specification).
    pub const TARGETED: [&'static str; 2] = ["cdn-cache-control", "surrogate-control"];
}

static WARN_OF_PUBLIC: Once = Once::new();

impl fmt::Debug for SessionHeaders {
    /// Shows whether a cookie is set, but not its value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionHeaders")
            .field("set_cookie", &self.set_cookie.as_ref().map(|_| ".."))
            .field("removals", &self.removals.len())
            .field("vary", &self.vary)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vary_is_merged_into_one_header_and_star_stays() {
        let headers = SessionHeaders { vary: true, ..SessionHeaders::default() };
        let merged =
            |present: &[&str]| headers.merged_vary(present.iter().map(|value| value.as_bytes()));
        assert_eq!(merged(&[]).as_deref(), Some("Cookie"));
        assert_eq!(
            merged(&["Accept", " ", "Accept-Encoding, Origin"]).as_deref(),
            Some("Accept, Accept-Encoding, Origin, Cookie")
        );
        assert_eq!(merged(&["Accept", "origin , COOKIE"]), None);
        assert_eq!(merged(&["Accept", "*"]), None);
    }

    #[test]
    fn response_that_sets_cookie_is_not_stored_by_default() {
        let setting = SessionHeaders {
            set_cookie: Some("session=x".to_owned()),
            vary: true,
            ..SessionHeaders::default()
        };
        assert_eq!(setting.cache_control([]), Some("no-store"));
        assert_eq!(setting.cache_control([&b" "[..]]), Some("no-store"));
        for open in ["public, max-age=60", "max-age=60", "no-cache"] {
            assert_eq!(setting.cache_control([&b""[..], open.as_bytes()]), Some("no-store"));
            assert_eq!(setting.targeted_cache_control([open.as_bytes()]), Some("no-store"));
        }
        for closed in ["private, max-age=60", "no-store", r#"no-cache="set-cookie", max-age=60"#] {
            assert_eq!(setting.cache_control([closed.as_bytes()]), None);
            assert_eq!(setting.targeted_cache_control([closed.as_bytes()]), None);
        }
        assert_eq!(setting.targeted_cache_control([]), None);
    }

    #[test]
    fn response_that_reads_session_is_private_by_default() {
        let reading = SessionHeaders { vary: true, ..SessionHeaders::default() };
        assert_eq!(reading.cache_control([]), Some("private, no-cache"));
        assert_eq!(reading.cache_control([&b" "[..]]), Some("private, no-cache"));
        for own in ["public, max-age=60", "max-age=60", "no-store"] {
            assert_eq!(reading.cache_control([own.as_bytes()]), None);
            assert_eq!(reading.targeted_cache_control([own.as_bytes()]), None);
        }
        assert_eq!(SessionHeaders::default().cache_control([]), None);
    }
}
