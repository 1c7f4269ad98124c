//! Mutants of the rules of an owner that ends sessions.

use std::collections::HashSet;
use std::time::SystemTime;

use session_core::Session;
use session_core::interface::{IdChange, Save, Saved};

use super::mutation::{mutants, mutation};
use super::original::{Hidden, Origin, Server, Stored};
use super::owned::Owned;

mutants! {
    AHandleEndsThemAll breaks handle_ends_its_session_only;
    AHandleIsNeverSpent breaks handle_ends_its_session_only;
    ANewIdHasANewHandle breaks handle_is_valid_after_rotation;
    AnybodyMayEndIt breaks handle_ends_nothing_for_other_owner;
    HandlesOpen breaks handle_as_cookie_opens_nothing;
    OneOfTheOthersStays breaks end_others_keeps_own_session;
    ThisOneEndsToo breaks end_others_keeps_own_session;
    ALoginHasNoOthers breaks end_others_at_login_ends_sessions_of_new_owner;
    TheThirdStays breaks end_all_returns_number_of_ended_sessions;
    EndAllCountsOwners breaks end_all_returns_number_of_ended_sessions;
    WhatAnOwnerEndedIsWrittenAgain breaks save_after_end_by_owner_revives_nothing;
    PartsOfHandlesAreValid breaks similar_handle_ends_nothing;
    HandlesIgnoreCase breaks similar_handle_ends_nothing;
    IdsAreHandles breaks similar_handle_ends_nothing;
    VisitorsAreOneOwner breaks sessions_without_owner_are_not_ended;
    EndAllEndsVisitors breaks sessions_without_owner_are_not_ended;
    ForgetsWhatTheLoginStored breaks save_after_login_changes_its_session;
    EndOthersSparesTheLabelled breaks sessions_of_every_kind_are_ended;
    EndAllSparesThePermanent breaks sessions_of_every_kind_are_ended;
    EndSparesTheLong breaks sessions_of_every_kind_are_ended;
    EndAllEndsAPage breaks more_than_hundred_sessions_are_ended;
    EndOthersEndsAPage breaks more_than_hundred_sessions_are_ended;
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
        self.end_all(&session.owner().unwrap_or_default()).saturating_sub(usize::from(own.is_some()))
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
        if save.login().is_some() {
            return self.begin_by_login(save);
        }
        if save.contents().owner().is_some() {
            self.store(&origin.0, self.payload(save), None, &save.contents(), save);
        }
        Saved::dropped()
    }
}

mutation! {
    PartsOfHandlesAreValid;
    fn is_meant(&self, stored: &Owned, owner: &str, handle: &str) -> bool {
        stored.owner() == Some(owner) && stored.handle.starts_with(handle)
    }
}

mutation! {
    HandlesIgnoreCase;
    fn is_meant(&self, stored: &Owned, owner: &str, handle: &str) -> bool {
        stored.owner() == Some(owner) && stored.handle.eq_ignore_ascii_case(handle)
    }
}

mutation! {
    IdsAreHandles;
    fn end_one(&self, owner: &str, handle: &str) -> usize {
        let of_id = self.server.owned().get(handle).map(|owned| owned.handle.clone());
        let handle = of_id.unwrap_or_else(|| handle.to_owned());
        self.server.end_each(self.server.ids(|owned| self.is_meant(owned, owner, &handle)))
    }
}

mutation! {
    VisitorsAreOneOwner;
    fn end_others(&self, session: &Session, own: Option<&str>) -> usize {
        let owner = session.owner();
        let others = self.server.ids(|owned| owned.owner() == owner.as_deref());
        let live = |id: &String| self.server.sessions().contains_key(id) && Some(&**id) != own;
        self.server.end_each(others.into_iter().filter(live).collect())
    }
}

mutation! {
    EndAllEndsVisitors;
    fn end_all(&self, owner: &str) -> usize {
        let ended = self.server.end_each(self.server.live_of(owner));
        self.server.end_each(self.server.ids(|owned| owned.owner().is_none()));
        ended
    }
}

mutation! {
    /// If there were no values before the login.
    ForgetsWhatTheLoginStored;
    fn remembers(&self, save: &Save<'_>) -> bool {
        save.login().is_none() || save.contents().payload() != "{}"
    }
}

mutation! {
    EndAllEndsAPage;
    fn end_all(&self, owner: &str) -> usize {
        self.server.end_each(self.server.live_of(owner).into_iter().take(100).collect())
    }
}

mutation! {
    EndOthersEndsAPage;
    fn end_others(&self, session: &Session, own: Option<&str>) -> usize {
        let Some(owner) = session.owner() else { return 0 };
        let others = self.server.live_of(&owner).into_iter().filter(|id| Some(&**id) != own);
        self.server.end_each(others.take(100).collect())
    }
}

/// Returns whether the payload of a session contains a text.
fn contains(server: &Server, id: &str, text: &str) -> bool {
    server.sessions().get(id).is_some_and(|stored| stored.payload.contains(text))
}

mutation! {
    EndOthersSparesTheLabelled;
    fn end_others(&self, session: &Session, own: Option<&str>) -> usize {
        let Some(owner) = session.owner() else { return 0 };
        let mut others = self.server.live_of(&owner);
        others.retain(|id| Some(&**id) != own && !contains(&self.server, id, "_label"));
        self.server.end_each(others)
    }
}

mutation! {
    EndAllSparesThePermanent;
    fn end_all(&self, owner: &str) -> usize {
        let mut all = self.server.live_of(owner);
        all.retain(|id| !contains(&self.server, id, "_permanent"));
        self.server.end_each(all)
    }
}

mutation! {
    EndSparesTheLong;
    fn end_one(&self, owner: &str, handle: &str) -> usize {
        let mut ids = self.server.ids(|owned| self.is_meant(owned, owner, handle));
        ids.retain(|id| !contains(&self.server, id, "a long text a long text"));
        self.server.end_each(ids)
    }
}
