//! The end of a request, which saves its session and returns the headers of the response.

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::headers::SessionHeaders;
use super::outage::OutagePolicy;
use super::sent::SentCookie;
use super::session::{RequestSession, Shared};
use crate::error::Error;
use crate::interface::CookieAction;
use crate::outcome::Outcome;
use crate::request_view::RequestView;
use crate::session::state::Origin;

/// The result of a commit.
#[derive(Debug, Default)]
#[must_use]
pub struct Committed {
    /// The headers of the response. An error response also needs them, because an earlier
    /// [`Session::save`](crate::Session::save) may have stored the session under a new id. If there
    /// is an error, these headers also include the headers of the inner sessions in the
    /// [`SessionStack`](super::SessionStack), which were saved before.
    pub headers: SessionHeaders,
    /// The error of the save. The response must become an error response.
    pub error: Option<Error>,
}

impl Committed {
    /// Returns the headers, or the error if there is one.
    ///
    /// # Errors
    ///
    /// Returns [`error`](Self::error), if there is one.
    pub fn into_result(self) -> Result<SessionHeaders, Error> {
        self.error.map_or(Ok(self.headers), Err)
    }
}

impl RequestSession {
    /// Saves the session and returns the headers of the response. Call this method once, when the
    /// head of the response is ready. Also call it for error responses. After the call, the session
    /// refuses changes.
    ///
    /// | accessed | ends or is new and empty | modified | has a lifetime and its renewal is due | result |
    /// |---|---|---|---|---|
    /// | no | yes | no | – | nothing |
    /// | yes | yes | no | – | `Vary: Cookie` |
    /// | any | yes | yes | – | removal, `Vary` |
    /// | no | no | no | no | nothing |
    /// | yes | no | no | no | `Vary` |
    /// | any | no | no | yes | `Set-Cookie`, `Vary` |
    /// | any | no | yes | any | `Set-Cookie`, `Vary`; on a server-side backend only if the cookie is out of date |
    ///
    /// With a [`token_header`](crate::SessionConfig::token_header), that header replaces
    /// `Cookie` and `Set-Cookie`.
    ///
    /// A session is empty if it has neither values nor a login. A logout ends a session, and so
    /// does a save that leaves the session empty. On a server-side backend, the contents of the
    /// store after the save determine whether the session is empty. Therefore a session with a
    /// concurrent insert does not end.
    ///
    /// The backend determines when a renewal is due; see [`Refresh`](crate::Refresh). On a
    /// server-side backend, most requests set no cookie, even with `Refresh::EachRequest`.
    /// [`SessionView::is_cookie_due`](crate::interface::SessionView::is_cookie_due) returns whether
    /// a cookie is out of date.
    ///
    /// If the future is dropped, nothing more is saved, and the client receives no cookie.
    ///
    /// The [`error`](Committed::error) is the error of
    /// [`SessionInterface::save`](crate::SessionInterface::save), or
    /// [`TooLarge`](crate::ErrorKind::TooLarge) for a cookie that the configuration refuses. The
    /// error is [`Configuration`](crate::ErrorKind::Configuration) if a hook returned a name and
    /// attributes that browsers refuse.
    pub async fn commit(&self) -> Committed {
        if let Some(headers) = self.finish_if_unchanged() {
            return Committed { headers, error: None };
        }
        let shared = self.shared();
        if !shared.is_opened()
            && let Err(error) = shared.open().await
        {
            shared.log_unrenewed(&error);
            return Committed::default();
        }
        // A committed session starts no other save, so only an earlier save can be in progress.
        let saved_manually = shared.saved_manually.load(Ordering::SeqCst);
        let _permit = if saved_manually { Some(shared.save_permit().await) } else { None };
        let (result, sent) = shared.save_intent(true).await;
        let others = shared.end_others_again().await;
        shared.committed(result.err().or(others.err()), sent)
    }
}

impl Shared {
    fn committed(&self, error: Option<Error>, cookie: SentCookie) -> Committed {
        let outcome = self.cell.read(|state| state.outcome).unwrap_or(Outcome::Unchanged);
        self.report_result(error.as_ref().map_or(Ok(outcome), |error| Err(error.kind())));
        self.send(cookie);
        // An earlier save may have rendered the header for the response.
        let (set, removals) = {
            let mut sent = self.sent();
            (sent.header.take(), std::mem::take(&mut sent.removals))
        };
        // An error response does not show the messages.
        let flash = if error.is_none() { self.flash_header() } else { None };
        let mut headers = SessionHeaders { removals, flash, ..self.headers(set) };
        if let Some(layers) = self.layers.get() {
            layers.note(&mut headers, error.is_some());
        }
        Committed { headers, error }
    }

    /// Returns the headers of a response. `set` is the `Set-Cookie` header or the token.
    pub(super) fn headers(&self, set: Option<String>) -> SessionHeaders {
        let vary = set.is_some() || self.cell.is_accessed();
        let token_header = (*self.interface).config().token().cloned();
        SessionHeaders { set, vary, token_header, ..SessionHeaders::default() }
    }

    pub(super) fn sent(&self) -> MutexGuard<'_, SentCookie> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a later request for the same session, with the client's cookie after this response.
    pub(super) fn reopened(&self) -> Arc<Self> {
        let name = self.cookie_name();
        let token = {
            let sent = self.sent();
            match &sent.action {
                CookieAction::Set { value, .. } => Some(value.clone()),
                CookieAction::Remove => None,
                CookieAction::Keep => self.view().cookie(name).map(str::to_owned),
            }
        };
        let (host, scheme, path) = (self.view.host(), self.view.scheme(), self.view.path());
        let view = RequestView::builder().host(host).scheme(scheme).path(path);
        let view = match (token, (*self.interface).config().token()) {
            (None, _) => view.build(),
            (Some(token), None) => view.cookie_header(format!("{name}={token}").as_bytes()).build(),
            (Some(token), Some(header)) => {
                view.token_header(header.request_value(&token).as_bytes()).build()
            }
        };
        Self::new(Arc::clone(&self.interface), view, OutagePolicy::Refuse, Origin::Reopened)
    }
}
