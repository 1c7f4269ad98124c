//! Requests to an application, as an adapter runs them.

use std::sync::Arc;

use session_core::request::{RequestSession, RequestView};
use session_core::{Error, OutagePolicy, Session, SessionInterface};

/// A client with its own cookie.
pub struct Client {
    sessions: Arc<dyn SessionInterface>,
    /// `name=value`; empty before the first session.
    pub cookie: String,
}

impl Client {
    pub fn new(sessions: Arc<dyn SessionInterface>) -> Self {
        Self { sessions, cookie: String::new() }
    }

    /// Sends a request whose handler uses its session. The client keeps a removed cookie, so that a
    /// test can use it again.
    pub async fn request<T>(
        &mut self,
        handler: impl FnOnce(&Session) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let request = self.open();
        let result = handler(&request.session().await?)?;
        self.finish(&request).await?;
        Ok(result)
    }

    /// Sends a request whose handler logs a user in.
    #[allow(dead_code, reason = "not every test program uses it")]
    pub async fn log_in(&mut self, user: &str) -> Result<(), Error> {
        let request = self.open();
        request.session().await?.log_in(user, None).await?;
        self.finish(&request).await
    }

    /// Sends a request whose handler logs out.
    #[allow(dead_code, reason = "not every test program uses it")]
    pub async fn log_out(&mut self) -> Result<(), Error> {
        let request = self.open();
        request.session().await?.log_out().await?;
        self.finish(&request).await
    }

    async fn finish(&mut self, request: &RequestSession) -> Result<(), Error> {
        let headers = request.commit().await.into_result()?;
        if let Some(cookie) = headers.set_cookie().filter(|cookie| !cookie.contains("Max-Age=0")) {
            cookie.split(';').next().unwrap_or_default().clone_into(&mut self.cookie);
        }
        Ok(())
    }

    /// Sends a request whose handler does not use its session.
    pub async fn untouched(&self) -> Result<(), Error> {
        self.open().commit().await.into_result().map(drop)
    }

    fn open(&self) -> RequestSession {
        let view = RequestView::builder().cookie_header(self.cookie.as_bytes()).build();
        RequestSession::with_shared(Arc::clone(&self.sessions), view, OutagePolicy::Refuse)
    }
}
