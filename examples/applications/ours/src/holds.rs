//! Requests that wait between their read and their write.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;

/// The parameters of the requests. A parameter that a request does not have is empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Parameters {
    pub(crate) key: String,
    pub(crate) user: String,
    pub(crate) hold: String,
}

impl Parameters {
    /// Waits for the release of the hold, if the request has one.
    pub(crate) async fn wait(&self) {
        if !self.hold.is_empty() {
            holds().insert(self.hold.clone());
            while self.is_held() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    pub(crate) fn is_held(&self) -> bool {
        holds().contains(&self.hold)
    }

    pub(crate) fn release(&self) {
        holds().remove(&self.hold);
    }
}

fn holds() -> MutexGuard<'static, BTreeSet<String>> {
    static HOLDS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    HOLDS.lock().unwrap_or_else(PoisonError::into_inner)
}
