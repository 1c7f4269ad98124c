//! One request's session from its first use to the response's headers: opened on demand, saved once, rendered here.

use std::borrow::Cow;
use std::error::Error as _;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, OnceLock};

use async_lock::Mutex;

use crate::context::RequestContext;
use crate::{Error, Refresh, RequestView, Session, SessionHeaders, SessionInterface};

/// The session of one request, not opened before something asks for it. Clones share it.
///
/// An adapter makes one per request, hands it to whatever may want the session, and [commits](Self::commit) it when the
/// response is ready:
///
/// ```
/// use session_core::{NullSessions, RequestSession, RequestView};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let request = RequestSession::new(NullSessions::new("no key"), RequestView::default());
/// let session = request.session().await?;
/// assert!(session.is_accessed());
/// let headers = request.commit().await?;
/// assert!(headers.vary() && headers.set_cookie().is_none());
/// # Ok::<(), session_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct RequestSession {
    shared: Arc<Shared>,
}

struct Shared {
    context: RequestContext,
    on_outage: OnOutage,
    /// Without its request, which would hold itself: whoever asks gets a handle that knows it.
    session: OnceLock<Session>,
    /// Held while the session is opened, so that it is opened once.
    opening: Mutex<()>,
    failed: AtomicBool,
    committed: AtomicBool,
}

/// What a request gets whose session cannot be opened because the backend failed. There is no third way: a session that
/// is silently empty would later overwrite the real one.
///
/// ```
/// use session_core::OnOutage;
///
/// assert_eq!(OnOutage::default(), OnOutage::Refuse);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum OnOutage {
    /// The error. An adapter answers 503 before the handler runs.
    #[default]
    Refuse,
    /// A session that is empty, [says so](Session::is_anonymous), and is never saved.
    Anonymous,
}

impl RequestSession {
    /// The session of this request, yet to be opened.
    ///
    /// ```
    /// # use session_core::{NullSessions, RequestSession, RequestView};
    /// let _request = RequestSession::new(NullSessions::new("no key"), RequestView::default());
    /// ```
    pub fn new(interface: impl SessionInterface, request: RequestView) -> Self {
        Self::with_shared(Arc::new(interface), request, OnOutage::default())
    }

    /// As [`new`](Self::new), with an interface that many requests share and a choice for outages.
    ///
    /// ```
    /// # use session_core::{NullSessions, OnOutage, RequestSession, RequestView};
    /// # use std::sync::Arc;
    /// let interface = Arc::new(NullSessions::new("no key"));
    /// let _request = RequestSession::with_shared(interface, RequestView::default(), OnOutage::Anonymous);
    /// ```
    pub fn with_shared(interface: Arc<dyn SessionInterface>, request: RequestView, on_outage: OnOutage) -> Self {
        Self {
            shared: Arc::new(Shared {
                context: RequestContext::new(interface, request),
                on_outage,
                session: OnceLock::new(),
                opening: Mutex::new(()),
                failed: AtomicBool::new(false),
                committed: AtomicBool::new(false),
            }),
        }
    }

    /// The session, opened by the first call; from now on the response varies by cookie. A session that is first asked
    /// for after the commit is sealed.
    ///
    /// # Errors
    ///
    /// What [`SessionInterface::open`] gave, unless the choice for outages is [`OnOutage::Anonymous`]. A later call tries
    /// again.
    ///
    /// ```
    /// # use session_core::{NullSessions, RequestSession, RequestView};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let request = RequestSession::new(NullSessions::new("no key"), RequestView::default());
    /// assert_eq!(request.session().await?.len(), 0);
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn session(&self) -> Result<Session, Error> {
        let session = match self.open().await {
            Ok(session) => session,
            Err(error) if self.shared.on_outage == OnOutage::Anonymous => {
                tracing::error!(%error, source = error.source(), "session could not be opened; the request continues without one");
                self.shared.session.get_or_init(Session::anonymous)
            }
            Err(error) => return Err(error),
        };
        session.mark_accessed();
        if self.is_committed() {
            session.seal();
        }
        Ok(session.of_request(self.clone()))
    }

    /// Saves what changed and says which headers the response needs. From now on the session is sealed. To be called
    /// once, when the response's head is ready, error responses included.
    ///
    /// | accessed | empty | modified | permanent and renewed | result |
    /// |---|---|---|---|---|
    /// | no | yes | no | – | nothing |
    /// | yes | yes | no | – | `Vary: Cookie` |
    /// | any | yes | yes | – | removal, `Vary` |
    /// | no | no | no | no | nothing |
    /// | yes | no | no | no | `Vary` |
    /// | any | no | no | yes | `Set-Cookie`, `Vary` |
    /// | any | no | yes | any | `Set-Cookie`, `Vary` |
    ///
    /// Dropping the future saves nothing more: a client that went away gets no cookie.
    ///
    /// # Errors
    ///
    /// What [`SessionInterface::save`] gave; [`TooLarge`](crate::ErrorKind::TooLarge) for a cookie that the configuration refuses;
    /// [`Configuration`](crate::ErrorKind::Configuration) if the hooks gave a name and attributes that a browser would drop. The response must
    /// become an error response.
    ///
    /// ```
    /// # use session_core::{NullSessions, RequestSession, RequestView};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let request = RequestSession::new(NullSessions::new("no key"), RequestView::default());
    /// assert!(!request.commit().await?.vary()); // never asked for
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn commit(&self) -> Result<SessionHeaders, Error> {
        if self.close_untouched() {
            return Ok(SessionHeaders::default());
        }
        let session = match self.open().await {
            Ok(session) => session,
            Err(error) => {
                tracing::warn!(%error, source = error.source(), "session could not be renewed");
                return Ok(SessionHeaders::default());
            }
        };
        session.commit(&self.shared.context).await
    }

    /// Ends a request whose session nothing asked for: true if there is nothing to [commit](Self::commit). An adapter asks
    /// this first, and spares the untouched request a future.
    ///
    /// ```
    /// # use session_core::{NullSessions, RequestSession, RequestView};
    /// let request = RequestSession::new(NullSessions::new("no key"), RequestView::default());
    /// assert!(request.close_untouched());
    /// ```
    pub fn close_untouched(&self) -> bool {
        self.shared.committed.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.shared.session.get().is_none() && !self.renews_untouched()
    }

    /// The request.
    ///
    /// ```
    /// # use session_core::{NullSessions, RequestSession, RequestView};
    /// let request = RequestSession::new(NullSessions::new("no key"), RequestView::default());
    /// assert_eq!(request.request().path(), "");
    /// ```
    pub fn request(&self) -> &RequestView {
        self.shared.context.request()
    }

    /// The name of the session cookie in this request.
    ///
    /// ```
    /// # use session_core::{NullSessions, RequestSession, RequestView};
    /// let request = RequestSession::new(NullSessions::new("no key"), RequestView::default());
    /// assert_eq!(request.cookie_name(), "session");
    /// ```
    pub fn cookie_name(&self) -> Cow<'_, str> {
        self.shared.context.cookie_name()
    }

    pub(crate) fn context(&self) -> &RequestContext {
        &self.shared.context
    }

    /// Asked after the session was opened: either this sees the commit, or the commit sees the session.
    fn is_committed(&self) -> bool {
        fence(Ordering::SeqCst);
        self.shared.committed.load(Ordering::Relaxed)
    }

    async fn open(&self) -> Result<&Session, Error> {
        if let Some(session) = self.shared.session.get() {
            return Ok(session);
        }
        let _alone = self.shared.opening.lock().await;
        if let Some(session) = self.shared.session.get() {
            return Ok(session);
        }
        match self.shared.context.open().await {
            Ok(session) => Ok(self.shared.session.get_or_init(|| session)),
            Err(error) => {
                self.shared.failed.store(true, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    /// Whether a session that nothing asked for must be opened all the same, to be renewed.
    fn renews_untouched(&self) -> bool {
        self.shared.context.interface().config().refresh() == Refresh::EachRequest
            && !self.shared.failed.load(Ordering::Relaxed)
            && self.request().cookie(&self.cookie_name()).is_some()
    }
}

impl fmt::Debug for RequestSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestSession")
            .field("context", &self.shared.context)
            .field("session", &self.shared.session.get())
            .finish_non_exhaustive()
    }
}
