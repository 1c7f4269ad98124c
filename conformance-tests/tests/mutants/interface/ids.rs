//! Mutants of the rules of the id of a session on the server.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use session_core::Error;
use session_core::interface::{IdChange, Opened, Save, Saved};

use super::mutation::{mutants, mutation};
use super::original::{Hidden, Origin, Server, Stored, session_of};

mutants! {
    CaseDoesNotMatter breaks similar_id_opens_nothing;
    BeginningIsEnough breaks similar_id_opens_nothing;
    LoginIsFollowed breaks change_with_id_from_before_login_is_dropped;
    CountsItsIds breaks cookie_is_random_id;
    ShortIds breaks cookie_is_random_id;
    OldIdStaysAfterRotation breaks rotated_session_has_other_id;
    RotationForgotten breaks rotated_session_has_other_id;
    SameIdAfterLogin breaks login_gives_session_other_id;
    RotationCutsOffRequests breaks change_during_rotation_is_stored;
    LateRequestSetsTheNewId breaks change_during_rotation_is_stored;
    OldIdStartsNewSession breaks request_with_rotated_id_sets_no_cookie;
}

/// Returns whether the session of an id has the key `k`.
fn has_key_k(server: &Server, id: &str) -> bool {
    server.sessions().get(id).is_some_and(|stored| stored.payload.contains("\"k\""))
}

mutation! {
    RotationCutsOffRequests;
    fn present(&self, origin: &Origin) -> String {
        let present = self.server.present(&origin.0);
        if has_key_k(&self.server, &present) { origin.0.clone() } else { present }
    }
}

mutation! {
    /// Also in the response of a request that did not rotate it.
    LateRequestSetsTheNewId { followed: Mutex<bool> };
    fn present(&self, origin: &Origin) -> String {
        let present = self.server.present(&origin.0);
        // The second call of a save decides whether the cookie is set.
        let mut followed = self.followed.lock().unwrap();
        *followed = !*followed && present != origin.0;
        if !has_key_k(&self.server, &present) {
            return present;
        }
        if present == origin.0 || *followed { present } else { origin.0.clone() }
    }
}

mutation! {
    OldIdStartsNewSession;
    fn unknown(&self, _: &str) -> Result<Opened, Error> {
        Ok(Opened::new())
    }
}

mutation! {
    CaseDoesNotMatter;
    fn find(&self, id: &str, now: SystemTime) -> Option<Stored> {
        let sessions = self.server.sessions();
        let found = sessions.iter().find(|(known, _)| known.eq_ignore_ascii_case(id)).map(|(_, stored)| stored);
        found.filter(|stored| now <= stored.expires_at).cloned()
    }
}

mutation! {
    BeginningIsEnough;
    fn find(&self, id: &str, now: SystemTime) -> Option<Stored> {
        let sessions = self.server.sessions();
        let found = sessions.iter().find(|(known, _)| id.len() > 20 && known.starts_with(id)).map(|(_, stored)| stored);
        found.filter(|stored| now <= stored.expires_at).cloned()
    }
}

mutation! {
    LoginIsFollowed { successors: Hidden<HashMap<String, String>> };
    fn new_id(&self, save: &Save<'_>, old: Option<&str>) -> String {
        let new: String = std::iter::repeat_with(fastrand::alphanumeric).take(43).collect();
        if let Some(old) = old.filter(|_| save.login().is_some()) {
            self.successors.0.lock().unwrap().insert(old.to_owned(), new.clone());
        }
        new
    }
    fn lost(&self, origin: &Origin, save: &Save<'_>) -> Saved {
        if save.login().is_some() {
            return self.begin_by_login(save);
        }
        let successor = self.successors.0.lock().unwrap().get(&origin.0).cloned();
        let followed = successor.and_then(|id| self.find(&id, save.now()).map(|stored| (id, stored)));
        if let Some((id, stored)) = followed {
            self.store(&id, self.merged(save, &stored), Some(&stored), &save.contents(), save);
        }
        Saved::dropped()
    }
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
    /// If the session has one key.
    OldIdStaysAfterRotation { rotating: Mutex<bool> };
    fn rotates(&self, save: &Save<'_>) -> bool {
        let is_small = session_of(save).keys().len() == 1;
        let rotates = save.id_change() != IdChange::Keep && save.login().is_none();
        *self.rotating.lock().unwrap() = rotates && is_small;
        save.id_change() != IdChange::Keep
    }
    fn forget_rotated(&self, id: &str) {
        if !*self.rotating.lock().unwrap() {
            self.server.sessions().remove(id);
        }
    }
}

mutation! {
    /// If the session has one key.
    RotationForgotten;
    fn rotates(&self, save: &Save<'_>) -> bool {
        let is_small = session_of(save).keys().len() == 1;
        save.login().is_some() || (save.id_change() != IdChange::Keep && !is_small)
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
