//! The verdict on one order: the invariants, and the state from which they are computed.

use std::cell::RefCell;
use std::fmt::Write as _;

use session_core::Outcome;

use crate::log::{Fate, Log, Span};
use crate::steps::{OWNER, OWNERS, Step};
use crate::world::{Case, Live, World};

/// A rule that holds after every order.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Invariant {
    /// A change that was acknowledged is in the session.
    ChangesAreKept,
    /// Of several values of a key, one that the last acknowledged save allows is there.
    LastSaveDecides,
    /// No change is applied twice.
    ChangesApplyOnce,
    /// A change that was dropped is in no session.
    DroppedChangesStayAway,
    /// Changes are dropped only if the session ended, or a login cut the request off.
    LiveSessionsTakeChanges,
    /// An operation without a fault does not fail.
    OperationsSucceed,
    /// `Session::outcome` agrees with the result of the save.
    OutcomesAgree,
    /// A session that was ended does not open.
    EndedSessionsStayEnded,
    /// A rotation leaves one session.
    RotationsLeaveOneSession,
    /// An id that was changed opens nothing.
    OldIdsOpenNothing,
    /// A client with the old id does not reach the session of a login.
    LoginsCutOff,
    /// After a change of the password, no cookie of another request opens a session.
    PasswordChangesEndOthers,
    /// A save that was dropped leaves the cookie unchanged.
    DroppedSavesSetNoCookie,
    /// A cookie that a response sets opens a session.
    CookiesOpenSessions,
    /// A request that only reads sets no cookie.
    ReadersSetNoCookie,
    /// The response has the id that an earlier save stored, even if the commit fails.
    ErrorsCarryNewIds,
    /// A record can be opened by the cookie of a response, or ended by its owner.
    RecordsAreReachable,
    /// An owner's list has each live session once, and no other.
    ListsAreComplete,
    /// Ending the other sessions ends those and no more.
    OthersAreEnded,
    /// The browser does not end with an invalid id if a response set a valid one.
    BrowsersKeepValidIds,
    /// The browser ends with the first session, unless that ended.
    BrowsersKeepTheSession,
    /// A record expires after the lifetime of its values.
    ExpiryMatchesLifetime,
    /// An operation starts no store call after its deadline.
    DeadlinesHold,
}

/// The state after one order, and the rules that it broke.
pub(crate) struct Verdict<'a> {
    pub(crate) case: &'a Case<'a>,
    pub(crate) world: &'a World,
    pub(crate) logs: &'a [Log],
    /// The sessions that are alive. If an error response has the id of a rotation whose outcome is
    /// unknown, its client has opened it.
    pub(crate) live: Vec<Live>,
    /// The sessions that each cookie opens, if no client opens another before.
    alone: Option<Vec<Live>>,
    pub(crate) broken: RefCell<Vec<(Invariant, String)>>,
}

impl<'a> Verdict<'a> {
    /// Judges an order. The world is used up afterwards.
    pub(crate) fn of(case: &'a Case<'a>, world: &'a World, logs: &'a [Log]) -> Self {
        let is_unsure = logs.iter().any(|log| log.has_failed() && log.cookie().is_some());
        let alone = is_unsure.then(|| world.live_alone(logs));
        let live = world.live(logs);
        let verdict = Self { case, world, logs, live, alone, broken: RefCell::default() };
        verdict.changes_are_kept();
        verdict.last_save_decides();
        verdict.changes_apply_once();
        verdict.messages_are_seen();
        verdict.live_sessions_take_changes();
        verdict.operations_succeed();
        verdict.outcomes_agree();
        verdict.ended_sessions_stay_ended();
        verdict.rotations_leave_one_session();
        verdict.logins_cut_off();
        verdict.password_changes_end_others();
        verdict.responses_set_right_cookies();
        verdict.browsers_keep_the_session();
        verdict.expiry_matches_lifetime();
        verdict.deadlines_hold();
        // The last, because it ends sessions.
        verdict.owners_see_and_end_what_is_there();
        verdict
    }

    /// Records a broken rule.
    pub(crate) fn expect(&self, rule: Invariant, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.broken.borrow_mut().push((rule, what()));
        }
    }

    /// Returns the session that was there at first.
    pub(crate) fn first(&self) -> Option<&Live> {
        self.live.iter().find(|session| session.is_first())
    }

    /// Returns the number of requests that may have logged one user in. Each copies the values of
    /// the first one into another session. The first session counts if a login was sent with an id
    /// that it had before.
    pub(crate) fn logins_of_one_user(&self) -> usize {
        let logins = OWNERS.iter().map(|user| {
            let tried = |log: &&Log| log.tried(|step| step == Step::LogIn(user)).count() > 0;
            let is_late = |log: &Log| log.opened.is_some_and(|opened| opened.is_new);
            let is_copied = !self.case.anonymous && *user == OWNER;
            let copies = is_copied && self.logs.iter().filter(tried).any(is_late);
            self.logs.iter().filter(tried).count() + usize::from(copies)
        });
        logins.max().unwrap_or(0)
    }

    /// Returns the session that a cookie opens.
    pub(crate) fn opened_by(&self, cookie: &str) -> Option<&Live> {
        let mut live = self.alone.as_ref().unwrap_or(&self.live).iter();
        live.find(|session| session.has_id(cookie))
    }

    /// Returns the operations that may have ended the first session: logouts, and ends for its
    /// owner.
    pub(crate) fn ends(&self) -> Vec<Span> {
        // A logout whose removal was lost may report that it is dropped.
        let faulty = self.faulty_request(|kind| !kind.cuts());
        self.ends_of(|log, index| {
            let is_faulty = faulty.is_some_and(|faulty| std::ptr::eq(faulty, log));
            log.may_be_stored(index) || (is_faulty && log.fate(index).0 != Fate::Unsaved)
        })
    }

    /// Returns these operations, with the logouts that the closure accepts.
    fn ends_of(&self, may_end: impl Fn(&Log, usize) -> bool) -> Vec<Span> {
        let may_end = &may_end;
        let logouts = self.logs.iter().flat_map(|log| {
            let ends =
                (0..log.changes.len()).filter(|i| self.case.ends_first(log.changes[*i].step));
            ends.filter(move |index| may_end(log, *index)).map(|index| log.fate(index).1)
        });
        let calls = self.logs.iter().flat_map(|log| &log.owner_calls);
        let calls = calls.filter(|call| self.ends_owned(call.step));
        let calls = calls.map(|call| match call.result {
            Some(Ok(())) => call.span,
            _ => Span { ended: None, ..call.span },
        });
        logouts.chain(calls).collect()
    }

    /// Returns whether a call for the owner may end the first session. A login makes it the user's,
    /// and is another session for one who ends the others.
    fn ends_owned(&self, step: Step) -> bool {
        let logs_in = self.case.any(|step| step == Step::LogIn(OWNER));
        let is_owned = logs_in || !self.case.anonymous;
        (step.ends_the_owners() && is_owned) || (step == Step::EndOthers && logs_in)
    }

    /// Returns whether the first session may have ended during this operation or after it.
    pub(crate) fn may_end_after(&self, span: Span) -> bool {
        self.ends().iter().any(|end| !end.is_before(span))
    }

    /// Returns whether the first session may have ended otherwise than by a logout that is reported
    /// as dropped.
    pub(crate) fn may_be_ended(&self) -> bool {
        !self.ends_of(Log::may_be_stored).is_empty()
    }

    /// All saves with this outcome.
    pub(crate) fn saves_with(&self, outcome: Outcome) -> impl Iterator<Item = (&Log, usize)> {
        self.logs.iter().flat_map(move |log| {
            let saves = log.saves.iter().enumerate();
            saves
                .filter(move |(_, save)| save.result == Some(Ok(outcome)))
                .map(move |(index, _)| (log, index))
        })
    }

    /// Returns whether a request other than this one may have stored such a step.
    pub(crate) fn another_tried(&self, log: &Log, is_wanted: fn(Step) -> bool) -> bool {
        let others = self.logs.iter().filter(|other| !std::ptr::eq(*other, log));
        others.flat_map(|other| other.tried(is_wanted)).next().is_some()
    }

    /// Describes an order, for a failure.
    pub(crate) fn story(&self, order: &[usize]) -> String {
        let mut story = format!("{:?}\n  order {order:?}\n", self.case);
        for (index, log) in self.logs.iter().enumerate() {
            let _ = writeln!(story, "  request {index}: opened {:?}", log.opened);
            for change in 0..log.changes.len() {
                let (step, fate) = (&log.changes[change], log.fate(change).0);
                let _ = writeln!(story, "    {:?} (tag {}): {fate:?}", step.step, step.tag);
            }
            for save in &log.saves {
                let _ = writeln!(story, "    {save:?}");
            }
            for call in &log.owner_calls {
                let _ = writeln!(story, "    {call:?}");
            }
            let _ = writeln!(story, "    {:?}", log.response);
        }
        for session in &self.live {
            let _ = writeln!(story, "  {session:?}");
        }
        story
    }
}

impl Log {
    /// Returns whether a save before the response reported that it stored a new id or ended the old
    /// one.
    pub(crate) fn stored_new_id_by_hand(&self) -> bool {
        self.changes.iter().enumerate().any(|(index, change)| {
            let is_new = change.step.changes_id() || change.step == Step::End;
            is_new
                && matches!(self.fate(index).0, Fate::Stored { save } if !self.saves[save].is_commit)
        })
    }
}
