//! The interface for when nothing is configured: every session is the null session.

use std::borrow::Cow;

use async_trait::async_trait;

use crate::{CookieAction, Error, OpenContext, SaveContext, Session, SessionConfig, SessionInterface};

/// Hands out [null sessions](Session::null): an application without a key or a backend starts, serves what needs no
/// session, and says at the first write what to configure.
///
/// ```
/// use session_core::{NullSessions, RequestSession, RequestView};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let interface = NullSessions::new("set SECRET_KEY to keep sessions");
/// let request = RequestSession::new(interface, RequestView::default());
/// let session = request.session().await?;
/// assert!(session.is_empty());
/// assert_eq!(session.insert("a", 1).unwrap_err().to_string(), "set SECRET_KEY to keep sessions");
/// # Ok::<(), session_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct NullSessions {
    config: SessionConfig,
    reason: Cow<'static, str>,
}

impl NullSessions {
    /// Null sessions whose writes fail with this text.
    ///
    /// ```
    /// # use session_core::NullSessions;
    /// let _interface = NullSessions::new("set SECRET_KEY to keep sessions");
    /// ```
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { config: SessionConfig::default(), reason: reason.into() }
    }
}

#[async_trait]
impl SessionInterface for NullSessions {
    fn config(&self) -> &SessionConfig {
        &self.config
    }

    async fn open(&self, _: &OpenContext<'_>) -> Result<Session, Error> {
        Ok(Session::null(self.reason.clone()))
    }

    async fn save(&self, _: &Session, _: &SaveContext<'_>) -> Result<CookieAction, Error> {
        Ok(CookieAction::Keep)
    }
}
