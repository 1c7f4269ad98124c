//! The session of one request: opened when it is first needed.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use super::at_logout::EndsAtLogout;
use super::caching::Directives;
use super::headers::SessionHeaders;
use super::hooks::RequestHooks;
use super::latch::Latch;
use super::layers::CommittedLayers;
use super::outage::OutagePolicy;
use super::sent::SentCookie;
use crate::config::Refresh;
use crate::error::{Error, ErrorKind};
use crate::interface::{OpenContext, Opened, SessionInterface};
use crate::outcome::Outcome;
use crate::request_view::RequestView;
use crate::session::Session;
use crate::session::holder::{BoxFuture, Cell, Demand, Holder};
use crate::session::state::{Origin, State};

/// The session of one request. It is opened when it is first needed. Clones share the session.
///
/// # Examples
///
/// ```
/// use session_core::SessionInterface;
/// use session_core::request::{RequestSession, RequestView};
///
/// # async fn serve(interface: impl SessionInterface) -> Result<(), session_core::Error> {
/// let view = RequestView::builder().cookie_header(b"session=abc").path("/").build();
/// let request = RequestSession::new(interface, view);
///
/// let session = request.session().await?; // in the extractor
/// session.insert("theme", "dark")?; // in the handler
///
/// let committed = request.commit().await; // when the response is ready
/// if let Some(set_cookie) = committed.headers.set_cookie() {
///     println!("Set-Cookie: {set_cookie}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RequestSession {
    shared: Arc<Shared>,
}

/// A request, and the state of its session.
pub(super) struct Shared {
    pub(super) interface: Arc<dyn SessionInterface>,
    pub(super) view: RequestView,
    outage: OutagePolicy,
    /// The origin of the session: the request or a later `reopen`.
    pub(super) origin: Origin,
    pub(super) cell: Cell,
    opening: Latch,
    /// Whether opening failed. If so, an untouched request does not try again.
    failed: AtomicBool,
    /// Whether the response is public. If so, an untouched request renews nothing.
    public: AtomicBool,
    /// The name of the cookie, if it differs from the configured name.
    cookie_name: Option<Box<str>>,
    /// Whether the request has several session tokens.
    is_ambiguous: bool,
    /// Whether the request has several session cookies. The flag is set when the session is opened.
    pub(super) has_several_cookies: AtomicBool,
    /// Whether `should_set_cookie` returned `true` for the unchanged session.
    pub(super) sets_unchanged: AtomicBool,
    /// Whether a save before the commit was started.
    pub(super) saved_manually: AtomicBool,
    /// The sessions of several session cookies, if the request sent more than one cookie.
    pub(super) several: OnceLock<Box<Several>>,
    /// A lock that is held during a manual save.
    pub(super) saving: tokio::sync::Mutex<()>,
    /// The effect of the response on the client's cookie.
    pub(super) sent: Mutex<SentCookie>,
    /// The part of the request that ends with the session when the user logs out.
    pub(super) at_logout: Mutex<Option<Weak<dyn EndsAtLogout>>>,
    /// The committed layers of the request, if the request has several layers.
    pub(super) layers: OnceLock<Arc<CommittedLayers>>,
}

/// The sessions that several cookies of one request open.
pub(super) struct Several {
    /// The request, as if it had sent only the cookie of the session that is used.
    pub(super) view: Option<RequestView>,
    /// The sessions that are not used.
    pub(super) others: Vec<Arc<Shared>>,
}

impl RequestSession {
    /// Returns the session of a request. The session is not opened yet.
    pub fn new(interface: impl SessionInterface, request: RequestView) -> Self {
        Self::with_shared(Arc::new(interface), request, OutagePolicy::default())
    }

    /// Returns the session of a request, with an interface that many requests share and a policy
    /// for outages.
    pub fn with_shared(
        interface: Arc<dyn SessionInterface>,
        request: RequestView,
        outage: OutagePolicy,
    ) -> Self {
        Self { shared: Shared::new(interface, request, outage, Origin::Requested) }
    }

    /// Returns the session. The first call opens the session. From now on, the response depends on
    /// the cookie.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Committed`](crate::ErrorKind::Committed) if this is the first call and the
    /// request was committed. The headers were sent without the `Vary` header that a response with
    /// a session needs.
    ///
    /// [`ErrorKind::AmbiguousToken`] if the request has a session cookie beside a
    /// [token in a header](crate::config::SessionConfigBuilder::token_header), or several tokens.
    ///
    /// Returns the error of [`SessionInterface::open`](crate::SessionInterface::open), unless the
    /// policy is [`OutagePolicy::Anonymous`]. A later call tries again.
    pub async fn session(&self) -> Result<Session, Error> {
        self.shared.session().await?;
        Ok(Session::new(Arc::clone(&self.shared) as _))
    }

    /// Ends a request that has nothing to save, and returns the headers of its response. Returns
    /// `None` if the session must be [committed](Self::commit). Adapters call this method first, to
    /// avoid a future for requests that do not use their session or only read it.
    ///
    /// Later changes to the session fail.
    pub fn finish_if_unchanged(&self) -> Option<SessionHeaders> {
        let shared = &*self.shared;
        shared.cell.commit();
        if !shared.opening.is_done() {
            return (!shared.renews_unused()).then(|| shared.headers(None));
        }
        if shared.saved_manually.load(Ordering::SeqCst) || !shared.is_unchanged(true) {
            return None;
        }
        shared.report_result(Ok(Outcome::Unchanged));
        Some(SessionHeaders { flash: shared.flash_header(), ..shared.headers(None) })
    }

    /// Records the `Cache-Control` values of the response. Adapters call this method before
    /// [`finish_if_unchanged`](Self::finish_if_unchanged).
    ///
    /// A `public` response does not renew a session that no handler obtained. With the cookie of a
    /// renewal, a cache could not store the response.
    pub fn note_cache_control<'a>(&self, values: impl IntoIterator<Item = &'a [u8]>) {
        let shared = &*self.shared;
        if (*shared.interface).config().refresh() == Refresh::EachRequest
            && Directives::of(values).public
        {
            shared.public.store(true, Ordering::Relaxed);
        }
    }

    /// Returns the request.
    pub fn request(&self) -> &RequestView {
        &self.shared.view
    }

    /// Returns the name of the session cookie in this request.
    pub fn cookie_name(&self) -> &str {
        self.shared.cookie_name()
    }

    pub(crate) fn interface(&self) -> &dyn SessionInterface {
        &*self.shared.interface
    }

    /// Returns whether the session was opened and has an owner.
    pub(crate) fn has_owner(&self) -> bool {
        self.shared.is_opened() && self.shared.cell.read(|state| state.data.stored.login.is_some())
    }

    /// Returns whether both requests read and write the same cookie or header.
    pub(super) fn has_same_token(&self, other: &Self) -> bool {
        let header = |session: &Self| (*session.shared.interface).config().token().cloned();
        match (header(self), header(other)) {
            (None, None) => self.cookie_name() == other.cookie_name(),
            (Some(one), Some(other)) => {
                one.response_name().eq_ignore_ascii_case(other.response_name())
            }
            _ => false,
        }
    }

    /// Sets the part of the request that ends with the session when the user logs out, as long as
    /// this part exists.
    pub(crate) fn set_at_logout(&self, ends: Weak<dyn EndsAtLogout>) {
        *self.shared.at_logout.lock().unwrap_or_else(PoisonError::into_inner) = Some(ends);
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl Shared {
    pub(super) fn new(
        interface: Arc<dyn SessionInterface>,
        mut view: RequestView,
        outage: OutagePolicy,
        origin: Origin,
    ) -> Arc<Self> {
        let config = (*interface).config();
        let name = (*interface).cookie_name(&view);
        let configured = config.cookie_name();
        let cookie_name: Option<Box<str>> = (name != configured).then(|| name.into());
        let is_ambiguous = config.token().is_some_and(|header| {
            let name = cookie_name.as_deref().unwrap_or(configured);
            view.put_token(name, header, config.accepts_cookie_beside_token())
        });
        Self::with_name(interface, view, outage, origin, cookie_name, is_ambiguous, false)
    }

    /// Returns the session of one of several cookies of this request.
    pub(super) fn with_cookie(&self, value: &str) -> Arc<Self> {
        let view = self.view.with_first_cookie(self.cookie_name(), value);
        let (interface, origin) = (Arc::clone(&self.interface), self.origin.clone());
        let name = self.cookie_name.clone();
        Self::with_name(interface, view, self.outage, origin, name, false, true)
    }

    #[inline]
    fn with_name(
        interface: Arc<dyn SessionInterface>,
        view: RequestView,
        outage: OutagePolicy,
        origin: Origin,
        cookie_name: Option<Box<str>>,
        is_ambiguous: bool,
        has_several_cookies: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            interface,
            view,
            outage,
            origin,
            cell: Cell::default(),
            opening: Latch::default(),
            failed: AtomicBool::new(false),
            public: AtomicBool::new(false),
            cookie_name,
            is_ambiguous,
            has_several_cookies: AtomicBool::new(has_several_cookies),
            sets_unchanged: AtomicBool::new(false),
            saved_manually: AtomicBool::new(false),
            several: OnceLock::new(),
            saving: const { tokio::sync::Mutex::const_new(()) },
            sent: Mutex::default(),
            at_logout: Mutex::default(),
            layers: OnceLock::new(),
        })
    }

    pub(super) fn cookie_name(&self) -> &str {
        self.cookie_name.as_deref().unwrap_or_else(|| (*self.interface).config().cookie_name())
    }

    /// Opens the session for a handler.
    pub(super) async fn session(&self) -> Result<(), Error> {
        if self.cell.is_committed() {
            return self.cell.access();
        }
        if self.is_ambiguous {
            // The error response also depends on the token.
            self.cell.access()?;
            return Err(ambiguous());
        }
        if !self.opening.is_done()
            && let Err(error) = self.open().await
        {
            if self.outage == OutagePolicy::Refuse {
                return Err(error);
            }
            self.log_outage(&error);
            let put = |opened: Opened, state: &mut State| {
                opened.put_into(state, &Origin::Anonymous);
            };
            self.open_with(|| async { Ok(Opened::new()) }, put).await?;
        }
        self.cell.access()
    }

    /// Returns the request, as if it had sent only the cookie of the session that is used.
    pub(super) fn view(&self) -> &RequestView {
        self.several.get().and_then(|several| several.view.as_ref()).unwrap_or(&self.view)
    }

    /// Opens the session.
    pub(super) async fn open(&self) -> Result<(), Error> {
        let (cookie, has_several) = self.view.cookie_and_whether_several(self.cookie_name());
        let opened = if has_several {
            self.has_several_cookies.store(true, Ordering::Relaxed);
            let put = |parts, state: &mut State| (state.data, state.origin) = parts;
            self.open_with(|| Box::pin(self.open_several()), put).await
        } else {
            self.open_alone(cookie).await
        };
        opened.inspect_err(|error| {
            if !self.failed.swap(true, Ordering::Relaxed) {
                self.report_result(Err(error.kind()));
            }
        })
    }

    /// Opens the session of the first cookie of the name.
    pub(super) async fn open_first(&self) -> Result<(), Error> {
        self.open_alone(self.view.cookie(self.cookie_name())).await
    }

    /// Opens the session of this cookie, which is the first cookie of the name.
    async fn open_alone(&self, cookie: Option<&str>) -> Result<(), Error> {
        let put = |opened: Opened, state: &mut State| opened.put_into(state, &self.origin);
        let open = || async {
            let interface = &*self.interface;
            let hooks = RequestHooks { interface, request: &self.view };
            let context = OpenContext {
                hooks: &hooks,
                request: &self.view,
                cookie_name: self.cookie_name(),
                cookie,
                now: interface.config().now(),
            };
            interface.open(&context).await
        };
        self.open_with(open, put).await
    }

    async fn open_with<T, F: Future<Output = Result<T, Error>> + Send>(
        &self,
        open: impl FnOnce() -> F + Send,
        put: impl FnOnce(T, &mut State) + Send,
    ) -> Result<(), Error> {
        if let Some(permit) = self.opening.enter().await {
            let opened = open().await?;
            let flashes = self.flashes_in_cookie();
            let mut state = self.cell.lock();
            put(opened, &mut state);
            state.data.permanent_by_default = (*self.interface).config().permanent_by_default();
            if state.origin == Origin::Requested {
                state.flash_cookie.messages = flashes;
            }
            drop(state);
            permit.finish();
        }
        Ok(())
    }

    pub(super) fn is_opened(&self) -> bool {
        self.opening.is_done()
    }

    /// Returns whether a session that no handler obtained must be opened to renew it.
    fn renews_unused(&self) -> bool {
        (*self.interface).config().refresh() == Refresh::EachRequest
            && !self.is_ambiguous
            && !self.failed.load(Ordering::Relaxed)
            && !self.public.load(Ordering::Relaxed)
            && self.view.cookie(self.cookie_name()).is_some()
    }
}

impl Holder for Shared {
    fn cell(&self) -> &Cell {
        &self.cell
    }

    fn save(self: Arc<Self>, demand: Demand) -> BoxFuture<Outcome> {
        Box::pin(async move { self.save_within_limit(demand).await })
    }

    fn reopen(self: Arc<Self>) -> BoxFuture<Arc<dyn Holder>> {
        Box::pin(async move {
            let reopened = self.reopened();
            reopened.session().await?;
            Ok(reopened as Arc<dyn Holder>)
        })
    }
}

fn ambiguous() -> Error {
    let message = "request has a session token in a header and a session cookie, or several tokens; \
                   send one, or configure accept_cookie_beside_token";
    Error::new(ErrorKind::AmbiguousToken, message)
}

impl fmt::Debug for RequestSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestSession")
            .field("interface", &self.shared.interface)
            .field("request", &self.shared.view)
            .field("session", &self.shared.cell)
            .finish_non_exhaustive()
    }
}
