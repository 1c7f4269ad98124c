//! Requests to an application, as an adapter carries them out.

use std::sync::Arc;

use session_core::{Error, OnOutage, RequestSession, RequestView, Session, SessionInterface};

/// A client with a cookie of its own.
pub struct Client {
    sessions: Arc<dyn SessionInterface>,
    /// `name=value`; empty before the first session.
    pub cookie: String,
}

impl Client {
    pub fn new(sessions: Arc<dyn SessionInterface>) -> Self {
        Self { sessions, cookie: String::new() }
    }

    /// A request whose handler does this to its session. A removed cookie is kept, so that what it led to can be asked for.
    pub async fn request<T>(&mut self, handler: impl FnOnce(&Session) -> Result<T, Error>) -> Result<T, Error> {
        let request = self.begin();
        let result = handler(&request.session().await?)?;
        let headers = request.commit().await?;
        if let Some(cookie) = headers.set_cookie().filter(|cookie| !cookie.contains("Max-Age=0")) {
            cookie.split(';').next().unwrap_or_default().clone_into(&mut self.cookie);
        }
        Ok(result)
    }

    /// A request whose handler does not ask for its session.
    pub async fn untouched(&self) -> Result<(), Error> {
        self.begin().commit().await.map(drop)
    }

    fn begin(&self) -> RequestSession {
        let view = RequestView::builder().cookie_header(self.cookie.as_bytes()).build();
        RequestSession::with_shared(Arc::clone(&self.sessions), view, OnOutage::Refuse)
    }
}
