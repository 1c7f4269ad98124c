//! All sessions of a store, and all sessions of one owner, for administrators.

use std::fmt::{self, Debug};
use std::time::SystemTime;

use super::end::BATCH;
use super::find::Live;
use super::scanned::{Finished, Selection, Total};
use super::sessions::ServerSideSessions;
use crate::interface::{Opened, SessionPage, session_handle};
use crate::store::{OwnerIndex, Scan, StoreKey};
use crate::{Error, OwnedSession, Session};

/// All sessions of a store, of every owner and every namespace.
///
/// # Errors
///
/// Every method returns the errors of the store. Repeating a call is safe.
#[derive(Debug)]
pub struct AllSessions<'a, S> {
    sessions: &'a ServerSideSessions<S>,
}

impl<S: Scan> ServerSideSessions<S> {
    /// Returns all sessions of the store, for administrators.
    pub fn all(&self) -> AllSessions<'_, S> {
        AllSessions { sessions: self }
    }
}

impl<S: Scan> AllSessions<'_, S> {
    pub(super) fn sessions(&self) -> &ServerSideSessions<S> {
        self.sessions
    }

    /// Returns the number of records in the store that have not expired, without loading them.
    ///
    /// There are more records than sessions. A session with a new id also has its old record for
    /// ten minutes, and a remembered browser has a record. The Redis store also counts records
    /// until it removes them, some minutes after their expiry. For an exact number, count the
    /// sessions of all pages.
    ///
    /// # Errors
    ///
    /// Returns the errors of the store.
    pub async fn count_records(&self) -> Result<u64, Error> {
        self.sessions.store.count(self.sessions.config.now()).await
    }

    /// Returns about `limit` live sessions, starting after the position of an earlier page. The
    /// sessions are in no particular order.
    ///
    /// A page may have no sessions even if it is not the last. A session that is live during all
    /// calls is on at least one page. A session that is rotated between two calls may be on two
    /// pages or on none.
    ///
    /// A `limit` of 0 counts as 1, and a `limit` above [`SessionPage::LIMIT`] counts as this
    /// constant.
    ///
    /// # Errors
    ///
    /// Returns the errors of the store, and [`ErrorKind::Malformed`](crate::ErrorKind::Malformed)
    /// if `after` is not a position that an earlier page returned.
    pub async fn page(&self, after: Option<&str>, limit: usize) -> Result<StoredPage, Error> {
        let limit = limit.clamp(1, SessionPage::LIMIT);
        let page = self.sessions.store.scan(after, limit).await?;
        let now = self.sessions.config.now();
        let Finished { live, unread, .. } = self.sessions.finished(page.keys, now).await?;
        let sessions = live.into_iter().map(|live| StoredSession::shown(live, now)).collect();
        Ok(StoredPage { sessions, unread, next: page.next })
    }

    /// Ends the selected sessions, and returns the number of ended sessions.
    ///
    /// The call ends every selected session that existed when the call started, even if requests
    /// write or rotate it in the meantime. These requests drop their changes. A session that is
    /// created during the call, for a new visitor or by a login, may be ended or not. The call also
    /// ends the session of the current request if this session is selected.
    ///
    /// With [`Selection::NotSeenSince`], a session that is written during the call stays. A session
    /// that is only renewed at the same moment may be ended.
    ///
    /// [`Selection::All`] also ends the series of [remembered](crate::remember) browsers. With
    /// another selection, these browsers can log in again. Applications that store sessions in
    /// cookies end them with a [stamp](crate::login#stamps) instead.
    ///
    /// The call reads pages from the store and ends some sessions of a page at a time. The caller
    /// can drop the future and repeat the call at any time. The call reports each ended session as
    /// [`Event::Ended`](crate::events::Event::Ended), which also shows the progress.
    ///
    /// # Errors
    ///
    /// If some sessions cannot be ended, the call ends the others, and the error contains the
    /// numbers of ended and remaining sessions. If the store fails to return a page, the call
    /// stops.
    pub async fn end(&self, selection: Selection) -> Result<u64, Error> {
        let mut total = Total::new("sessions were ended");
        self.sessions.end_selected(selection, &mut total).await?;
        if selection == Selection::All {
            // A remembered browser may have started a new session before its series ended.
            total.begin_again();
            self.sessions.end_selected(selection, &mut total).await?;
        }
        total.result()
    }
}

/// A page of the sessions of a store.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct StoredPage {
    /// The sessions.
    pub sessions: Vec<StoredSession>,
    /// The number of records of a newer build, which may be sessions.
    pub unread: usize,
    /// The position after this page, or `None` if this page is the last.
    pub next: Option<String>,
}

/// A session in a list for administrators, without its id and values.
#[derive(Clone, Eq, PartialEq)]
pub struct StoredSession {
    owner: Option<String>,
    expires_at: SystemTime,
    details: OwnedSession,
}

impl StoredSession {
    /// Returns the owner, or `None` for a visitor.
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// Returns the expiry of the session, to the minute, unless a request renews the session.
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// Returns the handle, the times and the label. The handle of a visitor's session only
    /// identifies the session in lists.
    pub fn details(&self) -> &OwnedSession {
        &self.details
    }

    fn shown(live: Live, now: SystemTime) -> Self {
        let owner = live.record.owner().map(str::to_owned);
        let handle = session_handle(&live.record.lineage.0, owner.as_deref());
        Self { owner, expires_at: live.record.expires_at, details: live.shown(handle, now) }
    }
}

impl Debug for StoredSession {
    /// Shows the times, but neither the owner, nor the handle, nor the label.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredSession")
            .field("expires_at", &self.expires_at)
            .field("details", &self.details)
            .finish_non_exhaustive()
    }
}

/// The pages of one owner's sessions.
///
/// [`OwnerSessions::page`](crate::OwnerSessions::page) lists the owner's keys for each page. This
/// type lists them once. Therefore this type is the better choice for an owner with thousands of
/// sessions.
pub struct OwnerPages<'a, S> {
    sessions: &'a ServerSideSessions<S>,
    owner: String,
    keys: std::vec::IntoIter<StoreKey>,
}

impl<S: OwnerIndex> ServerSideSessions<S> {
    /// Returns the pages of the owner's current sessions. The result needs 32 bytes for each
    /// session.
    ///
    /// # Errors
    ///
    /// Returns the errors of the store.
    pub async fn pages_of(&self, owner: &str) -> Result<OwnerPages<'_, S>, Error> {
        let keys = self.store.keys_of(&self.store.inner, owner).await?.into_iter();
        Ok(OwnerPages { sessions: self, owner: owner.to_owned(), keys })
    }

    /// Returns a session of an owner with its values, or `None` if the owner has no session with
    /// this handle. The session does not belong to a request. Therefore its changes are not stored.
    ///
    /// The values are confidential. The store does not log this access.
    ///
    /// # Errors
    ///
    /// Returns the errors of the store.
    pub async fn session_of(&self, owner: &str, handle: &str) -> Result<Option<Session>, Error> {
        let keys = self.store.keys_of(&self.store.inner, owner).await?;
        for keys in keys.chunks(BATCH) {
            let listing = self.listed(owner, keys, self.config.now()).await?;
            let mut sessions = listing.sessions.into_iter().filter(|other| !other.is_orphan);
            if let Some(found) = sessions.find(|other| other.handle == handle) {
                let Live { record, payload, .. } = found.live;
                let opened = Opened::from_payload(payload)?.with_login(record.login.clone());
                let details = record.details(record.expires_at);
                return Ok(Some(opened.with_details(details).into_session()));
            }
        }
        Ok(None)
    }
}

impl<S: OwnerIndex> OwnerPages<'_, S> {
    /// Returns the next sessions, at most [`SessionPage::LIMIT`], or `None` after the last page. A
    /// page may be empty.
    ///
    /// # Errors
    ///
    /// Returns the errors of the store. The next call continues with the page after the failed one.
    pub async fn next(&mut self) -> Result<Option<Vec<OwnedSession>>, Error> {
        let keys: Vec<_> = self.keys.by_ref().take(SessionPage::LIMIT).collect();
        if keys.is_empty() {
            return Ok(None);
        }
        self.sessions.shown_page(&self.owner, &keys).await.map(Some)
    }
}

impl<S> Debug for OwnerPages<'_, S> {
    /// Shows the number of keys, but not the owner.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnerPages").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}
