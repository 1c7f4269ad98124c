//! Saving a session. The intent of the request determines the operation on the record.

use std::ops::ControlFlow;

use super::content::{self, Head, Nonce};
use super::deadline::Deadline;
use super::find::{Found, Live};
use super::position::{EndedBy, Position, RecordRef, Saving, Seen};
use super::sessions::ServerSideSessions;
use crate::interface::{Contents, CookieAction, IdChange, Save, Saved};
use crate::store::{NewRecord, Replaced, SessionStore, StoreKey};
use crate::{Error, ErrorKind, Outcome, Refresh};

/// The result of an attempt to replace a record.
pub(super) enum Replacement {
    /// The record has the version that was written.
    Done,
    /// The reply was lost, but the write reached the store. Other requests may have written since.
    Found(Box<Live>),
    /// Nothing was written, because the record has another version or no longer exists.
    Stale,
}

impl<S: SessionStore> ServerSideSessions<S> {
    /// Applies the intent of the request. The futures of rare cases are boxed, so that this future
    /// stays small.
    pub(super) async fn dispatch(
        &self,
        position: Option<&Position>,
        save: &Save<'_>,
    ) -> Result<Saved, Error> {
        let deadline = Deadline::start(&self.config);
        match position {
            Some(Position::Live(record)) => self.save_live(record, save, deadline).await,
            Some(Position::Planned { record, login_after }) => {
                Box::pin(self.save_planned(record, *login_after, save, deadline)).await
            }
            Some(Position::Moved { successor, follow: true }) if save.ends() => {
                Box::pin(self.end_successor(*successor, save, deadline)).await
            }
            Some(Position::Moved { successor, .. }) if save.login().is_some() => {
                Box::pin(self.log_in_again(*successor, save, deadline)).await
            }
            Some(Position::Lost(record)) if save.ends() => {
                Box::pin(self.end_and_begin(record, EndedBy::Logout, save, deadline)).await
            }
            Some(Position::Lost(record)) if save.login().is_some() => {
                Box::pin(self.log_in_again(record.key, save, deadline)).await
            }
            Some(Position::Moved { .. } | Position::Lost(_)) => Ok(Saved::dropped()),
            None => self.begin(save, deadline).await,
        }
    }

    async fn save_live(
        &self,
        record: &RecordRef,
        save: &Save<'_>,
        deadline: Deadline<'_>,
    ) -> Result<Saved, Error> {
        let saving = Saving::new(save, record, deadline);
        if !save.is_modified() {
            return Ok(self.renew(saving).await);
        }
        if save.ends() {
            let ended_by = EndedBy::RetriedLogout(save);
            return Box::pin(self.end_and_begin(record, ended_by, save, saving.deadline)).await;
        }
        if save.id_change() != IdChange::Keep {
            return Box::pin(self.rotate(saving)).await;
        }
        if save.changes().is_empty() {
            return self.touch(saving).await;
        }
        self.write(saving).await
    }

    /// Stores a new session under a new id.
    pub(super) async fn begin(
        &self,
        save: &Save<'_>,
        deadline: Deadline<'_>,
    ) -> Result<Saved, Error> {
        if !save.is_modified() {
            return Ok(Saved::unchanged());
        }
        if save.is_empty() {
            let cookie = if save.ends() { CookieAction::Remove } else { CookieAction::Keep };
            return Ok(Saved::new(cookie, Outcome::Unchanged));
        }
        check_attached(save)?;
        let planned = RecordRef::planned(save.now(), self.config.namespace())?;
        let mut saving = Saving::new(save, &planned, deadline);
        self.create_session(&mut saving, save.contents()).await
    }

    /// Creates the planned record of a new session.
    pub(super) async fn create_session(
        &self,
        saving: &mut Saving<'_, '_>,
        contents: Contents,
    ) -> Result<Saved, Error> {
        let new = self.create(saving, saving.opened.clone(), &contents, None).await?;
        saving.save.remember(Position::Live(new.clone()));
        Ok(stored(saving.save, &new, &contents))
    }

    /// Saves a session whose record an earlier save may have created.
    async fn save_planned(
        &self,
        planned: &RecordRef,
        login_after: Option<StoreKey>,
        save: &Save<'_>,
        deadline: Deadline<'_>,
    ) -> Result<Saved, Error> {
        if !save.is_modified() {
            return Ok(Saved::unchanged());
        }
        let planned = &RecordRef { is_retried: true, ..planned.clone() };
        let live = match self.find(&planned.key, self.config.now()).await? {
            Found::Live(live) => Some(live),
            Found::Moved(_) | Found::Gone => None,
        };
        let mut saving = Saving::new(save, planned, deadline);
        match live {
            Some(live) if save.ends() => {
                let ended_by = EndedBy::Logout;
                Box::pin(self.end_and_begin(&live.record, ended_by, save, saving.deadline)).await
            }
            Some(_) => Ok(self.write_again(&mut saving, planned.clone()).await?.saved),
            None if save.ends() => {
                self.prevent_creation(planned, &mut saving.deadline).await?;
                // Later changes start a session with another id.
                save.forget();
                self.begin(save, saving.deadline).await
            }
            None => {
                saving.login_after = login_after;
                self.create_again(saving).await
            }
        }
    }

    /// Creates the record of a new session that an earlier save has not created.
    async fn create_again(&self, mut saving: Saving<'_, '_>) -> Result<Saved, Error> {
        let save = saving.save;
        let contents = match saving.login_after.filter(|_| save.login().is_some()) {
            Some(successor) => self.contents_of_login(successor, save, &saving.deadline).await?,
            None => save.contents(),
        };
        match self.create_session(&mut saving, contents.clone()).await {
            Ok(saved) => Ok(saved.with_contents(contents)),
            // The earlier save created the record in the meantime.
            Err(error) if error.kind() == ErrorKind::Backend => {
                let planned = saving.opened.clone();
                Ok(self.write_again(&mut saving, planned).await?.saved)
            }
            Err(error) => Err(error),
        }
    }

    /// Creates the record of a new session, or of a session that a rotation moves to a new id. If
    /// the reply is lost, loads the record to find the outcome.
    pub(super) async fn create(
        &self,
        saving: &mut Saving<'_, '_>,
        mut new: RecordRef,
        contents: &Contents,
        predecessor: Option<StoreKey>,
    ) -> Result<RecordRef, Error> {
        saving.deadline.check()?;
        let (save, nonce) = (saving.save, Nonce::next()?);
        saving.remember(nonce);
        new.login = contents.login().cloned();
        // Other requests also find their lost writes in the record of a rotation.
        new.nonces = new.nonces.with(nonce);
        new.expires_at = expiry(save, contents, &new);
        new.kept_for = save.config().record_lifetime(contents.lifetime());
        new.attempts.clear();
        let bytes = encode(&new.head(new.nonces.clone(), save.now(), predecessor), contents);
        let record = NewRecord::new(&bytes, new.created_at, new.expires_at).owned_by(new.owner());
        match self.store.create(&new.key, &record).await {
            Ok(version) => Ok(RecordRef { version, seen: Seen::now(&self.config), ..new }),
            Err(error) => match Box::pin(self.recover(saving, &new.key, nonce)).await {
                Some(live) => Ok(RecordRef { id: new.id, ..live.record }),
                None => Err(error),
            },
        }
    }

    /// Replaces a record by its next version, or removes the record if the contents are empty.
    /// Returns [`ControlFlow::Break`] if the record was removed.
    pub(super) async fn replace_or_end(
        &self,
        saving: &mut Saving<'_, '_>,
        target: &mut RecordRef,
        contents: &Contents,
    ) -> Result<ControlFlow<(), Replacement>, Error> {
        if contents.is_empty() {
            saving.deadline.check()?;
            return Box::pin(self.end_emptied(saving, target)).await;
        }
        self.replace(saving, target, contents, None).await.map(ControlFlow::Continue)
    }

    /// Replaces a record by its next version, and updates `target`. If the reply is lost, loads the
    /// record to find the outcome.
    pub(super) async fn replace(
        &self,
        saving: &mut Saving<'_, '_>,
        target: &mut RecordRef,
        contents: &Contents,
        predecessor: Option<StoreKey>,
    ) -> Result<Replacement, Error> {
        saving.deadline.check()?;
        let (save, nonce) = (saving.save, Nonce::next()?);
        saving.remember(nonce);
        target.attempts.clear();
        target.successor = None;
        target.expires_at = expiry(save, contents, target);
        target.kept_for = save.config().record_lifetime(contents.lifetime());
        target.login = contents.login().cloned();
        let nonces = target.nonces.with(nonce);
        let bytes = encode(&target.head(nonces.clone(), save.now(), predecessor), contents);
        let record =
            NewRecord::new(&bytes, target.created_at, target.expires_at).owned_by(contents.owner());
        match self.store.replace(&target.key, target.version.clone(), &record).await {
            Ok(Replaced::Done(version)) => {
                target.version = version;
                target.seen = Seen::now(&self.config);
                target.nonces = nonces;
                Ok(Replacement::Done)
            }
            Ok(Replaced::Stale) => Ok(Replacement::Stale),
            Err(error) => match Box::pin(self.recover(saving, &target.key, nonce)).await {
                Some(live) => {
                    let record = RecordRef { id: target.id, ..live.record };
                    Ok(Replacement::Found(Box::new(Live { record, ..live })))
                }
                None => Err(error),
            },
        }
    }

    /// Loads the record of a write whose reply was lost, if the write reached the store.
    async fn recover(&self, saving: &Saving<'_, '_>, key: &StoreKey, nonce: Nonce) -> Option<Live> {
        if !saving.deadline.allows_lookup() {
            return None;
        }
        match self.find(key, self.config.now()).await {
            Ok(Found::Live(live)) if live.record.nonces.contains(nonce) => Some(live),
            _ => None,
        }
    }
}

/// Fails if the save starts a session after the response was sent, because no response can send the
/// id.
pub(super) fn check_attached(save: &Save<'_>) -> Result<(), Error> {
    if !save.is_detached() || save.is_empty() {
        return Ok(());
    }
    let message = "session has ended, and its response has been sent: \
                   the id of a new session could not reach the client";
    Err(Error::new(ErrorKind::Ended, message))
}

/// Returns the result of a save whose session is now in this record. The cookie has the same expiry
/// as the record, or the promised expiry if that expiry is later. If another request sent the id of
/// the record, no cookie is set.
pub(super) fn stored(save: &Save<'_>, record: &RecordRef, contents: &Contents) -> Saved {
    let renewal = save.config().renewal(contents.lifetime(), record.created_at, record.expires_at);
    // A session that was opened again cannot set the cookie, and keeps its id.
    let id = record.id.filter(|_| !save.is_detached());
    let cookie = id.map_or(CookieAction::Keep, |id| set_cookie(id.to_cookie(), record, contents));
    let details = record.details(record.expires_at);
    Saved::new(cookie, Outcome::Stored).with_renewal(renewal).with_details(details)
}

pub(super) fn set_cookie(value: String, record: &RecordRef, contents: &Contents) -> CookieAction {
    let expires = contents.expires_at().map(|promised| promised.max(record.expires_at));
    CookieAction::Set { value, expires }
}

/// Returns the expiry of a record that is written now. A write extends the expiry only if the
/// cookie is also renewed, or if the lifetime has changed. Otherwise the record would outlive the
/// cookie, and the renewal of the cookie would never be due.
pub(super) fn expiry(
    save: &Save<'_>,
    contents: &Contents,
    record: &RecordRef,
) -> std::time::SystemTime {
    let (config, lifetime) = (save.config(), contents.lifetime());
    let is_same = record.kept_for == config.record_lifetime(lifetime);
    let renews = save.is_renewal_due()
        || lifetime.permanent().is_none()
        || config.refresh() == Refresh::WhenModified;
    if is_same && !renews {
        return record.expires_at;
    }
    config.record_expiry(lifetime, record.created_at, save.now())
}

fn encode(head: &Head, contents: &Contents) -> Vec<u8> {
    content::session(head, contents.payload_len(), |bytes| contents.append_payload(bytes))
}
