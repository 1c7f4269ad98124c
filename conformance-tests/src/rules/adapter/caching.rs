//! Rules of `Vary` and `Cache-Control`.

use crate::harness::adapter::AdapterUnderTest;
use crate::harness::adapter::cases::headers_of;
use crate::harness::adapter::handlers::{OWN_CACHE_CONTROL, PUBLIC_CACHE};
use crate::macros::rules;

rules! {
    ($) pub(crate) const CACHING, macro __adapter_caching, for AdapterUnderTest;

    /// A response whose handler only reads the session has `Vary: Cookie` and sets no cookie.
    ///
    /// Add `Vary` whenever `SessionHeaders::merged_vary` returns a value, even if the response sets
    /// no cookie.
    async fn read_varies_by_cookie_and_sets_none(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        for cookies in [&[][..], &[cookie.as_str()]] {
            let reply = application.get("/read", cookies).await;
            application.equal(vec!["cookie".to_owned()], reply.vary())?;
            application.equal(0, reply.session_cookies().len())?;
        }
        Ok(())
    }

    /// A response that sets the cookie also has `Vary: Cookie`, because a cache must not send the
    /// response to another client.
    ///
    /// Add `Vary` whenever `SessionHeaders::merged_vary` returns a value, even if the response also
    /// has a `Set-Cookie` header.
    async fn write_varies_by_cookie(adapter) {
        let application = adapter.start().await?;
        let reply = application.get("/write/blue", &["theme=dark"]).await;
        application.equal(vec!["cookie".to_owned()], reply.vary())
    }

    /// The `Vary` headers of the handler and of the session are merged into one header with all
    /// names, with and without a `Set-Cookie` header.
    ///
    /// Pass all `Vary` values of the response to `SessionHeaders::merged_vary`, and replace all
    /// `Vary` headers with the result.
    async fn vary_of_handler_is_merged(adapter) {
        let application = adapter.start().await?;
        for page in ["/vary/accept", "/case/write/200/vary"] {
            let reply = application.get(page, &[]).await;
            application.equal(1, reply.response.all("vary").len())?;
            let mut names = reply.vary();
            names.sort();
            application.equal(vec!["accept".to_owned(), "accept-language".to_owned(), "cookie".to_owned()], names)?;
        }
        Ok(())
    }

    /// A `Vary` header is unchanged if it is `*` or contains `Cookie` in any letter case.
    ///
    /// Do not change the headers if `SessionHeaders::merged_vary` returns `None`.
    async fn vary_with_cookie_is_unchanged(adapter) {
        let application = adapter.start().await?;
        for (page, vary) in [("/vary/star", "*"), ("/vary/cookie", "accept, cookie")] {
            let reply = application.get(page, &[]).await;
            application.equal(vec![vary.to_owned()], reply.response.all("vary"))?;
        }
        Ok(())
    }

    /// A response that sets or removes the cookie has `Cache-Control: no-store`.
    ///
    /// Insert the result of `SessionHeaders::cache_control` with every `Set-Cookie` for the
    /// session.
    async fn response_with_cookie_has_no_store(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        // A write to a stored session does not always set a cookie.
        for (page, cookies) in [("/write/green", &[][..]), ("/logout", &[&*cookie][..])] {
            let reply = application.get(page, cookies).await;
            application.equal(vec!["no-store".to_owned()], reply.response.all("cache-control"))?;
        }
        Ok(())
    }

    /// If a response sets the cookie, no cache may store the response, even if the handler allows
    /// caching. A cache would send the cookie to another client.
    ///
    /// Replace `Cache-Control` with the result of `SessionHeaders::cache_control`. Replace each
    /// header of `SessionHeaders::TARGETED` with the result of `targeted_cache_control`.
    async fn public_response_with_cookie_has_no_store(adapter) {
        let application = adapter.start().await?;
        let reply = application.get("/public-cache", &["theme=dark"]).await;
        for (name, _) in PUBLIC_CACHE {
            application.equal(vec!["no-store".to_owned()], reply.response.all(name))?;
        }
        Ok(())
    }

    /// A `Cache-Control` header of the handler that keeps the cookie private is unchanged, even in
    /// a response that sets the cookie.
    ///
    /// Pass all `Cache-Control` values of the response to `SessionHeaders::cache_control`. If the
    /// result is `None`, do not change the headers.
    async fn private_cache_control_of_handler_is_unchanged(adapter) {
        let application = adapter.start().await?;
        let reply = application.get("/own-cache", &["theme=dark"]).await;
        application.equal(vec![OWN_CACHE_CONTROL.to_owned()], reply.response.all("cache-control"))
    }

    /// Every `Cache-Control` header of the handler is evaluated, and also every header in
    /// `SessionHeaders::TARGETED`. If one header of a name keeps the cookie private, all headers of
    /// this name are unchanged.
    ///
    /// Pass the values of all headers of a name to `SessionHeaders::cache_control` or
    /// `targeted_cache_control`, not only the first or the last value.
    async fn every_cache_control_header_counts(adapter) {
        let application = adapter.start().await?;
        for page in ["private-first", "private-last", "targeted-last"] {
            let reply = application.get(&format!("/case/write/200/{page}"), &["theme=dark"]).await;
            let (name, _) = headers_of(page).first().copied().unwrap_or_default();
            let expected: Vec<_> = headers_of(page).iter().map(|(_, value)| (*value).to_owned()).collect();
            application.equal(expected, reply.response.all(name))?;
        }
        Ok(())
    }

    /// A response whose handler only reads the session has `Cache-Control: private, no-cache`.
    ///
    /// Call `SessionHeaders::cache_control` even if the response has no `Set-Cookie` header.
    async fn response_after_read_is_private(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        let reply = application.get("/read", &[&cookie]).await;
        application.equal(vec!["private, no-cache".to_owned()], reply.response.all("cache-control"))
    }

    /// If the handler does not obtain the session, the adapter adds no `Cache-Control` header.
    ///
    /// Do not change the headers if `SessionHeaders::cache_control` returns `None`.
    async fn response_without_session_has_no_cache_control(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        let reply = application.get("/untouched", &[&cookie]).await;
        application.equal(Vec::<String>::new(), reply.response.all("cache-control"))
    }
}
