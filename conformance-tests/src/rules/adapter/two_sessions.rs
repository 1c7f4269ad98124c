//! Rules of an application with two types of sessions.

use session_core::ErrorKind;

use crate::harness::adapter::AdapterUnderTest;
use crate::harness::adapter::application::{Application, TOKEN, request};
use crate::harness::adapter::reply::{Reply, attributes};
use crate::macros::rules;
use crate::report::{Checked, Failure};

rules! {
    ($) pub(crate) const TWO_SESSIONS, macro __adapter_two_sessions, for AdapterUnderTest;

    /// In an application with two types of sessions, each handler receives the session of its type,
    /// regardless of the order of the cookies. A type without a cookie in the request has no
    /// session.
    ///
    /// Store both sessions in the request, each under its type. `SessionStack` implements this.
    async fn handler_gets_session_of_its_type(adapter) {
        let both = adapter.start_two_with(|settings| settings).await?;
        let [blue, red] = cookies(&both).await?;
        let (joined, reversed) = (format!("{blue}; {red}"), format!("{red}; {blue}"));
        let orders: [&[&str]; 4] = [&[&joined], &[&reversed], &[&blue, &red], &[&red, &blue]];
        for cookies in orders {
            reads(&both, cookies, ["blue", "red"]).await?;
        }
        reads(&both, &[&blue], ["blue", "nothing"]).await?;
        reads(&both, &[&red], ["nothing", "red"]).await
    }

    /// If a handler changes the sessions of both types, the response sets both cookies. Each cookie
    /// opens its session.
    ///
    /// Commit each session, and append the headers of both sessions. Do not replace `Set-Cookie`.
    async fn response_sets_cookies_of_both_sessions(adapter) {
        let both = adapter.start_two_with(|settings| settings).await?;
        let reply = both[0].get("/both", &["theme=dark"]).await;
        let [blue, red] = set_by(&both, &reply)?;
        reads(&both, &[&blue, &red], ["blue", "red"]).await
    }

    /// A request opens and saves only the sessions that its handler obtains. The response neither
    /// sets nor removes the cookie of the other type.
    ///
    /// Open a session when the handler obtains it, and commit each session separately.
    async fn session_of_other_type_is_untouched(adapter) {
        let both = adapter.start_two_with(|settings| settings).await?;
        let [blue, red] = cookies(&both).await?;
        for (used, other, page) in [(0, 1, "/write/green"), (1, 0, "/second/write/green")] {
            for sent in [format!("{blue}; {red}"), [&blue, &red][other].clone()] {
                let before = both[other].observed.requests().len();
                let reply = both[used].get(page, &[&sent]).await;
                let opened = both[other].observed.requests().len() - before;
                let expected = format!("no session of the other type is opened by {page}");
                both[used].hold(opened == 0, &expected, format!("{opened} opened"))?;
                let set = reply.with_name(both[other].cookie_name()).session_cookies().len();
                let expected = format!("{page} leaves the cookie of the other type");
                both[used].hold(set == 0, &expected, format!("{set} `Set-Cookie` headers for it"))?;
            }
        }
        Ok(())
    }

    /// A logout of one session changes neither the session of the other type nor its cookie.
    ///
    /// Remove only the cookie that `SessionHeaders::fields` removes.
    async fn logout_leaves_session_of_other_type(adapter) {
        for (out, kept, page) in [(0, 1, "/logout"), (1, 0, "/second/logout")] {
            let both = adapter.start_two_with(|settings| settings).await?;
            let cookies = cookies(&both).await?;
            let reply = both[out].get(page, &[&cookies[0], &cookies[1]]).await;
            let removed = reply.session_cookies().len();
            let other = reply.with_name(both[kept].cookie_name()).session_cookies().len();
            both[out].equal((200, 1, 0), (reply.status(), removed, other))?;
            let color = ["blue", "red"][kept].to_owned();
            both[kept].equal(Some(color), both[kept].stored(&cookies[kept]).await?)?;
        }
        Ok(())
    }

    /// Each cookie is set with the attributes of its type.
    ///
    /// Store no settings outside the session of each type.
    async fn each_type_has_its_cookie_attributes(adapter) {
        let both = adapter
            .start_two_with(|settings| settings.cookie_domain("shop.example").cookie_path("/second"))
            .await?;
        let reply = both[0].get("/both", &[]).await;
        for application in &both {
            let rendered = application.rendered(|session| session.insert("color", "blue")).await?;
            let header = reply.with_name(application.cookie_name()).session_cookies().pop();
            application.equal(attributes(&rendered), attributes(&header.unwrap_or_default()))?;
        }
        Ok(())
    }

    /// If one type uses a cookie and the other type uses a token in a header, each of them selects
    /// its own session. If a response depends on both sessions, `Vary` names `Cookie` and the token
    /// header.
    ///
    /// Read the token header of each type. Merge `Vary` for each type instead of replacing the
    /// header.
    async fn cookie_and_token_select_own_sessions(adapter) {
        let both = adapter.start_two_with(|settings| settings.token_header(TOKEN)).await?;
        let [pages, api] = &both;
        let (cookie, token) = (pages.cookie("blue").await?, api.token("red").await?);
        let sent = |page| request(page, &[cookie.as_bytes()]).with(TOKEN, token.as_bytes());
        for (application, page, color) in [(pages, "/read", "blue"), (api, "/second/read", "red")] {
            let reply = application.send(sent(page)).await;
            application.equal((200, format!("read: {color}")), (reply.status(), reply.text()))?;
        }
        let reply = pages.get("/both", &[]).await;
        let mut vary = reply.vary();
        vary.sort_unstable();
        pages.equal(vec!["cookie".to_owned(), TOKEN.to_owned()], vary)?;
        pages.equal((1, 1), (reply.session_cookies().len(), reply.response.all(TOKEN).len()))
    }

    /// While the backend of one type is down, handlers that use the session of the other type still
    /// run.
    ///
    /// Open a session when the handler obtains it.
    async fn outage_leaves_session_of_other_type(adapter) {
        for (down, page, color) in [(0, "/second/read", "red"), (1, "/read", "blue")] {
            let both = adapter.start_two_with(|settings| settings).await?;
            let [blue, red] = cookies(&both).await?;
            both[down].observed.fail_open(ErrorKind::Unavailable);
            let reply = both[1 - down].get(page, &[&blue, &red]).await;
            both[1 - down].equal((200, format!("read: {color}")), (reply.status(), reply.text()))?;
        }
        Ok(())
    }

    /// If the session of one type cannot be saved, the client receives an error response. The error
    /// response sets the cookie of the session that was saved before. Otherwise, the client loses
    /// this session.
    ///
    /// Append the headers of every commit to the error response. With `SessionStack`,
    /// `Committed::headers` of a failed save also has the headers of the inner sessions.
    async fn failed_save_keeps_cookie_of_other_session(adapter) {
        for failing in [0, 1] {
            let both = adapter.start_two_with(|settings| settings).await?;
            let other = &both[1 - failing];
            both[failing].observed.fail_save(ErrorKind::Unavailable);
            let reply = both[failing].get("/both", &[]).await;
            both[failing].equal((503, 0), (reply.status(), reply.session_cookies().len()))?;
            if other.observed.saved() == 0 {
                continue;
            }
            let reply = reply.with_name(other.cookie_name());
            let set = reply.session_cookies().len();
            other.hold(set == 1, "one `Set-Cookie` header of the saved session", format!("{set} of them"))?;
            let caching = reply.response.all("cache-control").join(", ");
            let is_closed = ["no-store", "private"].iter().any(|word| caching.contains(word));
            other.hold(is_closed, "a response that no shared cache stores", format!("Cache-Control: {caching}"))?;
            let color = ["blue", "red"][1 - failing].to_owned();
            other.equal(Some(color), other.stored(&reply.cookie()).await?)?;
        }
        Ok(())
    }
}

/// Returns the cookies of a blue session of the first type and a red session of the second type.
async fn cookies(both: &[Application<'_>; 2]) -> Result<[String; 2], Failure> {
    Ok([both[0].cookie("blue").await?, both[1].cookie("red").await?])
}

/// Fails unless the handlers of both types read these colors.
async fn reads(both: &[Application<'_>; 2], cookies: &[&str], colors: [&str; 2]) -> Checked {
    for ((application, page), color) in both.iter().zip(["/read", "/second/read"]).zip(colors) {
        let reply = application.get(page, cookies).await;
        application.equal((200, format!("read: {color}")), (reply.status(), reply.text()))?;
    }
    Ok(())
}

/// Returns the cookies that a response sets for both types, each exactly once.
fn set_by(both: &[Application<'_>; 2], reply: &Reply) -> Result<[String; 2], Failure> {
    let [first, second] = [0, 1].map(|index| reply.with_name(both[index].cookie_name()));
    both[0].equal((1, 1), (first.session_cookies().len(), second.session_cookies().len()))?;
    Ok([first.cookie(), second.cookie()])
}
