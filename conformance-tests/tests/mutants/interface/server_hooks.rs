//! Mutants of the rules of a wrapper over a session on the server.

use session_core::interface::{Contents, Save};

use super::mutation::{mutants, mutation};
use super::original::Stored;

mutants! {
    NoCookieNoChange breaks change_without_cookie_is_stored;
}

mutation! {
    NoCookieNoChange;
    fn store(&self, id: &str, payload: String, stored: Option<&Stored>, contents: &Contents, save: &Save<'_>) {
        if stored.is_some_and(|stored| stored.payload != payload) && !save.should_set_cookie() {
            return;
        }
        let created_at = self.created_at(stored, save);
        let expires_at = self.expires_at(created_at, contents, save);
        self.server.sessions().insert(id.to_owned(), Stored { payload, created_at, expires_at });
    }
}
