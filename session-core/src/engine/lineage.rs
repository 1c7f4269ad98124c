//! The lineage, which rotations do not change, and the handle derived from the lineage.

use super::random;
use crate::Error;
use crate::interface::session_handle;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The random bytes that a session receives when it is created. Rotations do not change the bytes.
/// The bytes are only in the store, and are not an id.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Lineage(pub(super) [u8; 16]);

impl Lineage {
    pub(super) fn generate() -> Result<Self, Error> {
        random::bytes().map(Self)
    }

    /// Returns the handle for an owner. A handle has 22 characters, so it is never a session id.
    pub(super) fn handle(self, owner: &str) -> String {
        session_handle(&self.0, Some(owner))
    }

    /// Returns whether a text has the form of a [`handle`](Self::handle).
    pub(super) fn is_handle(text: &str) -> bool {
        URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 16)
    }
}

#[cfg(test)]
mod tests {
    use super::super::id::SessionId;
    use super::*;

    #[test]
    fn handle_differs_from_id_and_lineage_and_by_owner() {
        let lineage = Lineage::generate().unwrap();
        let handle = lineage.handle("ada");
        assert_eq!((handle.len(), SessionId::parse(&handle)), (22, None));
        assert_ne!(URL_SAFE_NO_PAD.decode(&handle).unwrap(), lineage.0);
        assert_ne!(handle, lineage.handle("eve"));
        assert_ne!(handle, Lineage::generate().unwrap().handle("ada"));
        assert_eq!(handle, lineage.handle("ada"));
        assert_ne!(lineage.handle(""), session_handle(&lineage.0, None));
    }
}
