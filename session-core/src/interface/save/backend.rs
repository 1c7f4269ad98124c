//! The data of a backend between the saves of a session.

use std::any::Any;
use std::sync::{Arc, PoisonError};

use super::Save;
use crate::interface::opened::{joined, nested_part};
use crate::interface::{CookieAction, OpenContext, Opened};
use crate::session::intent::Intent;
use crate::session::stored::StoredData;

/// The data of the backend.
impl Save<'_> {
    /// Returns the data that the interface attached to the session with
    /// [`Opened::with_backend_state`](crate::interface::Opened::with_backend_state) or
    /// [`remember`](Self::remember), if it is of this type.
    pub fn backend_state<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.data.backend.get(self.part)
    }

    /// Replaces the data of the backend, for later saves of this session.
    ///
    /// The replacement takes effect at once, and stays in effect if this save fails or its future
    /// is dropped. Call this method before a store call whose result may remain unknown.
    ///
    /// To handle a lost reply, write a random nonce with each stored payload. Before the write,
    /// remember the nonce and `changes().mark()`. The next save compares the stored nonce with the
    /// remembered nonce. If the nonces are equal, pass the mark to [`merge`](Self::merge). After a
    /// save that succeeds, remember a state without the nonce and the mark.
    ///
    /// Also call this method after a save that stored the session under a new id, even if the save
    /// [is final](Self::is_final). Later saves and `OwnerSessions::handle_of` use the new data.
    /// [`backend_state`](Self::backend_state) of the current `Save` does not change.
    pub fn remember<T: Any + Send + Sync>(&self, state: T) {
        self.request.cell.lock().data.backend.set(self.part, Arc::new(state));
    }

    /// Sets the effect of the response on the cookie if this save fails. Call this method before
    /// you return an error after which the client needs another cookie. For example, the store may
    /// have moved the session to a new id.
    pub fn set_cookie_on_error(&self, action: CookieAction) {
        *self.request.on_error.lock().unwrap_or_else(PoisonError::into_inner) = action;
    }

    /// Removes the data of the backend, because the session is no longer stored.
    pub fn forget(&self) {
        self.request.cell.lock().data.backend.remove(self.part);
    }

    /// Returns this save for a part of a combined interface, with the backend state of the part;
    /// see [`Opened::nested`](crate::interface::Opened::nested).
    #[must_use]
    pub fn nested(&self, part: u8) -> Self {
        Self {
            request: self.request,
            data: self.data.clone(),
            intent: self.intent.clone(),
            flags: self.flags,
            answers: self.answers.clone(),
            renews: self.renews,
            part: nested_part(self.part, part),
        }
    }

    /// Returns this save with the backend state of a session that was opened during the save. Later
    /// saves of this session also have this state. A combined interface calls this method after
    /// [`nested`](Self::nested), if the session is no longer in the part in which `open` found it.
    ///
    /// [`contents`](Self::contents) does not change, and may be outdated. Therefore the state must
    /// cause the part to [merge](Self::merge) before it stores the contents.
    #[must_use]
    pub fn with_state_of(mut self, opened: &Opened) -> Self {
        let state = opened.data.backend.clone().nested(|inner| joined(self.part, inner));
        let mut later = self.request.cell.lock();
        for data in [&mut self.data, &mut later.data] {
            data.backend.remove(self.part);
            data.backend.extend(state.clone());
        }
        drop(later);
        self
    }

    /// Returns the context for opening the session of this request again.
    pub fn open_context(&self) -> OpenContext<'_> {
        let (hooks, request) = (self.request.hooks, self.request.view);
        let cookie_name = self.request.cookie_name;
        let cookie = request.cookie(cookie_name);
        OpenContext { hooks, request, cookie_name, cookie, now: self.request.now }
    }

    /// Converts this save into a save that only ends the session. A combined interface passes the
    /// result to the part from which the session moves away.
    #[must_use]
    pub fn ending(mut self) -> Self {
        self.data.stored = StoredData::default();
        self.intent = Intent { end: true, ..Intent::default() };
        self
    }
}
