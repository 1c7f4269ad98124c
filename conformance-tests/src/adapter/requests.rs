//! Rules of requests: what the interface is told of them, and that each has a session of its own.

use super::AdapterUnderTest;
use super::application::{Application, HOST, request};
use crate::Failure;
use crate::rule::rules;

rules! {
    ($) pub(crate) const REQUESTS, macro __adapter_requests, for AdapterUnderTest;

    /// A request whose handler does not ask for its session opens none, even if it brings one.
    ///
    /// Make a `RequestSession`, which opens when it is first asked, and hand that to the extractor.
    async fn an_untouched_request_opens_nothing(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        application.get("/untouched", &[&cookie]).await;
        let opened = application.observed.requests().len();
        application.hold(opened == 0, "no call of SessionInterface::open", format!("{opened} of them"))
    }

    /// However often one request asks for its session, it is opened once, and what one handle wrote the other reads.
    ///
    /// Keep one `RequestSession` with the request, and ask it each time.
    async fn a_session_asked_for_twice_is_one_session(adapter) {
        let application = adapter.start().await?;
        let reply = application.get("/twice", &[]).await;
        application.equal("read: blue".to_owned(), reply.text())?;
        let opened = application.observed.requests().len();
        application.hold(opened == 1, "one call of SessionInterface::open", format!("{opened} of them"))
    }

    /// The interface is told the host that the client wrote, with its port, and the path without the query.
    ///
    /// Fill `RequestView` from the `Host` header and the target of the request.
    async fn the_interface_sees_host_and_path(adapter) {
        let application = adapter.start().await?;
        application.get("/read?page=2", &[]).await;
        let (_, host, path) = opened(&application)?;
        application.equal((Some(HOST.to_owned()), "/read".to_owned()), (host, path))
    }

    /// A target that is a whole URL names scheme and host, whatever the `Host` header says (RFC 9112, section 3.2.2; in HTTP/2 these
    /// are `:scheme` and `:authority`).
    ///
    /// Fill `RequestView` from the target first, and only then from the `Host` header.
    async fn a_whole_url_names_scheme_and_host(adapter) {
        let application = adapter.start().await?;
        application.get("https://other.example/read", &[]).await;
        let expected = (Some("https".to_owned()), Some("other.example".to_owned()), "/read".to_owned());
        application.equal(expected, opened(&application)?)
    }

    /// Host and scheme are not taken from `Forwarded` or `X-Forwarded-..`, which any client can send.
    ///
    /// Read the `Host` header itself, where your framework offers a host that believes those; an application behind a proxy puts
    /// them right in a step of its own.
    async fn forwarded_headers_are_not_believed(adapter) {
        let application = adapter.start().await?;
        let request = request("/read", &[])
            .with("forwarded", b"host=evil.example;proto=https")
            .with("x-forwarded-host", b"evil.example")
            .with("x-forwarded-proto", b"https");
        application.send(request).await;
        let (scheme, host, _) = opened(&application)?;
        application.equal(Some(HOST.to_owned()), host)?;
        application.hold(scheme.as_deref() != Some("https"), "no scheme, or http", "https")
    }

    /// Two requests that overlap have each the session of its own cookie, and store what their own handler wrote.
    ///
    /// Keep the `RequestSession` with its request and nowhere else: not in the service, nor in a static or a thread's local.
    async fn requests_at_once_keep_their_sessions_apart(adapter) {
        let application = adapter.start().await?;
        let cookies = [application.cookie("blue").await?, application.cookie("red").await?];
        application.observed.meet(2);
        let requests = [("/write/green", &cookies[0]), ("/write/violet", &cookies[1])]
            .map(|(page, cookie)| request(page, &[cookie.as_bytes()]));
        let replies = application.send_at_once(requests).await?;
        for ((reply, cookie), color) in replies.iter().zip(&cookies).zip(["green", "violet"]) {
            let newest = reply.cookie();
            let cookie = if newest.is_empty() { cookie } else { &newest };
            application.equal(Some(color.to_owned()), application.stored(cookie).await?)?;
        }
        Ok(())
    }

    /// A request without a cookie has an empty session, whoever was served before it.
    ///
    /// Keep nothing of a request in the service, the connection or the thread.
    async fn the_next_request_gets_a_session_of_its_own(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        application.get("/read", &[&cookie]).await;
        let reply = application.get("/read", &[]).await;
        application.equal("read: nothing".to_owned(), reply.text())
    }
}

/// Scheme, host and path of the request whose session was opened first.
fn opened(application: &Application<'_>) -> Result<(Option<String>, Option<String>, String), Failure> {
    let requests = application.observed.requests();
    let Some(request) = requests.first() else {
        return Err(application.failure("a call of SessionInterface::open", "none"));
    };
    Ok((request.scheme().map(str::to_owned), request.host().map(str::to_owned), request.path().to_owned()))
}
