//! Changes: kept, applied once, and decided by the last save.

use session_core::Outcome;

use crate::log::{Change, Fate, Log, Span};
use crate::steps::{OWNER, Step};
use crate::verdict::{Invariant, Verdict};
use crate::world::Live;

impl Verdict<'_> {
    /// An acknowledged change is in the session, unless that may have ended afterwards.
    pub(crate) fn changes_are_kept(&self) {
        for log in self.logs {
            for (index, change) in log.changes.iter().enumerate() {
                let (Fate::Stored { save }, span) = log.fate(index) else { continue };
                let is_gone = self.is_cancelled(log, index, save) || self.ends_later(log, index);
                if change.step == Step::End || is_gone {
                    continue;
                }
                if log.saves[save].is_first {
                    let holds = self.may_end_after(span)
                        || self.live.iter().any(|live| live.is_first() && self.shows(live, change));
                    self.expect(Invariant::ChangesAreKept, holds, || format!("{change:?}"));
                    continue;
                }
                // A new session, which its owner may end.
                let may_be_gone = log.response.is_none()
                    || self.another_may_end(log)
                    || change.step == Step::Rotate
                    || self.another_tried(log, Step::is_login)
                    || self.case.any(|step| step.ends_the_owners() || step == Step::EndOthers);
                let holds = may_be_gone
                    || self.live.iter().any(|live| {
                        self.shows(live, change) && self.has_new_value(live, log, index)
                    });
                self.expect(Invariant::ChangesAreKept, holds, || {
                    format!("{change:?} in a new session")
                });
            }
        }
    }

    /// Returns whether a session has a change. `last_save_decides` checks the values of keys.
    fn shows(&self, live: &Live, change: &Change) -> bool {
        match change.step {
            Step::Update | Step::SaveAndUpdate => live.updates.contains(&change.tag),
            Step::Flash => live.flashes.contains(&change.tag) || self.may_be_taken(change.tag),
            Step::Take => !change.taken.iter().any(|tag| live.flashes.contains(tag)),
            _ => true,
        }
    }

    /// Returns whether a new session has the value of a change, or one that may have come later.
    fn has_new_value(&self, live: &Live, log: &Log, change: usize) -> bool {
        let Some(key) = log.changes[change].step.sets() else { return true };
        let mut later = log.tried(|step| step.sets() == Some(key)).filter(|index| *index > change);
        value_in(live, key) == log.changes[change].value()
            || later.next().is_some()
            || self.logs.iter().any(|other| other.awaited.is_some())
    }

    /// Returns whether a request that may have stored that took a message.
    fn may_be_taken(&self, message: u64) -> bool {
        self.logs.iter().any(|log| {
            log.tried(|step| step == Step::Take)
                .any(|index| log.changes[index].taken.contains(&message))
        })
    }

    /// The value of each key in the first session is one that no later acknowledged save replaced.
    pub(crate) fn last_save_decides(&self) {
        let Some(first) = self.first().filter(|_| self.logins_of_one_user() < 2) else { return };
        let mut keys: Vec<_> =
            self.logs.iter().flat_map(|log| &log.changes).filter_map(|c| c.step.sets()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let writes: Vec<_> = self.writes(key).collect();
            let no_write = writes.iter().all(|write| !write.is_stored);
            let is_allowed = |found: &Option<String>| {
                let may_be = |write: &Write| {
                    write.value == *found && !writes.iter().any(|other| other.replaces(write))
                };
                (no_write && *found == self.initial(key)) || writes.iter().any(may_be)
            };
            let found = value_in(first, key);
            let holds = is_allowed(&found);
            self.expect(Invariant::LastSaveDecides, holds, || format!("{key} is {found:?}"));
        }
    }

    /// Returns the writes of a key that may have reached the first session.
    fn writes(&self, key: &'static str) -> impl Iterator<Item = Write> {
        self.logs.iter().enumerate().flat_map(move |(request, log)| {
            let tried = log.tried(move |step| step.sets() == Some(key));
            tried.filter_map(move |index| {
                let (fate, span) = log.fate(index);
                let stored = if let Fate::Stored { save } = fate { Some(save) } else { None };
                if stored.is_some_and(|save| {
                    !log.saves[save].is_first || self.is_cancelled(log, index, save)
                }) {
                    return None;
                }
                let (value, is_stored) = (log.changes[index].value(), stored.is_some());
                Some(Write { value, is_stored, span, place: (request, index) })
            })
        })
    }

    fn initial(&self, key: &str) -> Option<String> {
        match key {
            "(owner)" => (!self.case.anonymous).then(|| OWNER.to_owned()),
            "_permanent" => Some(self.case.permanent.to_string()),
            "base" | "last" => Some("0".to_owned()),
            _ => None,
        }
    }

    /// No session has a change twice, or one that was dropped.
    pub(crate) fn changes_apply_once(&self) {
        for live in &self.live {
            for tags in [&live.updates, &live.flashes] {
                let mut once = tags.clone();
                once.sort_unstable();
                once.dedup();
                self.expect(Invariant::ChangesApplyOnce, once.len() == tags.len(), || {
                    format!("{tags:?}")
                });
            }
            let values = live.values.iter().map(|(_, tag)| tag);
            for tag in values.chain(&live.updates).chain(&live.flashes).filter(|tag| **tag > 0) {
                let may_be_there = self.logs.iter().any(|log| {
                    log.changes
                        .iter()
                        .position(|change| change.tag == *tag)
                        .is_some_and(|index| log.may_be_stored(index))
                });
                self.expect(Invariant::DroppedChangesStayAway, may_be_there, || {
                    format!("tag {tag}")
                });
            }
        }
    }

    /// The message that was there at first is there, or was taken.
    pub(crate) fn messages_are_seen(&self) {
        let Some(first) = self.first() else { return };
        let holds = first.flashes.contains(&0) || self.may_be_taken(0);
        self.expect(Invariant::ChangesAreKept, holds, || "the first message".to_owned());
    }

    /// Changes are dropped only if the session ended, or a login cut the request off.
    pub(crate) fn live_sessions_take_changes(&self) {
        for (log, index) in self.saves_with(Outcome::Dropped) {
            let found = log.found(index);
            let may_be_dropped = !found
                || self.may_be_ended()
                || self.another_tried(log, |step| matches!(step, Step::LogIn(_)));
            self.expect(Invariant::LiveSessionsTakeChanges, may_be_dropped, || {
                format!("{:?}", log.saves[index])
            });
        }
    }
}

/// A write of one key.
struct Write {
    value: Option<String>,
    is_stored: bool,
    span: Span,
    /// Request and change.
    place: (usize, usize),
}

impl Write {
    /// Returns whether an acknowledged write certainly came after another.
    fn replaces(&self, other: &Self) -> bool {
        let is_later = self.place.0 == other.place.0 && self.place.1 > other.place.1;
        self.is_stored && (is_later || other.span.is_before(self.span))
    }
}

impl Change {
    fn value(&self) -> Option<String> {
        match self.step {
            Step::Write(_) | Step::Label | Step::Lifetime => Some(self.tag.to_string()),
            Step::Permanent(permanent) => Some(permanent.to_string()),
            Step::LogIn(owner) => Some(owner.to_owned()),
            _ => None,
        }
    }
}

impl Log {
    /// Returns whether the session was there when it was opened, or opened again, before a save.
    fn found(&self, save: usize) -> bool {
        let opened = self.opened.map(|opened| !opened.is_new);
        (if self.saves[save].reopened { self.reopened } else { opened }).unwrap_or(false)
    }
}

impl Verdict<'_> {
    /// Returns whether the request ended the session after a change and before the save.
    fn is_cancelled(&self, log: &Log, change: usize, save: usize) -> bool {
        let later = &log.changes[change + 1..log.saves[save].changes];
        later.iter().any(|change| self.case.ends_first(change.step))
    }

    /// Returns whether the request may have ended the session after a change.
    fn ends_later(&self, log: &Log, change: usize) -> bool {
        log.tried(|step| self.case.ends_first(step)).any(|end| end > change)
    }

    pub(crate) fn another_may_end(&self, log: &Log) -> bool {
        let others = self.logs.iter().filter(|other| !std::ptr::eq(*other, log));
        others.flat_map(|other| other.tried(|step| self.case.ends_first(step))).next().is_some()
    }
}

fn value_in(live: &Live, key: &str) -> Option<String> {
    match key {
        "(owner)" => live.owner.clone(),
        "_permanent" => Some(live.permanent.to_string()),
        _ => live.value(key).map(|tag| tag.to_string()),
    }
}
