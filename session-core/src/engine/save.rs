//! Saving: create, write, renew, end, and what each does when another request was faster.

use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::content::{self, Head, Nonce};
use super::find::{Found, Live, Moved};
use super::lineage::Lineage;
use super::queue::Stored;
use super::{Handle, Origin, ServerSideSessions, expiry};
use crate::id::SessionId;
use crate::session::state::State;
use crate::{
    Changes, CookieAction, Error, ErrorKind, NewRecord, Outcome, Replaced, SaveContext, Session, SessionStore, StoreKey,
};

/// How long a save may be overtaken by others before it gives up.
const DEADLINE: Duration = Duration::from_secs(5);
/// How often it may be overtaken, should the clock stand still.
const MAX_ATTEMPTS: u32 = 10_000;

/// What a request wants of its session, read once from the sealed session.
pub(super) struct Wish<'a> {
    pub(super) session: &'a Session,
    pub(super) context: &'a SaveContext<'a>,
    pub(super) changes: Changes,
    /// End what the session was. `clear` that left nothing behind does that, too.
    end: bool,
    rotate: bool,
    /// Whose the session is from now on, if `changes_owner`.
    pub(super) owner: Option<String>,
    changes_owner: bool,
}

pub(super) type Saved = (CookieAction, Outcome);

impl<S: SessionStore> ServerSideSessions<S> {
    pub(super) async fn save_session(
        &self,
        session: &Session,
        context: &SaveContext<'_>,
    ) -> Result<CookieAction, Error> {
        if !needs_store(session, context) {
            session.set_outcome(Outcome::Unchanged);
            return Ok(CookieAction::Keep);
        }
        let origin = session.slot::<Origin>();
        // Most requests only read: they need not make room for all that a save may have to do.
        let (action, outcome) = Box::pin(self.reach(origin.as_deref(), &Wish::new(session, context))).await?;
        if outcome == Outcome::Dropped
            && let Some(key) = origin.as_deref().map(Origin::key)
        {
            let session = key.log_name();
            tracing::info!(%session, "session was ended meanwhile; this request's changes are dropped");
        }
        session.set_outcome(outcome);
        Ok(action)
    }

    async fn reach(&self, origin: Option<&Origin>, wish: &Wish<'_>) -> Result<Saved, Error> {
        match origin {
            Some(Origin::Live(handle)) if !wish.session.is_modified() => Ok(self.renew(handle, wish).await),
            Some(Origin::Live(handle)) if wish.end => self.end_and_begin(handle, wish).await,
            Some(Origin::Live(handle)) if wish.rotate => self.rotate(handle, wish).await,
            Some(Origin::Live(handle)) if wish.changes.is_empty() => self.touch(handle, wish).await,
            Some(Origin::Live(handle)) => self.write(handle, wish).await,
            Some(Origin::Moved { successor, follow: true }) if wish.end => self.end_successor(*successor, wish).await,
            Some(Origin::Moved { .. }) if !wish.is_login() => Ok(dropped()),
            _ => self.begin(wish).await,
        }
    }

    /// A new session under a new id, from what this request wrote.
    async fn begin(&self, wish: &Wish<'_>) -> Result<Saved, Error> {
        if wish.session.is_empty() && !wish.is_login() {
            let action = if wish.end { CookieAction::Remove } else { CookieAction::Keep };
            return Ok((action, Outcome::Unchanged));
        }
        let owner = wish.owner.clone().filter(|_| wish.changes_owner);
        let new = self.create(wish, None, owner).await?;
        wish.reached(&new);
        Ok((wish.cookie(new.id, new.created_at), Outcome::Stored))
    }

    /// Replaces the record; when another request was faster, replays the changes on what that one stored.
    async fn write(&self, handle: &Handle, wish: &Wish<'_>) -> Result<Saved, Error> {
        let (mut turn, before) = self.queue.turn(handle.key).await;
        let nonce = Nonce::generate()?;
        let mut attempts = Attempts::new(wish.context.now());
        let (mut target, mut payload) = wish.start(handle, before);
        let mut action = wish.cookie(handle.id, handle.created_at);
        loop {
            if let Replaced::Done(version) = self.replace(wish, &target, nonce, &payload, None).await? {
                let reached = Handle { version, ..target };
                wish.reached(&reached);
                turn.leave(&reached, payload);
                return Ok((action, Outcome::Stored));
            }
            let newer = match self.look(&target.key, wish).await? {
                Found::Live(live) => live,
                Found::Moved(moved) => match self.successor(moved, true, wish).await? {
                    Some(live) => {
                        // Whoever rotated hands out the new id.
                        action = CookieAction::Keep;
                        target.id = None;
                        live
                    }
                    None => return Ok(dropped()),
                },
                Found::Gone => return Ok(dropped()),
            };
            payload = wish.changes.replay(&newer.payload)?;
            wish.session.show(&payload);
            target = Handle { id: target.id, ..newer.handle };
            attempts.again(self.config.now())?;
        }
    }

    /// Puts off the end of an unmodified session.
    async fn renew(&self, handle: &Handle, wish: &Wish<'_>) -> Saved {
        self.touch(handle, wish).await.unwrap_or_else(|error| {
            // Nothing of the request's is lost by it: the next one tries again.
            let (session, source) = (handle.key.log_name(), error.source());
            tracing::warn!(%session, %error, source, "session could not be renewed");
            (CookieAction::Keep, Outcome::Unchanged)
        })
    }

    async fn touch(&self, handle: &Handle, wish: &Wish<'_>) -> Result<Saved, Error> {
        let mut attempts = Attempts::new(wish.context.now());
        let mut target = handle.clone();
        loop {
            if self.store.touch(&target.key, target.version, wish.expires_at(target.created_at)).await? {
                return Ok((wish.cookie(handle.id, handle.created_at), Outcome::Stored));
            }
            match self.look(&target.key, wish).await? {
                // Whoever was faster may have renewed it, too, but perhaps by another lifetime.
                Found::Live(live) => target = live.handle,
                Found::Moved(_) | Found::Gone => return Ok((CookieAction::Keep, Outcome::Unchanged)),
            }
            attempts.again(self.config.now())?;
        }
    }

    /// Ends the session, and begins another if something was written after that.
    async fn end_and_begin(&self, handle: &Handle, wish: &Wish<'_>) -> Result<Saved, Error> {
        self.end_record(handle, None, wish.context.now()).await?;
        wish.session.lock().slot = None;
        if wish.session.is_empty() && !wish.is_login() {
            return Ok((CookieAction::Remove, Outcome::Stored));
        }
        self.begin(wish).await
    }

    /// A logout that came with an id just rotated away: what the user means is the session that goes on under the new one.
    async fn end_successor(&self, successor: StoreKey, wish: &Wish<'_>) -> Result<Saved, Error> {
        let live = match self.look(&successor, wish).await? {
            Found::Live(live) => Some(live),
            Found::Moved(moved) => self.successor(moved, true, wish).await?,
            Found::Gone => None,
        };
        match live {
            Some(live) => self.end_and_begin(&live.handle, wish).await,
            None => Ok(dropped()),
        }
    }

    /// Removes the record, or its successor, whatever its version: a session that is to end ends. With an owner, only while
    /// it is that owner's.
    pub(super) async fn end_record(
        &self,
        handle: &Handle,
        owner: Option<&str>,
        started: SystemTime,
    ) -> Result<(), Error> {
        let _turn = self.queue.turn(handle.key).await;
        let mut attempts = Attempts::new(started);
        let (mut key, mut version) = (handle.key, handle.version);
        loop {
            let removed = self.store.remove(&key, version).await;
            if matches!(removed, Ok(true)) {
                return Ok(());
            }
            let now = self.config.now();
            let left = match self.find(&key, &self.config, now).await? {
                Found::Live(live) => Some(live),
                Found::Moved(moved) => self.find_successor(moved, false, &self.config, now).await?,
                Found::Gone => None,
            };
            let Some(left) = left else { return Ok(()) };
            if owner.is_some() && left.handle.owner.as_deref() != owner {
                return Ok(());
            }
            if left.handle.key == key && left.handle.version == version {
                // The reply was lost, and so was the removal.
                removed?;
            }
            (key, version) = (left.handle.key, left.handle.version);
            attempts.again(now)?;
        }
    }

    /// A record for this session under a new id: that of a new session, or the one that a rotation moves the predecessor to.
    pub(super) async fn create(
        &self,
        wish: &Wish<'_>,
        predecessor: Option<&Handle>,
        owner: Option<String>,
    ) -> Result<Handle, Error> {
        let id = SessionId::generate()?;
        let lineage = predecessor.map_or_else(Lineage::generate, |old| Ok(old.lineage))?;
        let created_at = predecessor.map_or(wish.context.now(), |old| old.created_at);
        let head = wish.head(Nonce::generate()?, lineage, predecessor.map(|old| old.key));
        let (key, expires_at) = (id.store_key(), wish.expires_at(created_at));
        let bytes = content::session(&head, &wish.session.payload());
        let record = NewRecord::new(&bytes, created_at, expires_at).owned_by(owner.as_deref());
        let version = self.store.create(&key, &record).await?;
        Ok(Handle { id: Some(id), key, version, created_at, expires_at, owner, lineage })
    }

    /// One attempt to replace a session by its next version. A reply that was lost is looked for.
    pub(super) async fn replace(
        &self,
        wish: &Wish<'_>,
        target: &Handle,
        nonce: Nonce,
        payload: &str,
        predecessor: Option<StoreKey>,
    ) -> Result<Replaced, Error> {
        let bytes = content::session(&wish.head(nonce, target.lineage, predecessor), payload);
        let record = NewRecord::new(&bytes, target.created_at, wish.expires_at(target.created_at))
            .owned_by(target.owner.as_deref());
        match self.store.replace(&target.key, target.version, &record).await {
            Ok(replaced) => Ok(replaced),
            Err(error) => match self.recover(&target.key, nonce, &self.config, self.config.now()).await {
                Ok(Some(version)) => Ok(Replaced::Done(version)),
                _ => Err(error),
            },
        }
    }

    pub(super) async fn look(&self, key: &StoreKey, wish: &Wish<'_>) -> Result<Found, Error> {
        self.find(key, wish.context.config(), self.config.now()).await
    }

    pub(super) async fn successor(
        &self,
        moved: Moved,
        only_followed: bool,
        wish: &Wish<'_>,
    ) -> Result<Option<Live>, Error> {
        self.find_successor(moved, only_followed, wish.context.config(), self.config.now()).await
    }
}

/// Whether a save has anything to do: something changed, or the record's end is to be put off.
fn needs_store(session: &Session, context: &SaveContext<'_>) -> bool {
    session.read(|state| {
        let is_due = |handle| expiry::is_due(state.permanent(), session.is_accessed(), context, handle);
        state.modified || matches!(state.slot(), Some(Origin::Live(handle)) if is_due(handle))
    })
}

impl<'a> Wish<'a> {
    fn new(session: &'a Session, context: &'a SaveContext<'a>) -> Self {
        session.read(|state: &State| Self {
            session,
            context,
            changes: state.changes.clone(),
            end: state.ends(),
            rotate: state.rotates(),
            owner: state.owner.clone(),
            changes_owner: state.owner_changed,
        })
    }

    /// What a write replaces, and by what: the record that was stored while it waited for its turn, or the one that its
    /// request opened. Should another process have been faster, the version tells.
    fn start(&self, opened: &Handle, before: Option<Stored>) -> (Handle, String) {
        let newer = before.filter(|before| before.handle.version != opened.version);
        let replayed = newer.and_then(|newer| Some((newer.handle, self.changes.replay(&newer.payload).ok()?)));
        let Some((newer, payload)) = replayed else { return (opened.clone(), self.session.payload()) };
        self.session.show(&payload);
        (Handle { id: opened.id, ..newer }, payload)
    }

    /// Whether a user logs in.
    pub(super) fn is_login(&self) -> bool {
        self.changes_owner && self.owner.is_some()
    }

    pub(super) fn is_owner_change(&self) -> bool {
        self.changes_owner
    }

    fn expires_at(&self, created_at: SystemTime) -> SystemTime {
        expiry::expires_at(self.context.config(), self.context.lifetime(), created_at, self.context.now())
    }

    /// The client's cookie, which lasts as long as the record, or as the promise if that is longer; none for a record whose
    /// id others hand out.
    pub(super) fn cookie(&self, id: Option<SessionId>, created_at: SystemTime) -> CookieAction {
        let Some(id) = id else { return CookieAction::Keep };
        let record = self.expires_at(created_at);
        let end = self.context.expires_at().map_or(record, |promise| promise.max(record));
        CookieAction::SetUntil(id.to_cookie(), end)
    }

    fn head(&self, nonce: Nonce, lineage: Lineage, predecessor: Option<StoreKey>) -> Head {
        let kept_for = expiry::kept_for(self.context.config(), self.context.lifetime());
        Head { nonce, lineage, written_at: self.context.now(), kept_for, predecessor }
    }

    /// Remembers where the session is now.
    pub(super) fn reached(&self, handle: &Handle) {
        let expires_at = self.expires_at(handle.created_at);
        self.session.set_slot(Arc::new(Origin::Live(Handle { expires_at, ..handle.clone() })));
    }
}

/// Counts how often and how long a save was overtaken.
pub(super) struct Attempts {
    started: SystemTime,
    count: u32,
}

impl Attempts {
    pub(super) fn new(started: SystemTime) -> Self {
        Self { started, count: 0 }
    }

    pub(super) fn again(&mut self, now: SystemTime) -> Result<(), Error> {
        self.count += 1;
        let late = now.duration_since(self.started).is_ok_and(|time| time > DEADLINE);
        if late || self.count > MAX_ATTEMPTS {
            let message = "the session kept changing while it was being saved";
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        Ok(())
    }
}

pub(super) fn dropped() -> Saved {
    (CookieAction::Keep, Outcome::Dropped)
}
