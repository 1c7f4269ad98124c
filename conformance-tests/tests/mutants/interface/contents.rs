//! Mutants of what a session can hold, of what a visit leaves as it is, and of the hook that sets the cookie.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use session_core::{CookieAction, SaveContext, Session};

use super::mutation::{mutants, mutation};
use super::original::{Hidden, Stored};

mutants! {
    TrimsTheTagOfBytes breaks tagged_values_come_back;
    KeepsFiveHundredKeys breaks a_thousand_keys_come_back;
    WritesNumbersAnew breaks what_is_not_touched_is_written_back_as_it_was;
    SessionsWearOut breaks reading_takes_nothing_away;
    DecidesAloneOnTheCookie breaks a_wrapper_can_have_the_cookie_set;
    NoCookieNoChange breaks a_change_is_stored_though_no_cookie_is_set;
}

mutation! {
    TrimsTheTagOfBytes;
    fn payload(&self, session: &Session) -> String {
        session.payload().replace("{\" b\"", "{\"b\"")
    }
}

mutation! {
    KeepsFiveHundredKeys;
    fn payload(&self, session: &Session) -> String {
        let kept = Session::from_payload(session.payload()).unwrap();
        for key in session.keys().iter().skip(500) {
            kept.discard(key).unwrap();
        }
        kept.payload()
    }
}

mutation! {
    WritesNumbersAnew;
    fn merged(&self, session: &Session, stored: &Stored) -> String {
        session.changes().replay(&stored.payload).unwrap().replace(":1.0", ":1")
    }
}

mutation! {
    SessionsWearOut { found: Mutex<HashMap<String, usize>> };
    fn find(&self, id: &str, now: SystemTime) -> Option<Stored> {
        let times = { *self.found.lock().unwrap().entry(id.to_owned()).and_modify(|times| *times += 1).or_insert(1) };
        let stored = self.server.sessions().get(id).filter(|stored| now <= stored.expires_at).cloned();
        stored.filter(|_| times <= 60)
    }
}

mutation! {
    DecidesAloneOnTheCookie { changed: Hidden<AtomicBool> };
    fn payload(&self, session: &Session) -> String {
        self.changed.0.lock().unwrap().store(true, Ordering::Relaxed);
        session.payload()
    }
    fn merged(&self, session: &Session, stored: &Stored) -> String {
        self.changed.0.lock().unwrap().store(true, Ordering::Relaxed);
        session.changes().replay(&stored.payload).unwrap()
    }
    fn set(&self, id: String, context: &SaveContext<'_>) -> CookieAction {
        let changed = self.changed.0.lock().unwrap().swap(false, Ordering::Relaxed);
        if changed || context.lifetime().is_some() { CookieAction::Set(id) } else { CookieAction::Keep }
    }
}

mutation! {
    NoCookieNoChange;
    fn store(&self, id: &str, payload: String, stored: Option<&Stored>, context: &SaveContext<'_>) {
        if stored.is_some_and(|stored| stored.payload != payload) && !context.should_set_cookie() {
            return;
        }
        let created_at = self.created_at(stored, context);
        let expires_at = self.expires_at(created_at, context);
        self.server.sessions().insert(id.to_owned(), Stored { payload, created_at, expires_at });
    }
}
