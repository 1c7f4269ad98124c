//! Rules of the response of the handler.

use std::time::Duration;

use session_core::ErrorKind;

use crate::harness::adapter::AdapterUnderTest;
use crate::harness::adapter::application::request_by;
use crate::harness::adapter::cases::HEADERS;
use crate::harness::adapter::handlers::{FILLING, NOTES};
use crate::macros::rules;

rules! {
    ($) pub(crate) const RESPONSES, macro __adapter_responses, for AdapterUnderTest;

    /// If the handler does not obtain the session, the response is unchanged and has neither `Vary`
    /// nor `Set-Cookie`.
    ///
    /// Call `RequestSession::finish_if_unchanged` first. Add only the headers that this method or
    /// the commit returns.
    async fn response_without_session_is_unchanged(adapter) {
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

    /// If the handler does not obtain the session, the status and all headers are unchanged,
    /// including the headers that a session may change.
    ///
    /// Call `SessionHeaders::merged_vary` and `cache_control`. Change a header only if the method
    /// for this header returns a value.
    async fn headers_without_session_are_unchanged(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        for (kind, headers) in HEADERS {
            let reply = application.get(&format!("/untouched/404/{kind}"), &[&cookie]).await;
            application.equal((404, "untouched".to_owned()), (reply.status(), reply.text()))?;
            for name in ["set-cookie", "vary", "cache-control", "cdn-cache-control", "surrogate-control", "x-note"] {
                let expected: Vec<_> = headers.iter().filter(|(other, _)| *other == name).map(|(_, value)| *value).collect();
                let seen = reply.response.all(name);
                application.hold(expected == seen, &format!("the header {name} with {expected:?}"), format!("{seen:?}"))?;
            }
        }
        Ok(())
    }

    /// The client receives the status, the body and all unrelated headers of the handler, including
    /// repeated headers.
    ///
    /// Change no header of the response except `Vary`, `Set-Cookie` and the headers that control
    /// caches.
    async fn response_of_handler_reaches_client(adapter) {
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

    /// Redirects and error responses of a handler also have the headers of the session.
    ///
    /// Commit the session for every status. A login responds with 303, and an invalid form with 422
    /// and a flash message.
    async fn response_of_any_status_has_session_headers(adapter) {
        let application = adapter.start().await?;
        for status in [204, 304, 303, 301, 422, 401, 404, 500, 503] {
            let reply = application.get(&format!("/status/{status}"), &["theme=dark"]).await;
            application.equal((status, 1), (reply.status(), reply.session_cookies().len()))?;
        }
        Ok(())
    }

    /// A response without a body also has the headers of the session.
    ///
    /// Commit the session when the handler has returned its response. Do not wait until a body is
    /// written.
    async fn empty_response_has_session_headers(adapter) {
        let application = adapter.start().await?;
        let reply = application.get("/empty/blue", &["theme=dark"]).await;
        let seen = (reply.status(), reply.text(), reply.session_cookies().len());
        application.equal((200, String::new(), 1), seen)?;
        application.equal(Some("blue".to_owned()), application.stored(&reply.cookie()).await?)?;
        let cookie = application.cookie("red").await?;
        let reply = application.get("/empty/green", &[&cookie]).await;
        let stored = application.stored(&reply.cookie_after(&cookie)).await?;
        application.equal(Some("green".to_owned()), stored)
    }

    /// The response has the headers of the session and its whole body, even if the body is long.
    ///
    /// Commit regardless of the length and the type of the body.
    async fn long_response_has_session_headers(adapter) {
        let application = adapter.start().await?;
        let reply = application.get("/large/blue", &["theme=dark"]).await;
        let length = "written: blue".len() + FILLING;
        application.equal((200, length), (reply.status(), reply.text().len()))?;
        application.equal(1, reply.session_cookies().len())?;
        application.equal(Some("blue".to_owned()), application.stored(&reply.cookie()).await?)
    }

    /// The adapter commits the session for every method. A `HEAD` or `OPTIONS` request may also
    /// renew or change the session. Browsers send forms with `POST`.
    ///
    /// Commit regardless of the method. Route every method of the test application to its
    /// handlers.
    async fn session_is_committed_for_every_method(adapter) {
        let application = adapter.start().await?;
        for method in METHODS {
            let reply = application.send(request_by(method, "/case/write", &[b"theme=dark"])).await;
            let expected = format!("status 200 and one session cookie for {method}");
            let seen = format!("status {} and {} of them", reply.status(), reply.session_cookies().len());
            application.hold(reply.status() == 200 && reply.session_cookies().len() == 1, &expected, seen)?;
            let cookie = application.cookie("blue").await?;
            let reply = application.send(request_by(method, "/case/write", &[cookie.as_bytes()])).await;
            let stored = application.stored(&reply.cookie_after(&cookie)).await?;
            application.equal(Some("green".to_owned()), stored)?;
        }
        Ok(())
    }

    /// No response is sent before its session is stored, because the client may send its next
    /// request at once.
    ///
    /// Await the commit before you return the response. Do not spawn a task for the commit.
    async fn response_is_sent_after_save(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        application.observed.slow_save(Duration::from_millis(50));
        application.get("/status/202", &[&cookie]).await;
        let saved = application.observed.saved();
        application.hold(saved == 1, "a response after the save, which took 50 ms", "a response before the save had ended")
    }

    /// When the response is ready, the session is committed. A later change fails with an error
    /// instead of being lost.
    ///
    /// Commit every session that was opened, even if it was only read.
    async fn change_after_response_fails(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        for page in ["/read", "/write/red"] {
            application.get(page, &[&cookie]).await;
            let Some(session) = application.observed.take_sessions().pop() else {
                return Err(application.failure("a handler with a session of SessionInterface::open", "none"));
            };
            let late = session.insert("late", true).map_err(|error| error.kind());
            let seen = format!("{late:?} from an `insert` after the response");
            application.hold(late == Err(ErrorKind::Committed), "an error of kind Committed", seen)?;
        }
        Ok(())
    }
}

const METHODS: [&str; 7] = ["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"];
