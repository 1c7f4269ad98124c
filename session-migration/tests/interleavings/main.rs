//! Every interleaving: two requests with one session of the old backend, in every order of their
//! store calls. Replies are lost, calls are carried out late, and processes stop. After each order,
//! the rules of `verdict` hold.
//!
//! The scheduler and the store are those of the interleavings of session-core.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../../../session-core/tests/interleavings/clocks.rs"]
#[allow(dead_code, reason = "the interleavings of session-core use the rest")]
mod clocks;
mod databases;
#[path = "../../../session-core/tests/interleavings/faults.rs"]
#[allow(dead_code, reason = "the interleavings of session-core use the rest")]
mod faults;
#[path = "../../../session-core/tests/interleavings/records.rs"]
#[allow(dead_code, reason = "the interleavings of session-core use the rest")]
mod records;
mod requests;
#[path = "../../../session-core/tests/interleavings/schedule.rs"]
mod schedule;
#[path = "../../../session-core/tests/interleavings/stage.rs"]
#[allow(dead_code, reason = "the interleavings of session-core use the rest")]
mod stage;
mod verdict;
mod world;

use faults::{Fault, FaultKind};
use requests::Step::{
    self, End, EndAll, LogIn, MoveAll, OldEnd, OldUpdate, Read, Renew, Rotate, Save, Update,
};
use schedule::every_order;
use world::{Case, Old};

/// The faults of one store call.
const FAULTS: [FaultKind; 7] = [
    FaultKind::Lost,
    FaultKind::Late,
    FaultKind::Never,
    FaultKind::LostThenDown,
    FaultKind::LateThenDown,
    FaultKind::Cut,
    FaultKind::CutLate,
];

/// Runs a case in every order, and returns the number of orders.
fn run(case: Case<'_>) -> usize {
    let scene = case.scene();
    let ran =
        every_order(|| scene.start(&case), |world, order| verdict::check(&case, world, order));
    ran.orders
}

/// Runs a case with each fault of each call of one request.
fn run_with_faults(case: Case<'_>, kinds: &[FaultKind]) -> usize {
    let scene = case.scene();
    let mut orders = 0;
    for request in 0..case.requests.len() {
        for kind in kinds.iter().copied() {
            for calls in 0.. {
                let case = Case { fault: Some(Fault { request, calls, kind }), ..case };
                let ran = every_order(
                    || scene.start(&case),
                    |world, order| verdict::check(&case, world, order),
                );
                orders += ran.judged;
                if ran.judged == 0 {
                    break;
                }
            }
        }
    }
    orders
}

/// Each two of these.
fn pairs(steps: &[Step]) -> impl Iterator<Item = [Step; 2]> + '_ {
    let numbered = steps.iter().enumerate();
    numbered.flat_map(move |(first, one)| steps[first..].iter().map(move |two| [*one, *two]))
}

/// Runs requests with an owner's session, after they have opened it, and returns the orders.
fn run_opened(old: Old, requests: &[Step]) -> usize {
    run(Case { old, owner: true, opened: true, ..Case::new(requests) })
}

#[test]
fn requests_with_old_session_in_every_order() {
    let mut orders = 0;
    for requests in [
        [Update, Update],
        [Update, Renew],
        [Update, End],
        [Rotate, LogIn],
        [Rotate, End],
        [LogIn, End],
        [Renew, End],
        [End, End],
    ] {
        orders += run_opened(Old::Store, &requests);
    }
    assert!(orders > 10_000, "only {orders} orders");
}

#[test]
fn requests_with_old_cookie_in_every_order() {
    let mut orders = 0;
    for requests in [[Update, Update], [Update, End], [Renew, End], [LogIn, End], [End, End]] {
        orders += run_opened(Old::Cookie, &requests);
    }
    assert!(orders > 3_000, "only {orders} orders");
}

#[test]
fn requests_with_old_session_of_visitor_in_every_order() {
    let mut orders = 0;
    for old in [Old::Store, Old::Cookie] {
        for requests in [[Update, LogIn], [Update, End], [LogIn, End], [End, End]] {
            orders += run(Case { old, opened: true, ..Case::new(&requests) });
        }
    }
    assert!(orders > 5_000, "only {orders} orders");
}

#[test]
fn requests_that_open_session_during_move_in_every_order() {
    let mut orders = 0;
    for old in [Old::Store, Old::Cookie] {
        for requests in [[Update, Read], [Update, End], [LogIn, Read], [Rotate, Read], [End, Read]]
        {
            orders += run(Case { old, owner: true, ..Case::new(&requests) });
        }
    }
    assert!(orders > 500, "only {orders} orders");
}

#[test]
fn end_of_all_sessions_beside_move_in_every_order() {
    let mut orders = 0;
    for requests in [[Update, EndAll], [Rotate, EndAll], [Renew, EndAll]] {
        orders += run_opened(Old::Store, &requests);
    }
    assert!(orders > 500, "only {orders} orders");
}

#[test]
fn move_of_all_sessions_beside_request_in_every_order() {
    let mut orders = 0;
    for request in [Update, Renew, Rotate, LogIn, End, MoveAll, OldUpdate, OldEnd] {
        for (owner, opened) in [(false, false), (true, true)] {
            orders += run(Case { owner, opened, ..Case::new(&[MoveAll, request]) });
        }
    }
    orders += run_opened(Old::Store, &[MoveAll, EndAll]);
    assert!(orders > 1_000, "only {orders} orders");
}

#[test]
fn move_of_all_sessions_with_faults_in_every_order() {
    let mut orders = 0;
    for owner in [false, true] {
        orders += run_with_faults(Case { owner, ..Case::new(&[MoveAll]) }, &FAULTS);
    }
    orders += run_with_faults(Case::new(&[MoveAll, Update]), &[FaultKind::Cut]);
    assert!(orders > 100, "only {orders} orders");
}

#[test]
fn process_without_migration_beside_move_in_every_order() {
    let mut orders = 0;
    for one in [Update, Renew, LogIn, End] {
        for two in [OldUpdate, OldEnd] {
            for owner in [false, true] {
                orders += run(Case { owner, opened: true, ..Case::new(&[one, two]) });
            }
        }
    }
    assert!(orders > 30, "only {orders} orders");
}

#[test]
fn request_with_faults_in_every_order() {
    let mut orders = 0;
    for old in [Old::Store, Old::Cookie] {
        for step in [Update, Rotate, LogIn, End, Renew] {
            for owner in [false, true] {
                let requests = [step];
                orders += run_with_faults(Case { old, owner, ..Case::new(&requests) }, &FAULTS);
            }
        }
    }
    assert!(orders > 1_000, "only {orders} orders");
}

#[test]
fn manual_save_that_is_dropped_is_applied_once() {
    let kinds = [FaultKind::SaveDropped, FaultKind::SaveDroppedLate];
    let mut orders = 0;
    for old in [Old::Store, Old::Cookie] {
        orders += run_with_faults(Case { old, opened: true, ..Case::new(&[Save]) }, &kinds);
    }
    assert!(orders > 30, "only {orders} orders");
}

#[test]
fn logout_beside_move_with_faults_in_every_order() {
    let requests = [Update, End];
    let case = Case { opened: true, ..Case::new(&requests) };
    let orders = run_with_faults(case, &[FaultKind::Late, FaultKind::Cut]);
    assert!(orders > 3_000, "only {orders} orders");
}

#[test]
#[ignore = "runs in scripts/test --long interleavings"]
fn all_requests_with_old_session_in_every_order() {
    for old in [Old::Store, Old::Cookie] {
        for requests in pairs(&[Update, Rotate, LogIn, End, Renew]) {
            for owner in [false, true] {
                run(Case { old, owner, opened: true, ..Case::new(&requests) });
            }
        }
        for requests in [[Update, End], [Renew, End]] {
            let case = Case { old, owner: true, opened: true, ..Case::new(&requests) };
            run_with_faults(case, &FAULTS);
        }
    }
    for requests in [[MoveAll, Update], [MoveAll, End], [MoveAll, MoveAll]] {
        let case = Case { owner: true, opened: true, ..Case::new(&requests) };
        run_with_faults(case, &FAULTS);
    }
}
