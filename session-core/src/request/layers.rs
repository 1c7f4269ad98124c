//! The headers that the error response of an outer layer needs.

use std::sync::{Mutex, PoisonError};

use super::headers::{Field, SessionHeaders};

/// The headers of the committed layers of one request.
#[derive(Default)]
pub(super) struct CommittedLayers {
    fields: Mutex<Vec<Field>>,
}

impl CommittedLayers {
    /// Records the headers of a commit. If the commit failed, adds the headers of the inner layers.
    pub(super) fn note(&self, headers: &mut SessionHeaders, failed: bool) {
        let mut fields = self.fields.lock().unwrap_or_else(PoisonError::into_inner);
        if failed {
            headers.inner = fields.as_slice().into();
        }
        fields.extend(headers.for_outer_error());
    }
}
