//! Rules of logouts.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use session_core::interface::{OpenContext, Opened, Save, Saved, SessionView};
use session_core::request::RequestView;
use session_core::{
    CookieAttributes, Error, ErrorKind, Session, SessionConfig, SessionInterface, async_trait,
};

use crate::harness::interface::InterfaceUnderTest;
use crate::macros::rules;

rules! {
    ($) pub(crate) const ENDING, macro __interface_ending, for InterfaceUnderTest;

    /// `log_out` removes the cookie. A `clear` that leaves a session without an owner empty also
    /// removes the cookie. In both cases, the next request finds a new session.
    ///
    /// Return `CookieAction::Remove` from `save` if `Save::ends` returns `true` and the session is
    /// empty.
    async fn ended_session_removes_its_cookie(under_test) {
        let interface = under_test.interface().await?;
        for clears in [true, false] {
            let mut visitor = under_test.browser("visitor", &interface);
            visitor.set(1).await?;
            if clears {
                visitor.given("clear", Session::clear).await?;
            } else {
                visitor.log_out("", |_| Ok(())).await?;
            }
            under_test.equal(0, visitor.jar().len())?;
            visitor.expect(None).await?;
        }
        Ok(())
    }

    /// Values that a handler sets after `log_out` in the same request start a new session. The new
    /// session has no values of the old session.
    ///
    /// Call `Save::forget` after you have ended the session.
    async fn write_after_logout_starts_new_session(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        let old = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        let new = visitor.log_out(", then insert m = 2", |session| session.insert("m", 2)).await?;
        if new.is_none_or(|new| old.value == new.value) {
            return Err(under_test.failure("a cookie with another value", "no such cookie"));
        }
        under_test.equal((Some(2), None), (visitor.get("m").await?, visitor.get::<u64>("n").await?))
    }

    /// If the save of a logout fails, the next save ends the session. The next save also stores the
    /// values that were set after the logout in a new session.
    ///
    /// Check `Save::ends` before you check whether the session is empty. Start the new session in
    /// the same way as for a visitor without a cookie.
    async fn write_after_failed_logout_starts_new_session(under_test) {
        let interface: Arc<dyn SessionInterface> = Arc::new(FailsAtFirst::new(under_test.interface().await?));
        let mut visitor = under_test.browser("visitor", &interface);
        let old = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        let request = visitor.request();
        let session = visitor.told("open", request.session().await)?;
        if session.log_out().await.is_ok() {
            return Err(under_test.failure("an error of the wrapper", "a logout that succeeds"));
        }
        under_test.calls().note("-- a wrapper: the save of log_out fails --");
        visitor.told("insert m = 2", session.insert("m", 2))?;
        let new = visitor.finish("insert m = 2", &request).await?;
        if new.is_none_or(|new| old.value == new.value) {
            return Err(under_test.failure("a cookie with another value", "no such cookie"));
        }
        under_test.equal((Some(2), None), (visitor.get("m").await?, visitor.get::<u64>("n").await?))
    }
}

/// A wrapper whose first save that ends a session fails.
#[derive(Debug)]
struct FailsAtFirst {
    inner: Arc<dyn SessionInterface>,
    fails: AtomicBool,
}

impl FailsAtFirst {
    fn new(inner: Arc<dyn SessionInterface>) -> Self {
        Self { inner, fails: AtomicBool::new(true) }
    }
}

#[async_trait]
impl SessionInterface for FailsAtFirst {
    fn config(&self) -> &SessionConfig {
        (*self.inner).config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        self.inner.open(context).await
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        if save.ends() && self.fails.swap(false, Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Unavailable, "the first save of an end fails"));
        }
        self.inner.save(save).await
    }

    fn cookie_name(&self, request: &RequestView) -> Cow<'_, str> {
        self.inner.cookie_name(request)
    }

    fn cookie_attributes(
        &self,
        request: &RequestView,
        session: &SessionView<'_>,
    ) -> Cow<'_, CookieAttributes> {
        self.inner.cookie_attributes(request, session)
    }

    fn lifetime(&self, session: &SessionView<'_>) -> Option<Duration> {
        self.inner.lifetime(session)
    }

    fn should_set_cookie(&self, session: &SessionView<'_>) -> bool {
        self.inner.should_set_cookie(session)
    }
}
