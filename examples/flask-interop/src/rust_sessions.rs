//! The sessions of the Rust application, without a server.

use session_cookie::{Compression, SignedCookieSessions};
use session_core::Session;
use session_core::request::{RequestSession, RequestView};
use tokio::runtime::{Builder, Runtime};

use crate::rust_app::sessions;
use crate::{Result, Signing};

/// A runner of requests that consist only of a session.
#[derive(Debug)]
pub struct RustSessions {
    sessions: SignedCookieSessions,
    runtime: Runtime,
}

impl RustSessions {
    /// Creates sessions whose cookie is compressed if compression makes the cookie shorter, as in
    /// Flask.
    pub fn new(signing: Signing) -> Result<Self> {
        let runtime = Builder::new_current_thread().build()?;
        Ok(Self { sessions: sessions(signing, Compression::WheneverShorter)?, runtime })
    }

    /// Runs one request with a session cookie or without one. `handler` uses the session. Returns
    /// the result of the handler, and the cookie that the response sets.
    pub fn request<T>(
        &self,
        cookie: Option<&str>,
        handler: impl FnOnce(&Session) -> Result<T>,
    ) -> Result<(T, Option<String>)> {
        let cookies = cookie.map(|cookie| format!("session={cookie}")).unwrap_or_default();
        let view = RequestView::builder().cookie_header(cookies.as_bytes()).build();
        let request = RequestSession::new(self.sessions.clone(), view);
        self.runtime.block_on(async {
            let returned = handler(&request.session().await?)?;
            let headers = request.commit().await.into_result()?;
            let value = headers
                .set_cookie()
                .and_then(|header| header.strip_prefix("session=")?.split(';').next());
            Ok((returned, value.map(str::to_owned)))
        })
    }
}
