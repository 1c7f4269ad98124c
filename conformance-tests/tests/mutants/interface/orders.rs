//! Mutants of the rules of requests in any order.

use session_core::interface::{IdChange, Opened, Save, state_of};

use super::mutation::{mutants, mutation};
use super::original::{Stored, session_of};

mutants! {
    RotationsDropFlashes breaks requests_in_any_order_leave_what_they_wrote;
    EmptyTextsAreDropped breaks requests_in_any_order_leave_what_they_wrote;
}

mutation! {
    RotationsDropFlashes;
    fn merged(&self, save: &Save<'_>, stored: &Stored) -> String {
        let merged = save.changes().replay(&stored.payload).unwrap();
        if save.id_change() != IdChange::Rotate {
            return merged;
        }
        let kept = Opened::from_payload(merged).unwrap().into_session();
        kept.take_flashes().unwrap();
        state_of(&kept).payload()
    }
}

mutation! {
    EmptyTextsAreDropped;
    fn payload(&self, save: &Save<'_>) -> String {
        let kept = session_of(save);
        for key in kept.keys() {
            if kept.get::<String>(&key).is_ok_and(|text| text.as_deref() == Some("")) {
                kept.discard(&key).unwrap();
            }
        }
        state_of(&kept).payload()
    }
}
