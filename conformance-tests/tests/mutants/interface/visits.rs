//! Mutants of what a visitor leaves behind and finds again, and of how a session ends.

use std::collections::HashSet;
use std::sync::Arc;

use session_core::{CookieAction, Error, ErrorKind, Outcome, SaveContext, Session};

use super::mutation::{mutants, mutation};
use super::original::{Hidden, Origin, Stored};

mutants! {
    BeginsForNothing breaks a_visitor_for_whom_nothing_is_stored_gets_no_cookie;
    LosesWhatIsNotAscii breaks what_was_stored_comes_back;
    NumbersAreFloats breaks what_was_stored_comes_back;
    HasAKeyOfItsOwn breaks many_keys_come_back;
    DropsEmptyKeys breaks many_keys_come_back;
    StoresOnlyWhatIsNew breaks a_change_leaves_the_other_keys;
    RemovedKeyStays breaks a_change_leaves_the_other_keys;
    NeverNew breaks a_session_is_new_until_it_was_stored;
    TakenFlashesStay breaks a_flash_message_comes_once;
    RemembersTheLastSession breaks visitors_do_not_share_a_session;
    FailsOnOddCookies breaks garbage_is_a_fresh_session;
    AdoptsUnknownIds breaks a_made_up_cookie_is_never_adopted;
    KeepsTheCookieAtTheEnd breaks an_ended_session_takes_its_cookie_along;
    OldIdLivesOn breaks what_is_written_after_the_end_begins_a_new_session;
    OldSessionLivesOn breaks what_is_written_after_the_end_begins_a_new_session;
}

mutation! {
    BeginsForNothing;
    fn should_set_cookie(&self, session: &Session, usual: bool) -> bool {
        usual || (session.is_new() && session.is_accessed())
    }
    fn should_save(&self, session: &Session, usual: bool) -> bool {
        usual || (session.is_new() && session.is_accessed())
    }
    fn nothing(&self, session: &Session, context: &SaveContext<'_>) -> CookieAction {
        self.begin(session, context)
    }
}

mutation! {
    LosesWhatIsNotAscii;
    fn payload(&self, session: &Session) -> String {
        session.payload().replace('½', "?")
    }
}

mutation! {
    NumbersAreFloats;
    fn payload(&self, session: &Session) -> String {
        session.payload().replace("18446744073709551615", "18446744073709552000")
    }
}

mutation! {
    HasAKeyOfItsOwn;
    fn known(&self, stored: &Stored) -> Session {
        Session::from_payload(stored.payload.replace("\"_expires\":", "\"\\u0000expires\":")).unwrap()
    }
}

mutation! {
    DropsEmptyKeys;
    fn payload(&self, session: &Session) -> String {
        session.payload().replace("{\"\":0,", "{")
    }
}

mutation! {
    StoresOnlyWhatIsNew;
    fn merged(&self, session: &Session, stored: &Stored) -> String {
        let base = if stored.payload.contains("\"b\"") { "{}" } else { &stored.payload };
        session.changes().replay(base).unwrap()
    }
}

mutation! {
    RemovedKeyStays;
    fn merged(&self, session: &Session, stored: &Stored) -> String {
        let merged = session.changes().replay(&stored.payload).unwrap();
        if stored.payload.contains("\"c\":3") { merged.replace('}', ",\"c\":3}") } else { merged }
    }
}

mutation! {
    NeverNew;
    fn absent(&self) -> Session {
        Session::from_payload("{}").unwrap()
    }
}

mutation! {
    TakenFlashesStay;
    fn merged(&self, session: &Session, stored: &Stored) -> String {
        let merged = session.changes().replay(&stored.payload).unwrap();
        if stored.payload.contains("_flashes") { stored.payload.clone() } else { merged }
    }
}

mutation! {
    RemembersTheLastSession { last: Hidden<Option<String>> };
    fn absent(&self) -> Session {
        self.last.0.lock().unwrap().clone().map_or_else(Session::new, |last| Session::from_payload(last).unwrap())
    }
    fn payload(&self, session: &Session) -> String {
        *self.last.0.lock().unwrap() = Some(session.payload());
        session.payload()
    }
    fn forget(&self, id: &str) {
        *self.last.0.lock().unwrap() = None;
        self.server.sessions().remove(id);
    }
}

mutation! {
    FailsOnOddCookies;
    fn unknown(&self, id: &str) -> Result<Session, Error> {
        if id.contains(';') || id.len() > 10_000 {
            return Err(Error::new(ErrorKind::Malformed, "no session id"));
        }
        Ok(Session::new())
    }
}

mutation! {
    AdoptsUnknownIds { stored: Hidden<HashSet<String>> };
    fn unknown(&self, id: &str) -> Result<Session, Error> {
        let session = Session::new();
        if id.len() == 43 {
            session.set_slot(Arc::new(Origin(id.to_owned())));
        }
        Ok(session)
    }
    fn new_id(&self, _: &Session, _: Option<&str>) -> String {
        let id: String = std::iter::repeat_with(fastrand::alphanumeric).take(43).collect();
        self.stored.0.lock().unwrap().insert(id.clone());
        id
    }
    fn lost(&self, session: &Session, origin: &Origin, context: &SaveContext<'_>) -> CookieAction {
        if self.stored.0.lock().unwrap().contains(&origin.0) {
            session.set_outcome(Outcome::Dropped);
            return CookieAction::Keep;
        }
        self.store(&origin.0, self.payload(session), None, context);
        CookieAction::Set(origin.0.clone())
    }
}

mutation! {
    KeepsTheCookieAtTheEnd;
    fn ended(&self) -> CookieAction {
        let has_domain = self.server.config().cookie_attributes().domain().is_some();
        if has_domain { CookieAction::Remove } else { CookieAction::Keep }
    }
}

mutation! {
    OldSessionLivesOn;
    fn begin_anew(&self, session: &Session, _: &Origin, context: &SaveContext<'_>) -> CookieAction {
        let id = self.new_id(session, None);
        self.store(&id, session.payload().replacen('{', "{\"n\":1,", 1), None, context);
        self.set(id, context)
    }
}

mutation! {
    OldIdLivesOn;
    fn begin_anew(&self, session: &Session, origin: &Origin, context: &SaveContext<'_>) -> CookieAction {
        self.store(&origin.0, session.payload(), None, context);
        self.set(origin.0.clone(), context)
    }
}
