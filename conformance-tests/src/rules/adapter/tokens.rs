//! Rules of session tokens in a header.

use crate::harness::adapter::AdapterUnderTest;
use crate::harness::adapter::application::{TOKEN, request};
use crate::macros::rules;

rules! {
    ($) pub(crate) const TOKENS, macro __adapter_tokens, for AdapterUnderTest;

    /// If a token header is configured, the response to the first write has the session token in
    /// this header. The response has no session cookie.
    ///
    /// Append every header of `SessionHeaders::fields`, not only `Set-Cookie`.
    async fn token_is_written_to_configured_header(adapter) {
        let application = adapter.start_with(|settings| settings.token_header(TOKEN)).await?;
        let reply = application.get("/write/blue", &[]).await;
        application.equal((200, Vec::new()), (reply.status(), reply.session_cookies()))?;
        let tokens = reply.response.all(TOKEN);
        let [token] = tokens.as_slice() else {
            return Err(application.failure("one token in the header", format!("{} of them", tokens.len())));
        };
        application.equal(Some("blue".to_owned()), application.stored_by_token(token).await?)
    }

    /// If a token header is configured, `Vary` names the request header of the token instead of
    /// `Cookie`. No cache may store a response that sets the token.
    ///
    /// Insert the result of `SessionHeaders::merged_vary`, not `Cookie`.
    async fn response_varies_by_token_header(adapter) {
        let application = adapter.start_with(|settings| settings.token_header(TOKEN)).await?;
        application.equal(vec![TOKEN.to_owned()], application.get("/case/read", &[]).await.vary())?;
        let reply = application.get("/case/write", &[]).await;
        application.equal(vec![TOKEN.to_owned()], reply.vary())?;
        application.equal(vec!["no-store".to_owned()], reply.response.all("cache-control"))?;
        let application = adapter.start_with(|settings| settings.bearer_token(TOKEN)).await?;
        application.equal(vec!["authorization".to_owned()], application.get("/case/read", &[]).await.vary())
    }

    /// If a token header is configured, the token in this header selects the session.
    ///
    /// Call `RequestViewBuilder::token_header` for each value of the header that
    /// `SessionConfig::token_header` names.
    async fn token_is_read_from_configured_header(adapter) {
        let application = adapter.start_with(|settings| settings.token_header(TOKEN)).await?;
        let token = application.token("blue").await?;
        let reply = application.send(request("/read", &[]).with(TOKEN, token.as_bytes())).await;
        application.equal("read: blue".to_owned(), reply.text())
    }

    /// If bearer tokens are configured, the token in `Authorization` selects the session.
    ///
    /// Read the header that `SessionConfig::token_header` names, not the header that responses use.
    async fn bearer_token_is_read_from_authorization(adapter) {
        let application = adapter.start_with(|settings| settings.bearer_token(TOKEN)).await?;
        let token = format!("Bearer {}", application.token("blue").await?);
        let reply = application.send(request("/read", &[]).with("authorization", token.as_bytes())).await;
        application.equal("read: blue".to_owned(), reply.text())
    }

    /// The response to a logout has the token header with an empty value.
    ///
    /// Append a header with an empty value like any other header.
    async fn logout_sends_empty_token(adapter) {
        let application = adapter.start_with(|settings| settings.token_header(TOKEN)).await?;
        let token = application.token("blue").await?;
        let reply = application.send(request("/logout", &[]).with(TOKEN, token.as_bytes())).await;
        application.equal(vec![String::new()], reply.response.all(TOKEN))
    }

    /// A request with a token in the header and a session cookie is rejected with status 400.
    ///
    /// Forward the cookies in addition to the token. Respond to `ErrorKind::AmbiguousToken` with
    /// status 400.
    async fn token_beside_session_cookie_is_refused(adapter) {
        let application = adapter.start_with(|settings| settings.token_header(TOKEN)).await?;
        let token = application.token("blue").await?;
        let cookie = format!("{}={token}", application.cookie_name());
        let reply = application.send(request("/read", &[cookie.as_bytes()]).with(TOKEN, token.as_bytes())).await;
        application.equal(400, reply.status())
    }

    /// A request with several tokens is rejected with status 400.
    ///
    /// Forward every value of the header, not only the first value.
    async fn several_tokens_are_refused(adapter) {
        let application = adapter.start_with(|settings| settings.token_header(TOKEN)).await?;
        let (first, second) = (application.token("blue").await?, application.token("red").await?);
        let request = request("/read", &[]).with(TOKEN, first.as_bytes()).with(TOKEN, second.as_bytes());
        application.equal(400, application.send(request).await.status())
    }
}
