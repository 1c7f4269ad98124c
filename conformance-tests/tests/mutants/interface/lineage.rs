//! Mutants of the rules of the lineage.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use session_core::login::Login;

use super::mutation::{mutants, mutation};

mutants! {
    LineageChangesWithTheId breaks lineage_stays_until_login;
    LineageSurvivesTheLogin breaks lineage_stays_until_login;
    LineageIsThatOfTheOwner breaks lineage_stays_until_login;
}

/// Returns 16 bytes that follow from a text.
fn bytes(text: &str) -> [u8; 16] {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let half = hasher.finish().to_be_bytes();
    std::array::from_fn(|at| half[at % half.len()])
}

mutation! {
    LineageChangesWithTheId;
    fn lineage(&self, id: &str) -> Option<[u8; 16]> {
        Some(bytes(id))
    }
}

mutation! {
    LineageSurvivesTheLogin;
    fn lineage(&self, id: &str) -> Option<[u8; 16]> {
        Some(bytes(&self.server.handle_of(id)?))
    }
}

mutation! {
    LineageIsThatOfTheOwner;
    fn lineage(&self, id: &str) -> Option<[u8; 16]> {
        let login = self.server.login_of(id);
        Some(bytes(login.as_ref().map_or("", Login::owner)))
    }
}
