//! The cases in which a rule does not hold, with their reasons. DESIGN.md has the same list.

use crate::clocks::Tick;
use crate::faults::FaultKind;
use crate::log::{Fate, Log};
use crate::steps::OWNERS;
use crate::steps::Step;
use crate::steps::Step::{End, List, LogIn, Read, Renew, Rotate, Save, Update, Write};
use crate::verdict::{Invariant, Verdict};
use crate::world::Case;

/// A row of the table. An order that breaks one of the rules and that `applies` accepts is not a
/// failure.
pub(crate) struct Exception {
    pub(crate) name: &'static str,
    pub(crate) rules: &'static [Invariant],
    pub(crate) applies: fn(&Verdict<'_>) -> bool,
    pub(crate) reason: &'static str,
    /// A case in which some order needs this row, and the faults it is run with.
    pub(crate) example: fn() -> (Case<'static>, &'static [FaultKind]),
}

pub(crate) const EXCEPTIONS: &[Exception] = &[
    Exception {
        name: "two changes of one id",
        rules: &[Invariant::BrowsersKeepValidIds],
        applies: two_change_the_id,
        reason: "two requests with one cookie change or end its id; the last response decides",
        example: || (Case::new(2, &[&[Rotate], &[LogIn("ada")]]), &[]),
    },
    Exception {
        name: "two changes of one session",
        rules: &[Invariant::BrowsersKeepTheSession],
        applies: |verdict| two_change_the_id(verdict) && !are_one_login(verdict),
        reason: "two requests with one cookie change or end its id; the last response decides",
        example: || (Case::new(2, &[&[Rotate], &[LogIn("ada")]]), &[]),
    },
    Exception {
        name: "client that disconnected after its id changed",
        rules: &[Invariant::ChangesAreKept, Invariant::BrowsersKeepTheSession],
        applies: |verdict| {
            verdict
                .faulty_request(FaultKind::cuts)
                .is_some_and(|log| log.tried(Step::changes_id).next().is_some())
        },
        reason: "the id was stored before the response, which did not arrive",
        example: || {
            (Case::new(2, &[&[Rotate, Save, Write("a")], &[Write("b")]]), &[FaultKind::Cut])
        },
    },
    Exception {
        name: "login with an unknown outcome",
        rules: &[
            Invariant::ChangesAreKept,
            Invariant::LiveSessionsTakeChanges,
            Invariant::BrowsersKeepTheSession,
        ],
        applies: |verdict| {
            verdict
                .faulty_request(FaultKind::hides_outcome)
                .is_some_and(|log| log.has_failed() && log.tried(Step::is_login).next().is_some())
        },
        reason: "the response reported a failure, so the client must not be logged in",
        example: || (Case::new(2, &[&[LogIn("ada")], &[Write("a")]]), &[FaultKind::LostThenDown]),
    },
    Exception {
        name: "change before the response",
        rules: &[Invariant::CookiesOpenSessions],
        applies: changes_before_the_response,
        reason: "another request ended the session, or changed its id, after a new id was stored",
        example: || (Case::new(2, &[&[Rotate, Save, Write("a")], &[End]]), &[]),
    },
    Exception {
        name: "renewal beside a change of the id",
        rules: &[Invariant::BrowsersKeepValidIds, Invariant::BrowsersKeepTheSession],
        applies: |verdict| verdict.logs.iter().any(|log| repeats_the_id(verdict, log)),
        reason: "a response that renews the cookie or changes its lifetime repeats the old id",
        example: || (Case::new(2, &[&[Renew], &[Rotate]]), &[]),
    },
    Exception {
        name: "renewal before an error",
        rules: &[Invariant::CookiesOpenSessions],
        applies: |verdict| {
            let mut failed = verdict.logs.iter().filter(|log| log.has_failed());
            failed.any(|log| {
                let changes_id = log.tried(Step::changes_id).next().is_some();
                renews_the_cookie(verdict, log)
                    && (changes_id || others_change_the_id(verdict, log))
            })
        },
        reason: "a save renewed the cookie, and it is unknown whether the commit lost the session",
        example: || {
            let case = Case::new(2, &[&[Renew, Update, Save, Rotate], &[End]]);
            (case, &[FaultKind::Lost])
        },
    },
    Exception {
        name: "record without a client",
        rules: &[Invariant::RecordsAreReachable, Invariant::ListsAreComplete],
        applies: client_got_no_id,
        reason: "the client received no id; the record expires, and `end_all` removes it",
        example: || (Case::new(2, &[&[Rotate], &[Read]]).of_visitor(), &[FaultKind::Cut]),
    },
    Exception {
        name: "tombstone that has expired",
        rules: &[Invariant::LiveSessionsTakeChanges, Invariant::BrowsersKeepTheSession],
        applies: |verdict| verdict.case.tombstones_may_expire(),
        reason: "a request that started before a rotation ran for longer than the tombstone",
        example: || {
            let case = Case::new(2, &[&[Rotate], &[Read, List, Write("a")]]);
            (Case { ticks: &[Tick::Pass(611)], ..case }, &[])
        },
    },
    Exception {
        name: "unknown change of the id after the tombstone",
        rules: &[Invariant::ChangesAreKept, Invariant::DroppedChangesStayAway],
        applies: |verdict| {
            let is_unconfirmed = |log: &Log| log.cookie().is_some_and(|id| id.ends_with('~'));
            let changes_id = |log: &Log| log.tried(Step::changes_id).next().is_some();
            verdict.case.tombstones_may_expire()
                && (verdict.logs.iter().any(is_unconfirmed)
                    || verdict.faulty_request(FaultKind::hides_outcome).is_some_and(changes_id))
        },
        reason: "after the tombstone has expired, a finished rotation looks like an ended session",
        example: || {
            let case = Case::new(2, &[&[Update], &[Rotate]]);
            (Case { ticks: &[Tick::Pass(611)], ..case }, &[FaultKind::Lost])
        },
    },
    Exception {
        name: "tombstone that looks old",
        rules: &[Invariant::BrowsersKeepTheSession],
        applies: |verdict| {
            let mut began = verdict.logs.iter().filter(|log| log.tried_to_begin());
            verdict.case.tombstones_may_look_old() && began.next().is_some()
        },
        reason: "ten seconds after a login, the old id starts a new session",
        example: || {
            let case = Case::new(2, &[&[LogIn("ada")], &[LogIn("ada")]]);
            (Case { skew: [0, 300, 0], ..case }, &[])
        },
    },
    Exception {
        name: "logout of a client that was cut off",
        rules: &[Invariant::EndedSessionsStayEnded],
        applies: |verdict| {
            verdict.logs.iter().any(|log| {
                let logs_in = log.changes.iter().any(|change| change.step.is_login());
                let is_cut_off = log.opened.is_some_and(|opened| opened.is_new)
                    || verdict.another_tried(log, |step| matches!(step, LogIn(_)));
                logs_in && is_cut_off
            })
        },
        reason: "a client with the id from before a login ends nothing; its own login is stored",
        example: || (Case::new(2, &[&[End, Write("a"), LogIn("eve")], &[LogIn("ada")]]), &[]),
    },
];

/// Returns the rules that an order broke, without the exceptions. Counts the rows that were needed.
pub(crate) fn remaining(verdict: &Verdict<'_>, needed: &mut [usize]) -> Vec<(Invariant, String)> {
    let mut broken = verdict.broken.take();
    broken.retain(|(rule, _)| {
        let mut rows = EXCEPTIONS.iter().zip(needed.iter_mut());
        let row = rows.find(|(row, _)| row.rules.contains(rule) && (row.applies)(verdict));
        match row {
            Some((_, count)) => *count += 1,
            None => return true,
        }
        false
    });
    broken
}

/// Returns whether two requests were sent with the same cookie, and the responses of both change
/// it.
fn two_change_the_id(verdict: &Verdict<'_>) -> bool {
    let changing = verdict.logs.iter().filter(|log| log.changes_cookie());
    let mut sent: Vec<_> = changing.map(|log| &log.sent).collect();
    let count = sent.len();
    sent.sort_unstable();
    sent.dedup();
    sent.len() < count
}

/// Returns whether all requests that change the id log one user in.
fn are_one_login(verdict: &Verdict<'_>) -> bool {
    OWNERS.iter().any(|user| {
        let logs_in = |log: &Log| log.changes.iter().any(|c| c.step == LogIn(user));
        verdict.logs.iter().filter(|log| log.changes_cookie()).all(logs_in)
    })
}

/// Returns whether each response with a dead id has a new id. Before the response, another request
/// may have ended the session or changed its id.
fn changes_before_the_response(verdict: &Verdict<'_>) -> bool {
    let dead = |log: &&Log| log.response.as_ref().is_some_and(|response| response.is_dead);
    verdict.logs.iter().filter(dead).all(|log| {
        let may_be_gone = verdict.may_be_ended() || verdict.another_tried(log, Step::changes_id);
        log.changes_cookie() && may_be_gone
    })
}

/// Returns whether a response sets the cookie that the request sent, and another changed the id.
fn repeats_the_id(verdict: &Verdict<'_>, log: &Log) -> bool {
    renews_the_cookie(verdict, log) && others_change_the_id(verdict, log)
}

fn others_change_the_id(verdict: &Verdict<'_>, log: &Log) -> bool {
    verdict.may_be_ended() || verdict.another_tried(log, Step::changes_id)
}

/// Returns whether a response sets the cookie that the request sent.
fn renews_the_cookie(verdict: &Verdict<'_>, log: &Log) -> bool {
    let renews =
        log.changes.iter().any(|change| matches!(change.step, Step::Permanent(_) | Step::Lifetime))
            || verdict.case.any(|step| step == Renew)
            || verdict.case.is_timed();
    log.cookie().is_some() && !log.changes_cookie() && renews
}

/// Returns whether a request failed or was cut, and its client does not know the id that it stored.
fn client_got_no_id(verdict: &Verdict<'_>) -> bool {
    verdict.logs.iter().any(|log| {
        let changes_id = log.tried(Step::changes_id).next().is_some();
        // The record of a rotation that was not needed was not removed, or was created later.
        let stage = &verdict.world.stage;
        let is_left =
            stage.has_lost_removal() || stage.has_late_create() || verdict.case.passes_deadlines();
        let changes = || (0..log.changes.len()).filter(|i| log.changes[*i].step.changes_id());
        let is_dropped = |index| matches!(log.fate(index).0, Fate::Dropped { .. });
        // Of several rotations, one may have joined that of another request.
        let is_not_needed = changes().any(is_dropped)
            || (changes_id && !log.changes_cookie())
            || changes().count() > 1;
        (log.has_failed() && (changes_id || log.tried_to_begin())) || (is_left && is_not_needed)
    })
}
