//! Rules of the response: what the session adds to it, and what stays the handler's.

use std::time::Duration;

use super::AdapterUnderTest;
use super::answer::{NOTES, OWN_CACHE_CONTROL};
use crate::rule::rules;

rules! {
    ($) pub(crate) const RESPONSES, macro __adapter_responses, for AdapterUnderTest;

    /// The response to a request whose handler leaves the session alone stays as it is: no `Vary`, no `Set-Cookie`.
    ///
    /// Ask `RequestSession::close_untouched` first, and add only what the commit gives.
    async fn an_untouched_response_stays_as_it_is(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        for cookies in [&[][..], &[cookie.as_str()]] {
            let reply = application.get("/untouched", cookies).await;
            application.equal((200, "untouched".to_owned()), (reply.status(), reply.text()))?;
            application.equal(Vec::<String>::new(), reply.vary())?;
            application.equal(0, reply.session_cookies().len())?;
        }
        Ok(())
    }

    /// A response whose handler only read the session varies by `Cookie` and sets no cookie.
    ///
    /// Add `Vary` whenever `SessionHeaders` says so, also without a cookie to set.
    async fn a_read_varies_by_cookie_and_sets_none(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        for cookies in [&[][..], &[cookie.as_str()]] {
            let reply = application.get("/read", cookies).await;
            application.equal(vec!["cookie".to_owned()], reply.vary())?;
            application.equal(0, reply.session_cookies().len())?;
        }
        Ok(())
    }

    /// A response that sets the cookie varies by `Cookie`, too: a cache may store it and must not hand it to others.
    ///
    /// Add `Vary` whenever `SessionHeaders` says so, also beside a `Set-Cookie`.
    async fn a_write_varies_by_cookie(adapter) {
        let application = adapter.start().await?;
        let reply = application.get("/write/blue", &["theme=dark"]).await;
        application.equal(vec!["cookie".to_owned()], reply.vary())
    }

    /// A handler's own `Vary` headers and the session's become one header that names everything.
    ///
    /// Give all `Vary` values of the response to `SessionHeaders::merged_vary`, and put what it gives in the place of them all.
    async fn the_vary_of_a_handler_is_merged_into_one_header(adapter) {
        let application = adapter.start().await?;
        let reply = application.get("/vary/accept", &[]).await;
        application.equal(1, reply.response.all("vary").len())?;
        let mut names = reply.vary();
        names.sort();
        application.equal(vec!["accept".to_owned(), "accept-language".to_owned(), "cookie".to_owned()], names)
    }

    /// A `Vary` that is `*` or names `Cookie` already, in whatever case, stays as it is.
    ///
    /// Leave the headers alone when `SessionHeaders::merged_vary` gives `None`.
    async fn a_vary_that_says_enough_stays_as_it_is(adapter) {
        let application = adapter.start().await?;
        for (page, vary) in [("/vary/star", "*"), ("/vary/cookie", "accept, cookie")] {
            let reply = application.get(page, &[]).await;
            application.equal(vec![vary.to_owned()], reply.response.all("vary"))?;
        }
        Ok(())
    }

    /// A response that sets or removes the cookie is not for a cache: it says `Cache-Control: no-store`.
    ///
    /// Insert what `SessionHeaders::cache_control` gives, beside every `Set-Cookie` for the session.
    async fn a_response_with_the_cookie_is_not_stored(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        for page in ["/write/green", "/logout"] {
            let reply = application.get(page, &[&cookie]).await;
            application.equal(vec!["no-store".to_owned()], reply.response.all("cache-control"))?;
        }
        Ok(())
    }

    /// Where a handler says itself how its response may be stored, that stays, also beside the cookie.
    ///
    /// Give all `Cache-Control` values of the response to `SessionHeaders::cache_control`, and leave them alone when it gives `None`.
    async fn the_cache_control_of_a_handler_stays_as_it_is(adapter) {
        let application = adapter.start().await?;
        let reply = application.get("/own-cache", &["theme=dark"]).await;
        application.equal(vec![OWN_CACHE_CONTROL.to_owned()], reply.response.all("cache-control"))
    }

    /// A response without the cookie may be stored as ever: nothing is said of caches.
    ///
    /// Leave the headers alone when `SessionHeaders::cache_control` gives `None`.
    async fn a_response_without_the_cookie_says_nothing_of_caches(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        for page in ["/untouched", "/read"] {
            let reply = application.get(page, &[&cookie]).await;
            application.equal(Vec::<String>::new(), reply.response.all("cache-control"))?;
        }
        Ok(())
    }

    /// Status, body and all other headers are the handler's, and each header of a name that comes twice.
    ///
    /// Change nothing of the response but `Vary`, `Set-Cookie` and `Cache-Control`.
    async fn the_answer_of_the_handler_reaches_the_client(adapter) {
        let application = adapter.start().await?;
        let reply = application.get("/created/blue", &["theme=dark"]).await;
        application.equal((201, "written: blue".to_owned()), (reply.status(), reply.text()))?;
        for (name, _) in NOTES {
            let expected: Vec<_> = NOTES.iter().filter(|(other, _)| other == name).map(|(_, value)| *value).collect();
            let seen = reply.response.all(name);
            let wanted = format!("the header {name} with {expected:?}");
            application.hold(expected == seen, &wanted, format!("{seen:?}"))?;
        }
        Ok(())
    }

    /// Redirects and error responses of a handler carry its session as any other.
    ///
    /// Commit whatever the status is: a login answers 303, and a form that is wrong answers 422 with a flash message.
    async fn a_response_of_any_status_carries_the_session(adapter) {
        let application = adapter.start().await?;
        for status in [303, 422, 500] {
            let reply = application.get(&format!("/status/{status}"), &["theme=dark"]).await;
            application.equal((status, 1), (reply.status(), reply.session_cookies().len()))?;
        }
        Ok(())
    }

    /// No response goes out before its session is stored: the client may act on it at once.
    ///
    /// Await the commit before you return the response, and do not spawn it.
    async fn a_response_waits_for_its_save(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        application.observed.slow_save(Duration::from_millis(50));
        application.get("/status/202", &[&cookie]).await;
        let saved = application.observed.saved();
        application.hold(saved == 1, "a response after the save, which took 50 ms", "a response before the save had ended")
    }
}
