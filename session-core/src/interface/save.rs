//! The argument of `SessionInterface::save`.

mod backend;

use std::borrow::Cow;
use std::fmt;
use std::sync::{Mutex, OnceLock};
use std::time::SystemTime;

use super::contents::Contents;
use super::hooks::HookCalls;
use super::saved::CookieAction;
use super::view::{SessionView, ViewFlags};
use crate::config::{Refresh, SessionConfig};
use crate::cookie::{CookieAttributes, saturating_add};
use crate::error::Error;
use crate::request_view::RequestView;
use crate::session::changes::malformed;
use crate::session::holder::Cell;
use crate::session::intent::Intent;
use crate::session::state::Data;
use crate::session::stored::StoredData;
use crate::session::values::Values;
use crate::session::{Changes, IdChange, Lifetime, Login, Mark, Renewal};

/// One save of a session: the contents to store, and the intent of the request.
///
/// The save is a snapshot. A handler that changes the session during a
/// [`Session::save`](crate::Session::save) does not change the snapshot.
pub struct Save<'a> {
    pub(crate) request: SaveRequest<'a>,
    pub(crate) data: Data,
    pub(crate) intent: Intent,
    flags: ViewFlags,
    answers: HookAnswers<'a>,
    renews: bool,
    /// The part of a combined interface that saves; 0 for any other interface.
    part: u64,
}

/// The results of the hooks for this save. Each hook is called at most once.
///
/// If the session ends, the hooks are called only after the interface has removed the session.
#[derive(Clone, Default)]
struct HookAnswers<'a> {
    lifetime: Option<Lifetime>,
    attributes: Option<Cow<'a, CookieAttributes>>,
    should_set: Option<bool>,
    late_lifetime: OnceLock<Lifetime>,
    late_attributes: OnceLock<Cow<'a, CookieAttributes>>,
    late_should_set: OnceLock<bool>,
}

/// The request that saves.
#[derive(Clone, Copy)]
pub(crate) struct SaveRequest<'a> {
    pub(crate) hooks: &'a dyn HookCalls,
    pub(crate) view: &'a RequestView,
    pub(crate) cell: &'a Cell,
    pub(crate) cookie_name: &'a str,
    /// Whether the request has several session cookies.
    pub(crate) has_several_cookies: bool,
    pub(crate) now: SystemTime,
    pub(crate) detached: bool,
    pub(crate) last: bool,
    /// The effect of the response on the cookie if the save fails.
    pub(crate) on_error: &'a Mutex<CookieAction>,
}

/// The data to store.
impl<'a> Save<'a> {
    pub(crate) fn new(
        request: SaveRequest<'a>,
        data: Data,
        intent: Intent,
        accessed: bool,
    ) -> Self {
        let flags = ViewFlags::of_save(&data, &intent, accessed);
        let answers = HookAnswers::default();
        let mut save = Self { request, data, intent, flags, answers, renews: false, part: 0 };
        if save.ends() {
            // Values that are set afterwards are in a session with another id.
            save.flags = save.flags.with_cookie(false, true);
        }
        save
    }

    /// Returns the session before this save, with the changes of the request.
    pub(crate) fn data(&self) -> &Data {
        &self.data
    }

    /// Returns the data to store if the store has no newer data than the request opened.
    pub fn contents(&self) -> Contents {
        self.with_lifetime(self.data.stored.clone(), self.lifetime())
    }

    /// Returns the lifetime of the values that the request has.
    pub(crate) fn lifetime(&self) -> Lifetime {
        let call = || self.request.hooks.lifetime(&self.view());
        self.answers.lifetime.unwrap_or_else(|| *self.answers.late_lifetime.get_or_init(call))
    }

    /// Returns whether the session has neither values nor a login. A cookie backend then removes
    /// the cookie. A server-side backend does not create an empty session. Whether the backend ends
    /// an existing session depends on the [merged](Self::merge) contents, because a concurrent
    /// request may have added keys; see [`Contents::is_empty`].
    pub fn is_empty(&self) -> bool {
        self.data.stored.is_empty()
    }

    /// Applies the changes of this request to newer data of the store and returns the merged data
    /// to store.
    ///
    /// `payload` and `login` are the newer data of the store. Only the changes after `after` are
    /// applied. With the default mark, all changes are applied. If this request [logs
    /// in](Self::login), the owner of the newer data determines which of the newer values stay. The
    /// hook `lifetime` is called for the merged values.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if `payload` is not a JSON object.
    /// - [`ErrorKind::Value`](crate::ErrorKind::Value) if an `update` finds a value of another
    ///   type.
    pub fn merge(
        &self,
        payload: impl Into<String>,
        login: Option<&Login>,
        after: Mark,
    ) -> Result<Contents, Error> {
        let values = Values::parse_shared(payload.into()).map_err(|_| malformed())?;
        let mut stored = StoredData::new(values, login.cloned());
        let kept = self.config().login_keeps();
        self.intent.apply_since(after, &mut stored, self.data.stored.login.as_ref(), kept)?;
        let lifetime = self.request.hooks.lifetime(&SessionView::of(&stored, self.flags));
        Ok(self.with_lifetime(stored, lifetime))
    }

    fn with_lifetime(&self, stored: StoredData, lifetime: Lifetime) -> Contents {
        let after = |lifetime| saturating_add(self.request.now, lifetime);
        let expires_at = lifetime.permanent().map(after);
        Contents { stored, lifetime, expires_at }
    }
}

/// The changes that the request makes.
impl Save<'_> {
    /// Returns whether there are changes to store. If not, extend the expiry, and return
    /// [`Outcome::Stored`](crate::Outcome::Stored). Do not write values, because
    /// [`contents`](Self::contents) may have changes that `Session::set_modified(false)` withdrew.
    /// If the renewal fails, log the error and return
    /// [`Saved::unchanged`](super::Saved::unchanged). An error would fail a request that only
    /// reads. Also return `unchanged` if the session no longer exists.
    ///
    /// A save can be modified without [`changes`](Self::changes). The causes are a login, a new id,
    /// `Session::set_modified(true)`, or an earlier cookie that could not be set.
    pub fn is_modified(&self) -> bool {
        self.intent.is_modified()
    }

    /// Returns the changes of values, in order.
    pub fn changes(&self) -> &Changes {
        &self.intent.changes
    }

    /// Returns whether the opened session must end. The cause is a logout, or a `clear` that left a
    /// session without an owner empty. If the session is not [empty](Self::is_empty), the session
    /// starts again under a new id.
    ///
    /// Remove the stored session in any version, before calling [`contents`](Self::contents) or
    /// [`cookie_attributes`](Self::cookie_attributes), which call hooks. Then call
    /// [`forget`](Self::forget). If nothing starts a new session, return `CookieAction::Remove` and
    /// `Outcome::Stored`, even if the session had ended before. Return `Outcome::BrowserOnly` if a
    /// copy of the cookie still opens the session.
    pub fn ends(&self) -> bool {
        let Intent { end, write, changes, .. } = &self.intent;
        *end || (*write && changes.clears() && self.is_empty())
    }

    /// Returns the change of the id. The new record must be stored before the old record is
    /// removed. An interface without ids, such as a cookie, ignores this change.
    ///
    /// After [`IdChange::Rotate`], requests in progress must still find the session by the old id.
    /// After [`IdChange::CutOff`], these requests must not find the session. A request that opens
    /// the old id later receives [`Opened::new`](super::Opened::new) with a backend state that
    /// marks the id as moved. The changes of this request are dropped, because the cookie of a new
    /// session would replace the new id. A login is the exception. Store this mark for several
    /// seconds. The engine stores it for ten seconds.
    ///
    /// If another request has rotated the id first, store the changes under the new id and return
    /// [`CookieAction::Keep`](super::CookieAction::Keep). A login always has its own new id.
    pub fn id_change(&self) -> IdChange {
        self.intent.id
    }

    /// Returns the login if a user logs in, and `None` otherwise. A login starts a new session if
    /// another request ended the session in the meantime. Any other change is dropped in that case.
    /// The creation time starts again, so that the absolute timeout counts from the login.
    ///
    /// If the stored session no longer exists, start the new session from
    /// `save.merge("{}", None, Mark::default())`. Do not store [`contents`](Self::contents), which
    /// also has the values of the ended session. Any other modified save returns
    /// [`Saved::dropped`](super::Saved::dropped).
    pub fn login(&self) -> Option<&Login> {
        self.data.stored.login.as_ref().filter(|_| self.intent.login.is_some())
    }

    /// Returns whether the response has been sent, so that no cookie can reach the client. A save
    /// that needs a new cookie must fail with [`ErrorKind::Committed`](crate::ErrorKind::Committed)
    /// and store nothing.
    ///
    /// A server-side backend must call this method before it creates a session. The backend may
    /// still change or end an existing session. `CookieAction::Set` is accepted if its value is the
    /// cookie value that the request sent. A cookie backend returns
    /// [`Saved::unchanged`](super::Saved::unchanged) if the save is not
    /// [modified](Self::is_modified).
    pub fn is_detached(&self) -> bool {
        self.request.detached
    }

    /// Returns whether this save is the commit, after which the session is not saved again.
    /// Therefore there is no need to [`remember`](Self::remember) an attempt.
    pub fn is_final(&self) -> bool {
        self.request.last
    }

    /// Returns whether the handler obtained the session.
    pub fn is_accessed(&self) -> bool {
        self.view().is_accessed()
    }

    /// Returns whether the request renews the session, with or without a change. A change without a
    /// renewal must not extend the expiry if the cookie has an expiry. Otherwise the record would
    /// outlive the cookie.
    pub fn is_renewal_due(&self) -> bool {
        self.renews
    }

    fn view(&self) -> SessionView<'_> {
        SessionView::of(&self.data.stored, self.flags)
    }

    /// Calls the hooks of a session that does not end. Returns whether there are changes to save.
    ///
    /// `sets_unchanged` is `true` if `should_set_cookie` was already called for the unchanged
    /// session, and returned `true`.
    pub(crate) fn call_hooks(&mut self, sets_unchanged: bool) -> bool {
        let renewal = self.due_renewal();
        self.renews = renewal.is_some();
        let renewed = renewal.is_some_and(|renewal| renewal.cookie);
        let cookie_due = renewed || self.makes_cookie_due();
        self.flags = self.flags.with_cookie(renewed, cookie_due);
        let should_set = (sets_unchanged && !self.is_modified())
            || self.request.hooks.should_set_cookie(&self.view());
        self.answers.should_set = Some(should_set);
        if should_set {
            let attributes = self.request.hooks.cookie_attributes(&self.view());
            self.answers.attributes = Some(attributes);
        }
        let needed = should_set || renewal.is_some() || self.is_modified();
        if needed && self.answers.lifetime.is_none() {
            self.answers.lifetime = Some(self.request.hooks.lifetime(&self.view()));
        }
        needed
    }

    /// Returns whether a cookie that contains the id is out of date after this save.
    fn makes_cookie_due(&mut self) -> bool {
        let Intent { changes, write, end, id, login: _ } = &self.intent;
        if !self.is_modified() {
            return false;
        }
        let demanded = *write && changes.is_empty();
        let is_other = self.data.is_new || *end || *id != IdChange::Keep;
        if demanded || is_other || self.request.has_several_cookies {
            return true;
        }
        let lifetime = self.request.hooks.lifetime(&self.view());
        self.answers.lifetime = Some(lifetime);
        self.data.lifetime != Some(lifetime)
            || (lifetime.permanent().is_some() && self.config().refresh() == Refresh::WhenModified)
    }

    /// Returns the renewal if it is due.
    fn due_renewal(&mut self) -> Option<Renewal> {
        let (accessed, now) = (self.is_accessed(), self.now());
        let due = |renewal: &Renewal| renewal.is_due(accessed, now);
        if let Some(renewal) = self.data.renewal {
            return Some(renewal).filter(due);
        }
        let flasks = Some(Renewal::flasks(self.config().refresh())).filter(due)?;
        let lifetime = self.request.hooks.lifetime(&self.view());
        self.answers.lifetime = Some(lifetime);
        lifetime.permanent().map(|_| flasks)
    }

    pub(crate) fn take_intent(&mut self) -> Intent {
        std::mem::take(&mut self.intent)
    }
}

/// The request and its cookie.
impl<'a> Save<'a> {
    /// Returns the request.
    pub fn request(&self) -> &'a RequestView {
        self.request.view
    }

    /// Returns the settings of the outermost interface.
    pub fn config(&self) -> &'a SessionConfig {
        self.request.hooks.config()
    }

    /// Returns the current time. Use this time for the whole call.
    pub fn now(&self) -> SystemTime {
        self.request.now
    }

    /// Returns the name of the session cookie in this request.
    pub fn cookie_name(&self) -> &'a str {
        self.request.cookie_name
    }

    /// Returns the attributes for setting and removing the cookie, from the hook of the outermost
    /// interface.
    pub fn cookie_attributes(&self) -> &CookieAttributes {
        let call = || self.request.hooks.cookie_attributes(&self.view());
        let answers = &self.answers;
        match &answers.attributes {
            Some(attributes) => attributes,
            None => answers.late_attributes.get_or_init(call),
        }
    }

    /// Returns whether the response may set the cookie, according to the hook of the outermost
    /// interface.
    pub fn should_set_cookie(&self) -> bool {
        let call = || self.request.hooks.should_set_cookie(&self.view());
        self.answers.should_set.unwrap_or_else(|| *self.answers.late_should_set.get_or_init(call))
    }

    /// Returns the maximum number of bytes of a cookie value, or `None` if the size is not limited.
    /// The core checks the size according to the [`OversizePolicy`](crate::OversizePolicy). Use the
    /// limit to choose a shorter encoding.
    pub fn value_limit(&self) -> Option<usize> {
        match self.config().max_cookie_size() {
            0 => None,
            limit => {
                let overhead = self.cookie_attributes().overhead(self.cookie_name());
                Some(limit.saturating_sub(overhead))
            }
        }
    }
}

impl fmt::Debug for Save<'_> {
    /// Shows the intent and the number of keys, but no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Save")
            .field("keys", &self.data.values().len())
            .field("intent", &self.intent)
            .field("detached", &self.request.detached)
            .finish_non_exhaustive()
    }
}
