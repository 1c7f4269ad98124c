//! Rules of handlers that panic, and of requests that are dropped.

use crate::harness::adapter::AdapterUnderTest;
use crate::harness::adapter::application::{Application, request};
use crate::macros::rules;
use crate::report::Checked;

rules! {
    ($) pub(crate) const INTERRUPTED, macro __adapter_interrupted, for AdapterUnderTest;

    /// If a handler panics, its changes are not stored, and later requests are served.
    ///
    /// Commit only after the handler has returned a response. Do not commit in `Drop`. Hold no lock
    /// while a handler runs, because a panic poisons a mutex.
    async fn panic_of_handler_stores_nothing(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        let reply = application.send_to_panic(request("/panics/green", &[cookie.as_bytes()])).await;
        let seen = reply.as_ref().map(|reply| reply.session_cookies().len());
        application.hold(seen.is_none_or(|count| count == 0), "no session cookie", format!("{seen:?} of them"))?;
        application.equal(Some("blue".to_owned()), application.stored(&cookie).await?)?;
        is_served(&application, &cookie, &["read: blue"]).await
    }

    /// If a client disconnects while a handler runs, later requests are served. These requests find
    /// the session as it was before, or as the handler left it.
    ///
    /// Hold no lock and no slot while a handler runs. The exception is a guard that releases the
    /// lock or slot when the future of the request is dropped.
    async fn dropped_request_blocks_no_other(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        application.drop_in_handler(request("/slow/green", &[cookie.as_bytes()])).await?;
        is_served(&application, &cookie, &["read: blue", "read: green"]).await
    }
}

/// Fails unless requests without and with a session receive the expected responses.
async fn is_served(application: &Application<'_>, cookie: &str, texts: &[&str]) -> Checked {
    let untouched = application.get_in_time("/untouched", &[]).await?;
    application.equal((200, "untouched".to_owned()), (untouched.status(), untouched.text()))?;
    let reply = application.get_in_time("/read", &[cookie]).await?;
    let text = reply.text();
    let expected = format!("200 and one of {texts:?}");
    let is_right = reply.status() == 200 && texts.contains(&text.as_str());
    application.hold(is_right, &expected, format!("{} {text:?}", reply.status()))?;
    let written = application.get_in_time("/write/red", &[]).await?;
    application.equal((200, "written: red".to_owned()), (written.status(), written.text()))
}
