//! The parts of a request that a guard needs.

/// The parts of a request that a [`Guard`](super::Guard) needs, for authors of adapters.
#[derive(Clone, Debug)]
pub struct GuardRequest {
    pub(super) target: String,
    pub(super) is_navigation: bool,
}

impl GuardRequest {
    /// Returns the parts of a request. `target` is the path and query as the client sent them. It
    /// includes all prefixes that the framework removes from the path of nested routes. `header`
    /// returns the first value of a request header, whose name is in lower case.
    pub fn new<'a>(
        method: &str,
        target: impl Into<String>,
        header: impl Fn(&'static str) -> Option<&'a [u8]>,
    ) -> Self {
        let opens_page = match header("sec-fetch-mode") {
            Some(mode) => mode == b"navigate",
            None => header("accept").is_some_and(accepts_html),
        };
        Self { target: target.into(), is_navigation: method == "GET" && opens_page }
    }

    pub(super) fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }
}

fn accepts_html(accept: &[u8]) -> bool {
    accept.to_ascii_lowercase().windows(9).any(|window| window == b"text/html")
}
