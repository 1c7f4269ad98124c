//! The sessions of an owner, and the records that no client can reach.

use std::time::Duration;

use crate::log::Log;
use crate::steps::{OWNERS, Step};
use crate::verdict::{Invariant, Verdict};
use crate::world::store_key;

impl Verdict<'_> {
    pub(crate) fn owners_see_and_end_what_is_there(&self) {
        self.lists_show_the_session_once();
        self.the_others_are_ended_and_no_more();
        self.the_lists_are_what_is_alive();
        self.records_are_reachable();
        for owner in self.owners() {
            self.world.end_all(owner);
        }
        let left = self.world.stage.records(|records| {
            records.sessions().filter(|(_, record)| record.owner().is_some()).count()
        });
        self.expect(Invariant::RecordsAreReachable, left == 0, || {
            format!("{left} are left after their owner ended all")
        });
    }

    /// Returns the owners that have records.
    fn owners(&self) -> impl Iterator<Item = &'static str> {
        let stage = &self.world.stage;
        OWNERS.into_iter().filter(|owner| stage.records(|records| records.has_owner(owner)))
    }

    fn owner_may_change(&self) -> bool {
        self.case.anonymous || self.case.any(|step| matches!(step, Step::LogIn(_)))
    }

    fn lists_show_the_session_once(&self) {
        let may_be_gone = self.may_be_ended() || self.owner_may_change();
        let calls = self.logs.iter().flat_map(|log| &log.owner_calls);
        for call in calls.filter(|call| call.step == Step::List && call.result == Some(Ok(()))) {
            let holds = call.listed == 1 || (may_be_gone && call.listed == 0);
            self.expect(Invariant::ListsAreComplete, holds, || format!("{call:?}"));
        }
    }

    fn the_others_are_ended_and_no_more(&self) {
        let Some(other) = self.world.other() else { return };
        let calls = || self.logs.iter().flat_map(|log| &log.owner_calls);
        let ended = calls().any(|call| {
            let ends = matches!(call.step, Step::EndAll | Step::EndOthers);
            ends && call.found && call.result == Some(Ok(()))
        });
        let may_end = calls().any(|call| matches!(call.step, Step::EndAll | Step::EndOthers));
        self.expect(Invariant::OthersAreEnded, !(ended && other), || "it is alive".to_owned());
        self.expect(Invariant::OthersAreEnded, may_end || other, || "it ended itself".to_owned());
    }

    /// If no client has an id, its owner still sees the session.
    fn the_lists_are_what_is_alive(&self) {
        let mut handles: Vec<String> =
            self.owners().flat_map(|owner| self.world.handles_of(owner)).collect();
        let listed = handles.len();
        handles.sort();
        handles.dedup();
        self.expect(Invariant::ListsAreComplete, handles.len() == listed, || {
            "a session is listed twice".to_owned()
        });
        let owned = self.live.iter().filter(|session| session.owner.is_some()).count();
        let alive = owned + usize::from(self.world.other() == Some(true));
        self.expect(Invariant::ListsAreComplete, listed >= alive, || {
            format!("{listed} of {alive} are listed")
        });
        // A request that failed may have left a session whose id its client does not know.
        let first_is_there = self.live.iter().any(|session| session.has_id(&self.world.cookie));
        let failed = self.logs.iter().any(Log::has_failed);
        let holds = listed == alive || (failed && !first_is_there);
        self.expect(Invariant::ListsAreComplete, holds, || {
            format!("{listed} are listed of {alive} that a client can open")
        });
    }

    /// The owner can end the session of a record that no cookie opens.
    fn records_are_reachable(&self) {
        let cookies = self.logs.iter().filter_map(Log::cookie);
        let cookies = cookies.chain([&*self.world.cookie]).chain(self.world.other.as_deref());
        let known: Vec<_> = cookies.map(store_key).collect();
        let unknown = || {
            self.world.stage.records(|records| {
                records.sessions().filter(|(key, _)| !known.contains(key)).count()
            })
        };
        if unknown() == 0 {
            return;
        }
        for owner in self.owners() {
            for handle in self.world.handles_of(owner) {
                self.world.end(owner, &handle);
            }
        }
        let left = unknown();
        self.expect(Invariant::RecordsAreReachable, left == 0, || format!("{left} are not"));
    }

    /// A record expires after the lifetime that its values have, from a time in this order.
    pub(crate) fn expiry_matches_lifetime(&self) {
        let config = self.case.config().build().unwrap();
        for live in &self.live {
            let own = live.value("_lifetime").map(Duration::from_secs);
            let lifetime = own.or(live.permanent.then(|| config.permanent_lifetime()));
            let is_limited = own.is_none() && live.owner.is_none();
            let lifetime = config.visitor_lifetime().filter(|_| is_limited).or(lifetime);
            let written = live.expires_at - config.record_lifetime(lifetime);
            let (earliest, latest) = self.world.clocks.range();
            self.expect(
                Invariant::ExpiryMatchesLifetime,
                (earliest..=latest).contains(&written),
                || format!("{live:?}"),
            );
        }
    }
}
