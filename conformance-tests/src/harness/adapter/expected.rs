//! Compares the response of the adapter with the response that the core specifies for a request.

use std::sync::Arc;

use session_core::OutagePolicy;
use session_core::request::{RequestSession, RequestView, SessionHeaders};

use crate::harness::adapter::application::{Application, HOST, request_by};
use crate::harness::adapter::handlers::{TestResponse, respond};
use crate::harness::adapter::message::Response;
use crate::harness::adapter::reply::{Reply, attributes};
use crate::report::{Checked, Failure};

/// The headers that depend on the session.
const OF_SESSIONS: [&str; 5] =
    ["set-cookie", "vary", "cache-control", "cdn-cache-control", "surrogate-control"];

impl Application<'_> {
    /// Sends a request. Fails unless the response and the stored session are equal to the results
    /// of the core. The two cookies must open equal sessions.
    pub(crate) async fn compare(
        &self,
        method: &'static str,
        page: &str,
        cookies: Option<[&str; 2]>,
    ) -> Checked {
        let [sent, twin] = cookies.map_or(["", ""], |cookies| cookies);
        let header = [sent.as_bytes()];
        let header = if sent.is_empty() { &[][..] } else { &header[..] };
        let seen = self.send(request_by(method, page, header)).await;
        let expected = self.expected(page, twin).await?;
        self.compare_replies(method, page, &expected, &seen)?;
        let stored = self.stored(&expected.cookie_after(twin)).await?;
        let found = self.stored(&seen.cookie_after(sent)).await?;
        let wanted = format!("color {stored:?} in the session after {method} {page}");
        self.hold(stored == found, &wanted, format!("color {found:?}"))
    }

    /// Returns the response of the core to a request.
    async fn expected(&self, page: &str, cookie: &str) -> Result<Reply, Failure> {
        let view = RequestView::builder().host(HOST).path(page);
        let view = view.cookie_header(cookie.as_bytes()).build();
        let request =
            RequestSession::with_shared(Arc::clone(self.sessions()), view, OutagePolicy::Refuse);
        let session = request.session().await.map_err(|error| self.failed(&error))?;
        let page = respond(&session, page).await;
        drop(session);
        let headers = request.commit().await.into_result().map_err(|error| self.failed(&error))?;
        Ok(Reply::new(rendered(&page, &headers), self.cookie_name()))
    }

    fn compare_replies(&self, method: &str, page: &str, expected: &Reply, seen: &Reply) -> Checked {
        let differs = |what: &str, expected: String, seen: String| {
            let wanted = format!("{what} {expected} in the response to {method} {page}");
            self.hold(expected == seen, &wanted, format!("{what} {seen}"))
        };
        differs("status", expected.status().to_string(), seen.status().to_string())?;
        if method != "HEAD" && ![204, 304].contains(&expected.status()) {
            differs("body", expected.text(), seen.text())?;
        }
        let of_handler = expected.response.names();
        for name in OF_SESSIONS.into_iter().chain(of_handler) {
            let what = format!("the header {name}");
            differs(&what, self.normal(expected, name), self.normal(seen, name))?;
        }
        Ok(())
    }

    /// Returns the values of a header in a comparable form, without secrets and dates.
    fn normal(&self, reply: &Reply, name: &str) -> String {
        let mut values = match name {
            "vary" => {
                let mut names = reply.vary();
                names.sort();
                return format!("{names:?} in {} headers", reply.response.all(name).len());
            }
            _ => reply.response.all(name),
        };
        if name == "set-cookie" {
            values = values.iter().map(|value| self.shown(value)).collect();
            values.sort();
        }
        format!("{values:?}")
    }

    /// Returns a `Set-Cookie` header without the cookie values that differ between responses.
    fn shown(&self, header: &str) -> String {
        let (pair, rest) = header.split_once(';').unwrap_or((header, ""));
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let is_secret = name == self.cookie_name() || value.len() > 20;
        let value = if is_secret && !value.is_empty() { ".." } else { value };
        [vec![format!("{name}={value}")], attributes(&format!(";{rest}"))].concat().join("; ")
    }
}

/// Returns the response of a handler with the headers of a committed session.
fn rendered(page: &TestResponse, headers: &SessionHeaders) -> Response {
    let of_handler = |name: &str| {
        let values = page.headers().iter().filter(move |(other, _)| *other == name);
        values.map(|(_, value)| value.as_bytes()).collect::<Vec<_>>()
    };
    let mut replaced = Vec::new();
    if let Some(vary) = headers.merged_vary(of_handler("vary")) {
        replaced.push(("vary", vary.into_owned()));
    }
    if let Some(directive) = headers.cache_control(of_handler("cache-control")) {
        replaced.push(("cache-control", directive.to_owned()));
    }
    for name in SessionHeaders::TARGETED {
        if let Some(directive) = headers.targeted_cache_control(of_handler(name)) {
            replaced.push((name, directive.to_owned()));
        }
    }
    let mut response = Response::new(page.status()).body(page.body());
    let is_replaced = |name: &str| replaced.iter().any(|(other, _)| *other == name);
    for (name, value) in page.headers().iter().filter(|(name, _)| !is_replaced(name)) {
        response = response.header(*name, *value);
    }
    for (name, value) in replaced {
        response = response.header(name, value);
    }
    headers.fields().fold(response, |response, (name, value)| response.header(name, value))
}
