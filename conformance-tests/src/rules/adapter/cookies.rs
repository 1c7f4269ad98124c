//! Rules of cookies.

use crate::harness::adapter::AdapterUnderTest;
use crate::harness::adapter::application::request;
use crate::harness::adapter::handlers::OWN_COOKIE;
use crate::harness::adapter::reply::attributes;
use crate::macros::rules;

rules! {
    ($) pub(crate) const COOKIES, macro __adapter_cookies, for AdapterUnderTest;

    /// The response to the first write of a visitor has exactly one `Set-Cookie` header for the
    /// session.
    ///
    /// Append each header of `SessionHeaders::fields` once, and commit each request once.
    async fn first_write_sets_one_cookie(adapter) {
        let application = adapter.start().await?;
        let reply = application.get("/write/blue", &[]).await;
        application.equal(1, reply.session_cookies().len())
    }

    /// A request that sends the cookie of an earlier response finds the stored values.
    ///
    /// Pass the cookie on unchanged in both directions: without decoding, encoding or changing
    /// case.
    async fn next_request_with_cookie_has_session(adapter) {
        let application = adapter.start().await?;
        let reply = application.get("/write/blue", &["theme=dark"]).await;
        let cookie = format!("theme=dark; {}", reply.cookie());
        let reply = application.get("/read", &[&cookie]).await;
        application.equal("read: blue".to_owned(), reply.text())
    }

    /// The cookie is set with the attributes of the interface.
    ///
    /// Append the values of `SessionHeaders::fields` unchanged. A cookie library that parses and
    /// rewrites them may lose attributes.
    async fn cookie_attributes_reach_client(adapter) {
        let application = adapter.start_with(|settings| settings.cookie_domain("shop.example")).await?;
        let rendered = application
            .rendered(|session| session.insert("color", "blue").and_then(|()| session.set_permanent(true)))
            .await?;
        let reply = application.get("/permanent/blue", &["theme=dark"]).await;
        let header = reply.session_cookies().pop().unwrap_or_default();
        application.equal(attributes(&rendered), attributes(&header))
    }

    /// A logout removes the cookie: with an empty value, `Max-Age=0`, and every attribute that the
    /// cookie was set with, because browsers otherwise keep it.
    ///
    /// Treat a removal like any other `Set-Cookie` of the commit.
    async fn removal_cookie_has_attributes_of_cookie(adapter) {
        let application =
            adapter.start_with(|settings| settings.cookie_domain("shop.example").cookie_path("/shop")).await?;
        let rendered = application.rendered(|session| session.insert("color", "blue")).await?;
        let mut expected = attributes(&rendered);
        expected.extend(["expires=thu, 01 jan 1970 00:00:00 gmt".to_owned(), "max-age=0".to_owned()]);
        expected.sort();
        let cookie = application.cookie("blue").await?;
        let removals = application.get("/logout", &[&cookie]).await.session_cookies();
        let [removal] = removals.as_slice() else {
            return Err(application.failure("one removal cookie", format!("{} of them", removals.len())));
        };
        application.hold(removal.contains("=;"), "an empty value", application.mask(removal))?;
        application.equal(expected, attributes(removal))
    }

    /// A `Set-Cookie` header of the handler stays, and the session's is a separate header.
    ///
    /// Append the header. Do not replace the existing one, and do not join the two with a comma.
    async fn cookie_of_handler_is_separate_header(adapter) {
        let application = adapter.start().await?;
        let reply = application.get("/own-cookie", &["theme=light"]).await;
        let headers = reply.response.all("set-cookie");
        let own = headers.iter().filter(|header| *header == OWN_COOKIE).count();
        application.hold(own == 1, &format!("one header `Set-Cookie: {OWN_COOKIE}`"), format!("{own} of them"))?;
        application.equal(2, headers.len())
    }

    /// The session cookie is found in any of several `Cookie` headers. HTTP/2 clients may send each
    /// cookie in its own header (RFC 9113, section 8.2.3).
    ///
    /// Call `RequestViewBuilder::cookie_header` for every `Cookie` header. Do not join them with a
    /// comma.
    async fn every_cookie_header_is_read(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        for place in 0..3 {
            let mut cookies = vec!["theme=dark", "tracking=no"];
            cookies.insert(place, &cookie);
            let reply = application.get("/read", &cookies).await;
            application.equal("read: blue".to_owned(), reply.text())?;
        }
        Ok(())
    }

    /// If two headers have a session cookie, the first one is used, as in a single header.
    ///
    /// Pass the `Cookie` headers on in the order in which they arrived.
    async fn cookie_headers_are_read_in_order(adapter) {
        let application = adapter.start().await?;
        let (first, second) = (application.cookie("blue").await?, application.cookie("red").await?);
        let reply = application.get("/read", &[&first, &second]).await;
        application.equal("read: blue".to_owned(), reply.text())
    }

    /// If a request has several session cookies, the response sets the cookie and removes the
    /// others that the interface knows of.
    ///
    /// Append every header of `SessionHeaders::fields`, not only the first.
    async fn other_cookies_of_same_name_are_removed(adapter) {
        let application = adapter.start_with(|settings| settings.cookie_domain("shop.example")).await?;
        let (first, second) = (application.cookie("blue").await?, application.cookie("red").await?);
        let both = format!("{first}; {second}");
        let reply = application.get("/write/green", &[&both]).await;
        let domains: Vec<_> = reply
            .session_cookies()
            .iter()
            .map(|header| attributes(header).iter().any(|attribute| attribute == "domain=shop.example"))
            .collect();
        application.equal(vec![true, false], domains)
    }

    /// Malformed cookies, and headers that are not text, neither fail the request nor hide the
    /// session cookie next to them.
    ///
    /// Pass on the bytes of the header. Do not require UTF-8 or well-formed cookies.
    async fn malformed_cookie_hides_no_session(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        for malformed in [&b"caf\xe9=cr\xe8me"[..], b"=;; {\"a\": 1}", b"a b, c"] {
            let reply = application.send(request("/read", &[malformed])).await;
            application.equal((200, "read: nothing".to_owned()), (reply.status(), reply.text()))?;
            let header = [malformed, b"; ", cookie.as_bytes()].concat();
            let reply = application.send(request("/read", &[&header])).await;
            application.equal((200, "read: blue".to_owned()), (reply.status(), reply.text()))?;
        }
        Ok(())
    }
}
