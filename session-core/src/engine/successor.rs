//! The new record of a rotation, which is created or continued from an earlier save of the request.

use super::find::{Found, Moved};
use super::id::SessionId;
use super::position::{RecordRef, Saving, Successor};
use super::save::{Replacement, set_cookie};
use super::sessions::ServerSideSessions;
use super::write::merge;
use crate::interface::Contents;
use crate::store::{SessionStore, StoreKey};
use crate::{Error, ErrorKind};

/// The new record of a rotation.
#[expect(clippy::large_enum_variant, reason = "values are short-lived and nearly always large")]
pub(super) enum Created {
    Record(RecordRef, Contents),
    /// An earlier save has moved the session, and another request has moved it further.
    MovedOn(Moved),
    /// An earlier save has moved the session, and another request has ended it since.
    Ended,
}

impl<S: SessionStore> ServerSideSessions<S> {
    /// Creates the new record. If an earlier save of this request may have created it, continues
    /// from that record.
    pub(super) async fn create_successor(
        &self,
        saving: &mut Saving<'_, '_>,
    ) -> Result<Created, Error> {
        let mut is_refused = false;
        loop {
            let known = saving.successor;
            if known.is_some() {
                let reloaded = self.reload_successor(saving).await?;
                if let Some(created) = reloaded {
                    return Ok(created);
                }
                if is_refused {
                    // The record was removed, and a placeholder prevents its creation.
                    saving.forget_successor();
                    continue;
                }
            }
            match self.create_record(saving, known).await {
                // An earlier call created the record in the meantime.
                Err(error) if error.kind() == ErrorKind::Backend && known.is_some() => {
                    saving.deadline.retry()?;
                    is_refused = true;
                }
                created => return created,
            }
        }
    }

    async fn create_record(
        &self,
        saving: &mut Saving<'_, '_>,
        known: Option<Successor>,
    ) -> Result<Created, Error> {
        let id = known.map_or_else(SessionId::generate, |known| Ok(known.id))?;
        let (opened, save) = (saving.opened, saving.save);
        let is_of_login = save.login().is_some();
        saving.successor = Some(known.unwrap_or(Successor { id, is_created: false, is_of_login }));
        let (planned, contents) =
            (opened.moved_to((id, self.key_of(id)), known.is_some(), save)?, save.contents());
        let new = self.create(saving, planned, &contents, Some(opened.key)).await?;
        saving.created_successor(id);
        Ok(Created::Record(new, contents))
    }

    /// Stores the changes since an earlier save in the new record of that save. Returns `None` if
    /// this record does not exist, and the session was not moved to it.
    pub(super) async fn reload_successor(
        &self,
        saving: &mut Saving<'_, '_>,
    ) -> Result<Option<Created>, Error> {
        let Some(Successor { id, .. }) = saving.successor else { return Ok(None) };
        let key = self.key_of(id);
        loop {
            saving.deadline.check_lookup()?;
            let live = match self.find(&key, self.config.now()).await? {
                Found::Live(live) => live,
                Found::Moved(moved) => return Ok(Some(Created::MovedOn(moved))),
                Found::Gone => {
                    return Ok(self.is_moved_to(saving, &key).await?.then_some(Created::Ended));
                }
            };
            saving.created_successor(id);
            let contents = merge(saving, &live.record, live.payload)?;
            let mut target = RecordRef { id: Some(id), ..live.record };
            match self.replace(saving, &mut target, &contents, live.predecessor).await? {
                Replacement::Done => return Ok(Some(Created::Record(target, contents))),
                Replacement::Found(live) => {
                    let record = RecordRef { id: Some(id), ..live.record };
                    return Ok(Some(Created::Record(record, contents)));
                }
                // Another request has changed the record.
                Replacement::Stale => saving.deadline.retry()?,
            }
        }
    }

    /// Returns whether the session was moved to this key.
    async fn is_moved_to(&self, saving: &Saving<'_, '_>, key: &StoreKey) -> Result<bool, Error> {
        saving.deadline.check_lookup()?;
        let now = self.config.now();
        match self.find(&saving.opened.key, now).await? {
            Found::Moved(moved) => self.leads_to(moved, key, now, &saving.deadline).await,
            Found::Live(_) | Found::Gone => Ok(false),
        }
    }

    /// Removes the new record of a rotation that failed, unless the session may have been moved to
    /// it. The client must not receive a login whose outcome is unknown.
    pub(super) async fn abandon(&self, saving: &mut Saving<'_, '_>, new: &RecordRef) {
        let earlier = saving.opened.successor.filter(|earlier| earlier.is_created);
        let may_be_moved =
            saving.is_unconfirmed || earlier.is_some_and(|earlier| Some(earlier.id) == new.id);
        let is_lost_login = saving.save.login().is_some() && saving.save.is_final();
        if !may_be_moved || is_lost_login {
            saving.successor = None;
            if self.discard(new, &saving.deadline).await {
                saving.forget_successor();
            }
        }
    }

    /// Removes the record of a rotation whose new id a login did not use. After the login, no
    /// tombstone can lead to this record.
    pub(super) async fn remove_unused(&self, saving: &Saving<'_, '_>) {
        if let Some(id) = saving.unused
            && saving.deadline.allows_lookup()
            && let Ok(Found::Live(live)) = self.find(&self.key_of(id), self.config.now()).await
        {
            self.discard(&live.record, &saving.deadline).await;
        }
    }

    /// Makes the error response set the new id if the session may have been moved to it. Removes
    /// the record of a login, because the client must not receive a login that failed.
    pub(super) async fn fail_rotation(&self, saving: &Saving<'_, '_>) {
        let Some(Successor { id, is_created: true, .. }) = saving.successor else { return };
        let save = saving.save;
        if save.login().is_none() {
            let cookie = set_cookie(id.to_unconfirmed_cookie(), saving.opened, &save.contents());
            return save.set_cookie_on_error(cookie);
        }
        if save.is_final()
            && saving.deadline.allows_lookup()
            && let Ok(Found::Live(live)) = self.find(&self.key_of(id), self.config.now()).await
        {
            self.discard(&live.record, &saving.deadline).await;
        }
    }
}
