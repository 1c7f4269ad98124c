//! The rules of values, counters and flash messages.
//!
//! A change whose outcome is unknown may be in the session or not. Of two overlapping writes of one
//! key, either may be the last. All other histories have one result.

use std::collections::HashSet;

use crate::history::{Change, Effect, Status, Token};
use crate::plan::KEYS;
use crate::snapshot::{LABEL, PERMANENT};

use super::model::{Model, tokens};
use super::view::View;

/// A change with its index.
type Indexed<'a> = (usize, &'a Change);

/// Checks every snapshot of the history.
pub(crate) fn check(model: &mut Model<'_>) {
    let mut violations = Vec::new();
    for observation in &model.history.observations {
        let Some(snapshot) = &observation.found else { continue };
        if model.is_orphan(observation) {
            continue;
        }
        let view = View::new(model, observation, snapshot);
        let mut found = Found::default();
        view.check_tokens(&mut found);
        let changes = view.changes();
        for key in KEYS.iter().chain([&PERMANENT, &LABEL]) {
            view.check_value(key, &changes, &mut found);
        }
        view.check_marks(&changes, &mut found);
        view.check_flashes(&changes, &mut found);
        view.check_owner(&mut found);
        for (rule, text) in found.0 {
            let who = format!("request {} at {}", observation.request, observation.start);
            violations.push((rule, snapshot.path.clone(), format!("{who}: {text}: {snapshot:?}")));
        }
    }
    for (rule, path, text) in violations {
        model.violation(rule, &path, text);
    }
}

#[derive(Default)]
struct Found(Vec<(&'static str, String)>);

impl Found {
    fn add(&mut self, rule: &'static str, text: String) {
        self.0.push((rule, text));
    }
}

impl View<'_> {
    /// Everything in a session was written by a request of that session.
    fn check_tokens(&self, found: &mut Found) {
        if self.snapshot.path.is_empty() {
            found.add("a session is stored as a whole", "it has no path".to_owned());
        }
        for token in tokens(self.snapshot) {
            let Some(change) = self.model.writer(token) else {
                found.add("only what a request saved is stored", format!("{token} was not saved"));
                continue;
            };
            if change.status == Status::Dropped {
                found.add("changes of a dropped save are not stored", format!("{token}"));
            } else if !matches!(change.effect, Effect::Begin(_)) && !self.may_show(change) {
                found.add("a session has no values of another one", format!("{token}"));
            }
        }
    }

    fn check_value(&self, key: &str, changes: &[Indexed<'_>], found: &mut Found) {
        let observed = self.snapshot.values.get(key).copied();
        let writes: Vec<Indexed<'_>> =
            changes.iter().copied().filter(|(_, change)| writes_key(&change.effect, key)).collect();
        let sets = |effect: &Effect| matches!(effect, Effect::PutIfAbsent(..));
        let is_overwritten = |candidate: Indexed<'_>| {
            writes.iter().any(|later| {
                later.0 != candidate.0
                    && (observed.is_none() || !sets(&later.1.effect))
                    && self.must_show(later.1)
                    && self.is_after(*later, candidate)
            })
        };
        let mut candidates = writes.iter().filter(|(_, change)| result(&change.effect) == observed);
        if candidates.any(|candidate| !is_overwritten(*candidate)) {
            return;
        }
        let lost: Vec<_> = writes
            .iter()
            .filter(|(_, change)| self.must_show(change) && result(&change.effect) != observed)
            .map(|(_, change)| &change.effect)
            .collect();
        let absent = |effect: &&Effect| result(effect).is_none();
        if observed.is_some() || !lost.iter().all(absent) {
            found.add(
                "the last acknowledged value of a key stays",
                format!("`{key}` is {observed:?} after {lost:?}"),
            );
        }
    }

    fn check_marks(&self, changes: &[Indexed<'_>], found: &mut Found) {
        let marks = &self.snapshot.marks;
        let different: HashSet<Token> = marks.iter().copied().collect();
        if different.len() != marks.len() || self.snapshot.count != marks.len() as u64 {
            let text = format!("{} marks, counter {}", different.len(), self.snapshot.count);
            found.add("an update is applied once", text);
        }
        for mark in changes.iter().copied() {
            let Effect::Mark(token) = mark.1.effect else { continue };
            let removers = changes.iter().filter(|(_, change)| change.effect == Effect::Clear);
            if different.contains(&token) {
                self.check_removed(mark, removers, "clear", found);
            } else if self.must_show(mark.1)
                && !removers.into_iter().any(|clear| !self.is_after(mark, *clear))
            {
                found.add("an acknowledged update is not lost", format!("{token}"));
            }
        }
    }

    fn check_flashes(&self, changes: &[Indexed<'_>], found: &mut Found) {
        let flashes = &self.snapshot.flashes;
        let different: HashSet<Token> = flashes.iter().copied().collect();
        if different.len() != flashes.len() {
            found.add("a flash message is stored once", format!("{flashes:?}"));
        }
        for flash in changes.iter().copied() {
            let Effect::Flash(token) = flash.1.effect else { continue };
            let removers = changes.iter().filter(|(_, change)| match &change.effect {
                Effect::Clear => true,
                Effect::Take(messages) => messages.contains(&token),
                _ => false,
            });
            if different.contains(&token) {
                self.check_removed(flash, removers, "take", found);
            } else if self.must_show(flash.1)
                && !removers.into_iter().any(|remover| !self.is_after(flash, *remover))
            {
                found.add("an acknowledged flash message is not lost", format!("{token}"));
            }
        }
    }

    /// A value in the snapshot was not removed by a change that the snapshot must show.
    fn check_removed<'c>(
        &self,
        change: Indexed<'c>,
        mut removers: impl Iterator<Item = &'c Indexed<'c>>,
        what: &str,
        found: &mut Found,
    ) {
        let removed =
            removers.find(|remover| self.must_show(remover.1) && self.is_after(**remover, change));
        if let Some((_, remover)) = removed {
            found.add(
                "what was removed does not come back",
                format!(
                    "{:?} is there after the {what} of request {}",
                    change.1.effect, remover.request
                ),
            );
        }
    }

    /// The owner is that of the last login.
    fn check_owner(&self, found: &mut Found) {
        if self.snapshot.last().is_none() {
            return;
        }
        let expected = self.model.owner_of(&self.snapshot.path);
        if self.snapshot.owner.as_deref() != expected {
            found.add(
                "the owner is the one of the last acknowledged change",
                format!("the owner is {:?} after the login of {expected:?}", self.snapshot.owner),
            );
        }
    }
}

fn writes_key(effect: &Effect, key: &str) -> bool {
    match effect {
        Effect::Put(other, _) | Effect::PutIfAbsent(other, _) => *other == key,
        Effect::Clear => true,
        _ => false,
    }
}

/// Returns the value of a key after a write.
fn result(effect: &Effect) -> Option<u64> {
    match effect {
        Effect::Put(_, value) => *value,
        Effect::PutIfAbsent(_, value) => Some(*value),
        _ => None,
    }
}
