//! Ids: ends, rotations, and the cookies of the responses.

use session_core::{ErrorKind, Outcome};

use crate::faults::FaultKind;
use crate::log::{Cookie, Fate, Log, OwnerCall};
use crate::steps::Step;
use crate::verdict::{Invariant, Verdict};
use crate::world::{Live, store_key};

impl Verdict<'_> {
    /// Only requests with a fault fail.
    pub(crate) fn operations_succeed(&self) {
        for (index, log) in self.logs.iter().enumerate() {
            if self.case.fault.is_some_and(|fault| fault.request == index) {
                continue;
            }
            let saves = log.saves.iter().filter_map(|save| save.result?.err());
            let calls = log.owner_calls.iter().filter_map(|call| call.result?.err());
            let response = log.response.iter().filter_map(|response| response.error);
            for error in saves.chain(calls).chain(response) {
                let has_ended = error == ErrorKind::Ended && log.ended_after_response();
                let may_fail = has_ended || self.case.passes_deadlines();
                self.expect(Invariant::OperationsSucceed, may_fail, || format!("{error:?}"));
            }
        }
    }

    pub(crate) fn outcomes_agree(&self) {
        for save in self.logs.iter().flat_map(|log| &log.saves) {
            if let Some(Ok(outcome)) = save.result {
                self.expect(Invariant::OutcomesAgree, save.outcome == Some(outcome), || {
                    format!("{save:?}")
                });
            }
        }
    }

    /// No live session has the values of a session that was ended.
    pub(crate) fn ended_sessions_stay_ended(&self) {
        // A request that the browser sent later may have ended another session.
        let had_first = |log: &&Log| {
            let opened_first = log.opened.is_some_and(|opened| opened.is_first);
            opened_first || log.sent.as_ref() == Some(&self.world.cookie)
        };
        let logged_out = self.logs.iter().filter(had_first).any(|log| {
            let mut ends = log.tried(|step| self.case.ends_first(step));
            ends.any(|index| matches!(log.fate(index).0, Fate::Stored { .. }))
        });
        let mut calls = self.logs.iter().flat_map(|log| &log.owner_calls);
        let ended = calls
            .any(|call| call.step.ends_the_owners() && call.found && call.result == Some(Ok(())));
        let stays_the_owners =
            !self.case.anonymous && !self.case.any(|step| matches!(step, Step::LogIn(_)));
        if logged_out || (ended && stays_the_owners) {
            self.expect(Invariant::EndedSessionsStayEnded, self.first().is_none(), || {
                "the first session".to_owned()
            });
        }
    }

    pub(crate) fn rotations_leave_one_session(&self) {
        let firsts = self.live.iter().filter(|session| session.is_first()).count();
        let holds = firsts <= self.logins_of_one_user().max(1);
        self.expect(Invariant::RotationsLeaveOneSession, holds, || format!("{firsts}"));
        let changed = self.logs.iter().any(|log| {
            log.tried(|step| step.changes_id() || step == Step::End)
                .any(|index| matches!(log.fate(index).0, Fate::Stored { .. }))
        });
        let opens = self.live.iter().any(|session| session.has_id(&self.world.cookie));
        self.expect(Invariant::OldIdsOpenNothing, !(changed && opens), || "it opens".to_owned());
    }

    /// No other client learns the id of a login, or writes to its record.
    pub(crate) fn logins_cut_off(&self) {
        for (index, log) in self.logs.iter().enumerate() {
            let mut logins = log.tried(|step| matches!(step, Step::LogIn(_)));
            let Some(cookie) = log.cookie().filter(|cookie| *cookie != self.world.cookie) else {
                continue;
            };
            if logins.next().is_none() || self.logs.iter().any(|log| log.awaited.is_some()) {
                continue;
            }
            let is_alone = |other: &Log| std::ptr::eq(other, log) || other.cookie() != log.cookie();
            let written = self
                .world
                .stage
                .records(|records| records.has_other_writer(&store_key(cookie), index));
            // A logout of the same user ends the session that the login has started.
            let ends = |step: Step| step.ends_the_owners() || step == Step::EndOthers;
            let may_write =
                !self.case.anonymous && (self.another_may_end(log) || self.case.any(ends));
            let holds = (!written || may_write) && self.logs.iter().all(is_alone);
            self.expect(Invariant::LoginsCutOff, holds, || format!("request {index}"));
        }
    }

    /// After a login that was followed by the end of the other sessions, only the requests that log
    /// in have a session.
    pub(crate) fn password_changes_end_others(&self) {
        let changes = |log: &Log| {
            let mut logins = log.tried(Step::is_login);
            let logged_in = logins.any(|index| matches!(log.fate(index).0, Fate::Stored { .. }));
            let ended =
                |call: &OwnerCall| call.step == Step::EndOthers && call.result == Some(Ok(()));
            logged_in && log.owner_calls.iter().any(ended)
        };
        if !self.logs.iter().any(changes) {
            return;
        }
        let is_other = |log: &&Log| {
            log.awaited.is_none() && !log.changes.iter().any(|change| change.step.is_login())
        };
        let others = self.logs.iter().filter(is_other);
        for cookie in others.filter_map(Log::cookie) {
            let is_owned = |live: &Live| live.owner.is_some();
            let holds = !self.opened_by(cookie).is_some_and(is_owned);
            self.expect(Invariant::PasswordChangesEndOthers, holds, || cookie.to_owned());
        }
    }

    pub(crate) fn responses_set_right_cookies(&self) {
        for (index, log) in self.logs.iter().enumerate() {
            let Some(response) = &log.response else { continue };
            let sets = response.cookie != Cookie::None;
            let result = log.saves.iter().rfind(|save| save.is_commit).and_then(|save| save.result);
            if result == Some(Ok(Outcome::Dropped)) {
                let holds = !sets || log.stored_new_id_by_hand();
                self.expect(Invariant::DroppedSavesSetNoCookie, holds, || format!("{index}"));
            }
            self.expect(Invariant::CookiesOpenSessions, !response.is_dead, || format!("{index}"));
            // Next to a renewal, a reader is also due for one.
            let only_reads = log.changes.is_empty() && !self.case.any(|step| step == Step::Renew);
            let holds = !(only_reads && sets) || self.case.is_timed();
            self.expect(Invariant::ReadersSetNoCookie, holds, || format!("{index}"));
            if response.error.is_some() {
                // A rotation may have joined that of another request, whose response has the id.
                let has_new_id = log.stored_new_id_by_hand()
                    && !self.another_tried(log, |step| step == Step::Rotate);
                let holds = sets || !has_new_id;
                self.expect(Invariant::ErrorsCarryNewIds, holds, || format!("{index}"));
            }
        }
    }

    /// After the responses arrived in any order, the browser has the session.
    pub(crate) fn browsers_keep_the_session(&self) {
        let opens = |cookie: &str| self.opened_by(cookie);
        let responses = self.logs.iter().filter_map(|log| log.response.as_ref());
        let any_valid = responses
            .map(|response| &response.cookie)
            .any(|cookie| matches!(cookie, Cookie::Set(id) if opens(id).is_some()));
        for arrivals in permutations(self.logs.len()).filter(|order| self.may_arrive(order)) {
            let mut jar = Some(&*self.world.cookie);
            for response in arrivals.iter().filter_map(|index| self.logs[*index].response.as_ref())
            {
                match &response.cookie {
                    Cookie::Set(id) => jar = Some(id),
                    Cookie::Removed => jar = None,
                    Cookie::None => {}
                }
            }
            let session = jar.and_then(opens);
            let what = || format!("responses arrive in the order {arrivals:?}");
            let keeps_id = session.is_some() || !any_valid;
            self.expect(Invariant::BrowsersKeepValidIds, keeps_id, what);
            let keeps = session.is_some_and(Live::is_first) || self.may_be_ended();
            self.expect(Invariant::BrowsersKeepTheSession, keeps, what);
        }
    }

    /// Returns whether no request was sent after a response that arrives later.
    fn may_arrive(&self, order: &[usize]) -> bool {
        let place = |request: usize| order.iter().position(|other| *other == request);
        self.logs
            .iter()
            .enumerate()
            .all(|(index, log)| log.awaited.is_none_or(|awaited| place(awaited) < place(index)))
    }

    pub(crate) fn deadlines_hold(&self) {
        for index in 0..self.logs.len() {
            let overdue = self.world.stage.overdue(index);
            self.expect(Invariant::DeadlinesHold, overdue == 0, || {
                format!("request {index} began {overdue} calls too late")
            });
        }
    }

    /// Returns the request that has a fault of such a kind.
    pub(crate) fn faulty_request(&self, is_wanted: fn(FaultKind) -> bool) -> Option<&Log> {
        let fault = self.case.fault.filter(|fault| is_wanted(fault.kind))?;
        self.logs.get(fault.request)
    }
}

/// All orders of the first numbers.
fn permutations(count: usize) -> impl Iterator<Item = &'static [usize]> {
    const ORDERS: [&[usize]; 10] = [
        &[],
        &[0],
        &[0, 1],
        &[1, 0],
        &[0, 1, 2],
        &[0, 2, 1],
        &[1, 0, 2],
        &[1, 2, 0],
        &[2, 0, 1],
        &[2, 1, 0],
    ];
    ORDERS.into_iter().filter(move |order| order.len() == count)
}
