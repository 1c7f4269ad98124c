//! Rules of the cookies of a response.

use session_core::config::SecretKey;

use crate::harness::adapter::AdapterUnderTest;
use crate::harness::adapter::cases::{SECOND_COOKIE, headers_of};
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
    /// Forward the cookie unchanged in both directions. Do not decode or encode the cookie, and do
    /// not change its case.
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
    /// rewrites the values may lose attributes.
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
    /// attribute with which the cookie was set, because browsers otherwise keep the cookie.
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

    /// Each `Set-Cookie` header of the handler stays. The session cookie has a separate header.
    ///
    /// Append the header of the session. Do not replace an existing header, do not collect the
    /// handler's headers by name, and do not join two headers with a comma.
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

    /// The `Set-Cookie` headers of the handler keep their order, even if two headers set the same
    /// cookie. A browser stores the cookie of the last header.
    ///
    /// Do not change the headers of the handler, and append the headers of the session. Do not sort
    /// the headers, and do not collect them in a map.
    async fn cookies_of_handler_keep_order(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        let expected: Vec<_> = headers_of(ORDERED).iter().map(|(_, cookie)| (*cookie).to_owned()).collect();
        for (action, cookies) in [("read", OTHER), ("read", &[&*cookie]), ("write", OTHER), ("log-out", &[&*cookie])] {
            let reply = application.get(&format!("/case/{action}/200/{ORDERED}"), cookies).await;
            let own = reply.response.all("set-cookie").into_iter().filter(|header| expected.contains(header));
            application.equal(expected.clone(), own.collect())?;
        }
        Ok(())
    }

    /// If flash messages have a separate cookie, the response has a `Set-Cookie` header for this
    /// cookie and not only for the session.
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

    /// If a request has several session cookies, the response sets the cookie and removes the other
    /// cookies that the interface reports.
    ///
    /// Append every header of `SessionHeaders::fields`, not only the first header.
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
}

/// The name of the headers that set one cookie twice.
const ORDERED: &str = "cookie-order";

const OTHER: &[&str] = &["theme=light"];

const FLASH_KEY: &str = "9d1c7be2f0a4365881d2c07fa97b4e6310bd5f24ce8a7961f3508d2b6ac4e917";
