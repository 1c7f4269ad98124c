//! Mutants of the sessions of an owner.

use std::collections::HashSet;
use std::time::SystemTime;

use session_core::interface::{IdChange, Save, Saved};
use session_core::{OwnedSession, Session};

use super::mutation::{mutants, mutation};
use super::original::{Hidden, Origin, Stored};
use super::owned::Owned;

mutants! {
    ListsIgnoreCase breaks a_list_shows_each_session_of_the_owner_and_of_nobody_else;
    ListsShowTwoAtMost breaks a_list_shows_each_session_of_the_owner_and_of_nobody_else;
    ThereIsOnePage breaks pages_list_each_session_once;
    PagesHaveNoLimit breaks pages_list_each_session_once;
    PagesOverlap breaks pages_list_each_session_once;
    PagesBeginAgain breaks pages_list_each_session_once;
    SeenWhenItBegan breaks a_list_says_when_a_session_began_and_was_last_seen;
    BeganWhenItWasSeen breaks a_list_says_when_a_session_began_and_was_last_seen;
    LabelsAreNotShown breaks a_list_shows_the_label;
    NoSessionKnowsItself breaks a_request_knows_itself_on_the_list;
    EverySessionIsTheSame breaks a_request_knows_itself_on_the_list;
    AHandleEndsThemAll breaks a_handle_ends_its_session_and_no_other;
    AHandleIsNeverSpent breaks a_handle_ends_its_session_and_no_other;
    ANewIdHasANewHandle breaks a_handle_outlives_a_new_id;
    AnybodyMayEndIt breaks a_handle_belongs_to_its_owner;
    HandlesOpen breaks a_handle_opens_nothing;
    OneOfTheOthersStays breaks the_others_end_and_this_one_goes_on;
    ThisOneEndsToo breaks the_others_end_and_this_one_goes_on;
    ALoginHasNoOthers breaks a_login_ends_the_others;
    TheThirdStays breaks end_all_ends_each_and_counts_them;
    EndAllCountsOwners breaks end_all_ends_each_and_counts_them;
    WhatAnOwnerEndedIsWrittenAgain breaks what_an_owner_ended_does_not_come_back;
    ExpiredSessionsAreListed breaks what_has_ended_is_on_no_list;
    TheFirstOwnerStays breaks a_session_is_on_the_list_of_its_present_owner;
}

mutation! {
    ListsIgnoreCase;
    fn listed(&self, owner: &str) -> Vec<String> {
        [self.server.live_of(&owner.to_lowercase()), self.server.live_of(&owner.to_uppercase())].concat()
    }
}

mutation! {
    ListsShowTwoAtMost;
    fn listed(&self, owner: &str) -> Vec<String> {
        self.server.live_of(owner).into_iter().take(2).collect()
    }
}

mutation! {
    ThereIsOnePage;
    fn page(&self, ids: Vec<String>, _: Option<&str>, limit: usize) -> (Vec<String>, bool) {
        (ids.into_iter().take(limit).collect(), true)
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
        let start = ids.iter().position(|id| Some(&**id) == after).map_or(0, |at| at + 1) % ids.len().max(1);
        let page: Vec<_> = ids.iter().skip(start).take(limit).cloned().collect();
        let is_last = page.len() < limit;
        (page, is_last)
    }
}

mutation! {
    SeenWhenItBegan;
    fn shown(&self, owned: &Owned, stored: &Stored) -> OwnedSession {
        Owned { seen_at: stored.created_at, ..owned.clone() }.shown(stored)
    }
}

mutation! {
    BeganWhenItWasSeen;
    fn shown(&self, owned: &Owned, stored: &Stored) -> OwnedSession {
        owned.shown(&Stored { created_at: owned.seen_at, ..stored.clone() })
    }
}

mutation! {
    LabelsAreNotShown;
    fn shown(&self, owned: &Owned, stored: &Stored) -> OwnedSession {
        owned.shown(stored).with_label(None)
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
    AHandleEndsThemAll;
    fn end_one(&self, owner: &str, handle: &str) -> usize {
        let is_one = self.server.owned().values().any(|owned| self.is_meant(owned, owner, handle));
        if is_one { self.end_all(owner) } else { 0 }
    }
}

mutation! {
    AHandleIsNeverSpent { spent: Hidden<HashSet<String>> };
    fn end_one(&self, owner: &str, handle: &str) -> usize {
        let ended = self.server.end_each(self.server.ids(|owned| self.is_meant(owned, owner, handle)));
        let mut spent = self.spent.0.lock().unwrap();
        if ended > 0 {
            spent.insert(handle.to_owned());
        }
        usize::from(spent.contains(handle))
    }
}

mutation! {
    ANewIdHasANewHandle;
    fn noted(&self, old: Option<Owned>, save: &Save<'_>) -> Owned {
        let noted = Owned::noted(old, save);
        if save.id_change() == IdChange::Keep { noted } else { Owned { handle: Owned::new_handle(), ..noted } }
    }
}

mutation! {
    AnybodyMayEndIt;
    fn is_meant(&self, owned: &Owned, _: &str, handle: &str) -> bool {
        owned.handle == handle
    }
}

mutation! {
    HandlesOpen;
    fn find(&self, id: &str, now: SystemTime) -> Option<Stored> {
        let of_handle = self.server.owned().iter().find(|(_, owned)| owned.handle == id).map(|(id, _)| id.clone());
        let id = of_handle.unwrap_or_else(|| id.to_owned());
        self.server.sessions().get(&id).filter(|stored| now <= stored.expires_at).cloned()
    }
}

mutation! {
    OneOfTheOthersStays;
    fn end_others(&self, session: &Session, own: Option<&str>) -> usize {
        let others: Vec<_> = self.server.live_of(&session.owner().unwrap_or_default());
        let others = others.into_iter().filter(|id| Some(&**id) != own);
        self.server.end_each(others.take(1).collect())
    }
}

mutation! {
    ThisOneEndsToo;
    fn end_others(&self, session: &Session, own: Option<&str>) -> usize {
        self.end_all(&session.owner().unwrap_or_default()) - usize::from(own.is_some())
    }
}

mutation! {
    ALoginHasNoOthers;
    fn end_others(&self, session: &Session, own: Option<&str>) -> usize {
        let others = self.server.live_of(&session.owner().unwrap_or_default());
        let others = others.into_iter().filter(|id| Some(&**id) != own && !session.is_new());
        self.server.end_each(others.collect())
    }
}

mutation! {
    TheThirdStays;
    fn end_all(&self, owner: &str) -> usize {
        self.server.end_each(self.server.live_of(owner).into_iter().take(2).collect())
    }
}

mutation! {
    EndAllCountsOwners;
    fn end_all(&self, owner: &str) -> usize {
        self.server.end_each(self.server.live_of(owner)).min(1)
    }
}

mutation! {
    WhatAnOwnerEndedIsWrittenAgain;
    fn lost(&self, origin: &Origin, save: &Save<'_>) -> Saved {
        if save.contents().owner().is_some() {
            self.store(&origin.0, self.payload(save), None, &save.contents(), save);
        }
        Saved::dropped()
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
