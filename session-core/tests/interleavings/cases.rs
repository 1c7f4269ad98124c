//! The requests that run together.

use crate::clocks::{Skew, Tick};
use crate::steps::Step::{
    Await, End, EndAll, EndHandle, EndOthers, Flash, Label, Lifetime, List, LogIn, OtherEndsOthers,
    Permanent, Read, Remove, Renew, Reopen, Rotate, Save, SaveAndUpdate, SaveTwice, Take, Update,
    Write,
};
use crate::steps::{OWNER, Request};

pub(crate) const LOGIN: Request = &[Write("user"), LogIn("ada")];
pub(crate) const OTHER_LOGIN: Request = &[Write("user"), LogIn("eve")];
/// A change of the password.
pub(crate) const KEEP_THIS: Request = &[LogIn(OWNER), EndOthers];

/// A login, which may fail, and the end of all sessions of its user.
pub(crate) const LOGIN_AND_END: Request = &[Write("user"), LogIn(OWNER), EndAll, Update];

/// A login, which may fail, and a logout.
pub(crate) const LOGIN_AND_LOGOUT: Request = &[Write("user"), LogIn("ada"), End];

/// Requests of one operation. Every three of these run together.
pub(crate) const BASIC: &[Request] = &[
    &[Write("a")],
    &[Write("b")],
    &[Update],
    &[End],
    &[Rotate],
    LOGIN,
    &[EndAll],
    &[Flash],
    &[Take],
    &[Renew],
    &[Remove("last")],
];

/// Further requests of one operation.
pub(crate) const FURTHER: &[Request] = &[
    &[Read],
    OTHER_LOGIN,
    &[EndHandle],
    &[OtherEndsOthers],
    KEEP_THIS,
    &[List],
    &[Permanent(true)],
    &[Permanent(false)],
    &[Lifetime],
    &[Label],
];

/// Requests of several operations.
pub(crate) const COMPOSED: &[Request] = &[
    &[Write("a"), Save],
    &[Update, Save, Update],
    &[Flash, Save, Flash, Save],
    &[Take, Save],
    &[Rotate, Save],
    &[Rotate, Save, Write("a")],
    &[Write("a"), Save, Rotate],
    &[Rotate, Save, Update, Rotate],
    &[Write("user"), LogIn("ada"), Update],
    &[Update, Save, LogIn("ada"), Update],
    &[Update, LogIn("eve"), Update],
    &[End, Write("a"), Save, Update],
    &[End, Write("user"), LogIn("ada")],
    &[Permanent(false), Save, Update],
    &[Update, Reopen, Update, Save],
    &[Reopen, End],
    &[Update, SaveTwice, Flash],
    &[Rotate, SaveAndUpdate, Save],
];

/// Requests that continue after their response, as a socket does.
pub(crate) const REOPENED: &[Request] = &[
    &[Reopen, Update, Save],
    &[Reopen, Read, List, Update, Save, Write("a"), Save],
    &[Reopen, End, Update, Save],
    &[Rotate, Reopen, Update, Save],
    &[End, Reopen, Update, Save],
    &[Write("user"), LogIn("ada"), Reopen, Update, Save],
];

/// Requests that run next to those of several operations.
pub(crate) const BESIDE: &[Request] =
    &[&[Read], &[Update], &[Rotate], LOGIN, &[End], &[EndAll], &[List]];

/// Requests that the browser sends after it received the first response.
pub(crate) const FOLLOWING: &[Request] = &[
    &[Await(0), Update],
    &[Await(0), Rotate, Save, Update],
    &[Await(0), End],
    &[Await(0), Write("user"), LogIn("ada")],
];

/// Three requests that also run with faults.
pub(crate) const TRIPLES: &[[Request; 3]] = &[
    [&[Write("a")], &[Write("b")], &[Rotate]],
    [&[Update], &[Update], &[Update]],
    [&[Write("a")], &[Rotate], &[End]],
    [&[Write("a")], &[Rotate], &[EndAll]],
    [&[Write("a")], LOGIN, &[End]],
    [&[Rotate], &[Rotate], &[Write("a")]],
    [&[Flash], &[Take], &[Rotate]],
    [&[Renew], &[Write("a")], &[End]],
    [&[Rotate], &[Rotate], &[List]],
    [LOGIN, OTHER_LOGIN, &[List]],
    [&[Rotate], LOGIN, &[Update]],
];

/// The two requests with the most orders: more than all others together in one process, and with
/// faults. Those orders run in `scripts/test --long` only.
pub(crate) const LARGEST: [Request; 2] = [KEEP_THIS, KEEP_THIS];

/// The two requests with the second most orders. In one process, they run without the faults that
/// carry out a call later, which would take hours. In two processes, they run with all faults.
pub(crate) const LOGIN_BESIDE: [Request; 2] = [LOGIN, KEEP_THIS];

/// Three requests that take long.
pub(crate) const LONG_TRIPLES: &[[Request; 3]] =
    &[[KEEP_THIS, &[Rotate], &[EndHandle]], [KEEP_THIS, &[Write("a")], LOGIN]];

/// Requests whose tombstones and deadlines may expire.
pub(crate) const TIMED: &[Request] = &[
    &[Update],
    &[Rotate],
    LOGIN,
    &[End],
    &[EndAll],
    &[Renew],
    &[Permanent(false)],
    &[Update, Save, Rotate],
    &[Rotate, Save, Update],
    &[Update, Reopen, Update, Save],
    // The handler waits for other work between its steps.
    &[Read, List, Update],
    &[Read, List, End],
    &[Read, List, Write("user"), LogIn("ada")],
];

/// The differences and the changes of the clocks.
pub(crate) const TIMES: &[(Skew, &[Tick])] = &[
    ([0, 300, -300], &[]),
    ([0, -300, 300], &[]),
    ([0; 3], &[Tick::Pass(6)]),
    ([0; 3], &[Tick::Pass(611)]),
];

/// The same, more often.
pub(crate) const MORE_TIMES: &[(Skew, &[Tick])] = &[
    ([0, 11, -11], &[]),
    ([0; 3], &[Tick::Pass(11)]),
    ([0; 3], &[Tick::Jump(0, 300)]),
    ([0; 3], &[Tick::Jump(1, -300)]),
    ([0, 300, -300], &[Tick::Pass(11)]),
    ([0; 3], &[Tick::Pass(6), Tick::Pass(605)]),
    ([0, -300, 300], &[Tick::Jump(1, 600), Tick::Pass(6)]),
];
