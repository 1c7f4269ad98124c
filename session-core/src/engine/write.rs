//! Writes changes to a record, and applies them again if another request was faster.

use std::ops::ControlFlow;

use super::end::emptied;
use super::find::{Found, Live, missing_changes};
use super::position::{Position, RecordRef, Saving};
use super::queue::Stored;
use super::save::{Replacement, stored};
use super::sessions::ServerSideSessions;
use crate::Error;
use crate::interface::{Contents, Save, Saved};
use crate::store::SessionStore;

impl<S: SessionStore> ServerSideSessions<S> {
    pub(super) async fn write(&self, mut saving: Saving<'_, '_>) -> Result<Saved, Error> {
        let (opened, save) = (saving.opened, saving.save);
        let (mut permit, before) = self.queue.wait(opened.key, &saving.deadline).await?;
        let (mut target, base) = match before {
            Some(Stored { record, payload }) if record.version != opened.version => {
                // If another process has been faster, the version is stale.
                let contents = merge(&saving, &record, payload)?;
                (RecordRef { id: opened.id, ..record }, Written { contents, merged: true })
            }
            _ => (opened.clone(), Written { contents: save.contents(), merged: false }),
        };
        let ControlFlow::Continue(replacement) =
            self.replace_or_end(&mut saving, &mut target, &base.contents).await?
        else {
            return Ok(base.emptied());
        };
        match replacement {
            Replacement::Done => {
                permit.publish(&target, || base.contents.payload());
                Ok(base.saved_as(target, save))
            }
            Replacement::Found(live) => found(*live, save),
            Replacement::Stale => {
                // Contention is rare, so the future of a repeated write is boxed.
                let again = Box::pin(self.write_again(&mut saving, target)).await?;
                if let (Some(record), Some(contents)) = (&again.record, &again.saved.contents()) {
                    permit.publish(record, || contents.payload());
                }
                Ok(again.saved)
            }
        }
    }

    /// Applies the changes to the record that replaced `stale`.
    pub(super) async fn write_again(
        &self,
        saving: &mut Saving<'_, '_>,
        mut stale: RecordRef,
    ) -> Result<WrittenAgain, Error> {
        let save = saving.save;
        loop {
            saving.deadline.retry()?;
            let now = self.config.now();
            let (live, id) = match self.find(&stale.key, now).await? {
                Found::Live(live) => (Some(live), stale.id),
                // The request that rotated the session sends the new id to the client.
                Found::Moved(moved) => (self.successor(moved, now, &saving.deadline).await?, None),
                Found::Gone => (None, None),
            };
            let Some(live) = live else {
                return Ok(WrittenAgain { record: None, saved: Saved::dropped() });
            };
            let contents = merge(saving, &live.record, live.payload)?;
            let mut target = RecordRef { id, ..live.record };
            let ControlFlow::Continue(replacement) =
                self.replace_or_end(saving, &mut target, &contents).await?
            else {
                return Ok(WrittenAgain::emptied(contents));
            };
            match replacement {
                Replacement::Done => {
                    let written = Written { contents, merged: true };
                    let saved = written.saved_as(target.clone(), save);
                    return Ok(WrittenAgain { record: Some(target), saved });
                }
                Replacement::Found(live) => {
                    return Ok(WrittenAgain { record: None, saved: found(*live, save)? });
                }
                Replacement::Stale => stale = target,
            }
        }
    }
}

/// The result of a write.
struct Written {
    contents: Contents,
    /// Whether the contents include changes of other requests.
    merged: bool,
}

/// The result of a write that merged changes of other requests.
pub(super) struct WrittenAgain {
    /// The written record, if it is known.
    record: Option<RecordRef>,
    pub(super) saved: Saved,
}

impl Written {
    fn saved_as(self, record: RecordRef, save: &Save<'_>) -> Saved {
        let saved = stored(save, &record, &self.contents);
        if !save.is_final() {
            save.remember(Position::Live(record));
        }
        saved.with_contents(self.merged.then_some(self.contents))
    }

    fn emptied(self) -> Saved {
        emptied().with_contents(self.merged.then_some(self.contents))
    }
}

impl WrittenAgain {
    fn emptied(contents: Contents) -> Self {
        Self { record: None, saved: emptied().with_contents(contents) }
    }
}

/// Returns the result of a write that was found in the store after its reply was lost.
pub(super) fn found(live: Live, save: &Save<'_>) -> Result<Saved, Error> {
    let contents = save.merge(live.payload, live.record.login.as_ref(), save.changes().mark())?;
    let saved = stored(save, &live.record, &contents);
    save.remember(Position::Live(live.record));
    Ok(saved.with_contents(contents))
}

/// Applies the changes that a newer record does not have yet.
pub(super) fn merge(
    saving: &Saving<'_, '_>,
    newer: &RecordRef,
    payload: String,
) -> Result<Contents, Error> {
    let save = saving.save;
    let after = if save.is_modified() {
        missing_changes(saving, newer)?
    } else {
        // `set_modified(false)` has withdrawn the changes.
        save.changes().mark()
    };
    save.merge(payload, newer.login.as_ref(), after)
}
