//! What a session keeps under all its ids, and the handle by which its owner ends it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::Error;
use crate::id;

/// Drawn when a session begins, and kept by every rotation. It is only in the store, and opens nothing.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Lineage(pub(super) [u8; 16]);

impl Lineage {
    pub(super) fn generate() -> Result<Self, Error> {
        id::random().map(Self)
    }

    /// The handle: 22 characters, which no session id has, another one for each owner.
    pub(super) fn handle(self, owner: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(b"handle of an owned session\0");
        hash.update(self.0);
        hash.update(owner);
        URL_SAFE_NO_PAD.encode(&hash.finalize()[..16])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SessionId;

    #[test]
    fn a_handle_is_no_id_and_no_lineage_and_belongs_to_one_owner() {
        let lineage = Lineage::generate().unwrap();
        let handle = lineage.handle("ada");
        assert_eq!((handle.len(), SessionId::parse(&handle)), (22, None));
        assert_ne!(URL_SAFE_NO_PAD.decode(&handle).unwrap(), lineage.0);
        assert_ne!(handle, lineage.handle("eve"));
        assert_ne!(handle, Lineage::generate().unwrap().handle("ada"));
        assert_eq!(handle, lineage.handle("ada"));
    }
}
