//! A login whose session another request has moved, such as the second request of a double click.

use super::deadline::Deadline;
use super::find::{Live, Moved, missing_changes};
use super::position::{RecordRef, Saving};
use super::sessions::ServerSideSessions;
use crate::Error;
use crate::interface::{Contents, Mark, Save, Saved};
use crate::store::{SessionStore, StoreKey};

/// The session or the values from which a login continues.
#[expect(clippy::large_enum_variant, reason = "it is short-lived")]
pub(super) enum LoginBase {
    /// The session under the id of a rotation. The login moves this session to another id.
    Session(Live),
    /// A new session with these contents, because another login has cut off the old id.
    New(Contents),
    /// Nothing: an earlier attempt of this login has moved the session.
    Done,
}

impl<S: SessionStore> ServerSideSessions<S> {
    /// Returns the base of a login whose request opened the session before another request moved
    /// it.
    pub(super) async fn login_base(
        &self,
        moved: Moved,
        new: &StoreKey,
        saving: &Saving<'_, '_>,
    ) -> Result<LoginBase, Error> {
        let (last, live) = self.follow(moved, self.config.now(), &saving.deadline).await?;
        if last.follow
            && let Some(live) = live
        {
            return Ok(LoginBase::Session(live));
        }
        if live.as_ref().is_some_and(|live| live.record.key == *new) {
            return Ok(LoginBase::Done);
        }
        // The other login may have copied changes that an earlier save of this request stored.
        let after = match &live {
            Some(live) if is_owned_by_login(live, saving.save) => {
                missing_changes(saving, &live.record)?
            }
            _ => Mark::default(),
        };
        contents_of_login(live, after, saving.save).map(LoginBase::New)
    }

    /// Starts a session for a login whose request has an id that another request replaced.
    pub(super) async fn log_in_again(
        &self,
        successor: StoreKey,
        save: &Save<'_>,
        deadline: Deadline<'_>,
    ) -> Result<Saved, Error> {
        let contents = self.contents_of_login(successor, save, &deadline).await?;
        let planned = RecordRef::planned(save.now(), self.config.namespace())?;
        let mut saving = Saving::new(save, &planned, deadline);
        saving.login_after = Some(successor);
        let saved = self.create_session(&mut saving, contents.clone()).await?;
        Ok(saved.with_contents(contents))
    }

    /// Returns the contents of a login whose request has the old id of this session.
    pub(super) async fn contents_of_login(
        &self,
        successor: StoreKey,
        save: &Save<'_>,
        deadline: &Deadline<'_>,
    ) -> Result<Contents, Error> {
        let live = self.find_successor(&successor, false, deadline).await?;
        contents_of_login(live, Mark::default(), save)
    }
}

/// Returns the values of the session that the user has already logged in to. Returns no values for
/// a session of another user, because a client with an old id must not read these values.
fn contents_of_login(live: Option<Live>, after: Mark, save: &Save<'_>) -> Result<Contents, Error> {
    match live {
        Some(live) if is_owned_by_login(&live, save) => {
            save.merge(live.payload, live.record.login.as_ref(), after)
        }
        _ => save.merge("{}", None, Mark::default()),
    }
}

fn is_owned_by_login(live: &Live, save: &Save<'_>) -> bool {
    save.login().is_some_and(|login| live.record.owner() == Some(login.owner()))
}
