//! The page to which a user returns after the login.

use form_urlencoded::byte_serialize;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};

const FIELD: &str = "next";
/// The maximum length of a path in bytes. Longer paths are ignored.
const MAX_LENGTH: usize = 2048;
/// The maximum number of percent-decodings of a path. A path that needs more decodings is not
/// accepted.
const MAX_DECODINGS: usize = 5;
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`');

/// The page to which a user returns after the login: the query parameter `next` of the login page.
///
/// The page is a path of this application, as [`local_path`] defines it. The browser must send the
/// form of the login page to the address of the login page, with the query of this address. Use
/// `<form method="post">` without an `action`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Next {
    path: Option<String>,
}

impl Next {
    /// Returns the page of a query string. The query string must still be encoded. The result has
    /// no page if the parameter is missing, occurs twice, or is not a path of this application.
    pub fn from_query(query: Option<&str>) -> Self {
        let fields = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let mut values = fields.filter(|(name, _)| name == FIELD).map(|(_, value)| value);
        let path = match (values.next(), values.next()) {
            (Some(value), None) => local_path(&value),
            _ => None,
        };
        Self { path }
    }

    /// Returns the page, with its query.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// Returns the page, or `default` if there is none.
    pub fn or<'a>(&'a self, default: &'a str) -> &'a str {
        self.path().unwrap_or(default)
    }
}

/// Returns the text as a path for a redirect, with its query, if the path can only lead to a page
/// of this application. Returns `None` for any other text, and for text of more than 2048 bytes.
///
/// The path begins with one slash. Even after repeated percent-decoding, it has no two slashes in a
/// row, no backslash and no control character. Browsers and proxies may read a path with these
/// characters as another host. The query may have slashes and backslashes. Text outside ASCII is
/// percent-encoded.
///
/// # Examples
///
/// ```
/// use session_core::guard::local_path;
///
/// assert_eq!(local_path("/orders?page=2").as_deref(), Some("/orders?page=2"));
/// for hostile in ["https://evil.example", "//evil.example", "/\\evil.example", "/%2Fevil.com"] {
///     assert_eq!(local_path(hostile), None);
/// }
/// ```
pub fn local_path(text: &str) -> Option<String> {
    let is_local = text.len() <= MAX_LENGTH && is_local(text);
    is_local.then(|| utf8_percent_encode(text, ESCAPED).to_string())
}

fn is_local(text: &str) -> bool {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let (mut path, mut query) = (text.as_bytes()[..end].to_vec(), text.as_bytes()[end..].to_vec());
    for _ in 0..MAX_DECODINGS {
        if !is_local_path(&path) || has_control(&path) || has_control(&query) {
            return false;
        }
        let decoded = (decode(&path), decode(&query));
        if decoded == (path.clone(), query.clone()) {
            return true;
        }
        (path, query) = decoded;
    }
    false
}

fn is_local_path(path: &[u8]) -> bool {
    path.starts_with(b"/") && !path.contains(&b'\\') && !path.windows(2).any(|pair| pair == b"//")
}

fn has_control(text: &[u8]) -> bool {
    String::from_utf8_lossy(text).chars().any(char::is_control)
}

fn decode(text: &[u8]) -> Vec<u8> {
    percent_decode(text).collect()
}

/// Returns the address of the login page `page`, which leads back to `target` after the login.
pub(super) fn login_page(page: &str, target: &str) -> String {
    let Some(next) = local_path(target) else { return page.to_owned() };
    let separator = if page.contains('?') { '&' } else { '?' };
    let value: String = byte_serialize(next.as_bytes()).collect();
    format!("{page}{separator}{FIELD}={value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_next_page_is_refused() {
        for hostile in [
            "",
            " ",
            "orders",
            "?a",
            "#a",
            ".",
            "../orders",
            "https://evil.example",
            "HTTPS:evil.example",
            "https:/evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "evil.example",
            "@evil.example",
            "//evil.example",
            "///evil.example",
            "////evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "\\\\evil.example",
            "/\\/evil.example",
            "/a\\b",
            " //evil.example",
            " /orders",
            "\t//evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r/evil.example",
            "/orders\r\nSet-Cookie: a=b",
            "/orders\0",
            "/orders\u{7f}",
            "/orders\u{85}",
            "/%2Fevil.example",
            "/%2fevil.example",
            "/%5Cevil.example",
            "/%5c%5cevil.example",
            "%2F%2Fevil.example",
            "%2Forders",
            "/%252Fevil.example",
            "/%25252fevil.example",
            "/%25255Cevil.example",
            "/%252525252525252Fevil.example",
            "/%09/evil.example",
            "/%0d%0aSet-Cookie:%20a=b",
            "/orders?a=%0d%0aSet-Cookie:%20a=b",
            "/orders?a=%250d%250a",
            "/%00",
            "/.//evil.example",
            "/..//evil.example",
            "/a/..//evil.example",
            "/a//b",
            "/a/%2Fb",
            "/%c2%85",
        ] {
            assert_eq!(local_path(hostile), None, "{hostile:?}");
        }
        assert_eq!(local_path(&format!("/{}", "a".repeat(MAX_LENGTH))), None);
    }

    #[test]
    fn local_next_page_is_accepted() {
        for local in [
            "/",
            "/orders",
            "/orders/",
            "/orders?page=2&sort=up",
            "/orders#last",
            "/a%20b?c=%2F",
            "/search?q=https://example.com//",
            "/search?q=C:\\Temp",
            "/?next=//evil.example",
            "/@evil.example",
            "/a/../b",
            "/100%",
            "/%zz",
            "/a:b@c",
        ] {
            assert_eq!(local_path(local).as_deref(), Some(local), "{local:?}");
        }
        assert_eq!(
            local_path("/gr\u{fc}n?a=\u{2028} b").as_deref(),
            Some("/gr%C3%BCn?a=%E2%80%A8%20b")
        );
        assert!(local_path(&format!("/{}", "a".repeat(MAX_LENGTH - 1))).is_some());
    }

    #[test]
    fn next_page_is_checked_after_decoding() {
        for (query, path) in [
            (None, None),
            (Some(""), None),
            (Some("page=2"), None),
            (Some("next="), None),
            (Some("next=%2Forders%3Fpage%3D2%26a%3D1"), Some("/orders?page=2&a=1")),
            (Some("a=b&next=/orders"), Some("/orders")),
            (Some("next=%2F%2Fevil.example"), None),
            (Some("next=%2F%5Cevil.example"), None),
            (Some("next=/%09/evil.example"), None),
            (Some("next=%252F%252Fevil.example"), None),
            (Some("next=/orders&next=/other"), None),
        ] {
            assert_eq!(Next::from_query(query).path(), path, "{query:?}");
        }
        assert_eq!(Next::default().or("/"), "/");
        assert_eq!(Next::from_query(Some("next=/a")).or("/"), "/a");
    }

    #[test]
    fn login_page_leads_back_to_local_page() {
        for target in ["/", "/orders?page=2&a=%2F%26", "/gr%C3%BCn"] {
            let page = login_page("/login", target);
            let query = page.strip_prefix("/login?").unwrap();
            assert_eq!(Next::from_query(Some(query)).path(), Some(target), "{page}");
        }
        assert_eq!(login_page("/login?a=b", "/c"), "/login?a=b&next=%2Fc");
        assert_eq!(login_page("/login", "//evil.example"), "/login");
    }
}
