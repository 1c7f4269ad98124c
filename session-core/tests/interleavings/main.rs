//! Every interleaving: two and three requests on one session, in every order of their store calls, each order again with a
//! reply that is lost after its call was carried out, and with a request that ends at any of its awaits. After each order:
//! no recorded change to a live session lost, no ended session alive, at most one live successor of a rotation, no
//! `Set-Cookie` from a response that lost, nothing gained by an id that was known before a login.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(unreachable_pub, reason = "the modules of a test are its own")]

mod owners;
mod requests;
mod schedule;
mod stage;

use requests::{Op, Response, World};
use schedule::{Cut, Running, every_order};
use session_core::Outcome;
use stage::Stage;

use Op::{
    Empty, End, EndAll, EndOthers, Flash, KeepThis, List, Login, Logout, Read, Renew, Rotate, Take, Update, Write,
};

const PAIRS: &[[Op; 2]] = &[
    [Write("a"), Write("b")],
    [Write("a"), Write("a")],
    [Update, Update],
    [Update, Write("a")],
    [Write("a"), Logout],
    [Update, Logout],
    [Write("a"), Rotate],
    [Update, Rotate],
    [Write("a"), Login("ada")],
    [Update, Login("ada")],
    [Rotate, Rotate],
    [Rotate, Logout],
    [Rotate, Login("ada")],
    [Rotate, EndAll],
    [Write("a"), EndAll],
    [Login("ada"), Logout],
    [Login("ada"), Login("eve")],
    [Login("ada"), EndAll],
    [Logout, Logout],
    [Logout, EndAll],
    [Flash("late"), Take],
    [Take, Take],
    [Flash("late"), Rotate],
    [Take, Rotate],
    [Empty, Write("a")],
    [Empty, Logout],
    [Empty, Rotate],
];

/// These run with faults, too.
const TRIPLES: &[[Op; 3]] = &[
    [Write("a"), Write("b"), Rotate],
    [Update, Update, Update],
    [Write("a"), Rotate, Logout],
    [Write("a"), Rotate, EndAll],
    [Write("a"), Login("ada"), Logout],
    [Rotate, Rotate, Write("a")],
    [Flash("late"), Take, Rotate],
    [Renew, Write("a"), Logout],
    [Rotate, Rotate, List],
    [KeepThis, Rotate, End],
    [KeepThis, Write("a"), Login("ada")],
    [Login("ada"), Login("eve"), List],
];

/// Every three of these run together.
const OPS: &[Op] =
    &[Write("a"), Write("b"), Update, Logout, Rotate, Login("ada"), EndAll, Flash("late"), Take, Renew, Empty];

/// What an owner does.
const OWNERS: &[Op] = &[End, EndOthers, KeepThis, List];

/// The pairs; a reader, a renewal and what an owner does beside every operation.
fn pairs() -> impl Iterator<Item = [Op; 2]> {
    let beside = |one: Op| OPS.iter().chain([&Read]).map(move |other| [one, *other]);
    let owners = OWNERS.iter().flat_map(move |one| beside(*one).chain(OWNERS.iter().map(|other| [*one, *other])));
    PAIRS.iter().copied().chain(beside(Read)).chain(beside(Renew)).chain(owners)
}

#[test]
fn two_requests_in_every_order() {
    let mut orders = 0;
    for processes in [1, 2] {
        for pair in pairs() {
            orders += explore(processes, &pair, 0, None);
        }
    }
    println!("two requests: {orders} orders");
    assert!(orders > 250, "only {orders} orders");
}

#[test]
fn two_requests_with_a_lost_reply() {
    let mut orders = 0;
    for pair in pairs() {
        // No request of a pair makes more than ten calls.
        for lost in 1..=16 {
            orders += explore(1, &pair, lost, None);
            orders += explore(2, &pair, lost, None);
        }
    }
    println!("two requests, one lost reply: {orders} orders");
}

#[test]
fn two_requests_one_of_which_ends_at_any_await() {
    let mut orders = 0;
    for pair in pairs() {
        for request in 0..2 {
            for after_steps in 0..6 {
                orders += explore(1, &pair, 0, Some(Cut { request, after_steps }));
                orders += explore(2, &pair, 0, Some(Cut { request, after_steps }));
            }
        }
    }
    println!("two requests, one cut: {orders} orders");
}

#[test]
fn three_requests_in_every_order() {
    let mut orders = 0;
    for (first, one) in OPS.iter().enumerate() {
        for (second, two) in OPS.iter().enumerate().skip(first) {
            for three in &OPS[second..] {
                // One process serves them all, or two, or each has its own.
                for processes in 1..=3 {
                    orders += explore(processes, &[*one, *two, *three], 0, None);
                }
            }
        }
    }
    println!("three requests: {orders} orders");
    assert!(orders > 10_000, "only {orders} orders");
}

#[test]
fn three_requests_with_a_lost_reply_or_one_that_ends_at_any_await() {
    let mut orders = 0;
    for triple in TRIPLES {
        for lost in 1..=16 {
            orders += explore(3, triple, lost, None);
        }
        for request in 0..3 {
            for after_steps in 0..5 {
                orders += explore(2, triple, 0, Some(Cut { request, after_steps }));
            }
        }
    }
    println!("three requests, one lost reply or one cut: {orders} orders");
    assert!(orders > 5_000, "only {orders} orders");
}

#[test]
fn updates_in_one_process_load_once_and_save_once() {
    for count in 2..=4 {
        let ops = vec![Update; count];
        let orders = every_order(
            || start(1, &ops, 0),
            None,
            |world, order, responses| {
                assert_eq!(world.stage.calls(), 2 * count, "order {order:?}");
                assert_eq!(world.live(responses)[0].count, count, "order {order:?}");
            },
        );
        assert!(orders > count, "only {orders} orders");
    }
}

/// The operations on one session, each about to begin, and the call that loses its reply.
fn start(processes: usize, ops: &[Op], lost: u64) -> (World, Stage, Vec<Running<Response>>) {
    let world = World::new(processes, ops);
    world.stage.lose_reply(lost);
    let requests = (0..ops.len()).map(|index| world.request(index)).collect();
    let stage = world.stage.clone();
    (world, stage, requests)
}

/// Runs the operations in every order and checks each; gives the number of orders.
fn explore(processes: usize, ops: &[Op], lost: u64, cut: Option<Cut>) -> usize {
    every_order(
        || start(processes, ops, lost),
        cut,
        |world, order, responses| {
            let context =
                format!("{ops:?} on {processes} processes, order {order:?}, lost {lost}, cut {cut:?}: {responses:?}");
            let is_disturbed = lost > 0 || cut.is_some();
            Verdict { world, ops, responses, is_disturbed, context }.check();
        },
    )
}

struct Verdict<'a> {
    world: &'a World,
    ops: &'a [Op],
    responses: &'a [Option<Response>],
    /// Whether a reply was lost or a request cut.
    is_disturbed: bool,
    context: String,
}

impl Verdict<'_> {
    fn check(&self) {
        self.world.stage.lose_reply(0);
        let live = self.world.live(self.responses);
        self.ended_sessions_stay_ended(&live);
        self.rotations_leave_one_successor(&live);
        self.changes_are_kept(&live);
        self.losers_set_no_cookie();
        self.the_old_id_gains_nothing(&live);
        self.flashes_are_seen_once(&live);
        self.owners_see_and_end_what_is_there(&live);
    }

    fn done(&self) -> impl Iterator<Item = (Op, &Response)> {
        let responses = self.ops.iter().zip(self.responses);
        responses
            .filter_map(|(op, response)| response.as_ref().filter(|response| response.is_ok()).map(|done| (*op, done)))
    }

    fn any_done(&self, wanted: impl Fn(Op) -> bool) -> bool {
        self.done().any(|(op, _)| wanted(op))
    }

    fn any(&self, wanted: impl Fn(Op) -> bool) -> bool {
        self.ops.iter().any(|op| wanted(*op))
    }

    /// What was in the session before is nowhere alive once it was ended.
    fn ended_sessions_stay_ended(&self, live: &[requests::Live]) {
        let logged_out = self.done().any(|(op, response)| op == Logout && response.outcome() == Outcome::Stored);
        let ended =
            logged_out || (self.done().any(|(op, done)| op.ends_the_owners() && done.found) && !self.any(Op::is_login));
        if ended {
            assert!(live.iter().all(|session| !session.has("base")), "an ended session is alive: {}", self.context);
        }
    }

    fn rotations_leave_one_successor(&self, live: &[requests::Live]) {
        let inherited = live.iter().filter(|session| session.has("base")).count();
        assert!(inherited <= 1, "{inherited} successors are alive: {}", self.context);
        if self.any_done(|op| op.is_rotation() || op.is_login()) {
            assert!(!live.iter().any(|session| session.is_first), "the old id still works: {}", self.context);
        }
    }

    fn changes_are_kept(&self, live: &[requests::Live]) {
        let ends = self.any(|op| op == Logout || op.ends_the_owners());
        for (op, response) in self.done() {
            // Who came with the old id after a rotation found nothing, and nothing is what it can change.
            let may_be_dropped = ends || !response.found || self.any(Op::is_login);
            let outcome = response.outcome();
            assert!(outcome != Outcome::Dropped || may_be_dropped, "{op:?} was dropped: {}", self.context);
            if let Write(key) = op
                && outcome == Outcome::Stored
                && !ends
            {
                assert!(live.iter().any(|session| session.has(key)), "{key} was lost: {}", self.context);
            }
            if op == Empty && outcome == Outcome::Stored && !self.any(Op::is_rotation) {
                assert!(live.iter().all(|session| !session.has("last")), "a removed key is back: {}", self.context);
            }
        }
        self.counts_are_kept(live, ends);
    }

    fn counts_are_kept(&self, live: &[requests::Live], ends: bool) {
        if ends || !self.any(|op| op == Update) {
            return;
        }
        let stored = self.done().filter(|(op, done)| *op == Update && done.outcome() == Outcome::Stored).count();
        let tried = self.ops.iter().filter(|op| **op == Update).count();
        let counts: Vec<usize> =
            live.iter().filter(|session| session.has("base")).map(|session| session.count).collect();
        for count in counts {
            assert!((stored..=tried).contains(&count), "{stored} updates left {count}: {}", self.context);
        }
    }

    fn losers_set_no_cookie(&self) {
        for (op, response) in self.done() {
            if response.outcome() == Outcome::Dropped {
                assert!(response.leaves_cookie_alone(), "{op:?} lost and touched the cookie: {}", self.context);
            }
            // Ending all of an owner's sessions may end a rotation's successor before the rotation is done with the old
            // record: as if it had come a moment later.
            let ended_at_birth = self.any(Op::ends_the_owners) && (op.is_rotation() || op.is_login());
            assert!(
                !response.dead_cookie || ended_at_birth,
                "{op:?} set a cookie that opens nothing: {}",
                self.context
            );
            // Beside a renewal every reader is due for one.
            if op == Read && !self.any(|op| op == Renew) {
                assert!(response.set_cookie().is_none(), "a reader set a cookie: {}", self.context);
            }
        }
    }

    /// Nobody but the one who logged in learns the new id, and nothing but the login's and what came before is in it.
    fn the_old_id_gains_nothing(&self, live: &[requests::Live]) {
        for (index, response) in self.responses.iter().enumerate() {
            let Some(new) = response.as_ref().and_then(Response::set_cookie) else { continue };
            if !self.ops[index].is_login() {
                continue;
            }
            for (other, rival) in self.responses.iter().enumerate() {
                let learned = rival.as_ref().and_then(Response::set_cookie) == Some(new);
                assert!(other == index || !learned, "another response carries the new id: {}", self.context);
            }
        }
        // Who stored something under the old id was told so; what comes after the login is cut off.
        if self.any(Op::is_login) && !self.any(Op::is_rotation) {
            for (op, response) in self.done().filter(|(op, _)| matches!(op, Write(_) | Update | Flash(_))) {
                let reached = response.outcome() == Outcome::Stored && response.leaves_cookie_alone();
                assert!(!reached, "{op:?} reached beyond the login: {}", self.context);
            }
        }
        if self.any_done(Op::is_login) {
            assert!(!live.iter().any(|session| session.is_first), "the old id still works: {}", self.context);
        }
    }

    /// A flash that was there, or was left, is taken once or is still there.
    fn flashes_are_seen_once(&self, live: &[requests::Live]) {
        let all_done = self.done().count() == self.ops.len();
        let ends = self.any(|op| op == Logout || op.ends_the_owners());
        if !all_done || !self.any(|op| matches!(op, Take | Flash(_))) || ends {
            return;
        }
        let left_one = self.done().any(|(op, done)| matches!(op, Flash(_)) && done.outcome() == Outcome::Stored);
        let expected = if left_one { vec!["early", "late"] } else { vec!["early"] };
        let left = live.iter().flat_map(|session| session.flashes.iter().cloned());
        let taken = self.done().flat_map(|(_, response)| response.taken());
        let mut seen: Vec<String> = left.chain(taken).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen, expected, "a message was lost: {}", self.context);
        if self.ops.iter().filter(|op| matches!(op, Flash(_))).count() > 1 {
            // Of two equal messages one may have been taken, and the other be there.
            return;
        }
        let left: Vec<_> = live.iter().flat_map(|session| session.flashes.iter()).collect();
        for (_, response) in self.done() {
            for message in response.taken() {
                assert!(!left.contains(&&message), "a message that was taken is still there: {}", self.context);
            }
        }
    }
}
