//! The deadline of one operation on a session.

use std::time::Duration;

use crate::events::Event;
use crate::{Error, ErrorKind, SessionConfig};

/// The time in which an operation may start store calls.
const LIMIT: Duration = Duration::from_secs(5);
/// The part of [`LIMIT`] that is reserved for looking up a write whose reply was lost.
const LOOKUP_SHARE: Duration = Duration::from_secs(1);
/// The minimum number of retries for [`ErrorKind::Conflict`]. If there were fewer retries, each
/// retry took about a second, because the store was slow.
const RETRIES_OF_CONFLICT: u32 = 5;
/// The maximum number of retries, in case the clock does not advance.
const MAX_RETRIES: u32 = 10_000;

/// The deadline of one operation. It limits waiting for other saves, retries, and looking up a
/// write whose reply was lost.
///
/// Each store call has its own timeout in the store. Therefore an operation takes at most the time
/// until its deadline plus the timeout of one store call.
pub(super) struct Deadline<'a> {
    config: &'a SessionConfig,
    ends_at: Duration,
    retries: u32,
}

impl<'a> Deadline<'a> {
    pub(super) fn start(config: &'a SessionConfig) -> Self {
        Self { config, ends_at: config.monotonic() + LIMIT, retries: 0 }
    }

    /// Fails if it is too late for another call that changes the store.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.config.monotonic() + LOOKUP_SHARE <= self.ends_at {
            return Ok(());
        }
        Err(self.error())
    }

    /// Returns whether there is time to look up a write whose reply was lost.
    pub(super) fn allows_lookup(&self) -> bool {
        self.config.monotonic() <= self.ends_at
    }

    /// Fails if it is too late for another call of any kind.
    pub(super) fn check_lookup(&self) -> Result<(), Error> {
        if self.allows_lookup() { Ok(()) } else { Err(self.error()) }
    }

    /// Counts a retry. Fails if the retry exceeds the maximum or the deadline.
    pub(super) fn retry(&mut self) -> Result<(), Error> {
        self.retries += 1;
        if self.retries > MAX_RETRIES {
            return Err(self.error());
        }
        self.check()?;
        self.config.events().report(Event::Retried);
        Ok(())
    }

    fn error(&self) -> Error {
        if self.retries >= RETRIES_OF_CONFLICT {
            let message = "session was changed by other requests faster than it could be saved";
            return Error::new(ErrorKind::Conflict, message);
        }
        let message = "session could not be saved in time, because the session store is slow or \
                       earlier saves of the session were waiting for the store";
        Error::new(ErrorKind::Unavailable, message)
    }
}
