//! Rules that compare responses of every kind with the responses that the core specifies.

use crate::harness::adapter::AdapterUnderTest;
use crate::harness::adapter::application::Application;
use crate::harness::adapter::cases::HEADERS;
use crate::macros::rules;
use crate::report::Checked;

rules! {
    ($) pub(crate) const CASES, macro __adapter_cases, for AdapterUnderTest;

    /// For every use of the session, the response has exactly the headers of the handler and of the
    /// session. The session is stored.
    ///
    /// Fix failing rules about single headers first. The message names the header and the request.
    /// The path of the request has the action of the handler, the status and the kind of headers.
    async fn response_to_every_action_has_session_headers(adapter) {
        let application = adapter.start().await?;
        for action in ACTIONS {
            for (headers, _) in HEADERS {
                compare(&application, "GET", &format!("/case/{action}/200/{headers}")).await?;
            }
        }
        Ok(())
    }

    /// For every method and status, the response has exactly the headers of the handler and of the
    /// session. The session is stored.
    ///
    /// Fix failing rules about single headers first. Commit a session regardless of the method and
    /// the status.
    async fn response_of_every_method_and_status_has_session_headers(adapter) {
        let application = adapter.start().await?;
        for method in ["GET", "HEAD", "POST", "DELETE"] {
            for status in [200, 201, 204, 206, 301, 303, 304, 307, 400, 401, 403, 404, 422, 500, 502, 503] {
                for action in ["read", "write", "log-out"] {
                    compare(&application, method, &format!("/case/{action}/{status}/vary")).await?;
                }
            }
        }
        Ok(())
    }
}

const ACTIONS: [&str; 7] = ["read", "write", "permanent", "flash", "save", "log-in", "log-out"];

/// Compares responses without and with a session with the responses that the core specifies.
async fn compare(application: &Application<'_>, method: &'static str, page: &str) -> Checked {
    application.compare(method, page, None).await?;
    let (sent, twin) = (application.cookie("blue").await?, application.cookie("blue").await?);
    application.compare(method, page, Some([&sent, &twin])).await
}
