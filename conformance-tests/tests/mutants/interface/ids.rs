//! Mutants of the sessions that an id opens, and of their lifetimes.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use session_core::interface::{Contents, Save, Saved};

use super::mutation::{mutants, mutation};
use super::original::{Hidden, Origin, Stored};

mutants! {
    CaseDoesNotMatter breaks an_id_that_is_only_like_another_opens_nothing;
    BeginningIsEnough breaks an_id_that_is_only_like_another_opens_nothing;
    LoginIsFollowed breaks what_comes_with_the_id_of_before_a_login_is_dropped;
    BrowserSessionsStayAWeek breaks a_browser_session_is_kept_for_the_browser_lifetime;
    BrowserSessionsStayFourHours breaks a_browser_session_is_kept_for_the_browser_lifetime;
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
        let successor = self.successors.0.lock().unwrap().get(&origin.0).cloned();
        let followed = successor.and_then(|id| self.find(&id, save.now()).map(|stored| (id, stored)));
        if let Some((id, stored)) = followed {
            self.store(&id, self.merged(save, &stored), Some(&stored), &save.contents(), save);
        }
        Saved::dropped()
    }
}

mutation! {
    BrowserSessionsStayAWeek;
    fn lifetime_of(&self, contents: &Contents, _: &Save<'_>) -> Duration {
        contents.lifetime().unwrap_or(Duration::from_hours(7 * 24))
    }
}

mutation! {
    BrowserSessionsStayFourHours;
    fn lifetime_of(&self, contents: &Contents, save: &Save<'_>) -> Duration {
        contents.lifetime().unwrap_or(save.config().browser_lifetime().min(Duration::from_hours(4)))
    }
}
