//! Rules of the cookie: how it is read from a request and put into a response.

use super::AdapterUnderTest;
use super::answer::OWN_COOKIE;
use super::application::request;
use super::reply::attributes;
use crate::rule::rules;

rules! {
    ($) pub(crate) const COOKIES, macro __adapter_cookies, for AdapterUnderTest;

    /// The response to a first visitor's write has exactly one `Set-Cookie` for the session.
    ///
    /// Append what `SessionHeaders::set_cookie` gives, once; commit each request once.
    async fn a_write_sets_the_cookie_once(adapter) {
        let application = adapter.start().await?;
        let reply = application.get("/write/blue", &[]).await;
        application.equal(1, reply.session_cookies().len())
    }

    /// What a handler wrote is there again when the client brings the cookie that it got.
    ///
    /// Pass the cookie on as it is, both ways: no decoding, no encoding, no change of case.
    async fn the_session_comes_back_with_its_cookie(adapter) {
        let application = adapter.start().await?;
        let reply = application.get("/write/blue", &["theme=dark"]).await;
        let cookie = format!("theme=dark; {}", reply.cookie());
        let reply = application.get("/read", &[&cookie]).await;
        application.equal("read: blue".to_owned(), reply.text())
    }

    /// The cookie is set with the attributes that the interface gave it.
    ///
    /// Append the value of `SessionHeaders::set_cookie` as it is; a cookie library that parses it and writes it again may lose some.
    async fn the_attributes_of_the_cookie_reach_the_client(adapter) {
        let application = adapter.start_with(|settings| settings.cookie_domain("shop.example")).await?;
        let rendered = application
            .rendered(|session| session.insert("color", "blue").and_then(|()| session.set_permanent(true)))
            .await?;
        let reply = application.get("/permanent/blue", &["theme=dark"]).await;
        let header = reply.session_cookies().pop().unwrap_or_default();
        application.equal(attributes(&rendered), attributes(&header))
    }

    /// A logout removes the cookie: no value, `Max-Age=0`, and every attribute that the cookie was set with, for otherwise a browser
    /// keeps it.
    ///
    /// Treat a removal as any other `Set-Cookie` that the commit gave.
    async fn a_removal_has_the_attributes_of_the_cookie(adapter) {
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

    /// A handler's own `Set-Cookie` stays beside the session's, each a header of its own.
    ///
    /// Append the header; do not replace the one that is there, and do not join the two with a comma.
    async fn a_handlers_own_cookie_stays_beside_the_sessions(adapter) {
        let application = adapter.start().await?;
        let reply = application.get("/own-cookie", &["theme=light"]).await;
        let headers = reply.response.all("set-cookie");
        let own = headers.iter().filter(|header| *header == OWN_COOKIE).count();
        application.hold(own == 1, &format!("one header `Set-Cookie: {OWN_COOKIE}`"), format!("{own} of them"))?;
        application.equal(2, headers.len())
    }

    /// The session's cookie is found in whichever of several `Cookie` headers it comes: HTTP/2 clients send each cookie in a
    /// header of its own (RFC 9113, section 8.2.3).
    ///
    /// Call `RequestViewBuilder::cookie_header` for every `Cookie` header; do not join them with a comma.
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

    /// Of two session cookies in two headers the first one counts, as in one header.
    ///
    /// Hand the `Cookie` headers on in the order in which they came.
    async fn cookie_headers_are_read_in_order(adapter) {
        let application = adapter.start().await?;
        let (first, second) = (application.cookie("blue").await?, application.cookie("red").await?);
        let reply = application.get("/read", &[&first, &second]).await;
        application.equal("read: blue".to_owned(), reply.text())
    }

    /// Cookies that are no cookies, or no text, neither fail the request nor hide the session's cookie beside them.
    ///
    /// Hand on the bytes of the header; do not ask whether they are UTF-8, or whether every cookie of the header is well-formed.
    async fn a_malformed_cookie_does_no_harm(adapter) {
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
