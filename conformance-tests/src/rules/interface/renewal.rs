//! Rules of the renewal of a session.

use session_core::{Refresh, SessionConfig};

use crate::harness::interface::InterfaceUnderTest;
use crate::harness::interface::permanent::permanent;
use crate::harness::interface::times::{HOUR, SLACK};
use crate::macros::rules;

rules! {
    ($) pub(crate) const RENEWAL, macro __interface_renewal, for InterfaceUnderTest;

    /// With `Refresh::WhenAccessed`, a read extends the expiry of a permanent session.
    ///
    /// Return an `Opened` with the result of `SessionConfig::renewal`, or without a renewal.
    /// Without a renewal, Flask's rule applies. Store the new expiry in `save`, even if the session
    /// is not modified.
    async fn read_extends_expiry(under_test) {
        let builder = SessionConfig::builder().permanent_lifetime(HOUR).refresh(Refresh::WhenAccessed);
        let (_, mut visitor, _) = permanent(under_test, builder).await?;
        for _ in 0..3 {
            under_test.pass(HOUR * 5 / 6);
            visitor.expect(Some(1)).await?;
        }
        Ok(())
    }

    /// With `Refresh::WhenAccessed`, a request whose handler does not obtain the session sets no
    /// cookie and does not extend the expiry.
    ///
    /// `config` must return the configuration with which the interface was created.
    async fn request_without_session_extends_nothing(under_test) {
        let builder = SessionConfig::builder().permanent_lifetime(HOUR).refresh(Refresh::WhenAccessed);
        let (_, mut visitor, _) = permanent(under_test, builder).await?;
        under_test.pass(HOUR * 5 / 6);
        let request = visitor.request();
        let set = visitor.finish("nothing", &request).await?;
        under_test.equal(None, set)
    }

    /// With `Refresh::EachRequest`, every request that sends the cookie extends the expiry of a
    /// permanent session, even if the handler does not obtain the session.
    ///
    /// Use `RenewOn::AnyRequest` if you compute the renewal yourself.
    async fn each_request_extends_expiry_if_configured(under_test) {
        let builder = SessionConfig::builder().permanent_lifetime(HOUR).refresh(Refresh::EachRequest);
        let (_, mut visitor, _) = permanent(under_test, builder).await?;
        for _ in 0..3 {
            under_test.pass(HOUR * 5 / 6);
            let request = visitor.request();
            visitor.finish("nothing", &request).await?;
        }
        visitor.expect(Some(1)).await
    }

    /// With `Refresh::WhenModified`, only a change extends the expiry. A read neither sets the
    /// cookie nor extends the expiry.
    ///
    /// Use `RenewOn::Never` if you compute the renewal yourself.
    async fn only_change_extends_expiry_if_configured(under_test) {
        let builder = SessionConfig::builder().permanent_lifetime(HOUR).refresh(Refresh::WhenModified);
        let (_, mut visitor, cookie) = permanent(under_test, builder).await?;
        under_test.pass(HOUR * 5 / 6);
        let set = visitor.visit("read", |session| session.get::<u64>("n").map(|_| ())).await?;
        under_test.equal(None, set)?;
        under_test.pass(HOUR / 6 + SLACK);
        visitor.plant(&cookie.name, &cookie.value);
        visitor.expect(None).await
    }

    /// A read of a session that ends with the browser sets no cookie.
    ///
    /// Set `Renewal::cookie` only for a session that has a lifetime, and do not override
    /// `should_set_cookie`. A `Set-Cookie` on every read makes every page private for caches, and
    /// restores a cookie that another tab has removed.
    async fn read_of_browser_session_sets_no_cookie(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        visitor.set(1).await?;
        under_test.pass(HOUR);
        let set = visitor.visit("read", |session| session.get::<u64>("n").map(|_| ())).await?;
        under_test.equal(None, set)
    }
}
