//! Mutants of the rules of logins.

use session_core::interface::{Contents, Opened, Save, state_of};
use session_core::login::Login;

use super::mutation::{mutants, mutation};
use super::original::Stored;

mutants! {
    LoginsAreForgotten breaks next_request_has_login;
    StampsAreForgotten breaks next_request_has_login;
    LoginTimeIsThatOfTheVisit breaks next_request_has_login;
    ValuesOfAnotherUserStay breaks login_of_other_user_drops_values;
    EmptySessionEnds breaks clear_keeps_login;
    LoginsAreTemporary breaks login_keeps_session_permanent;
}

mutation! {
    /// If `n` is 2.
    LoginsAreForgotten;
    fn login_of(&self, id: &str) -> Option<Login> {
        let is_two = self.server.sessions().get(id)?.payload.contains("\"n\":2");
        self.server.login_of(id).filter(|_| !is_two)
    }
}

mutation! {
    StampsAreForgotten;
    fn login_of(&self, id: &str) -> Option<Login> {
        self.server.login_of(id).map(|login| login.with_stamp(None))
    }
}

mutation! {
    LoginTimeIsThatOfTheVisit;
    fn login_of(&self, id: &str) -> Option<Login> {
        let login = self.server.login_of(id)?;
        let now = self.server.owned().get(id)?.seen_at;
        Some(Login::new(login.owner(), now).with_stamp(login.stamp()))
    }
}

mutation! {
    ValuesOfAnotherUserStay;
    fn logged_in(&self, _: &Contents, save: &Save<'_>, stored: &Stored) -> String {
        save.changes().replay(&stored.payload).unwrap()
    }
}

mutation! {
    EmptySessionEnds;
    fn is_emptied(&self, contents: &Contents, save: &Save<'_>) -> bool {
        contents.payload() == "{}" && save.login().is_none()
    }
}

mutation! {
    LoginsAreTemporary;
    fn logged_in(&self, contents: &Contents, _: &Save<'_>, _: &Stored) -> String {
        let session = Opened::from_payload(contents.payload()).unwrap().into_session();
        session.set_permanent(false).unwrap();
        state_of(&session).payload()
    }
}
