//! Mutants of the rules of several saves in one request.

use std::time::Duration;

use session_core::interface::{Contents, CookieAction, IdChange, Save, Saved};
use session_core::{Error, Outcome};

use super::mutation::{mutants, mutation};
use super::original::{Origin, Stored, session_of, stored};

mutants! {
    StoresOnlyAtTheEnd breaks save_before_response_is_stored;
    ReportsWhatItStoredAsUnchanged breaks save_before_response_is_stored;
    ShowsNoMergedValues breaks handler_finds_merged_values_after_save;
    ReportsLostChangesAsStored breaks save_after_logout_reports_dropped;
    RenewalsStoreAllValues breaks renewal_stores_no_withdrawn_change;
    SavesOnlyChanges breaks save_without_changes_extends_expiry_on_demand;
    NewIdsHaveTheConfiguredLifetime breaks rotation_keeps_lifetime;
}

/// Returns whether a handler saves the only value of a session.
fn is_early(save: &Save<'_>) -> bool {
    let is_plain = !save.ends() && !save.is_detached() && save.login().is_none();
    is_plain && save.is_modified() && !save.is_final() && session_of(save).keys() == ["n"]
}

mutation! {
    StoresOnlyAtTheEnd;
    fn instead(&self, save: &Save<'_>) -> Result<Option<Saved>, Error> {
        Ok(is_early(save).then(|| stored(CookieAction::Keep)))
    }
}

mutation! {
    ReportsWhatItStoredAsUnchanged;
    fn stored(&self, cookie: CookieAction, contents: Contents) -> Saved {
        let is_one = contents.payload() == r#"{"n":2}"#;
        let outcome = if is_one { Outcome::Unchanged } else { Outcome::Stored };
        Saved::new(cookie, outcome).with_contents(contents)
    }
}

mutation! {
    ShowsNoMergedValues;
    fn stored(&self, cookie: CookieAction, _: Contents) -> Saved {
        stored(cookie)
    }
}

mutation! {
    ReportsLostChangesAsStored;
    fn lost(&self, _: &Origin, save: &Save<'_>) -> Saved {
        match (save.login().is_some(), save.is_modified()) {
            (true, _) => self.begin_by_login(save),
            (false, true) => stored(CookieAction::Keep),
            (false, false) => Saved::unchanged(),
        }
    }
}

mutation! {
    RenewalsStoreAllValues;
    fn renew(&self, id: &str, old: &Stored, contents: &Contents, save: &Save<'_>) {
        self.store(id, save.contents().payload(), Some(old), contents, save);
    }
}

mutation! {
    SavesOnlyChanges;
    fn instead(&self, save: &Save<'_>) -> Result<Option<Saved>, Error> {
        let is_demanded = save.is_modified() && save.changes().is_empty() && !save.ends();
        let keeps = save.id_change() == IdChange::Keep && save.login().is_none();
        Ok((is_demanded && keeps).then(Saved::unchanged))
    }
}

mutation! {
    NewIdsHaveTheConfiguredLifetime;
    fn lifetime_of(&self, contents: &Contents, save: &Save<'_>) -> Duration {
        let lifetime = contents.lifetime().unwrap_or(save.config().browser_lifetime());
        let is_own = save.id_change() == IdChange::Rotate && contents.payload().contains("_lifetime");
        if is_own { save.config().permanent_lifetime() } else { lifetime }
    }
}
