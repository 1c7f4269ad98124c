//! Mutants of the rules of the pages of an owner's sessions.

use std::time::SystemTime;

use session_core::OwnedSession;
use session_core::interface::{
    Contents, IdChange, Opened, Save, SessionDetails, SessionPage, state_of,
};
use session_core::login::Login;

use super::mutation::{mutants, mutation};
use super::original::Stored;
use super::owned::Owned;

mutants! {
    PagesAreNotSorted breaks page_begins_with_session_last_seen;
    PagesBeginWithTheNewest breaks page_begins_with_session_last_seen;
    PagesBeginWithTheFirstSeen breaks page_begins_with_session_last_seen;
    LimitOfZeroIsNoLimit breaks page_has_one_to_hundred_sessions;
    PagesAreOfAnyLength breaks page_has_one_to_hundred_sessions;
    OwnersAreTrimmed breaks owner_of_any_text_has_own_list;
    OwnersEndAtZeroBytes breaks owner_of_any_text_has_own_list;
    OwnersAreCutAtFiveHundred breaks owner_of_any_text_has_own_list;
    OwnersArePatterns breaks owner_of_any_text_has_own_list;
    RotationRestartsTheCreation breaks list_has_times_after_rotation_and_renewal;
    RotationDropsTheLabel breaks list_has_times_after_rotation_and_renewal;
    RenewalDropsTheLabel breaks list_has_times_after_rotation_and_renewal;
    ExpiredSessionsCount breaks expired_session_does_not_count_for_maximum;
    RenewalsAreNotSeen breaks list_has_times_after_rotation_and_renewal;
    EachSaveIsALogin breaks list_has_time_of_login_or_none;
    VisitorsHaveHandles breaks visitor_has_no_handle;
    LabelsAreShared breaks visitor_has_no_handle;
    DetailsHaveAnotherHandle breaks details_are_those_of_list;
    DetailsBeginWithTheRequest breaks details_are_those_of_list;
    TheLastLoginsEnd breaks login_beyond_maximum_ends_oldest_session;
    OneMoreSessionIsLeft breaks login_beyond_maximum_ends_oldest_session;
    LimitEndsOneSession breaks all_sessions_beyond_lower_maximum_end;
}

mutation! {
    PagesAreNotSorted;
    fn sort(&self, sessions: &mut [OwnedSession]) {
        sessions.sort_by(|one, other| one.handle().cmp(other.handle()));
        if sessions.is_sorted_by_key(|session| std::cmp::Reverse(session.last_seen())) {
            sessions.reverse();
        }
    }
}

mutation! {
    PagesBeginWithTheNewest;
    fn sort(&self, sessions: &mut [OwnedSession]) {
        sessions.sort_by_key(|session| std::cmp::Reverse(session.created_at()));
    }
}

mutation! {
    PagesBeginWithTheFirstSeen;
    fn sort(&self, sessions: &mut [OwnedSession]) {
        sessions.sort_by_key(OwnedSession::last_seen);
    }
}

mutation! {
    LimitOfZeroIsNoLimit;
    fn limit(&self, limit: usize) -> usize {
        if limit == 0 { SessionPage::LIMIT } else { limit.min(SessionPage::LIMIT) }
    }
}

mutation! {
    PagesAreOfAnyLength;
    fn limit(&self, limit: usize) -> usize {
        limit.max(1)
    }
}

/// Returns the live sessions of the owners that become equal by a change.
fn live_of_changed(
    server: &super::original::Server,
    owner: &str,
    change: fn(&str) -> &str,
) -> Vec<String> {
    let ids = server.ids(|owned| owned.owner().is_some_and(|other| change(other) == change(owner)));
    let (sessions, now) = (server.sessions(), server.config().now());
    let is_live = |id: &String| sessions.get(id).is_some_and(|stored| now <= stored.expires_at);
    ids.into_iter().filter(is_live).collect()
}

mutation! {
    OwnersAreTrimmed;
    fn listed(&self, owner: &str) -> Vec<String> {
        live_of_changed(&self.server, owner, str::trim_end)
    }
}

mutation! {
    OwnersEndAtZeroBytes;
    fn listed(&self, owner: &str) -> Vec<String> {
        live_of_changed(&self.server, owner, |owner| owner.split('\0').next().unwrap_or_default())
    }
}

mutation! {
    OwnersAreCutAtFiveHundred;
    fn listed(&self, owner: &str) -> Vec<String> {
        if owner.len() > 500 { Vec::new() } else { self.server.live_of(owner) }
    }
}

mutation! {
    OwnersArePatterns;
    fn listed(&self, owner: &str) -> Vec<String> {
        let Some(start) = owner.strip_suffix(['%', '*']) else { return self.server.live_of(owner) };
        let owners = self.server.ids(|owned| owned.owner().is_some_and(|other| other.starts_with(start)));
        let sessions = self.server.sessions();
        owners.into_iter().filter(|id| sessions.contains_key(id)).collect()
    }
}

mutation! {
    /// If nothing but the list depends on it.
    RotationRestartsTheCreation;
    fn created_at(&self, stored: Option<&Stored>, save: &Save<'_>) -> SystemTime {
        let restarts = save.id_change() != IdChange::Keep && save.config().absolute_timeout().is_none();
        let old = stored.filter(|_| save.login().is_none() && !restarts);
        old.map_or(save.now(), |stored| stored.created_at)
    }
}

mutation! {
    RotationDropsTheLabel;
    fn merged(&self, save: &Save<'_>, stored: &Stored) -> String {
        let merged = save.changes().replay(&stored.payload).unwrap();
        if save.id_change() == IdChange::Rotate { without_label(merged) } else { merged }
    }
}

fn without_label(payload: String) -> String {
    let session = Opened::from_payload(payload).unwrap().into_session();
    session.discard("_label").unwrap();
    state_of(&session).payload()
}

mutation! {
    RenewalsAreNotSeen;
    fn noted(&self, old: Option<Owned>, save: &Save<'_>) -> Owned {
        let seen_at = old.as_ref().map(|old| old.seen_at).filter(|_| !save.is_modified());
        let noted = Owned::noted(old, save);
        Owned { seen_at: seen_at.unwrap_or(noted.seen_at), ..noted }
    }
}

mutation! {
    EachSaveIsALogin;
    fn shown(&self, owned: &Owned, stored: &Stored) -> OwnedSession {
        let is_limited = self.server.config().max_sessions().is_some();
        let shown = owned.shown(stored);
        if is_limited { shown } else { shown.with_authenticated_at(owned.seen_at) }
    }
}

mutation! {
    VisitorsHaveHandles;
    fn owner_of_visitors(&self) -> Option<String> {
        Some(String::new())
    }
}

mutation! {
    LabelsAreShared;
    fn shown(&self, owned: &Owned, stored: &Stored) -> OwnedSession {
        let shown = owned.shown(stored);
        let labels = self.server.sessions().values().map(|other| owned.shown(other)).collect::<Vec<_>>();
        let label = labels.iter().find_map(OwnedSession::label).map(str::to_owned);
        if shown.label().is_none() { shown.with_label(label) } else { shown }
    }
}

mutation! {
    DetailsHaveAnotherHandle;
    fn details(&self, id: &str, stored: &Stored) -> SessionDetails {
        SessionDetails::new().with_created_at(stored.created_at).with_handle(&id[..22])
    }
}

mutation! {
    DetailsBeginWithTheRequest;
    fn details(&self, _: &str, _: &Stored) -> SessionDetails {
        SessionDetails::new().with_created_at(self.server.config().now())
    }
}

mutation! {
    TheLastLoginsEnd;
    fn beyond(&self, ids: Vec<String>, limit: usize) -> Vec<String> {
        let surplus = ids.len().saturating_sub(limit);
        ids.into_iter().take(surplus).collect()
    }
}

mutation! {
    OneMoreSessionIsLeft;
    fn beyond(&self, ids: Vec<String>, limit: usize) -> Vec<String> {
        ids.into_iter().skip(limit + 1).collect()
    }
}

mutation! {
    LimitEndsOneSession;
    fn beyond(&self, ids: Vec<String>, limit: usize) -> Vec<String> {
        ids.into_iter().skip(limit).take(1).collect()
    }
}

mutation! {
    RenewalDropsTheLabel;
    fn renew(&self, id: &str, stored: &Stored, contents: &Contents, save: &Save<'_>) {
        let payload = stored.payload.replace("\"_label\"", "\"_former_label\"");
        self.store(id, payload, Some(stored), contents, save);
    }
}

mutation! {
    ExpiredSessionsCount;
    fn beyond(&self, ids: Vec<String>, limit: usize) -> Vec<String> {
        let owner = ids.first().and_then(|id| self.server.login_of(id));
        let is_theirs = |owned: &Owned| owned.owner() == owner.as_ref().map(Login::owner);
        let expired = self.server.ids(is_theirs).len() - ids.len();
        ids.into_iter().skip(limit.saturating_sub(expired)).collect()
    }
}
