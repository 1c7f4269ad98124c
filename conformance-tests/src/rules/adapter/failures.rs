//! Rules of errors of the backend.

use session_core::{ErrorKind, Refresh};

use crate::harness::adapter::AdapterUnderTest;
use crate::harness::adapter::application::Application;
use crate::harness::adapter::observed::SECRET;
use crate::harness::adapter::reply::Reply;
use crate::macros::rules;
use crate::report::Checked;

rules! {
    ($) pub(crate) const FAILURES, macro __adapter_failures, for AdapterUnderTest;

    /// If the session cannot be saved, the client receives an error response with no body, header
    /// or cookie of the handler.
    ///
    /// Create a new response if the commit fails.
    async fn failed_save_is_error_response(adapter) {
        let application = adapter.start().await?;
        application.observed.fail_save(ErrorKind::Backend);
        for page in ["/created/blue", "/own-cookie", "/twice"] {
            let reply = application.get(page, &[]).await;
            refused(&application, &reply)?;
        }
        Ok(())
    }

    /// The error response after a failed save has the headers of the session. These headers are
    /// `Vary: Cookie`, and the cookie of an earlier save in the same request.
    ///
    /// Also apply `Committed::headers` to the error response.
    async fn error_response_varies_by_cookie(adapter) {
        let application = adapter.start().await?;
        application.observed.fail_save(ErrorKind::Backend);
        let reply = application.get("/write/blue", &["theme=dark"]).await;
        application.equal(vec!["cookie".to_owned()], reply.vary())
    }

    /// If the backend is down when a session is saved, the status is 503.
    ///
    /// Respond with 503 for `ErrorKind::Unavailable`, and with 500 for other errors.
    async fn outage_at_save_is_503(adapter) {
        let application = adapter.start().await?;
        application.observed.fail_save(ErrorKind::Unavailable);
        let reply = application.get("/write/blue", &[]).await;
        application.equal(503, reply.status())
    }

    /// If a session cannot be saved for a reason other than an outage, the status is 500. Clients
    /// and monitoring must not mistake the error for an outage.
    ///
    /// Respond with 503 for `ErrorKind::Unavailable` only.
    async fn other_failed_save_is_500(adapter) {
        let application = adapter.start().await?;
        for kind in [ErrorKind::Backend, ErrorKind::Conflict, ErrorKind::TooLarge] {
            application.observed.fail_save(kind);
            let reply = application.get("/write/blue", &["theme=dark"]).await;
            let expected = format!("status 500 for an error of kind {kind:?}");
            application.hold(reply.status() == 500, &expected, format!("status {}", reply.status()))?;
        }
        Ok(())
    }

    /// If a handler saves the session and the later commit fails, the error response sets the
    /// cookie of the first save. Otherwise, the client loses the session. No cache may store this
    /// response.
    ///
    /// Append all headers of `Committed::headers` to the error response, not only `Vary`.
    async fn error_response_has_cookie_of_earlier_save(adapter) {
        let application = adapter.start().await?;
        application.observed.fail_save_after(1, ErrorKind::Backend);
        let reply = application.get("/case/save", &["theme=dark"]).await;
        application.equal((true, 1), (reply.status() >= 500, reply.session_cookies().len()))?;
        application.equal(vec!["no-store".to_owned()], reply.response.all("cache-control"))?;
        application.equal(Some("red".to_owned()), application.stored(&reply.cookie()).await?)
    }

    /// If the session cannot be opened, a handler that needs the session does not run. The client
    /// receives an error response, with status 503 if the backend is down.
    ///
    /// Return the error from your extractor. Never pass an empty session to the handler instead,
    /// because the empty session would replace the real session.
    async fn failed_open_is_error_before_handler(adapter) {
        for kind in [ErrorKind::Unavailable, ErrorKind::Backend] {
            let application = adapter.start().await?;
            let cookie = application.cookie("blue").await?;
            application.observed.fail_open(kind);
            let reply = application.get("/write/red", &[&cookie]).await;
            refused(&application, &reply)?;
            if kind == ErrorKind::Unavailable {
                application.equal(503, reply.status())?;
            }
        }
        Ok(())
    }

    /// If a session cannot be opened for a reason other than an outage, the status is not 503.
    /// Clients and monitoring must not mistake the error for an outage.
    ///
    /// Respond with 503 for `ErrorKind::Unavailable` only, as for a failed save.
    async fn other_failed_open_is_not_503(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        for kind in [ErrorKind::Backend, ErrorKind::Conflict, ErrorKind::TooLarge] {
            application.observed.fail_open(kind);
            let reply = application.get("/write/red", &[&cookie]).await;
            let expected = format!("another status than 503 for an error of kind {kind:?}");
            application.hold(reply.status() != 503, &expected, format!("status {}", reply.status()))?;
        }
        Ok(())
    }

    /// An error response does not contain the text of the error, which may name hosts and tables.
    ///
    /// Log the error with its sources, and respond with a fixed text.
    async fn error_response_hides_error_text(adapter) {
        for opening in [true, false] {
            let application = adapter.start().await?;
            if opening {
                application.observed.fail_open(ErrorKind::Backend);
            } else {
                application.observed.fail_save(ErrorKind::Backend);
            }
            let reply = application.get("/write/blue", &["theme=dark"]).await;
            let told = reply.text().contains(SECRET);
            application.hold(!told, &format!("a body without {SECRET:?}, the text of the error"), reply.text())?;
        }
        Ok(())
    }

    /// If the backend is down, a request whose handler does not obtain the session is served
    /// normally, even if the session should be renewed.
    ///
    /// Only commit the session. The commit ignores a renewal that fails.
    async fn outage_leaves_requests_without_session_alone(adapter) {
        let application = adapter.start_with(|settings| settings.refresh(Refresh::EachRequest)).await?;
        let cookie = application.permanent_cookie("blue").await?;
        application.observed.fail_open(ErrorKind::Unavailable);
        let reply = application.get("/untouched", &[&cookie]).await;
        application.equal((200, "untouched".to_owned()), (reply.status(), reply.text()))
    }
}

/// Fails unless this is an error response without any part of the handler's response.
fn refused(application: &Application<'_>, reply: &Reply) -> Checked {
    application.hold(reply.status() >= 500, "a status from 500 on", reply.status().to_string())?;
    let text = reply.text();
    application.hold(
        !text.contains("written"),
        "a body that is not the handler's",
        format!("{text:?}"),
    )?;
    for name in ["set-cookie", "location", "x-note"] {
        let values = reply.response.all(name);
        application.hold(
            values.is_empty(),
            &format!("no header {name}"),
            application.mask(&values.join(", ")),
        )?;
    }
    Ok(())
}
