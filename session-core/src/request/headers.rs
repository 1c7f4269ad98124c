//! The response headers of a committed session: `Set-Cookie` or the token header, `Vary` and
//! `Cache-Control`.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Once};

use super::caching::{Directives, Protected};
use crate::config::token::TokenHeader;

/// The response headers of a committed session. The default adds no header.
///
/// An adapter sets the headers that [`merged_vary`](Self::merged_vary),
/// [`cache_control`](Self::cache_control) and
/// [`targeted_cache_control`](Self::targeted_cache_control) return, and appends the
/// [`fields`](Self::fields).
#[derive(Clone, Default)]
pub struct SessionHeaders {
    /// The value of `Set-Cookie`, or of the header that has the session token.
    pub(crate) set: Option<String>,
    /// Removals of cookies of the same name with another domain or path.
    pub(crate) removals: Box<[String]>,
    /// The value of `Set-Cookie` for the cookie with flash messages.
    pub(crate) flash: Option<String>,
    pub(crate) vary: bool,
    /// The header that has the session token instead of the cookie.
    pub(crate) token_header: Option<Arc<TokenHeader>>,
    /// The headers of the sessions of inner layers, in the error response of an outer layer.
    pub(super) inner: Box<[Field]>,
}

/// The value of `Set-Cookie`, or of the header that has the session token.
pub(super) type Field = (Option<Arc<TokenHeader>>, String);

impl SessionHeaders {
    /// Returns the names and values of the headers to append, in visible ASCII. Treat the values as
    /// sensitive. The headers are:
    ///
    /// - `Set-Cookie`, or the
    ///   [header of the session token](crate::config::SessionConfigBuilder::token_header)
    /// - removals of cookies of the same name with another domain or path
    /// - `Set-Cookie` for the [cookie with flash messages][flash]
    /// - if the commit failed, the headers of the sessions of inner layers
    ///
    /// [flash]: crate::config::SessionConfigBuilder::flash_cookie
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let name = name_of(self.token_header.as_ref());
        let session = self.set.iter().map(move |value| (name, value.as_str()));
        let others = self.removals.iter().chain(&self.flash);
        let own = session.chain(others.map(|value| ("set-cookie", value.as_str())));
        own.chain(self.inner.iter().map(|(header, value)| (name_of(header.as_ref()), &**value)))
    }

    /// Removes and returns the [`fields`](Self::fields). Adapters call this method last, because
    /// the results of the other methods depend on the fields.
    pub fn take_fields(&mut self) -> impl Iterator<Item = (&str, String)> {
        let name = name_of(self.token_header.as_ref());
        let session = self.set.take().into_iter().map(move |value| (name, value));
        let removals = std::mem::take(&mut self.removals).into_iter();
        let others = removals.chain(self.flash.take());
        let own = session.chain(others.map(|value| ("set-cookie", value)));
        let inner = self.inner.iter_mut();
        own.chain(inner.map(|(header, value)| (name_of(header.as_ref()), std::mem::take(value))))
    }

    /// Returns the headers that the error response of an outer layer needs. This response does not
    /// show flash messages.
    pub(super) fn for_outer_error(&self) -> impl Iterator<Item = Field> {
        let session = self.set.iter().map(|value| (self.token_header.clone(), value.clone()));
        session.chain(self.removals.iter().map(|value| (None, value.clone())))
    }

    fn sets_anything(&self) -> bool {
        self.set.is_some() || self.flash.is_some() || !self.inner.is_empty()
    }

    /// Returns the value of the `Set-Cookie` header of the session, which is one of the
    /// [`fields`](Self::fields).
    pub fn set_cookie(&self) -> Option<&str> {
        self.set.as_deref().filter(|_| self.token_header.is_none())
    }

    /// Returns whether the response depends on the cookie or the token. A cache must not send such
    /// a response to another client.
    pub fn vary(&self) -> bool {
        self.vary
    }

    /// Returns the `Vary` header that replaces all `Vary` headers of the response, given their
    /// values.
    ///
    /// Returns `None` if the response does not depend on the session. Also returns `None` if a
    /// header already contains `*` or the name of the request header (RFC 9110, section 12.5.5).
    /// This name is `Cookie`, or the header of the session token.
    pub fn merged_vary<'a>(
        &self,
        present: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<Cow<'static, str>> {
        if !self.vary {
            return None;
        }
        let token_header = self.token_header.as_ref().map(|header| header.request_name());
        let own = token_header.unwrap_or("Cookie");
        let mut merged = String::new();
        for value in present {
            let mut names = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            if names.any(|name| name == b"*" || name.eq_ignore_ascii_case(own.as_bytes())) {
                return None;
            }
            if !value.trim_ascii().is_empty() {
                merged.push_str(&String::from_utf8_lossy(value.trim_ascii()));
                merged.push_str(", ");
            }
        }
        if merged.is_empty() && token_header.is_none() {
            return Some(Cow::Borrowed("Cookie"));
        }
        merged.push_str(own);
        Some(Cow::Owned(merged))
    }

    /// Returns the value that replaces all `Cache-Control` headers of the response, given their
    /// values, or `None` if they need no change.
    ///
    /// | response | result |
    /// |---|---|
    /// | sets or removes the cookie | `no-store`, unless the values have `no-store`, `private` or `no-cache="set-cookie"` |
    /// | sets or removes the token in a header | `no-store`, unless the values have `no-store` or `private` |
    /// | only depends on the session | `private, no-cache`, if there is no value |
    /// | neither | `None` |
    ///
    /// The reason for `no-store` is that a cache may store a response with its `Set-Cookie` header
    /// (RFC 9111, section 7.3). The cache would send the cookie to another client. A handler whose
    /// response should be cached sets its own header:
    /// `Cache-Control: no-cache="set-cookie", max-age=60`.
    ///
    /// A response that only depends on the session keeps the value `public` of its handler. A
    /// warning is logged for the first of these responses in a process.
    pub fn cache_control<'a>(
        &self,
        present: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<&'static str> {
        if !self.sets_anything() && !self.vary {
            return None;
        }
        let present = Directives::of(present);
        if self.sets_anything() {
            return (!self.is_protected_by(present)).then_some("no-store");
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
        let is_stored = present.any && !self.is_protected_by(present);
        (self.sets_anything() && is_stored).then_some("no-store")
    }

    /// Returns whether no cache sends the session token of this response to another client.
    fn is_protected_by(&self, present: Directives) -> bool {
        let is_cookie =
            self.token_header.is_none() && self.inner.iter().all(|(header, _)| header.is_none());
        present.protects >= if is_cookie { Protected::Cookie } else { Protected::Response }
    }

    /// The headers that some caches obey instead of `Cache-Control` (RFC 9213; the Edge
    /// Architecture Specification).
    pub const TARGETED: [&'static str; 2] = ["cdn-cache-control", "surrogate-control"];
}

fn name_of(token_header: Option<&Arc<TokenHeader>>) -> &str {
    token_header.map_or("set-cookie", |header| header.response_name())
}

static WARN_OF_PUBLIC: Once = Once::new();

impl fmt::Debug for SessionHeaders {
    /// Shows whether a cookie is set, but not its value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionHeaders")
            .field("set", &self.set.as_ref().map(|_| ".."))
            .field("removals", &self.removals.len())
            .field("flash", &self.flash.as_ref().map(|_| ".."))
            .field("vary", &self.vary)
            .field("inner", &self.inner.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(set: Option<&str>) -> SessionHeaders {
        SessionHeaders { set: set.map(str::to_owned), vary: true, ..SessionHeaders::default() }
    }

    #[test]
    fn vary_is_merged_into_one_header_and_star_stays() {
        let headers = headers(None);
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
        let setting = headers(Some("session=x"));
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
        let reading = headers(None);
        assert_eq!(reading.cache_control([]), Some("private, no-cache"));
        assert_eq!(reading.cache_control([&b" "[..]]), Some("private, no-cache"));
        for own in ["public, max-age=60", "max-age=60", "no-store"] {
            assert_eq!(reading.cache_control([own.as_bytes()]), None);
            assert_eq!(reading.targeted_cache_control([own.as_bytes()]), None);
        }
        assert_eq!(SessionHeaders::default().cache_control([]), None);
    }
}
