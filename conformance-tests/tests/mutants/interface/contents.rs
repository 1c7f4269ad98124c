//! Mutants of the contents of a session, and of the hook that sets the cookie.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use session_core::interface::{Contents, CookieAction, Save, state_of};

use super::mutation::{mutants, mutation};
use super::original::{Hidden, Stored, session_of};

mutants! {
    PayloadThroughValues breaks values_come_back_as_written;
    TrimsTheTagOfBytes breaks tagged_values_come_back;
    KeepsFiveHundredKeys breaks a_thousand_keys_come_back;
    WritesNumbersAnew breaks what_is_not_touched_is_written_back_as_it_was;
    SessionsWearOut breaks reading_takes_nothing_away;
    DecidesAloneOnTheCookie breaks a_wrapper_can_have_the_cookie_set;
    NoCookieNoChange breaks a_change_is_stored_though_no_cookie_is_set;
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

mutation! {
    DecidesAloneOnTheCookie { changed: Hidden<AtomicBool> };
    fn payload(&self, save: &Save<'_>) -> String {
        self.changed.0.lock().unwrap().store(true, Ordering::Relaxed);
        save.contents().payload()
    }
    fn merged(&self, save: &Save<'_>, stored: &Stored) -> String {
        self.changed.0.lock().unwrap().store(true, Ordering::Relaxed);
        save.changes().replay(&stored.payload).unwrap()
    }
    fn set(&self, id: String, contents: &Contents, save: &Save<'_>) -> CookieAction {
        let changed = self.changed.0.lock().unwrap().swap(false, Ordering::Relaxed);
        if changed || save.login().is_some() || contents.lifetime().permanent().is_some() { CookieAction::Set { value: id, expires: contents.expires_at() } } else { CookieAction::Keep }
    }
}

mutation! {
    NoCookieNoChange;
    fn store(&self, id: &str, payload: String, stored: Option<&Stored>, contents: &Contents, save: &Save<'_>) {
        if stored.is_some_and(|stored| stored.payload != payload) && !save.should_set_cookie() {
            return;
        }
        let created_at = self.created_at(stored, save);
        let expires_at = self.expires_at(created_at, contents, save);
        self.server.sessions().insert(id.to_owned(), Stored { payload, created_at, expires_at });
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
