//! The file of an `SQLite` database. Detects a deleted or replaced file, and a long write-ahead
//! log.
//!
//! An open connection continues to use a deleted file, so its writes would be lost. `SQLite`
//! restarts its log only while there are no readers, and never while each commit fails because the
//! disk is full.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::suspicion::Suspicion;

/// The length in bytes at which the store writes the log to the file and empties the log. `SQLite`
/// starts to write the log to the file at a quarter of this length.
const LONG_LOG: u64 = 16 << 20;
/// The time from an unsuccessful attempt to empty the log to the next attempt.
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    log: PathBuf,
    /// The file that the connections have opened.
    identity: Mutex<Option<Identity>>,
    suspicion: Suspicion,
    has_failed: AtomicBool,
    next_attempt: Mutex<Option<Instant>>,
}

type Identity = (u64, u64);

#[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only SQLite has a file"))]
impl DatabaseFile {
    /// Returns the file that a connection has just opened.
    pub(super) fn new(path: &Path, suspicion: Suspicion) -> Self {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Self {
            path: path.to_owned(),
            log: log.into(),
            identity: Mutex::new(identity(path).ok()),
            suspicion,
            has_failed: AtomicBool::new(false),
            next_attempt: Mutex::new(None),
        }
    }

    /// Fails if the file no longer exists. If the file was replaced, all older connections are
    /// closed.
    pub(super) fn check(&self) -> sqlx::Result<()> {
        let found = identity(&self.path)?;
        let mut known = self.identity.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != Some(found) {
            self.suspicion.condemn_all();
            *known = Some(found);
        }
        Ok(())
    }

    /// Records that a write failed, possibly because the log fills the disk.
    pub(super) fn failed(&self) {
        self.has_failed.store(true, Ordering::Relaxed);
    }

    /// Returns whether to empty the log now.
    pub(super) fn must_empty_log(&self) -> bool {
        let length = || self.log.metadata().map_or(0, |file| file.len());
        let is_wanted = self.has_failed.load(Ordering::Relaxed) || length() > LONG_LOG;
        if !is_wanted {
            return false;
        }
        let next = *self.next_attempt.lock().unwrap_or_else(PoisonError::into_inner);
        next.is_none_or(|next| next <= Instant::now())
    }

    /// Records an attempt to empty the log.
    pub(super) fn attempted(&self, is_empty: bool) {
        let next = (!is_empty).then(|| Instant::now() + BETWEEN_ATTEMPTS);
        *self.next_attempt.lock().unwrap_or_else(PoisonError::into_inner) = next;
        self.has_failed.fetch_and(!is_empty, Ordering::Relaxed);
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt as _;

    let file = path.metadata()?;
    Ok((file.dev(), file.ino()))
}

/// Returns the same identity for every file, because other systems do not delete an open file.
#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Identity> {
    path.metadata().map(|_| (0, 0))
}
