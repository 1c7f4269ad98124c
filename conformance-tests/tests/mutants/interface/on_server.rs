//! Mutants of what only a server can promise.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use session_core::{CookieAction, Outcome, SaveContext, Session};

use super::mutation::{mutants, mutation};
use super::original::{Hidden, Origin, Stored};

mutants! {
    CountsItsIds breaks the_cookie_is_a_random_id;
    ShortIds breaks the_cookie_is_a_random_id;
    OnlyTheCookieIsRemoved breaks a_copied_cookie_opens_nothing_after_a_logout;
    LateSaveRevives breaks a_late_save_brings_nothing_back;
    LateSaveSetsTheCookie breaks a_late_save_sets_no_cookie;
    WritesTheWholeSession breaks two_requests_at_once_both_keep_their_keys;
    WritesWhatItComputed breaks updates_at_once_all_count;
    OldIdStaysAfterRotation breaks a_rotated_session_moves_to_another_id;
    RotationForgotten breaks a_rotated_session_moves_to_another_id;
    SameIdAfterLogin breaks a_login_moves_the_session_to_another_id;
    NeverIdle breaks an_idle_session_is_gone;
    UseDoesNotCount breaks an_idle_session_is_gone;
    CreationIsForgotten breaks no_session_outlives_the_absolute_timeout;
}

mutation! {
    CountsItsIds { count: AtomicU64 };
    fn new_id(&self, _: &Session, _: Option<&str>) -> String {
        let random: String = std::iter::repeat_with(fastrand::alphanumeric).take(30).collect();
        format!("session-number-and-padding-{:08}-{random}", self.count.fetch_add(1, Ordering::Relaxed))
    }
}

mutation! {
    ShortIds;
    fn new_id(&self, _: &Session, _: Option<&str>) -> String {
        std::iter::repeat_with(fastrand::alphanumeric).take(16).collect()
    }
}

mutation! {
    /// A session that one request only has opened is thought to be known to nobody else.
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
    fn lost(&self, session: &Session, origin: &Origin, context: &SaveContext<'_>) -> CookieAction {
        if session.owner().is_none() {
            self.store(&origin.0, self.payload(session), None, context);
        }
        CookieAction::Keep
    }
}

mutation! {
    LateSaveSetsTheCookie;
    fn lost(&self, session: &Session, origin: &Origin, context: &SaveContext<'_>) -> CookieAction {
        session.set_outcome(Outcome::Dropped);
        self.set(origin.0.clone(), context)
    }
}

mutation! {
    WritesTheWholeSession;
    fn merged(&self, session: &Session, stored: &Stored) -> String {
        let merged = session.changes().replay(&stored.payload).unwrap();
        if session.contains_key("b") { session.payload() } else { merged }
    }
}

mutation! {
    WritesWhatItComputed;
    fn merged(&self, session: &Session, stored: &Stored) -> String {
        let merged = session.changes().replay(&stored.payload).unwrap();
        if session.len() == 1 && merged.len() == session.payload().len() { session.payload() } else { merged }
    }
}

mutation! {
    OldIdStaysAfterRotation { rotating: Mutex<bool> };
    fn rotates(&self, session: &Session) -> bool {
        *self.rotating.lock().unwrap() = session.rotates() && !session.changes_owner();
        session.rotates()
    }
    fn forget_rotated(&self, id: &str) {
        if !*self.rotating.lock().unwrap() {
            self.server.sessions().remove(id);
        }
    }
}

mutation! {
    RotationForgotten;
    fn rotates(&self, session: &Session) -> bool {
        session.changes_owner()
    }
}

mutation! {
    /// Those who have a number get a new id, those who have a name do not.
    SameIdAfterLogin;
    fn rotates(&self, session: &Session) -> bool {
        let owner = session.owner().unwrap_or_default();
        session.rotates() && !(session.changes_owner() && owner.chars().all(char::is_alphabetic))
    }
}

mutation! {
    NeverIdle;
    fn expires_at(&self, created_at: SystemTime, context: &SaveContext<'_>) -> SystemTime {
        let end = context.now() + self.lifetime_of(context);
        context.config().absolute_timeout().map_or(end, |limit| end.min(created_at + limit))
    }
}

mutation! {
    UseDoesNotCount;
    fn renews(&self, session: &Session, context: &SaveContext<'_>) -> bool {
        session.is_permanent() && context.should_set_cookie()
    }
}

mutation! {
    CreationIsForgotten;
    fn created_at(&self, stored: Option<&Stored>, context: &SaveContext<'_>) -> SystemTime {
        let is_needed = context.config().absolute_timeout().is_none();
        stored.filter(|_| is_needed).map_or(context.now(), |stored| stored.created_at)
    }
}
