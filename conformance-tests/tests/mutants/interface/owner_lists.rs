//! Mutants of the rules of the list of the sessions of an owner.

use std::collections::HashMap;

use session_core::OwnedSession;
use session_core::interface::Save;

use super::mutation::{mutants, mutation};
use super::original::{Hidden, Stored};
use super::owned::Owned;

mutants! {
    ListsIgnoreCase breaks list_has_sessions_of_owner_only;
    ListsShowTwoAtMost breaks list_has_sessions_of_owner_only;
    ListsMatchPrefixes breaks list_has_sessions_of_owner_only;
    PagesCountSessions breaks pages_after_end_of_session_are_complete;
    ThereIsOnePage breaks pages_list_each_session_once;
    PagesHaveNoLimit breaks pages_list_each_session_once;
    PagesOverlap breaks pages_list_each_session_once;
    PagesBeginAgain breaks pages_list_each_session_once;
    SeenWhenItBegan breaks list_has_creation_time_and_last_write;
    BeganWhenItWasSeen breaks list_has_creation_time_and_last_write;
    LabelsAreNotShown breaks list_has_labels;
    NoSessionKnowsItself breaks handle_of_request_is_on_list;
    EverySessionIsTheSame breaks handle_of_request_is_on_list;
    ExpiredSessionsAreListed breaks ended_session_is_not_listed;
    TheFirstOwnerStays breaks session_is_listed_under_present_owner;
    LongSessionsHaveNoLabel breaks long_session_is_listed_with_label_and_handle;
    LongSessionsHaveNoHandle breaks long_session_is_listed_with_label_and_handle;
}

mutation! {
    ListsIgnoreCase;
    fn listed(&self, owner: &str) -> Vec<String> {
        [self.server.live_of(&owner.to_lowercase()), self.server.live_of(&owner.to_uppercase())].concat()
    }
}

mutation! {
    /// If there are three.
    ListsShowTwoAtMost;
    fn listed(&self, owner: &str) -> Vec<String> {
        let mut live = self.server.live_of(owner);
        if live.len() == 3 {
            live.pop();
        }
        live
    }
}

mutation! {
    ListsMatchPrefixes;
    fn listed(&self, owner: &str) -> Vec<String> {
        let theirs = self.server.ids(|owned| owned.owner().is_some_and(|other| other.starts_with(owner)));
        let (sessions, now) = (self.server.sessions(), self.server.config().now());
        let is_live = |id: &String| sessions.get(id).is_some_and(|stored| now <= stored.expires_at);
        theirs.into_iter().filter(is_live).collect()
    }
}

mutation! {
    /// The position after a page is a number of sessions.
    PagesCountSessions { ends: Hidden<HashMap<String, usize>> };
    fn page(&self, ids: Vec<String>, after: Option<&str>, limit: usize) -> (Vec<String>, bool) {
        let mut ends = self.ends.0.lock().unwrap();
        let start = after.and_then(|after| ends.get(after).copied()).unwrap_or(0);
        let page: Vec<_> = ids.iter().skip(start).take(limit).cloned().collect();
        let end = start + page.len();
        ends.extend(page.last().map(|last| (last.clone(), end)));
        (page, end >= ids.len())
    }
}

mutation! {
    /// If it has one session.
    ThereIsOnePage;
    fn page(&self, ids: Vec<String>, after: Option<&str>, limit: usize) -> (Vec<String>, bool) {
        let is_left = |id: &String| after.is_none_or(|after| &**id > after);
        let rest: Vec<_> = ids.into_iter().filter(is_left).collect();
        (rest[..limit.min(rest.len())].to_vec(), limit == 1 || rest.len() <= limit)
    }
}

mutation! {
    PagesHaveNoLimit;
    fn page(&self, ids: Vec<String>, _: Option<&str>, _: usize) -> (Vec<String>, bool) {
        (ids, true)
    }
}

mutation! {
    /// The last session of a page is also the first of the next one, if a page has more than one.
    PagesOverlap;
    fn page(&self, ids: Vec<String>, after: Option<&str>, limit: usize) -> (Vec<String>, bool) {
        let is_left = |id: &String| after.is_none_or(|after| &**id > after || (limit > 1 && id == after));
        let rest: Vec<_> = ids.into_iter().filter(is_left).collect();
        (rest[..limit.min(rest.len())].to_vec(), rest.len() <= limit)
    }
}

mutation! {
    /// A full page is never the last one, and the first page follows the last session.
    PagesBeginAgain;
    fn page(&self, ids: Vec<String>, after: Option<&str>, limit: usize) -> (Vec<String>, bool) {
        let before = ids.iter().filter(|id| after.is_some_and(|after| &***id <= after));
        let start = before.count() % ids.len().max(1);
        let page: Vec<_> = ids.iter().skip(start).take(limit).cloned().collect();
        let is_last = page.len() < limit;
        (page, is_last)
    }
}

fn has_label(stored: &Stored) -> bool {
    stored.payload.contains("_label")
}

mutation! {
    SeenWhenItBegan;
    fn shown(&self, owned: &Owned, stored: &Stored) -> OwnedSession {
        if has_label(stored) {
            return owned.shown(stored);
        }
        Owned { seen_at: stored.created_at, ..owned.clone() }.shown(stored)
    }
}

mutation! {
    BeganWhenItWasSeen;
    fn shown(&self, owned: &Owned, stored: &Stored) -> OwnedSession {
        let created_at = if has_label(stored) { stored.created_at } else { owned.seen_at };
        owned.shown(&Stored { created_at, ..stored.clone() })
    }
}

mutation! {
    LabelsAreNotShown;
    fn shown(&self, owned: &Owned, stored: &Stored) -> OwnedSession {
        let shown = owned.shown(stored);
        let is_meant = shown.label() == Some("phone") && !stored.payload.contains("_permanent");
        if is_meant { shown.with_label(None) } else { shown }
    }
}

mutation! {
    NoSessionKnowsItself;
    fn handle_of(&self, _: &str) -> Option<String> {
        None
    }
}

mutation! {
    EverySessionIsTheSame;
    fn handle_of(&self, id: &str) -> Option<String> {
        let first = self.server.sessions().iter().min_by_key(|(_, stored)| stored.created_at).map(|(id, _)| id.clone());
        self.server.owned().get(&first.unwrap_or_else(|| id.to_owned())).map(|owned| owned.handle.clone())
    }
}

mutation! {
    ExpiredSessionsAreListed;
    fn listed(&self, owner: &str) -> Vec<String> {
        self.server.ids(|owned| owned.owner() == Some(owner))
    }
}

mutation! {
    TheFirstOwnerStays;
    fn noted(&self, old: Option<Owned>, save: &Save<'_>) -> Owned {
        let first = old.as_ref().and_then(|old| old.login.clone());
        let noted = Owned::noted(old, save);
        Owned { login: first.or(noted.login.clone()), ..noted }
    }
}

/// Longer than the sessions of other rules about owners.
const LONG: usize = 15_000;

mutation! {
    LongSessionsHaveNoLabel;
    fn shown(&self, owned: &Owned, stored: &Stored) -> OwnedSession {
        let shown = owned.shown(stored);
        if stored.payload.len() > LONG { shown.with_label(None::<String>) } else { shown }
    }
}

mutation! {
    LongSessionsHaveNoHandle;
    fn handle_of(&self, id: &str) -> Option<String> {
        let is_long = self.server.sessions().get(id).is_some_and(|stored| stored.payload.len() > LONG);
        if is_long { None } else { self.server.handle_of(id) }
    }
}
