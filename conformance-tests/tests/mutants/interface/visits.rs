//! Mutants of the rules of visitors and their first requests.

use std::collections::HashSet;

use session_core::interface::{Opened, Save, Saved, SessionView};
use session_core::{Error, ErrorKind};

use super::mutation::{mutants, mutation};
use super::original::{Hidden, Origin, Stored, stored};

mutants! {
    BeginsForNothing breaks visitor_without_stored_session_gets_no_cookie;
    NeverNew breaks session_is_new_until_stored;
    TakenFlashesStay breaks flash_message_is_shown_once;
    RemembersTheLastSession breaks visitors_have_separate_sessions;
    FailsOnOddCookies breaks malformed_cookie_opens_new_session;
    AdoptsUnknownIds breaks made_up_cookie_is_never_adopted;
}

mutation! {
    BeginsForNothing;
    fn should_set_cookie(&self, session: &SessionView<'_>) -> bool {
        session.is_modified() || session.is_renewed() || (session.is_new() && session.is_accessed())
    }
    fn nothing(&self, save: &Save<'_>) -> Saved {
        self.begin(save)
    }
}

mutation! {
    NeverNew;
    fn absent(&self) -> Opened {
        Opened::from_payload("{}").unwrap()
    }
}

mutation! {
    TakenFlashesStay;
    fn merged(&self, save: &Save<'_>, stored: &Stored) -> String {
        let merged = save.changes().replay(&stored.payload).unwrap();
        if stored.payload.contains("_flashes") { stored.payload.clone() } else { merged }
    }
}

mutation! {
    RemembersTheLastSession { last: Hidden<Option<String>> };
    fn absent(&self) -> Opened {
        self.last.0.lock().unwrap().clone().map_or_else(Opened::new, |last| Opened::from_payload(last).unwrap())
    }
    fn payload(&self, save: &Save<'_>) -> String {
        *self.last.0.lock().unwrap() = Some(save.contents().payload());
        save.contents().payload()
    }
    fn forget(&self, id: &str) {
        *self.last.0.lock().unwrap() = None;
        self.server.sessions().remove(id);
    }
}

mutation! {
    FailsOnOddCookies;
    fn unknown(&self, id: &str) -> Result<Opened, Error> {
        if id.contains(';') || id.len() > 10_000 {
            return Err(Error::new(ErrorKind::Malformed, "no session id"));
        }
        Ok(self.server.unknown(id))
    }
}

mutation! {
    AdoptsUnknownIds { stored: Hidden<HashSet<String>> };
    fn unknown(&self, id: &str) -> Result<Opened, Error> {
        let opened = self.server.unknown(id);
        let is_adopted = id.len() == 43 && !self.stored.0.lock().unwrap().contains(id);
        Ok(if is_adopted { opened.with_backend_state(Origin(id.to_owned())) } else { opened })
    }
    fn new_id(&self, _: &Save<'_>, _: Option<&str>) -> String {
        let id: String = std::iter::repeat_with(fastrand::alphanumeric).take(43).collect();
        self.stored.0.lock().unwrap().insert(id.clone());
        id
    }
    fn lost(&self, origin: &Origin, save: &Save<'_>) -> Saved {
        if save.login().is_some() {
            return self.begin_by_login(save);
        }
        if origin.is_moved() || self.stored.0.lock().unwrap().contains(&origin.0) {
            return Saved::dropped();
        }
        let contents = save.contents();
        self.store(&origin.0, self.payload(save), None, &contents, save);
        stored(self.set(origin.0.clone(), &contents, save))
    }
}
