//! Mutants of the rules of logouts.

use session_core::interface::{CookieAction, Save, Saved};

use super::mutation::{mutants, mutation};
use super::original::{Origin, stored};

mutants! {
    EndIsNotForgotten breaks write_after_logout_starts_new_session;
    KeepsTheCookieAtTheEnd breaks ended_session_removes_its_cookie;
    OldIdLivesOn breaks write_after_failed_logout_starts_new_session;
    OldSessionLivesOn breaks write_after_failed_logout_starts_new_session;
}

mutation! {
    EndIsNotForgotten;
    fn forget_end(&self, _: &Save<'_>) {}
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
    fn begin_anew(&self, _: &Origin, save: &Save<'_>) -> Saved {
        let (id, contents) = (self.new_id(save, None), save.contents());
        self.store(&id, contents.payload().replacen('{', "{\"n\":1,", 1), None, &contents, save);
        stored(self.set(id, &contents, save))
    }
}

mutation! {
    OldIdLivesOn;
    fn begin_anew(&self, origin: &Origin, save: &Save<'_>) -> Saved {
        let contents = save.contents();
        self.store(&origin.0, contents.payload(), None, &contents, save);
        stored(self.set(origin.0.clone(), &contents, save))
    }
}
