//! Mutants of the rules of the end of a session on the server.

use std::collections::HashMap;
use std::time::SystemTime;

use session_core::Outcome;
use session_core::interface::{Contents, Save, Saved};

use super::mutation::{mutants, mutation};
use super::original::{Hidden, Origin, Stored};

mutants! {
    OnlyTheCookieIsRemoved breaks copied_cookie_opens_nothing_after_logout;
    LateSaveRevives breaks late_save_revives_nothing;
    LateSaveSetsTheCookie breaks late_save_sets_no_cookie;
    EmptySessionStays breaks session_left_empty_ends;
    LoginNeedsSession breaks login_of_ended_session_starts_new_session;
    LoginBringsEndedValues breaks login_of_ended_session_starts_new_session;
}

mutation! {
    LoginNeedsSession;
    fn begin_by_login(&self, _: &Save<'_>) -> Saved {
        Saved::dropped()
    }
}

mutation! {
    LoginBringsEndedValues;
    fn begin_by_login(&self, save: &Save<'_>) -> Saved {
        self.begin(save)
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
        if save.login().is_some() {
            return self.begin_by_login(save);
        }
        if save.contents().owner().is_none() {
            self.store(&origin.0, self.payload(save), None, &save.contents(), save);
        }
        Saved::dropped()
    }
}

mutation! {
    LateSaveSetsTheCookie;
    fn lost(&self, origin: &Origin, save: &Save<'_>) -> Saved {
        if save.login().is_some() {
            return self.begin_by_login(save);
        }
        if origin.is_moved() {
            return Saved::dropped();
        }
        Saved::new(self.set(origin.0.clone(), &save.contents(), save), Outcome::Dropped)
    }
}

mutation! {
    EmptySessionStays;
    fn is_emptied(&self, _: &Contents, _: &Save<'_>) -> bool {
        false
    }
}
