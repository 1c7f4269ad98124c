//! The checks, in the order of the report.

mod caching;
mod cookie;
mod expiry;
mod login;
mod logout;
mod size;
mod updates;

use session_core::Error;

pub(super) use size::random_text;

use super::browser::Browser;
use super::client::Application;

/// The result of a check that reached the application.
pub(super) enum Verdict {
    Passed,
    Defect(String),
    NotApplicable(&'static str),
}

/// The storage of the application's sessions.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Storage {
    Cookie,
    Server,
}

/// The application of a check, and the properties that the checks need.
pub(super) struct Subject<'a> {
    pub(super) application: Application<'a>,
    pub(super) storage: Storage,
}

impl Subject<'_> {
    /// Returns a browser without cookies.
    fn browser(&self) -> Browser<'_> {
        Browser::new(&self.application)
    }
}

pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) promise: &'static str,
    /// Whether no session in a cookie can fulfil the promise.
    pub(super) needs_server: bool,
    pub(super) run: fn(&Subject) -> Result<Verdict, Error>,
}

impl Check {
    const fn new(
        name: &'static str,
        promise: &'static str,
        run: fn(&Subject) -> Result<Verdict, Error>,
    ) -> Self {
        Self { name, promise, needs_server: false, run }
    }

    const fn needs_server(self) -> Self {
        Self { needs_server: true, ..self }
    }
}

/// The checks of one subject.
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) checks: &'static [Check],
}

pub(super) const GROUPS: &[Group] = &[
    Group { name: "cookie attributes", checks: cookie::CHECKS },
    Group { name: "session fixation", checks: login::CHECKS },
    Group { name: "lost updates", checks: updates::CHECKS },
    Group { name: "logout", checks: logout::CHECKS },
    Group { name: "caching", checks: caching::CHECKS },
    Group { name: "size", checks: size::CHECKS },
    Group { name: "expiry", checks: expiry::CHECKS },
];

/// Returns `Defect` with this defect, or `Passed` if the check found none.
fn verdict(defect: Option<String>) -> Verdict {
    defect.map_or(Verdict::Passed, Verdict::Defect)
}
