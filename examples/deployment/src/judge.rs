//! The acknowledged changes of a session, and their comparison with the stored session.

use std::time::{Duration, Instant};

/// The acknowledged changes of a session that is logged in.
#[derive(Debug)]
pub(crate) struct Ledger {
    login: Instant,
    /// The times at which updates were acknowledged.
    acknowledged: Vec<Instant>,
    /// The number of updates that failed. Each of these updates may have been stored.
    unknown: u32,
}

/// The changes that were lost.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Verdict {
    /// Acknowledged updates and logins that the session no longer has.
    pub(crate) lost: u32,
    /// Updates that the session has, but that no request made.
    pub(crate) repeated: u32,
    /// Sessions that are logged in after an acknowledged logout.
    pub(crate) undone: u32,
    /// The time of the first change that was lost or undone.
    pub(crate) first: Option<Instant>,
}

/// The losses that the documentation states for a fault.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Documented {
    Nothing,
    /// Changes that were acknowledged after the fault, or at most this time before the fault.
    From(Duration, &'static str),
    Anything(&'static str),
}

impl Ledger {
    pub(crate) fn new(login: Instant) -> Self {
        Self { login, acknowledged: Vec::new(), unknown: 0 }
    }

    pub(crate) fn acknowledge(&mut self, at: Instant) {
        self.acknowledged.push(at);
    }

    pub(crate) fn fail(&mut self) {
        self.unknown += 1;
    }

    /// Returns the largest number of updates that the session can have.
    pub(crate) fn most(&self) -> u32 {
        count(&self.acknowledged) + self.unknown
    }

    /// Compares the number of updates in the session with the acknowledged updates. `None` means
    /// that the session is not logged in. The next call counts only later losses.
    pub(crate) fn read(&mut self, seen: Option<u32>, at: Instant) -> Verdict {
        let acknowledged = count(&self.acknowledged);
        let Some(seen) = seen else {
            let lost = acknowledged + 1;
            self.acknowledged.clear();
            return Verdict { lost, first: Some(self.login), ..Verdict::default() };
        };
        if let Some(first) = self.acknowledged.get(seen as usize).copied() {
            self.acknowledged.truncate(seen as usize);
            let lost = acknowledged - seen;
            return Verdict { lost, first: Some(first), ..Verdict::default() };
        }
        let repeated = seen.saturating_sub(self.most());
        self.unknown = self.most().saturating_sub(seen);
        // A read acknowledges an update whose request failed.
        self.acknowledged.resize(seen as usize, at);
        Verdict { repeated, ..Verdict::default() }
    }
}

impl Verdict {
    /// Returns the verdict on a logout that was acknowledged at this time.
    pub(crate) fn undone(logout: Instant) -> Self {
        Self { undone: 1, first: Some(logout), ..Self::default() }
    }

    pub(crate) fn add(&mut self, other: Verdict) {
        self.lost += other.lost;
        self.repeated += other.repeated;
        self.undone += other.undone;
        self.first = [self.first, other.first].into_iter().flatten().min();
    }

    /// Returns whether the documentation states these losses for a fault at this time.
    pub(crate) fn is_documented(&self, documented: Documented, fault: Instant) -> bool {
        if self.repeated > 0 {
            return false;
        }
        let Some(first) = self.first else { return true };
        match documented {
            Documented::Nothing => false,
            Documented::From(before, _) => first + before >= fault,
            Documented::Anything(_) => true,
        }
    }
}

impl Documented {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::From(_, text) | Self::Anything(text) => text,
        }
    }
}

fn count(times: &[Instant]) -> u32 {
    u32::try_from(times.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A login at `start`, and updates one, two and three seconds later.
    fn three_updates(start: Instant) -> Ledger {
        let mut ledger = Ledger::new(start);
        (1..=3).for_each(|second| ledger.acknowledge(start + second * SECOND));
        ledger
    }

    #[test]
    fn acknowledged_updates_in_session_are_accepted() {
        let start = Instant::now();
        let mut ledger = three_updates(start);
        assert_eq!(ledger.read(Some(3), start), Verdict::default());
        assert!(Verdict::default().is_documented(Documented::Nothing, start));
    }

    #[test]
    fn failed_update_may_be_stored_once() {
        let start = Instant::now();
        for seen in [3, 4] {
            let mut ledger = three_updates(start);
            ledger.fail();
            assert_eq!(ledger.read(Some(seen), start), Verdict::default());
        }
        let mut ledger = three_updates(start);
        ledger.fail();
        let verdict = ledger.read(Some(5), start);
        assert_eq!(verdict, Verdict { repeated: 1, ..Verdict::default() });
        assert!(!verdict.is_documented(Documented::Anything(""), start));
    }

    #[test]
    fn failed_update_is_acknowledged_by_read() {
        let start = Instant::now();
        let mut ledger = three_updates(start);
        ledger.fail();
        ledger.read(Some(4), start + 5 * SECOND);
        let verdict = ledger.read(Some(3), start);
        assert_eq!((verdict.lost, verdict.first), (1, Some(start + 5 * SECOND)));
    }

    #[test]
    fn lost_updates_are_counted_once() {
        let start = Instant::now();
        let mut ledger = three_updates(start);
        let verdict = ledger.read(Some(1), start);
        assert_eq!((verdict.lost, verdict.first), (2, Some(start + 2 * SECOND)));
        assert_eq!(ledger.read(Some(1), start), Verdict::default());
    }

    #[test]
    fn lost_session_loses_login_and_updates() {
        let start = Instant::now();
        let verdict = three_updates(start).read(None, start);
        assert_eq!((verdict.lost, verdict.first), (4, Some(start)));
    }

    #[test]
    fn losses_before_documented_time_are_refused() {
        let start = Instant::now();
        let documented = Documented::From(2 * SECOND, "two seconds");
        let verdict = three_updates(start).read(Some(1), start);
        assert!(verdict.is_documented(documented, start + 4 * SECOND));
        assert!(!verdict.is_documented(documented, start + 5 * SECOND));
        assert!(!verdict.is_documented(Documented::Nothing, start));
    }

    #[test]
    fn sum_has_time_of_first_loss() {
        let start = Instant::now();
        let mut sum = Verdict::undone(start + SECOND);
        sum.add(Verdict::default());
        sum.add(three_updates(start).read(None, start));
        assert_eq!(sum, Verdict { lost: 4, repeated: 0, undone: 1, first: Some(start) });
    }
}
