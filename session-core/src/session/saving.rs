//! Saving before the response, at the commit, and long after it.

use std::sync::Arc;

use crate::context::RequestContext;
use crate::session::state::{Outcome, State, Status};
use crate::values::Values;
use crate::{Changes, CookieAction, Error, ErrorKind, RequestSession, RequestView, Session, SessionHeaders};

/// Saving by hand: for a handler that must know before it acts, and for sockets and streams.
impl Session {
    /// Saves what was changed so far, at once, and says what became of it. The response carries the cookie; what is changed
    /// afterwards is saved with it as always.
    ///
    /// On a server-side backend the change is stored when this returns [`Outcome::Stored`], and what other requests stored
    /// meanwhile can be read from now on. On a signed cookie it only fixes what the response will set.
    ///
    /// If the future is dropped, the changes are saved with the response; whether this attempt reached the store as well is
    /// not known.
    ///
    /// # Errors
    ///
    /// What [`SessionInterface::save`](crate::SessionInterface::save) gave: the changes are kept, to be saved with the
    /// response. [`ErrorKind::Unavailable`] on an anonymous session, [`ErrorKind::Unconfigured`] on a null session and on one
    /// made by hand, [`ErrorKind::Sealed`] after the commit: [`reopen`](Self::reopen) it.
    ///
    /// ```
    /// use session_core::{Error, Outcome, Session};
    ///
    /// async fn reserve(session: &Session) -> Result<bool, Error> {
    ///     session.insert("reserved", true)?;
    ///     Ok(session.save().await? == Outcome::Stored)
    /// }
    /// ```
    pub async fn save(&self) -> Result<Outcome, Error> {
        let context = self.context()?;
        self.write(|state| {
            state.saved_by_hand = true;
            Ok(())
        })?;
        if self.is_anonymous() {
            let message = "the session store could not be reached when this request began; nothing of it is saved";
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        let _alone = context.saving.lock().await;
        let draft = Draft::take(self);
        let saved = context.save(&draft.frozen).await?;
        let undelivered = match &saved.cookie {
            CookieAction::Set(cookie) => context.request().cookie(&context.cookie_name()) != Some(cookie),
            _ => false,
        };
        if self.read(|state| state.detached) && undelivered {
            let message = "this backend keeps the session in the client's cookie, and the response has been sent";
            return Err(Error::new(ErrorKind::Sealed, message));
        }
        let outcome = draft.frozen.outcome().or(saved.outcome).unwrap_or(Outcome::Stored);
        draft.finish(outcome, saved.headers, saved.cookie)?;
        Ok(outcome)
    }

    /// The same session, read anew after its request was committed: for a socket or a stream that outlives the response.
    /// What it changes is stored by [`save`](Self::save), and by nothing else.
    ///
    /// No cookie reaches the client any more. So [`set_owner`](Self::set_owner) and [`rotate_id`](Self::rotate_id) are errors
    /// of kind [`ErrorKind::Sealed`], and so is saving a session that lives in its cookie.
    ///
    /// # Errors
    ///
    /// As opening; [`ErrorKind::Unconfigured`] for a session made by hand.
    ///
    /// ```
    /// use session_core::{Error, Session};
    ///
    /// async fn on_message(session: &Session) -> Result<(), Error> {
    ///     let session = session.reopen().await?;
    ///     session.update("messages", |count: Option<u64>| Some(count.unwrap_or(0) + 1))?;
    ///     session.save().await?;
    ///     Ok(())
    /// }
    /// ```
    pub async fn reopen(&self) -> Result<Self, Error> {
        let context = self.context()?;
        let name = context.cookie_name();
        let cookie = match self.read(|state| state.cookie.clone()) {
            CookieAction::Set(cookie) | CookieAction::SetUntil(cookie, _) => Some(cookie),
            CookieAction::Remove => None,
            CookieAction::Keep => context.request().cookie(&name).map(str::to_owned),
        };
        let header = cookie.map(|cookie| format!("{name}={cookie}")).unwrap_or_default();
        let (request, interface) = (context.request(), Arc::clone(context.interface()));
        let view = RequestView::builder().host(request.host()).scheme(request.scheme()).path(request.path());
        let view = view.cookie_header(header.as_bytes()).build();
        let session = RequestSession::with_shared(interface, view, crate::OnOutage::Refuse).session().await?;
        session.lock().detached = true;
        Ok(session)
    }

    /// Seals the session and saves what is left to save, with what earlier saves left for the response.
    pub(crate) async fn commit(&self, context: &RequestContext) -> Result<SessionHeaders, Error> {
        let saved_by_hand = {
            let mut state = self.lock();
            state.sealed = true;
            state.saved_by_hand
        };
        // A sealed session begins no other save, so only one that was begun before can be on its way.
        let _alone = if saved_by_hand { Some(context.saving.lock().await) } else { None };
        let saved = context.save(self).await?;
        let mut state = self.lock();
        state.outcome = state.outcome.or(saved.outcome);
        if saved.cookie != CookieAction::Keep {
            state.cookie = saved.cookie;
        }
        let pending = std::mem::take(&mut state.pending);
        Ok(SessionHeaders {
            set_cookie: saved.headers.set_cookie.or(pending.set_cookie),
            vary: saved.headers.vary || pending.vary,
        })
    }

    fn context(&self) -> Result<&RequestContext, Error> {
        let request = self.request.as_ref();
        request
            .map(RequestSession::context)
            .ok_or_else(|| Error::new(ErrorKind::Unconfigured, "this session was made by hand: no interface opened it"))
    }
}

/// The changes that are being saved, out of the session's journal. They return to it unless the save succeeds.
struct Draft<'a> {
    session: &'a Session,
    frozen: Session,
    finished: bool,
}

impl<'a> Draft<'a> {
    fn take(session: &'a Session) -> Self {
        let mut state = session.lock();
        let mut frozen = State::new(state.values.clone(), state.new);
        frozen.changes = std::mem::take(&mut state.changes);
        frozen.modified = std::mem::take(&mut state.modified);
        frozen.destroyed = std::mem::take(&mut state.destroyed);
        frozen.rotate = std::mem::take(&mut state.rotate);
        frozen.owner_changed = std::mem::take(&mut state.owner_changed);
        frozen.owner.clone_from(&state.owner);
        frozen.sealed = true;
        frozen.slot.clone_from(&state.slot);
        drop(state);
        let frozen = Session::from_state(frozen, Status::Open);
        if session.is_accessed() {
            frozen.mark_accessed();
        }
        Self { session, frozen, finished: false }
    }

    /// The session goes on from what was stored, with what was changed since.
    fn finish(mut self, outcome: Outcome, headers: SessionHeaders, cookie: CookieAction) -> Result<(), Error> {
        self.finished = true;
        let frozen = self.frozen.lock();
        let mut state = self.session.lock();
        let payload = state.changes.replay(&frozen.values.to_payload())?;
        state.values = Values::parse(payload).map_err(|_| crate::changes::malformed())?;
        state.revision += 1;
        state.slot.clone_from(&frozen.slot);
        state.outcome = Some(outcome);
        if cookie != CookieAction::Keep {
            state.cookie = cookie;
            state.pending = headers;
        }
        Ok(())
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let mut frozen = self.frozen.lock();
        let mut state = self.session.lock();
        let since = std::mem::replace(&mut state.changes, std::mem::take(&mut frozen.changes));
        state.changes = Changes::joined(std::mem::take(&mut state.changes), since);
        state.modified |= frozen.modified;
        state.destroyed |= frozen.destroyed;
        state.rotate |= frozen.rotate;
        state.owner_changed |= frozen.owner_changed;
    }
}
