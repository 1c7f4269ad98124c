//! Rules of an interface that keeps the session in the cookie itself.

use session_core::{ErrorKind, Oversize, SessionConfig};

use super::InterfaceUnderTest;
use crate::rule::rules;

rules! {
    ($) pub(crate) const ON_CLIENT, macro __interface_on_client, for InterfaceUnderTest;

    /// A cookie in which one character was changed, wherever it is, or of which the end is missing, is a fresh and empty session.
    ///
    /// Sign all of it, and verify before you look inside.
    async fn an_edited_cookie_is_refused(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        let mut edited: Vec<_> = (0..cookie.value.len()).map(|at| with_another_letter(&cookie.value, at)).collect();
        edited.extend((1..6).map(|cut| cookie.value[..cookie.value.len().saturating_sub(cut)].to_owned()));
        for value in edited {
            let mut forger = under_test.browser("forger", &interface);
            forger.plant(&cookie.name, &value);
            forger.expect(None).await?;
        }
        Ok(())
    }

    /// Another instance of the same configuration opens the cookie: nothing is kept but in it.
    ///
    /// Keep no state between `save` and `open`.
    async fn another_instance_opens_the_cookie(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        let mut elsewhere = under_test.browser("the same, at another instance", &under_test.interface().await?);
        elsewhere.plant(&cookie.name, &cookie.value);
        elsewhere.expect(Some(1)).await
    }

    /// A session that does not fit into a cookie is an error of kind `TooLarge`, if the configuration says so, and the browser keeps the
    /// cookie that it has.
    ///
    /// Return `CookieAction::Set` with all of it: the core measures the cookie. Cut nothing off, and do not split it.
    async fn a_session_that_does_not_fit_is_refused(under_test) {
        let builder = SessionConfig::builder().oversize(Oversize::Refuse);
        let mut visitor = under_test.browser("visitor", &under_test.configured(builder).await?);
        visitor.set(1).await?;
        let request = visitor.request();
        let session = request.session().await.map_err(|error| under_test.failure("no error", error.to_string()))?;
        let noise: String = (0..5000).map(|_| fastrand::alphanumeric()).collect();
        session.insert("noise", noise).map_err(|error| under_test.failure("no error", error.to_string()))?;
        under_test.calls().note("visitor: insert 5,000 random characters");
        let seen = request.commit().await.map(|_| ()).map_err(|error| error.kind());
        under_test.equal(Err(ErrorKind::TooLarge), seen)?;
        visitor.expect(Some(1)).await
    }
}

/// The value with the letter at one place changed in its highest bit: the lowest bits of a base64 text's last letter say nothing.
fn with_another_letter(value: &str, at: usize) -> String {
    const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let other = |old: char| match BASE64.find(old) {
        Some(number) => char::from(BASE64.as_bytes()[number ^ 32]),
        None => 'A',
    };
    value.char_indices().map(|(index, old)| if index == at { other(old) } else { old }).collect()
}
