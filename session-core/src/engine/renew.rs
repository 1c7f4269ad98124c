//! Extending the expiry of a session that the request did not change.

use std::error::Error as _;

use super::find::Found;
use super::position::{Position, RecordRef, Saving};
use super::save::{expiry, stored};
use super::sessions::ServerSideSessions;
use super::write::merge;
use crate::Error;
use crate::interface::{Contents, Saved};
use crate::store::SessionStore;

impl<S: SessionStore> ServerSideSessions<S> {
    /// Extends the expiry of an unmodified session. An error does not fail the request.
    pub(super) async fn renew(&self, saving: Saving<'_, '_>) -> Saved {
        let key = saving.opened.key;
        self.touch(saving).await.unwrap_or_else(|error| {
            // The request loses no data, and the next request tries again.
            let limit = self.config.events().log_limit();
            if let Some(suppressed) = limit.admit(&error, self.config.monotonic()) {
                let (session, source) = (key.log_name(), error.source());
                tracing::warn!(%session, %error, source, suppressed, "session could not be renewed");
            }
            Saved::unchanged()
        })
    }

    pub(super) async fn touch(&self, mut saving: Saving<'_, '_>) -> Result<Saved, Error> {
        let (opened, save) = (saving.opened, saving.save);
        let contents = save.contents();
        if has_other_lifetime(&saving, opened, &contents) {
            // A record contains its lifetime. Therefore the record must be written, but without the
            // changes of an unmodified session.
            return Box::pin(async {
                Ok(self.write_again(&mut saving, opened.clone()).await?.saved)
            })
            .await;
        }
        let expires_at = expiry(save, &contents, opened);
        if self.store.touch(&opened.key, opened.version.clone(), expires_at).await? {
            let record = RecordRef { expires_at, ..opened.clone() };
            let saved = stored(save, &record, &contents);
            // A store may leave the version unchanged. A later write must not restore the earlier
            // expiry.
            save.remember(Position::Live(record));
            return Ok(saved);
        }
        Box::pin(self.touch_again(saving)).await
    }

    /// Renews a record that other requests have changed since this request read it. The new expiry
    /// depends on the lifetime in the current record.
    async fn touch_again(&self, mut saving: Saving<'_, '_>) -> Result<Saved, Error> {
        let (opened, save) = (saving.opened, saving.save);
        loop {
            saving.deadline.retry()?;
            let live = match self.find(&opened.key, self.config.now()).await? {
                Found::Live(live) => live,
                Found::Moved(_) | Found::Gone if save.is_modified() => {
                    return Ok(self.write_again(&mut saving, opened.clone()).await?.saved);
                }
                Found::Moved(_) | Found::Gone => return Ok(Saved::unchanged()),
            };
            let contents = merge(&saving, &live.record, live.payload)?;
            if has_other_lifetime(&saving, &live.record, &contents) {
                return Ok(self.write_again(&mut saving, opened.clone()).await?.saved);
            }
            let expires_at = expiry(save, &contents, &live.record).max(live.record.expires_at);
            saving.deadline.check()?;
            if self.store.touch(&opened.key, live.record.version.clone(), expires_at).await? {
                let record = RecordRef { id: opened.id, expires_at, ..live.record };
                return Ok(stored(save, &record, &contents).with_contents(contents));
            }
        }
    }
}

fn has_other_lifetime(saving: &Saving<'_, '_>, record: &RecordRef, contents: &Contents) -> bool {
    record.kept_for != saving.save.config().record_lifetime(contents.lifetime())
}
