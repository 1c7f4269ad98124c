//! Mutants of the rules of a wrapper that decides whether the cookie is set.

use std::sync::atomic::{AtomicBool, Ordering};

use session_core::interface::{Contents, CookieAction, Save};

use super::mutation::{mutants, mutation};
use super::original::{Hidden, Stored};

mutants! {
    DecidesAloneOnTheCookie breaks wrapper_can_request_cookie;
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
        if changed || save.login().is_some() || save.config().max_sessions().is_some() || contents.lifetime().permanent().is_some() { CookieAction::Set { value: id, expires: contents.expires_at() } } else { CookieAction::Keep }
    }
}
