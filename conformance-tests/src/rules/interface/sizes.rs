//! Rules of long values.

use session_core::{ErrorKind, SessionConfig};

use crate::harness::interface::InterfaceUnderTest;
use crate::harness::interface::browser::Browser;
use crate::macros::rules;
use crate::report::{Checked, Failure};

rules! {
    ($) pub(crate) const SIZES, macro __interface_sizes, for InterfaceUnderTest;

    /// A value of up to 30,000 bytes with any characters is read as written.
    ///
    /// Store the whole payload, and compare its length with your limit before the write. In a
    /// cookie, a session of this length exceeds the limit of browsers. Therefore this rule disables
    /// the limit of the configuration.
    async fn long_value_is_read(under_test) {
        let interface = under_test.configured(SessionConfig::builder().max_cookie_size(0)).await?;
        for (length, letters) in [(3_000, "ab"), (9_000, "xyé"), (17_000, "0"), (30_000, "qwertz")] {
            let mut visitor = under_test.browser("visitor", &interface);
            visitor.set(1).await?;
            let text = text(length, letters);
            let what = format!("insert a text of {length} bytes");
            visitor.visit(&what, |session| session.insert("text", &text)).await?;
            visitor.set(2).await?;
            read(under_test, &mut visitor, &text).await?;
            visitor.expect(Some(2)).await?;
        }
        Ok(())
    }
}

rules! {
    ($) pub(crate) const SIZES_ON_SERVER, macro __interface_sizes_on_server, for InterfaceUnderTest;

    /// A value of any length is read as written, or its save fails with an error of kind
    /// `TooLarge`. If the save fails, the session stays unchanged.
    ///
    /// Compare the length of the payload with the limit of your backend before the write. Never
    /// truncate a payload.
    async fn longer_value_is_read_or_refused(under_test) {
        let interface = under_test.interface().await?;
        for length in [70_000, 1_100_000] {
            let mut visitor = under_test.browser("visitor", &interface);
            visitor.set(1).await?;
            let text = text(length, "abc");
            let request = visitor.request();
            let session = visitor.told("open", request.session().await)?;
            visitor.told("insert", session.insert("text", &text))?;
            let failed = request.commit().await.error.map(|error| error.kind());
            under_test.calls().note(format!("visitor: insert a text of {length} bytes -> {failed:?}"));
            match failed {
                None => read(under_test, &mut visitor, &text).await?,
                Some(kind) => {
                    under_test.equal(ErrorKind::TooLarge, kind)?;
                    under_test.equal(None, visitor.get::<String>("text").await?)?;
                }
            }
            visitor.expect(Some(1)).await?;
        }
        Ok(())
    }
}

/// Returns a text of this length whose end differs from its start.
fn text(length: usize, letters: &str) -> String {
    let mut text = letters.repeat(length.saturating_sub(4) / letters.len());
    text.push_str("end.");
    text
}

/// Fails unless the session has this text.
async fn read(under_test: &InterfaceUnderTest, visitor: &mut Browser, text: &str) -> Checked {
    let seen = visitor.get::<String>("text").await?.unwrap_or_default();
    let shown = |text: &str| -> String {
        let end: String = text.chars().rev().take(12).collect();
        format!("{} bytes that end with {:?}", text.len(), end.chars().rev().collect::<String>())
    };
    let differs = || -> Failure { under_test.failure(shown(text), shown(&seen)) };
    if seen == text { Ok(()) } else { Err(differs()) }
}
