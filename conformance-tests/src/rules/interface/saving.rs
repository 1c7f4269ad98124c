//! Rules of several saves in one request, and of saves without a change of values.

use session_core::{Outcome, Refresh, Session, SessionConfig};

use crate::harness::interface::InterfaceUnderTest;
use crate::harness::interface::permanent::permanent;
use crate::harness::interface::times::{HOUR, SLACK};
use crate::macros::rules;

rules! {
    ($) pub(crate) const SAVING, macro __interface_saving, for InterfaceUnderTest;

    /// `Session::save` stores the changes made so far and returns `Outcome::Stored`. Other requests
    /// find the changes before the response is sent.
    ///
    /// Store the changes in every save, not only if `Save::is_final` returns `true`.
    async fn save_before_response_is_stored(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        let request = visitor.request();
        let session = visitor.told("open", request.session().await)?;
        visitor.told("insert n = 2", session.insert("n", 2))?;
        let outcome = visitor.told("save", session.save().await)?;
        under_test.calls().note(format!("visitor: insert n = 2, save = {outcome:?}"));
        under_test.equal(Outcome::Stored, outcome)?;
        let mut other = under_test.browser("other tab", &interface);
        other.plant(&cookie.name, &cookie.value);
        other.expect(Some(2)).await?;
        visitor.told("insert m = 3", session.insert("m", 3))?;
        visitor.finish("insert m = 3, after the save", &request).await?;
        under_test.equal((Some(2), Some(3)), (visitor.get("n").await?, visitor.get("m").await?))
    }

    /// After a save, the handler finds the values that other requests have stored in the meantime.
    ///
    /// Pass the merged contents to `Saved::with_contents`.
    async fn handler_finds_merged_values_after_save(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.set(1).await?;
        let request = visitor.request();
        let session = visitor.told("open", request.session().await)?;
        visitor.visit("insert m = 2, in another tab", |session| session.insert("m", 2)).await?;
        visitor.told("insert k = 3", session.insert("k", 3))?;
        visitor.told("save", session.save().await)?;
        under_test.calls().note("visitor: insert k = 3, save, having opened before that");
        under_test.equal(Ok(Some(2)), session.get::<u64>("m").map_err(|error| error.kind()))
    }

    /// A save after a logout in another request returns `Outcome::Dropped`. The handler must not
    /// send an e-mail or accept a payment for a session that has ended.
    ///
    /// Return `Saved::dropped` if the session no longer exists.
    async fn save_after_logout_reports_dropped(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.set(1).await?;
        let request = visitor.request();
        let session = visitor.told("open", request.session().await)?;
        visitor.log_out("", |_| Ok(())).await?;
        visitor.told("insert m = 2", session.insert("m", 2))?;
        let outcome = visitor.told("save", session.save().await)?;
        under_test.calls().note("visitor: insert m = 2, save, having opened before the logout");
        under_test.equal(Outcome::Dropped, outcome)
    }

    /// A renewal does not store a change that `set_modified(false)` has withdrawn.
    ///
    /// If a save is not modified, extend the expiry and write no values. `Save::contents` may have
    /// withdrawn changes.
    async fn renewal_stores_no_withdrawn_change(under_test) {
        let builder = SessionConfig::builder().permanent_lifetime(HOUR).refresh(Refresh::WhenAccessed);
        let (_, mut visitor, _) = permanent(under_test, builder).await?;
        under_test.pass(HOUR * 5 / 6);
        let withdraw = |session: &Session| session.insert("n", 2).and_then(|()| session.set_modified(false));
        visitor.visit("insert n = 2, set_modified(false)", withdraw).await?;
        visitor.expect(Some(1)).await
    }

    /// `set_modified(true)` without a change sets the cookie and extends the expiry.
    ///
    /// Store the session if `Save::is_modified` returns `true`, even if `Save::changes` is empty.
    async fn save_without_changes_extends_expiry_on_demand(under_test) {
        let builder = SessionConfig::builder().permanent_lifetime(HOUR).refresh(Refresh::WhenModified);
        let (_, mut visitor, _) = permanent(under_test, builder).await?;
        under_test.pass(HOUR * 5 / 6);
        visitor.given("set_modified(true)", |session| session.set_modified(true)).await?;
        under_test.pass(HOUR / 2);
        visitor.expect(Some(1)).await
    }

    /// A new id does not change the lifetime of the session.
    ///
    /// Store the session under the new id for `Contents::lifetime`, as in every other save.
    async fn rotation_keeps_lifetime(under_test) {
        let builder = SessionConfig::builder().permanent_lifetime(HOUR).refresh(Refresh::WhenModified);
        let interface = under_test.configured(builder).await?;
        let (mut early, mut late) = (under_test.browser("early", &interface), under_test.browser("late", &interface));
        let mut cookies = Vec::new();
        for visitor in [&mut early, &mut late] {
            let begin = |session: &Session| session.set_lifetime(3 * HOUR).and_then(|()| session.insert("n", 1));
            visitor.given("insert n = 1, lifetime of three hours", begin).await?;
            cookies.push(visitor.given("rotate_id", Session::rotate_id).await?);
        }
        under_test.pass(2 * HOUR);
        early.plant(&cookies[0].name, &cookies[0].value);
        early.expect(Some(1)).await?;
        under_test.pass(HOUR + SLACK);
        late.plant(&cookies[1].name, &cookies[1].value);
        late.expect(None).await
    }
}
