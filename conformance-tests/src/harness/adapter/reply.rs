//! A response as a browser reads it.

use crate::harness::adapter::message::Response;

pub(crate) struct Reply {
    pub(crate) response: Response,
    cookie_name: String,
}

impl Reply {
    pub(crate) fn new(response: Response, cookie_name: &str) -> Self {
        Self { response, cookie_name: cookie_name.to_owned() }
    }

    /// Returns the same response with another name of the session cookie.
    pub(crate) fn with_name(&self, cookie_name: &str) -> Self {
        Self::new(self.response.clone(), cookie_name)
    }

    pub(crate) fn status(&self) -> u16 {
        self.response.status()
    }

    pub(crate) fn text(&self) -> String {
        self.response.text()
    }

    /// Returns the `Set-Cookie` headers for the session.
    pub(crate) fn session_cookies(&self) -> Vec<String> {
        let ours = |header: &String| {
            header.split('=').next().is_some_and(|name| name.trim() == self.cookie_name)
        };
        self.response.all("set-cookie").into_iter().filter(ours).collect()
    }

    /// Returns the cookie that a browser sends back for the session.
    pub(crate) fn cookie(&self) -> String {
        let headers = self.session_cookies();
        headers.last().and_then(|header| header.split(';').next()).unwrap_or_default().to_owned()
    }

    /// Returns the cookie that a browser sends after this response, if the request had the cookie
    /// `sent`.
    pub(crate) fn cookie_after(&self, sent: &str) -> String {
        let newest = self.cookie();
        if newest.is_empty() { sent.to_owned() } else { newest }
    }

    /// Returns the field names in all `Vary` headers, in lower case.
    pub(crate) fn vary(&self) -> Vec<String> {
        let headers = self.response.all("vary");
        headers
            .iter()
            .flat_map(|header| header.split(','))
            .map(|name| name.trim().to_ascii_lowercase())
            .collect()
    }
}

/// Returns the attributes of a `Set-Cookie` header in lower case and sorted, without a date in the
/// future.
pub(crate) fn attributes(header: &str) -> Vec<String> {
    let mut attributes: Vec<_> =
        header.split(';').skip(1).map(|part| attribute(part).to_ascii_lowercase()).collect();
    attributes.sort();
    attributes
}

/// Returns one part of a `Set-Cookie` header for messages, without a date in the future.
pub(crate) fn attribute(part: &str) -> &str {
    let part = part.trim();
    let date = part.get(..8).is_some_and(|name| name.eq_ignore_ascii_case("expires="));
    if date && !part.contains("1970") { "Expires" } else { part }
}
