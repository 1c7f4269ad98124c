//! Folders for the files of tests.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::keeper::{Keeper, Program};

/// A new temporary folder. It is removed on drop, and when the process ends for any reason.
pub struct TemporaryFolder(Keeper);

impl TemporaryFolder {
    /// Creates the folder.
    pub fn new() -> Self {
        Self(Keeper::new("folder", |_| Program {
            path: PathBuf::new(),
            arguments: Vec::new(),
            last_signal: "KILL",
        }))
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        self.0.folder()
    }
}

impl Default for TemporaryFolder {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TemporaryFolder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("TemporaryFolder").field(&self.path()).finish()
    }
}
