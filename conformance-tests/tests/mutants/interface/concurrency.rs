//! Mutants of the rules of concurrent requests.

use std::time::Duration;

use session_core::interface::{Contents, Save};

use super::mutation::{mutants, mutation};
use super::original::{Origin, Stored, session_of};

mutants! {
    WritesTheWholeSession breaks concurrent_requests_store_their_keys;
    WritesWhatItComputed breaks concurrent_updates_are_all_applied;
    LifetimeIsThatOfOpenedValues breaks write_keeps_lifetime_of_other_request;
    EndsByItsOwnChanges breaks concurrent_insert_keeps_emptied_session;
    SecondRotationMovesAgain breaks second_rotation_keeps_id_of_first;
    LogoutEndsTheOldIdOnly breaks logout_during_rotation_ends_session;
}

mutation! {
    WritesTheWholeSession;
    fn merged(&self, save: &Save<'_>, stored: &Stored) -> String {
        let merged = save.changes().replay(&stored.payload).unwrap();
        if session_of(save).contains_key("b") { save.contents().payload() } else { merged }
    }
}

mutation! {
    WritesWhatItComputed;
    fn merged(&self, save: &Save<'_>, stored: &Stored) -> String {
        let merged = save.changes().replay(&stored.payload).unwrap();
        let computed = save.contents().payload();
        if session_of(save).keys().len() == 1 && merged.len() == computed.len() { computed } else { merged }
    }
}

mutation! {
    LifetimeIsThatOfOpenedValues;
    fn lifetime_of(&self, _: &Contents, save: &Save<'_>) -> Duration {
        save.contents().lifetime().unwrap_or(save.config().browser_lifetime())
    }
}

mutation! {
    EndsByItsOwnChanges;
    fn is_emptied(&self, _: &Contents, save: &Save<'_>) -> bool {
        save.is_empty()
    }
}

mutation! {
    SecondRotationMovesAgain;
    fn moves_again(&self) -> bool {
        true
    }
}

mutation! {
    LogoutEndsTheOldIdOnly;
    fn forget_ended(&self, origin: &Origin, _: &str) {
        self.server.sessions().remove(&origin.0);
    }
}
