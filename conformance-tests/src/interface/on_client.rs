//! Rules of an interface that stores the session in the cookie.

use std::time::Duration;

use session_core::{ErrorKind, Refresh, SessionConfig};

use super::InterfaceUnderTest;
use crate::rule::rules;

rules! {
    ($) pub(crate) const ON_CLIENT, macro __interface_on_client, for InterfaceUnderTest;

    /// A cookie with one changed character, at any position, or without its end opens a new and
    /// empty session.
    ///
    /// Sign the whole value, and verify the signature before you read the value.
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

    /// Another instance with the same configuration opens the cookie.
    ///
    /// Keep no state between `save` and `open`.
    async fn another_instance_opens_the_cookie(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        let mut elsewhere = under_test.browser("the same, at another instance", &under_test.interface().await?);
        elsewhere.plant(&cookie.name, &cookie.value);
        elsewhere.expect(Some(1)).await
    }

    /// With `Refresh::WhenAccessed`, a read of a permanent session sets no cookie before a tenth of
    /// the lifetime has passed since the cookie was set. After a minute, it does.
    ///
    /// Open the session with the renewal that `SessionConfig::cookie_renewal` returns. A cookie
    /// that a read sets may replace the changes of a concurrent request, or undo a logout.
    async fn a_read_sets_the_cookie_only_when_that_is_due(under_test) {
        let hour = Duration::from_hours(1);
        let builder = SessionConfig::builder().permanent_lifetime(hour).refresh(Refresh::WhenAccessed);
        let mut visitor = under_test.browser("visitor", &under_test.configured(builder).await?);
        visitor
            .given("insert n = 1, permanent", |session| {
                session.set_permanent(true)?;
                session.insert("n", 1)
            })
            .await?;
        for (seconds, due) in [(0, false), (30, false), (32, true), (1, false)] {
            under_test.pass(Duration::from_secs(seconds));
            let set = visitor.visit("read", |session| session.get::<u64>("n").map(|_| ())).await?;
            under_test.equal(due, set.is_some())?;
        }
        Ok(())
    }

    /// The commit of a session whose cookie would be too large fails with an error of kind
    /// `TooLarge`, and the client keeps its cookie.
    ///
    /// Return `CookieAction::Set` with the whole value: the core checks the size. Do not truncate
    /// or split it.
    async fn a_session_that_does_not_fit_is_refused(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        visitor.set(1).await?;
        let request = visitor.request();
        let session = request.session().await.map_err(|error| under_test.failure("no error", error.to_string()))?;
        let noise: String = (0..5000).map(|_| fastrand::alphanumeric()).collect();
        session.insert("noise", noise).map_err(|error| under_test.failure("no error", error.to_string()))?;
        under_test.calls().note("visitor: insert 5,000 random characters");
        let seen = request.commit().await.error.map(|error| error.kind());
        under_test.equal(Some(ErrorKind::TooLarge), seen)?;
        visitor.expect(Some(1)).await
    }
}

/// Returns the value with the highest bit of one letter changed. The lowest bits of the last letter
/// of a base64 text have no meaning.
fn with_another_letter(value: &str, at: usize) -> String {
    const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let other = |old: char| match BASE64.find(old) {
        Some(number) => char::from(BASE64.as_bytes()[number ^ 32]),
        None => 'A',
    };
    value.char_indices().map(|(index, old)| if index == at { other(old) } else { old }).collect()
}
