//! Rules of cookies.

use session_core::config::SecretKey;

use crate::harness::adapter::AdapterUnderTest;
use crate::harness::adapter::application::request;
use crate::harness::adapter::cases::SECOND_COOKIE;
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
    /// Forward the cookie unchanged in both directions, without decoding, encoding or changing
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

    /// A logout removes the cookie. The removal has an empty value, `Max-Age=0`, and every
    /// attribute with which the cookie was set, because browsers otherwise keep it.
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

    /// Each `Set-Cookie` header of the handler stays, and the session's is a separate header.
    ///
    /// Append the header. Do not replace an existing header, do not collect the handler's headers
    /// by name, and do not join two headers with a comma.
    async fn cookie_of_handler_is_separate_header(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        for (action, cookies) in [("read", OTHER), ("read", &[&*cookie]), ("write", OTHER), ("log-out", &[&*cookie])] {
            let reply = application.get(&format!("/case/{action}/200/cookies"), cookies).await;
            let headers = reply.response.all("set-cookie");
            let is_set = !reply.session_cookies().is_empty();
            application.hold(is_set || action != "write", "a separate header with the session cookie", "none")?;
            for own in [OWN_COOKIE, SECOND_COOKIE] {
                let count = headers.iter().filter(|header| *header == own).count();
                let expected = format!("one header `Set-Cookie: {own}` beside those of the session");
                application.hold(count == 1, &expected, format!("{count} of them"))?;
            }
        }
        Ok(())
    }

    /// If flash messages have a separate cookie, the response has a `Set-Cookie` header for it
    /// beside that of the session.
    ///
    /// Append every header of `SessionHeaders::fields`, not only the header of the session.
    async fn flash_cookie_reaches_client(adapter) {
        let key = SecretKey::new(FLASH_KEY).map_err(|error| adapter.calls().failure("a valid key", error.to_string()))?;
        let application = adapter.start_with(|settings| settings.flash_cookie(&key)).await?;
        let name = format!("{}_flash=", application.cookie_name());
        let headers = application.get("/case/flash", &["theme=dark"]).await.response.all("set-cookie");
        let count = headers.iter().filter(|header| header.starts_with(&name)).count();
        application.hold(count == 1, &format!("one header `Set-Cookie: {name}..`"), format!("{count} of them"))
    }

    /// The session cookie is found in any of several `Cookie` headers. HTTP/2 clients may send each
    /// cookie in its own header (RFC 9113, section 8.2.3).
    ///
    /// Call `RequestViewBuilder::cookie_header` for every `Cookie` header. Do not join them with a
    /// comma, and do not limit their number or their length.
    async fn every_cookie_header_is_read(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        for place in 0..3 {
            let mut cookies = vec!["theme=dark", "tracking=no"];
            cookies.insert(place, &cookie);
            let reply = application.get("/read", &cookies).await;
            application.equal("read: blue".to_owned(), reply.text())?;
        }
        let others = (0..OTHERS).map(|number| format!("other{number}={}", "x".repeat(LONG)));
        let short = (0..SHORT).map(|number| format!("s{number}=1"));
        let short = short.chain([cookie.clone()]).collect::<Vec<_>>().join("; ");
        let separate: Vec<_> = others.chain([cookie]).collect();
        for cookies in [&separate[..], &[short], &[separate.join("; ")]] {
            let cookies: Vec<_> = cookies.iter().map(String::as_str).collect();
            let reply = application.get("/read", &cookies).await;
            application.equal("read: blue".to_owned(), reply.text())?;
        }
        Ok(())
    }

    /// If two headers have a session cookie, the first cookie is used, as in a single header.
    ///
    /// Forward the `Cookie` headers in the order in which they arrived.
    async fn cookie_headers_are_read_in_order(adapter) {
        let application = adapter.start().await?;
        let (first, second) = (application.cookie("blue").await?, application.cookie("red").await?);
        let reply = application.get("/read", &[&first, &second]).await;
        application.equal("read: blue".to_owned(), reply.text())
    }

    /// If a request has several session cookies, the response sets the cookie and removes the other
    /// cookies that the interface reports.
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
    /// session cookie next to them or in another header.
    ///
    /// Forward the bytes of each header. Do not require UTF-8 or well-formed cookies. A conversion
    /// of all headers to text must not stop at the first that fails.
    async fn malformed_cookie_hides_no_session(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        for malformed in [&b"caf\xe9=cr\xe8me"[..], b"=;; {\"a\": 1}", b"a b, c", b""] {
            let reply = application.send(request("/read", &[malformed])).await;
            application.equal((200, "read: nothing".to_owned()), (reply.status(), reply.text()))?;
            let header = [malformed, b"; ", cookie.as_bytes()].concat();
            let (alone, separate) = ([&header[..]], [malformed, cookie.as_bytes()]);
            let after = [cookie.as_bytes(), malformed];
            for cookies in [&alone[..], &separate, &after] {
                let reply = application.send(request("/read", cookies)).await;
                application.equal((200, "read: blue".to_owned()), (reply.status(), reply.text()))?;
            }
        }
        Ok(())
    }

}

const OTHER: &[&str] = &["theme=light"];

const FLASH_KEY: &str = "9d1c7be2f0a4365881d2c07fa97b4e6310bd5f24ce8a7961f3508d2b6ac4e917";

/// The number and the length of other cookies.
const OTHERS: usize = 40;

/// The number of short cookies. Browsers send up to 180 for a domain.
const SHORT: usize = 150;
const LONG: usize = 80;
