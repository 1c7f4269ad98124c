//! One HTTP request and its response.

use super::cookie::SetCookie;

/// A request of the adapter contract.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: String,
}

impl Request {
    /// Returns a request for a page that does not use the session.
    pub(super) fn plain() -> Self {
        Self::get("/plain")
    }

    pub(super) fn set(key: &str, value: impl Into<String>) -> Self {
        Self { body: value.into(), ..Self::post(format!("/set?key={key}")) }
    }

    pub(super) fn value(key: &str) -> Self {
        Self::get(format!("/get?key={key}"))
    }

    pub(super) fn add(key: &str) -> Self {
        Self::get(format!("/add?key={key}"))
    }

    pub(super) fn log_in(user: &str) -> Self {
        Self::post(format!("/login?user={user}"))
    }

    pub(super) fn log_out() -> Self {
        Self::post("/logout")
    }

    pub(super) fn user() -> Self {
        Self::get("/user")
    }

    pub(super) fn held(hold: &str) -> Self {
        Self::get(format!("/held?hold={hold}"))
    }

    pub(super) fn release(hold: &str) -> Self {
        Self::post(format!("/release?hold={hold}"))
    }

    /// Returns a request whose handler waits after it has read the session.
    pub(super) fn holding(self, hold: &str) -> Self {
        Self { path: format!("{}&hold={hold}", self.path), ..self }
    }

    fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), body: String::new() }
    }

    fn post(path: impl Into<String>) -> Self {
        Self { method: "POST", path: path.into(), body: String::new() }
    }

    /// Returns the method and the path, for messages.
    pub(super) fn line(&self) -> String {
        let path = self.path.split("&hold=").next().unwrap_or_default();
        format!("{} {path}", self.method)
    }
}

/// A response with its whole body.
pub(super) struct Response {
    /// The method and the path of the request, for messages.
    pub(super) request: String,
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Response {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(super) fn set_cookies(&self) -> impl Iterator<Item = SetCookie> {
        self.values_of("set-cookie").map(SetCookie::parse)
    }

    /// Returns whether a header that is a list, such as `Vary`, has this entry. Ignores the values
    /// of entries.
    pub(super) fn lists(&self, header: &str, entry: &str) -> bool {
        let entries = self.values_of(header).flat_map(|value| value.split(','));
        entries
            .filter_map(|entry| entry.split('=').next())
            .any(|found| found.trim().eq_ignore_ascii_case(entry))
    }

    /// Returns the values of a header, for messages.
    pub(super) fn shown(&self, header: &str) -> String {
        let values: Vec<_> = self.values_of(header).collect();
        if values.is_empty() {
            format!("no {header}")
        } else {
            format!("{header}: {}", values.join(", "))
        }
    }

    fn values_of(&self, header: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(name, _)| name == header).map(|(_, value)| value.as_str())
    }
}
