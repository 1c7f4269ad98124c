//! Rules of a request's end: renewal, sealing, and what a failure of the sessions becomes.

use std::time::Duration;

use session_core::{ErrorKind, Refresh};

use super::AdapterUnderTest;
use super::application::Application;
use super::observed::SECRET;
use super::reply::Reply;
use crate::failure::Checked;
use crate::rule::rules;

/// Half of a permanent session's life.
const HALF: Duration = Duration::from_hours(15 * 24);

rules! {
    ($) pub(crate) const ENDS, macro __adapter_ends, for AdapterUnderTest;

    /// Reading a permanent session renews it: half its life later the response sets the cookie again.
    ///
    /// Commit every session that was opened, and append the cookie that the commit gives, whether or not something was written.
    async fn a_read_renews_a_permanent_session(adapter) {
        let application = adapter.start().await?;
        let cookie = application.permanent_cookie("blue").await?;
        application.pass(HALF);
        let reply = application.get("/read", &[&cookie]).await;
        application.equal(1, reply.session_cookies().len())
    }

    /// Under `Refresh::EachRequest` a permanent session is renewed also by a request whose handler leaves it alone.
    ///
    /// Leave the decision to `RequestSession::close_untouched`: if it says false, commit, whether or not a handler asked for the session.
    async fn each_request_renews_if_so_configured(adapter) {
        let application = adapter.start_with(|settings| settings.refresh(Refresh::EachRequest)).await?;
        let cookie = application.permanent_cookie("blue").await?;
        application.pass(HALF);
        let reply = application.get("/untouched", &[&cookie]).await;
        application.equal((200, 1), (reply.status(), reply.session_cookies().len()))
    }

    /// When the response is made, the session is sealed: a task that still holds it gets an error, and no change that is lost.
    ///
    /// Commit every session that was opened, also one that was only read: committing is what seals it.
    async fn a_session_is_sealed_when_its_response_is_made(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        for page in ["/read", "/write/red"] {
            application.get(page, &[&cookie]).await;
            let Some(session) = application.observed.sessions().pop() else {
                return Err(application.failure("a call of SessionInterface::open", "none"));
            };
            let late = session.insert("late", true).map_err(|error| error.kind());
            let seen = format!("{late:?} from an `insert` after the response");
            application.hold(late == Err(ErrorKind::Sealed), "an error of kind Sealed", seen)?;
        }
        Ok(())
    }

    /// If the session cannot be saved, the client gets an error and nothing of the handler's response: neither its body, nor its
    /// headers, nor a cookie.
    ///
    /// Make a new response when the commit fails.
    async fn an_unsaved_session_is_an_error_response(adapter) {
        let application = adapter.start().await?;
        application.observed.fail_save(ErrorKind::Backend);
        for page in ["/created/blue", "/own-cookie"] {
            let reply = application.get(page, &[]).await;
            refused(&application, &reply)?;
        }
        Ok(())
    }

    /// If the backend is down when a session is to be saved, the status is 503.
    ///
    /// Make 503 of `ErrorKind::Unavailable`, and 500 of the others.
    async fn an_outage_at_the_save_is_503(adapter) {
        let application = adapter.start().await?;
        application.observed.fail_save(ErrorKind::Unavailable);
        let reply = application.get("/write/blue", &[]).await;
        application.equal(503, reply.status())
    }

    /// If the session cannot be opened, the handler that asks for it does not run, and the client gets an error: 503 if the backend
    /// is down.
    ///
    /// Return the error from your extractor. Never hand out an empty session instead: it would be stored over the real one.
    async fn an_unopened_session_is_an_error_before_the_handler(adapter) {
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

    /// An error response shows nothing of the error's text, which may name hosts and tables.
    ///
    /// Log the error with its sources, and answer with a text of your own.
    async fn an_error_response_tells_nothing_of_the_inside(adapter) {
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

    /// While the backend is down, a request whose handler leaves the session alone is served as ever, even where it should be renewed.
    ///
    /// Commit and nothing else: it lets a renewal that fails be.
    async fn an_outage_leaves_untouched_requests_alone(adapter) {
        let application = adapter.start_with(|settings| settings.refresh(Refresh::EachRequest)).await?;
        let cookie = application.permanent_cookie("blue").await?;
        application.observed.fail_open(ErrorKind::Unavailable);
        let reply = application.get("/untouched", &[&cookie]).await;
        application.equal((200, "untouched".to_owned()), (reply.status(), reply.text()))
    }
}

/// Fails unless this is an error response without anything of a handler's.
fn refused(application: &Application<'_>, reply: &Reply) -> Checked {
    application.hold(reply.status() >= 500, "a status from 500 on", reply.status().to_string())?;
    let text = reply.text();
    application.hold(!text.contains("written"), "a body that is not the handler's", format!("{text:?}"))?;
    for name in ["set-cookie", "location", "x-note"] {
        let values = reply.response.all(name);
        application.hold(values.is_empty(), &format!("no header {name}"), application.mask(&values.join(", ")))?;
    }
    Ok(())
}
