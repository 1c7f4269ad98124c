//! Rules of requests.

use crate::harness::adapter::AdapterUnderTest;
use crate::harness::adapter::application::{Application, HOST, request, request_by};
use crate::harness::adapter::message::Request;
use crate::macros::rules;
use crate::report::Failure;

rules! {
    ($) pub(crate) const REQUESTS, macro __adapter_requests, for AdapterUnderTest;

    /// A request whose handler does not obtain the session does not open the session, even if the
    /// request sends a cookie.
    ///
    /// Create a `RequestSession`, which opens the session when the session is first needed. Pass
    /// the `RequestSession` to the extractor.
    async fn request_without_session_opens_nothing(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        for method in ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"] {
            application.send(request_by(method, "/untouched", &[cookie.as_bytes()])).await;
            let opened = application.observed.requests().len();
            application.hold(opened == 0, "no call of SessionInterface::open", format!("{opened} of them"))?;
        }
        Ok(())
    }

    /// If a handler obtains the session twice, the session is opened once. Both values are the same
    /// session.
    ///
    /// Store one `RequestSession` with the request, and use it for each extraction.
    async fn session_obtained_twice_is_same_session(adapter) {
        let application = adapter.start().await?;
        let reply = application.get("/twice", &[]).await;
        application.equal("read: blue".to_owned(), reply.text())?;
        let opened = application.observed.requests().len();
        application.hold(opened == 1, "one call of SessionInterface::open", format!("{opened} of them"))?;
        let cookie = application.cookie("red").await?;
        let reply = application.get("/twice", &[&cookie]).await;
        let stored = application.stored(&reply.cookie_after(&cookie)).await?;
        application.equal(Some("blue".to_owned()), stored)
    }

    /// The interface receives the host as the client sent it, including the port, and the path
    /// without the query.
    ///
    /// Build the `RequestView` from the `Host` header and the target of the request.
    async fn interface_gets_host_and_path(adapter) {
        let application = adapter.start().await?;
        for sent in [HOST, "shop.example", "Shop.EXAMPLE:80", "127.0.0.1:80", "[2001:db8::1]:8443", "[::1]"] {
            application.send(Request::new("GET", "/read?page=2").with("host", sent.as_bytes())).await;
            let (_, host, path) = opened(&application)?;
            application.equal((Some(sent.to_owned()), "/read".to_owned()), (host, path))?;
        }
        Ok(())
    }

    /// The interface receives the path as the client sent it, without decoding and normalization.
    ///
    /// Build the `RequestView` from the raw target. A router may need a decoded path. However, a
    /// hook that depends on `%2F` or `//` must receive the path that the client sent.
    async fn interface_gets_path_as_sent(adapter) {
        let application = adapter.start().await?;
        let long = format!("/read/{}", "long".repeat(500));
        for path in [&*long, "/read/%61%2Fb%20c", "/read//d/", "/read/e+f;g=h", "/read/%C3%A9", "/Read/I"] {
            application.get(path, &[]).await;
            let seen = application.observed.requests().last().map(|request| request.path().to_owned());
            application.equal(Some(path.to_owned()), seen)?;
        }
        Ok(())
    }

    /// If the target is an absolute URL, its scheme and host take precedence over the `Host` header
    /// (RFC 9112, section 3.2.2). In HTTP/2, the scheme and the host are `:scheme` and
    /// `:authority`.
    ///
    /// Build the `RequestView` from the target. Use the `Host` header only if the target has no
    /// host.
    async fn absolute_url_determines_scheme_and_host(adapter) {
        let application = adapter.start().await?;
        application.get("https://other.example/read", &[]).await;
        let expected = (Some("https".to_owned()), Some("other.example".to_owned()), "/read".to_owned());
        application.equal(expected, opened(&application)?)
    }

    /// The adapter does not read the host or the scheme from `Forwarded` or `X-Forwarded-..`, which
    /// any client can send.
    ///
    /// If your framework determines the host from these headers, read the `Host` header instead. An
    /// application behind a proxy corrects the host and the scheme in a separate step.
    async fn forwarded_headers_are_ignored(adapter) {
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

    /// Each of several concurrent requests has the session of its cookie, and stores the values
    /// that its handler wrote.
    ///
    /// Store the `RequestSession` with its request, not in the service, a static variable or a
    /// thread-local variable.
    async fn concurrent_requests_have_own_sessions(adapter) {
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

    /// If concurrent requests send the same cookie or no cookie, each request opens the session.
    ///
    /// Do not find the `RequestSession` by the cookie, the connection or the address of the client.
    /// Otherwise, the changes of one request are stored or lost with the changes of another
    /// request. A logout would end both sessions.
    async fn concurrent_requests_with_one_cookie_open_it_each(adapter) {
        for has_cookie in [true, false] {
            let application = adapter.start().await?;
            let cookie = application.cookie("blue").await?;
            application.observed.meet(2);
            let cookies = if has_cookie { &[cookie.as_bytes()][..] } else { &[] };
            application.send_at_once(["/read", "/write/green"].map(|page| request(page, cookies))).await?;
            let opened = application.observed.requests().len();
            application.hold(opened == 2, "two calls of SessionInterface::open", format!("{opened} of them"))?;
        }
        Ok(())
    }

    /// A request without a cookie has an empty session, regardless of earlier requests.
    ///
    /// Store no data of a request in the service, the connection or the thread.
    async fn next_request_has_own_session(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        application.get("/read", &[&cookie]).await;
        let reply = application.get("/read", &[]).await;
        application.equal("read: nothing".to_owned(), reply.text())
    }
}

/// Returns the scheme, host and path of the request whose session was opened last.
fn opened(
    application: &Application<'_>,
) -> Result<(Option<String>, Option<String>, String), Failure> {
    let requests = application.observed.requests();
    let Some(request) = requests.last() else {
        return Err(application.failure("a call of SessionInterface::open", "none"));
    };
    Ok((
        request.scheme().map(str::to_owned),
        request.host().map(str::to_owned),
        request.path().to_owned(),
    ))
}
