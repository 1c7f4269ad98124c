//! One request's interface and what it is told: the hooks are asked here, and nowhere else.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::cookie::{render_removal, render_set};
use crate::{
    CookieAction, Error, ErrorKind, OpenContext, Outcome, Oversize, RequestView, SaveContext, Session, SessionHeaders,
    SessionInterface, cookie,
};

/// The interface that serves a request, and the request.
pub(crate) struct RequestContext {
    interface: Arc<dyn SessionInterface>,
    request: RequestView,
    /// Held during a save, so that two of one session do not overlap.
    pub(crate) saving: async_lock::Mutex<()>,
}

/// What a save leaves for the response.
pub(crate) struct Saved {
    pub(crate) headers: SessionHeaders,
    /// What the response does to the client's cookie.
    pub(crate) cookie: CookieAction,
    /// What became of the session, unless the interface said so itself; `None` if it is never saved.
    pub(crate) outcome: Option<Outcome>,
}

impl RequestContext {
    pub(crate) fn new(interface: Arc<dyn SessionInterface>, request: RequestView) -> Self {
        Self { interface, request, saving: async_lock::Mutex::new(()) }
    }

    pub(crate) fn interface(&self) -> &Arc<dyn SessionInterface> {
        &self.interface
    }

    pub(crate) fn request(&self) -> &RequestView {
        &self.request
    }

    pub(crate) fn cookie_name(&self) -> Cow<'_, str> {
        self.interface.cookie_name(&self.request)
    }

    pub(crate) async fn open(&self) -> Result<Session, Error> {
        let interface = &*self.interface;
        let context = OpenContext {
            interface,
            request: &self.request,
            cookie_name: &self.cookie_name(),
            now: interface.config().now(),
        };
        interface.open(&context).await
    }

    /// Saves a sealed session and renders what its response needs.
    pub(crate) async fn save(&self, session: &Session) -> Result<Saved, Error> {
        let (interface, request) = (&*self.interface, &self.request);
        let mut saved = Saved {
            headers: SessionHeaders { set_cookie: None, vary: session.is_accessed() },
            cookie: CookieAction::Keep,
            outcome: None,
        };
        if session.is_null() || session.is_anonymous() {
            return Ok(saved);
        }
        let should_set = interface.should_set_cookie(session);
        if !interface.should_save(session) {
            saved.outcome = Some(Outcome::Unchanged);
            return Ok(saved);
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
            should_set_cookie: should_set,
            now: interface.config().now(),
        };
        let action = interface.save(session, &context).await?;
        saved.outcome = Some(Outcome::Stored);
        let set_cookie = match &action {
            CookieAction::Set(value) if should_set => render_checked(&context, value, context.expires_at())?,
            CookieAction::SetUntil(value, end) if should_set => {
                render_checked(&context, value, context.lifetime.map(|_| *end))?
            }
            CookieAction::Remove => render_removal(&name, &attributes),
            CookieAction::Set(_) | CookieAction::SetUntil(..) | CookieAction::Keep => return Ok(saved),
        };
        saved.headers = SessionHeaders { set_cookie: Some(set_cookie), vary: true };
        saved.cookie = match action {
            CookieAction::SetUntil(value, _) => CookieAction::Set(value),
            action => action,
        };
        Ok(saved)
    }
}

impl fmt::Debug for RequestContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestContext")
            .field("interface", &self.interface)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

/// Renders the cookie, and minds its size as the configuration says.
fn render_checked(context: &SaveContext<'_>, value: &str, expires: Option<SystemTime>) -> Result<String, Error> {
    let header = render_set(context.cookie_name, value, expires, context.attributes)?;
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
