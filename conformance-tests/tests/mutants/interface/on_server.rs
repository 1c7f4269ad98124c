//! Mutants of an interface that stores sessions on the server.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use session_core::Outcome;
use session_core::interface::{Contents, IdChange, OpenContext, Opened, Renewal, Save, Saved};

use super::mutation::{mutants, mutation};
use super::original::{Hidden, Origin, Stored, session_of};

mutants! {
    CountsItsIds breaks the_cookie_is_a_random_id;
    ShortIds breaks the_cookie_is_a_random_id;
    OnlyTheCookieIsRemoved breaks a_copied_cookie_opens_nothing_after_a_logout;
    LateSaveRevives breaks a_late_save_brings_nothing_back;
    LateSaveSetsTheCookie breaks a_late_save_sets_no_cookie;
    WritesTheWholeSession breaks two_requests_at_once_both_keep_their_keys;
    WritesWhatItComputed breaks updates_at_once_all_count;
    LifetimeIsThatOfOpenedValues breaks write_keeps_lifetime_that_another_request_set;
    LifetimeOfHandlerIsIgnored breaks lifetime_set_by_handler_is_obeyed;
    LimitOfVisitorsIsIgnored breaks visitor_lifetime_limits_sessions_without_owner;
    EmptySessionStays breaks session_left_empty_ends;
    EndsByItsOwnChanges breaks concurrent_insert_keeps_emptied_session;
    OldIdStaysAfterRotation breaks a_rotated_session_moves_to_another_id;
    RotationForgotten breaks a_rotated_session_moves_to_another_id;
    SameIdAfterLogin breaks a_login_moves_the_session_to_another_id;
    NeverIdle breaks an_idle_session_is_gone;
    UseDoesNotCount breaks an_idle_session_is_gone;
    CreationIsForgotten breaks no_session_outlives_the_absolute_timeout;
}

mutation! {
    CountsItsIds { count: AtomicU64 };
    fn new_id(&self, _: &Save<'_>, _: Option<&str>) -> String {
        let random: String = std::iter::repeat_with(fastrand::alphanumeric).take(30).collect();
        format!("session-number-and-padding-{:08}-{random}", self.count.fetch_add(1, Ordering::Relaxed))
    }
}

mutation! {
    ShortIds;
    fn new_id(&self, _: &Save<'_>, _: Option<&str>) -> String {
        std::iter::repeat_with(fastrand::alphanumeric).take(16).collect()
    }
}

mutation! {
    /// A session that only one request has opened is assumed to have no copies.
    OnlyTheCookieIsRemoved { opened: Hidden<HashMap<String, u32>> };
    fn find(&self, id: &str, now: SystemTime) -> Option<Stored> {
        *self.opened.0.lock().unwrap().entry(id.to_owned()).or_default() += 1;
        self.server.sessions().get(id).filter(|stored| now <= stored.expires_at).cloned()
    }
    fn forget(&self, id: &str) {
        if self.opened.0.lock().unwrap().get(id) != Some(&1) {
            self.server.sessions().remove(id);
        }
    }
}

mutation! {
    LateSaveRevives;
    fn lost(&self, origin: &Origin, save: &Save<'_>) -> Saved {
        if save.contents().owner().is_none() {
            self.store(&origin.0, self.payload(save), None, &save.contents(), save);
        }
        Saved::dropped()
    }
}

mutation! {
    LateSaveSetsTheCookie;
    fn lost(&self, origin: &Origin, save: &Save<'_>) -> Saved {
        Saved::new(self.set(origin.0.clone(), &save.contents(), save), Outcome::Dropped)
    }
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
    /// If it is longer than that of a permanent session.
    LifetimeOfHandlerIsIgnored;
    fn lifetime_of(&self, contents: &Contents, save: &Save<'_>) -> Duration {
        let lifetime = contents.lifetime().unwrap_or(save.config().browser_lifetime());
        if session_of(save).contains_key("_lifetime") { lifetime.min(save.config().permanent_lifetime()) } else { lifetime }
    }
}

mutation! {
    /// If the session ends with the browser.
    LimitOfVisitorsIsIgnored;
    fn lifetime_of(&self, contents: &Contents, save: &Save<'_>) -> Duration {
        contents.lifetime().permanent().unwrap_or_else(|| save.config().browser_lifetime())
    }
}

mutation! {
    EmptySessionStays;
    fn is_emptied(&self, _: &Contents, _: &Save<'_>) -> bool {
        false
    }
}

mutation! {
    EndsByItsOwnChanges;
    fn is_emptied(&self, _: &Contents, save: &Save<'_>) -> bool {
        save.is_empty()
    }
}

mutation! {
    OldIdStaysAfterRotation { rotating: Mutex<bool> };
    fn rotates(&self, save: &Save<'_>) -> bool {
        *self.rotating.lock().unwrap() = save.id_change() != IdChange::Keep && save.login().is_none();
        save.id_change() != IdChange::Keep
    }
    fn forget_rotated(&self, id: &str) {
        if !*self.rotating.lock().unwrap() {
            self.server.sessions().remove(id);
        }
    }
}

mutation! {
    RotationForgotten;
    fn rotates(&self, save: &Save<'_>) -> bool {
        save.login().is_some()
    }
}

mutation! {
    /// Owners with digits get a new id, other owners do not.
    SameIdAfterLogin;
    fn rotates(&self, save: &Save<'_>) -> bool {
        let is_named = |owner: &str| owner.chars().all(char::is_alphabetic);
        save.id_change() != IdChange::Keep && !save.login().is_some_and(|login| is_named(login.owner()))
    }
}

mutation! {
    NeverIdle;
    fn expires_at(&self, created_at: SystemTime, contents: &Contents, save: &Save<'_>) -> SystemTime {
        let end = save.now() + self.lifetime_of(contents, save);
        save.config().absolute_timeout().map_or(end, |limit| end.min(created_at + limit))
    }
}

mutation! {
    UseDoesNotCount;
    fn renewal(&self, opened: &Opened, stored: &Stored, context: &OpenContext<'_>) -> Renewal {
        match context.lifetime(opened).permanent() {
            Some(lifetime) => context.config().renewal(lifetime, stored.created_at, stored.expires_at),
            None => Renewal::never(),
        }
    }
}

mutation! {
    CreationIsForgotten;
    fn created_at(&self, stored: Option<&Stored>, save: &Save<'_>) -> SystemTime {
        let is_needed = save.config().absolute_timeout().is_none();
        stored.filter(|_| is_needed).map_or(save.now(), |stored| stored.created_at)
    }
}
