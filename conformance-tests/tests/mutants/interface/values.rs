//! Mutants of the rules of the values of a session.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::SystemTime;

use session_core::interface::{Opened, Save, state_of};

use super::mutation::{mutants, mutation};
use super::original::{Stored, session_of};

mutants! {
    PayloadThroughValues breaks values_are_read_as_written;
    TrimsTheTagOfBytes breaks tagged_values_are_read;
    KeepsFiveHundredKeys breaks thousand_keys_are_read;
    WritesNumbersAnew breaks unchanged_values_are_stored_byte_for_byte;
    SessionsWearOut breaks reading_removes_nothing;
    LosesWhatIsNotAscii breaks stored_values_are_read;
    NumbersAreFloats breaks stored_values_are_read;
    HasAKeyOfItsOwn breaks session_with_odd_keys_is_read;
    DropsEmptyKeys breaks session_with_odd_keys_is_read;
    StoresOnlyWhatIsNew breaks change_of_key_leaves_other_keys;
    RemovedKeyStays breaks change_of_key_leaves_other_keys;
    KeysIgnoreCase breaks similar_keys_are_different;
    KeysAreTrimmed breaks similar_keys_are_different;
}

mutation! {
    TrimsTheTagOfBytes;
    fn payload(&self, save: &Save<'_>) -> String {
        save.contents().payload().replace("{\" b\"", "{\"b\"")
    }
}

mutation! {
    KeepsFiveHundredKeys;
    fn payload(&self, save: &Save<'_>) -> String {
        let kept = session_of(save);
        for key in kept.keys().iter().skip(500) {
            kept.discard(key).unwrap();
        }
        state_of(&kept).payload()
    }
}

mutation! {
    WritesNumbersAnew;
    fn merged(&self, save: &Save<'_>, stored: &Stored) -> String {
        save.changes().replay(&stored.payload).unwrap().replace(":1.0", ":1")
    }
}

mutation! {
    SessionsWearOut { found: Mutex<HashMap<String, usize>> };
    fn find(&self, id: &str, now: SystemTime) -> Option<Stored> {
        let times = { *self.found.lock().unwrap().entry(id.to_owned()).and_modify(|times| *times += 1).or_insert(1) };
        let stored = self.server.sessions().get(id).filter(|stored| now <= stored.expires_at).cloned();
        stored.filter(|_| times <= 30)
    }
}

/// Returns a payload as `serde_json` writes it, with sorted keys.
fn rewritten(payload: &str) -> String {
    serde_json::from_str::<serde_json::Value>(payload).unwrap().to_string()
}

mutation! {
    PayloadThroughValues;
    fn payload(&self, save: &Save<'_>) -> String {
        rewritten(&save.contents().payload())
    }
    fn merged(&self, save: &Save<'_>, stored: &Stored) -> String {
        rewritten(&save.changes().replay(&stored.payload).unwrap())
    }
}

mutation! {
    LosesWhatIsNotAscii;
    fn payload(&self, save: &Save<'_>) -> String {
        save.contents().payload().replace('½', "?")
    }
}

mutation! {
    NumbersAreFloats;
    fn payload(&self, save: &Save<'_>) -> String {
        save.contents().payload().replace("18446744073709551615", "18446744073709552000")
    }
}

mutation! {
    HasAKeyOfItsOwn;
    fn known(&self, stored: &Stored) -> Opened {
        Opened::from_payload(stored.payload.replace("\"_expires\":", "\"\\u0000expires\":")).unwrap()
    }
}

mutation! {
    DropsEmptyKeys;
    fn payload(&self, save: &Save<'_>) -> String {
        save.contents().payload().replace("{\"\":0,", "{")
    }
}

mutation! {
    StoresOnlyWhatIsNew;
    fn merged(&self, save: &Save<'_>, stored: &Stored) -> String {
        let base = if stored.payload.contains("\"b\"") { "{}" } else { &stored.payload };
        save.changes().replay(base).unwrap()
    }
}

mutation! {
    RemovedKeyStays;
    fn merged(&self, save: &Save<'_>, stored: &Stored) -> String {
        let merged = save.changes().replay(&stored.payload).unwrap();
        if stored.payload.contains("\"c\":3") { merged.replace('}', ",\"c\":3}") } else { merged }
    }
}

/// Returns the payload without keys that another one becomes by a change.
fn without_doubles(save: &Save<'_>, change: fn(&str) -> String) -> String {
    let kept = session_of(save);
    let keys = kept.keys();
    for key in keys.iter().filter(|key| change(key) != **key && keys.contains(&change(key))) {
        kept.discard(key).unwrap();
    }
    state_of(&kept).payload()
}

mutation! {
    KeysIgnoreCase;
    fn payload(&self, save: &Save<'_>) -> String {
        without_doubles(save, str::to_lowercase)
    }
}

mutation! {
    KeysAreTrimmed;
    fn payload(&self, save: &Save<'_>) -> String {
        without_doubles(save, |key| key.trim().to_owned())
    }
}
