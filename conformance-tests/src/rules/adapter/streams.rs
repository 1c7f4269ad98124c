//! Rules of streamed bodies.

use crate::harness::adapter::AdapterUnderTest;
use crate::harness::adapter::handlers::LATE;
use crate::macros::rules;

rules! {
    ($) pub(crate) const STREAMS, macro __adapter_streams, for AdapterUnderTest;

    /// The session is committed before the first part of a streamed body, and the response has the
    /// headers of the session. A change during the body fails with an error instead of being lost.
    ///
    /// Commit when the handler has returned its response, not when the body has ended. The headers
    /// are sent before the body. Therefore the cookie of a later commit would be lost.
    async fn session_is_committed_before_streamed_body(adapter) {
        let application = adapter.start().await?;
        let cookie = application.cookie("blue").await?;
        for (color, cookies) in [("green", &[][..]), ("red", &[cookie.as_str()])] {
            let reply = application.get(&format!("/streamed/{color}"), cookies).await;
            let text = reply.text();
            let expected = format!("status 200 and a body with \"written: {color}\"");
            let is_whole = reply.status() == 200 && text.contains(&format!("written: {color}"));
            application.hold(is_whole, &expected, format!("status {} and {text:?}", reply.status()))?;
            for number in 1..=LATE {
                let late = format!("late change {number}: Committed");
                application.hold(text.contains(&late), &format!("{late:?} in the streamed body"), format!("{text:?}"))?;
            }
            if cookies.is_empty() {
                application.equal(1, reply.session_cookies().len())?;
            }
            let sent = cookies.first().copied().unwrap_or_default();
            let stored = application.stored(&reply.cookie_after(sent)).await?;
            application.equal(Some(color.to_owned()), stored)?;
        }
        Ok(())
    }
}
