//! Rotation: a session moves to a new id, and nothing that other requests store meanwhile stays behind.

use std::time::Duration;

use super::content::{self, Nonce};
use super::find::{Found, Moved};
use super::lineage::Lineage;
use super::save::{Attempts, Saved, Wish, dropped};
use super::{Handle, ServerSideSessions};
use crate::{CookieAction, Error, NewRecord, Outcome, Replaced, SessionStore, StoreKey};

/// How long a tombstone points to its successor: longer than any request that was on its way should take.
const TOMBSTONE_LIFE: Duration = Duration::from_secs(10);

impl<S: SessionStore> ServerSideSessions<S> {
    /// Moves the session to a new id: the new record first, then a tombstone in the place of the old one.
    pub(super) async fn rotate(&self, handle: &Handle, wish: &Wish<'_>) -> Result<Saved, Error> {
        let _turn = self.queue.turn(handle.key).await;
        let owner = if wish.is_owner_change() { wish.owner.clone() } else { handle.owner.clone() };
        let new = self.create(wish, Some(handle), owner).await?;
        let moved = self.move_to(&new, handle, wish).await;
        if moved.is_err() {
            // Nobody will learn its id. If this fails, too, it expires, and its owner's list leaves it out.
            let _ = self.store.remove(&new.key, new.version).await;
        }
        moved
    }

    async fn move_to(&self, new: &Handle, old: &Handle, wish: &Wish<'_>) -> Result<Saved, Error> {
        let nonce = Nonce::generate()?;
        let mut attempts = Attempts::new(wish.context.now());
        let (mut new, mut old) = (new.clone(), old.clone());
        loop {
            let Some(found) = self.bury(&old, &new.key, nonce, wish).await? else {
                wish.reached(&new);
                return Ok((wish.cookie(new.id, new.created_at), Outcome::Stored));
            };
            let found = match found {
                Found::Moved(moved) if moved.nonce == nonce => {
                    wish.reached(&new);
                    return Ok((wish.cookie(new.id, new.created_at), Outcome::Stored));
                }
                Found::Moved(moved) if !wish.is_login() => {
                    self.store.remove(&new.key, new.version).await?;
                    return self.join(moved, wish).await;
                }
                Found::Moved(moved) => self.successor(moved, true, wish).await?,
                Found::Live(live) => Some(live),
                Found::Gone => None,
            };
            let Some(newer) = found else { return self.rotate_nothing(&new, wish).await };
            old = newer.handle;
            let merged = self.merge(&new, &newer.payload, Some(old.key), wish).await?;
            let Some(merged) = merged else { return Ok(dropped()) };
            new = merged;
            attempts.again(self.config.now())?;
        }
    }

    /// Puts the tombstone in place; otherwise what is there instead.
    async fn bury(
        &self,
        old: &Handle,
        successor: &StoreKey,
        nonce: Nonce,
        wish: &Wish<'_>,
    ) -> Result<Option<Found>, Error> {
        let bytes = content::tombstone(nonce, successor, !wish.is_owner_change());
        let now = self.config.now();
        let record = NewRecord::new(&bytes, old.created_at, now + TOMBSTONE_LIFE).owned_by(old.owner.as_deref());
        let replaced = self.store.replace(&old.key, old.version, &record).await;
        if matches!(replaced, Ok(Replaced::Done(_))) {
            return Ok(None);
        }
        let found = self.look(&old.key, wish).await?;
        if let Found::Live(live) = &found
            && live.handle.version == old.version
        {
            // The reply was lost, and so was the tombstone.
            replaced?;
        }
        Ok(Some(found))
    }

    /// Writes into the successor what slipped into the old record meanwhile; `None` if that was ended already, by someone
    /// who ended all sessions of its owner.
    async fn merge(
        &self,
        new: &Handle,
        newer: &str,
        predecessor: Option<StoreKey>,
        wish: &Wish<'_>,
    ) -> Result<Option<Handle>, Error> {
        let payload = wish.changes.replay(newer)?;
        wish.session.show(&payload);
        match self.replace(wish, new, Nonce::generate()?, &payload, predecessor).await? {
            Replaced::Done(version) => Ok(Some(Handle { version, ..new.clone() })),
            Replaced::Stale => Ok(None),
        }
    }

    /// Another rotation won that lets changes follow: they go to its successor, whose id is for others to hand out.
    async fn join(&self, moved: Moved, wish: &Wish<'_>) -> Result<Saved, Error> {
        let Some(live) = self.successor(moved, true, wish).await? else { return Ok(dropped()) };
        if wish.changes.is_empty() {
            return Ok((CookieAction::Keep, Outcome::Stored));
        }
        let nonce = Nonce::generate()?;
        let mut attempts = Attempts::new(wish.context.now());
        let mut live = live;
        loop {
            let payload = wish.changes.replay(&live.payload)?;
            if let Replaced::Done(_) = self.replace(wish, &live.handle, nonce, &payload, None).await? {
                return Ok((CookieAction::Keep, Outcome::Stored));
            }
            let further = match self.look(&live.handle.key, wish).await? {
                Found::Live(live) => Some(live),
                Found::Moved(moved) => self.successor(moved, true, wish).await?,
                Found::Gone => None,
            };
            let Some(further) = further else { return Ok(dropped()) };
            live = further;
            attempts.again(self.config.now())?;
        }
    }

    /// The session ended while it was being rotated: it stays ended, but a login begins a new one from its own changes.
    async fn rotate_nothing(&self, new: &Handle, wish: &Wish<'_>) -> Result<Saved, Error> {
        if !wish.is_login() {
            self.store.remove(&new.key, new.version).await?;
            return Ok(dropped());
        }
        let fresh = Handle { created_at: wish.context.now(), lineage: Lineage::generate()?, ..new.clone() };
        let Some(new) = self.merge(&fresh, "{}", None, wish).await? else { return Ok(dropped()) };
        wish.reached(&new);
        Ok((wish.cookie(new.id, new.created_at), Outcome::Stored))
    }
}
