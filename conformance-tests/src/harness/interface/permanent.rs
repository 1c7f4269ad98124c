//! Visitors with a permanent session.

use std::sync::Arc;

use session_core::SessionInterface;

use crate::harness::interface::InterfaceUnderTest;
use crate::harness::interface::browser::{Browser, SetCookie};
use crate::report::Failure;

/// Returns a visitor with a permanent session, in which `n` is 1.
pub(crate) async fn permanent(
    under_test: &InterfaceUnderTest,
    builder: session_core::SessionConfigBuilder,
) -> Result<(Arc<dyn SessionInterface>, Browser, SetCookie), Failure> {
    let interface = under_test.configured(builder).await?;
    let mut visitor = under_test.browser("visitor", &interface);
    let cookie = begin(&mut visitor).await?;
    Ok((interface, visitor, cookie))
}

pub(crate) async fn begin(visitor: &mut Browser) -> Result<SetCookie, Failure> {
    visitor
        .given("insert n = 1, permanent", |session| {
            session.set_permanent(true)?;
            session.insert("n", 1)
        })
        .await
}
