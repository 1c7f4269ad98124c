//! One request's session from its first use to the response's headers: opened on demand, saved once, rendered here.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, OnceLock};

use async_lock::Mutex;

use crate::cookie::{render_removal, render_set};
use crate::{
    CookieAction, Error, ErrorKind, OpenContext, Oversize, Refresh, RequestView, SaveContext, Session,
    SessionInterface, cookie,
};

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
    interface: Arc<dyn SessionInterface>,
    request: RequestView,
    on_outage: OnOutage,
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
                interface,
                request,
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
            Ok(session) => session.clone(),
            Err(error) if self.shared.on_outage == OnOutage::Anonymous => {
                tracing::error!(error = %error, "session could not be opened; the request continues without one");
                self.shared.session.get_or_init(Session::anonymous).clone()
            }
            Err(error) => return Err(error),
        };
        session.mark_accessed();
        if self.is_committed() {
            session.seal();
        }
        Ok(session)
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
    /// What [`SessionInterface::save`] gave; [`ErrorKind::TooLarge`] for a cookie that the configuration refuses;
    /// [`ErrorKind::Configuration`] if the hooks gave a name and attributes that a browser would drop. The response must
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
                tracing::warn!(error = %error, "session could not be renewed");
                return Ok(SessionHeaders::default());
            }
        };
        session.seal();
        self.save(session).await
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
        &self.shared.request
    }

    /// The name of the session cookie in this request.
    ///
    /// ```
    /// # use session_core::{NullSessions, RequestSession, RequestView};
    /// let request = RequestSession::new(NullSessions::new("no key"), RequestView::default());
    /// assert_eq!(request.cookie_name(), "session");
    /// ```
    pub fn cookie_name(&self) -> Cow<'_, str> {
        self.shared.interface.cookie_name(&self.shared.request)
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
        let interface = &*self.shared.interface;
        let context = OpenContext {
            interface,
            request: &self.shared.request,
            cookie_name: &self.cookie_name(),
            now: interface.config().now(),
        };
        match interface.open(&context).await {
            Ok(session) => Ok(self.shared.session.get_or_init(|| session)),
            Err(error) => {
                self.shared.failed.store(true, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    /// Whether a session that nothing asked for must be opened all the same, to be renewed.
    fn renews_untouched(&self) -> bool {
        self.shared.interface.config().refresh() == Refresh::EachRequest
            && !self.shared.failed.load(Ordering::Relaxed)
            && self.shared.request.cookie(&self.cookie_name()).is_some()
    }

    async fn save(&self, session: &Session) -> Result<SessionHeaders, Error> {
        let (interface, request) = (&*self.shared.interface, &self.shared.request);
        let mut headers = SessionHeaders { set_cookie: None, vary: session.is_accessed() };
        if session.is_null() || session.is_anonymous() {
            return Ok(headers);
        }
        let should_set = interface.should_set_cookie(session);
        if !should_set && !session.is_modified() {
            return Ok(headers);
        }
        let name = self.cookie_name();
        let attributes = interface.cookie_attributes(request, session);
        cookie::check_name(&name, &attributes)?;
        let context = SaveContext {
            request,
            config: interface.config(),
            cookie_name: &name,
            attributes: &attributes,
            lifetime: interface.lifetime(session),
            now: interface.config().now(),
        };
        match interface.save(session, &context).await? {
            CookieAction::Set(value) if should_set => {
                headers.set_cookie = Some(render_checked(&context, &value)?);
                headers.vary = true;
            }
            CookieAction::Remove => {
                headers.set_cookie = Some(render_removal(&name, &attributes));
                headers.vary = true;
            }
            CookieAction::Set(_) | CookieAction::Keep => {}
        }
        Ok(headers)
    }
}

impl fmt::Debug for RequestSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestSession")
            .field("interface", &self.shared.interface)
            .field("request", &self.shared.request)
            .field("session", &self.shared.session.get())
            .finish_non_exhaustive()
    }
}

/// What a committed session adds to the response.
///
/// ```
/// use session_core::SessionHeaders;
///
/// let headers = SessionHeaders::default();
/// assert!(headers.set_cookie().is_none() && !headers.vary());
/// ```
#[derive(Clone, Default)]
pub struct SessionHeaders {
    set_cookie: Option<String>,
    vary: bool,
}

impl SessionHeaders {
    /// The value of a `Set-Cookie` header to append, in visible ASCII.
    ///
    /// ```
    /// # use session_core::SessionHeaders;
    /// assert_eq!(SessionHeaders::default().set_cookie(), None);
    /// ```
    pub fn set_cookie(&self) -> Option<&str> {
        self.set_cookie.as_deref()
    }

    /// Whether the response depends on the cookie, so that no cache hands it to someone else.
    ///
    /// ```
    /// # use session_core::SessionHeaders;
    /// assert!(!SessionHeaders::default().vary());
    /// ```
    pub fn vary(&self) -> bool {
        self.vary
    }

    /// The one `Vary` header that replaces those the response has; `None` if they stay as they are, because nothing
    /// depends on the cookie or because they say `Cookie` or `*` already (RFC 9110, section 12.5.5).
    ///
    /// ```
    /// # use session_core::SessionHeaders;
    /// let present: [&[u8]; 1] = [b"Accept"];
    /// assert_eq!(SessionHeaders::default().merged_vary(present), None);
    /// ```
    pub fn merged_vary<'a>(&self, present: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
        if !self.vary {
            return None;
        }
        let mut merged = Vec::new();
        for value in present {
            let mut names = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            if names.any(|name| name == b"*" || name.eq_ignore_ascii_case(b"cookie")) {
                return None;
            }
            if !value.trim_ascii().is_empty() {
                merged.extend_from_slice(value.trim_ascii());
                merged.extend_from_slice(b", ");
            }
        }
        merged.extend_from_slice(b"Cookie");
        Some(merged)
    }
}

impl fmt::Debug for SessionHeaders {
    /// Says whether a cookie is set, not to what.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionHeaders")
            .field("set_cookie", &self.set_cookie.as_ref().map(|_| ".."))
            .field("vary", &self.vary)
            .finish()
    }
}

/// Renders the cookie, and minds its size as the configuration says.
fn render_checked(context: &SaveContext<'_>, value: &str) -> Result<String, Error> {
    let header = render_set(context.cookie_name, value, context.expires_at(), context.attributes)?;
    let limit = context.config.max_cookie_size();
    if limit == 0 || header.len() <= limit {
        return Ok(header);
    }
    let (size, extra) = (header.len(), header.len() - value.len());
    if context.config.oversize() == Oversize::Refuse {
        let message = format!(
            "the session cookie has {size} bytes ({} of value, {extra} of name and attributes); the limit is {limit}",
            value.len()
        );
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    tracing::warn!(
        value = value.len(),
        attributes = extra,
        size,
        limit,
        "session cookie is larger than the limit; browsers may ignore it"
    );
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vary_is_merged_into_one_header_and_a_star_stays() {
        let headers = SessionHeaders { set_cookie: None, vary: true };
        let merged = |present: &[&str]| {
            let merged = headers.merged_vary(present.iter().map(|value| value.as_bytes()));
            merged.map(|value| String::from_utf8(value).unwrap())
        };
        assert_eq!(merged(&[]).as_deref(), Some("Cookie"));
        assert_eq!(
            merged(&["Accept", " ", "Accept-Encoding, Origin"]).as_deref(),
            Some("Accept, Accept-Encoding, Origin, Cookie")
        );
        assert_eq!(merged(&["Accept", "origin , COOKIE"]), None);
        assert_eq!(merged(&["Accept", "*"]), None);
    }
}
