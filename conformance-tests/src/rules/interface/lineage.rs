//! Rules of the lineage, from which the CSRF protection derives its tokens.

use std::sync::Arc;

use session_core::interface::state_of;
use session_core::{Session, SessionInterface};

use crate::harness::interface::InterfaceUnderTest;
use crate::harness::interface::browser::Browser;
use crate::macros::rules;
use crate::report::Failure;

rules! {
    ($) pub(crate) const LINEAGE, macro __interface_lineage, for InterfaceUnderTest;

    /// If `lineage` returns a value, the lineage stays the same in every save and rotation. The
    /// lineage changes at each login and is different for each session. A session that is not
    /// stored has no lineage.
    ///
    /// Store 16 random bytes with the session. Do not compute these bytes from the id, which a
    /// rotation changes, or from the owner. The default implementation, which returns no lineage,
    /// is also correct.
    async fn lineage_stays_until_login(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let none = lineage(&interface, &mut visitor).await?;
        under_test.equal(None, none)?;
        visitor.set(1).await?;
        let first = lineage(&interface, &mut visitor).await?;
        if first.is_none() {
            return Ok(());
        }
        visitor.set(2).await?;
        visitor.visit("rotate_id", Session::rotate_id).await?;
        let rotated = lineage(&interface, &mut visitor).await?;
        let is_same = |one: bool, so: &str| if one { Ok(()) } else { Err(under_test.failure(so, "another")) };
        is_same(first == rotated, "the same lineage after a write and a rotation")?;
        visitor.log_in("", |_| Ok(()), "ada").await?;
        let after_login = lineage(&interface, &mut visitor).await?;
        is_same(after_login.is_some() && first != after_login, "another lineage after the login, and not none")?;
        let mut other = under_test.browser("other", &interface);
        other.log_in("", |_| Ok(()), "ada").await?;
        let of_other = lineage(&interface, &mut other).await?;
        is_same(of_other.is_some() && of_other != after_login, "another lineage for another session of the owner")
    }
}

/// Returns the lineage of the session that the next request opens.
async fn lineage(
    interface: &Arc<dyn SessionInterface>,
    visitor: &mut Browser,
) -> Result<Option<[u8; 16]>, Failure> {
    let mut found = None;
    let look = |session: &Session| {
        found = interface.lineage(&state_of(session));
        Ok(())
    };
    visitor.visit("read the lineage", look).await?;
    Ok(found)
}
