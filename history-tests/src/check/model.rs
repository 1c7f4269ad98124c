//! The history of a round with an index, and functions that all rules need.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use crate::history::{
    Attempt, Change, Effect, History, OPEN_END, Observation, OwnerCall, OwnerCallKind, Snapshot,
    Source, Status, Tick, Token, Violation,
};
use crate::plan::{KEYS, Settings};
use crate::snapshot::LABEL;

/// The history and its statements about each session.
pub(crate) struct Model<'a> {
    pub(crate) history: &'a History,
    pub(crate) settings: &'a Settings,
    pub(crate) owners: &'a [String],
    /// The changes. A change that was observed had been applied, even if its caller received no
    /// result.
    pub(crate) changes: Vec<Change>,
    /// The changes of sessions whose path ends with a token.
    by_anchor: HashMap<Token, Vec<usize>>,
    /// The change that wrote a token.
    writers: HashMap<Token, usize>,
    /// The handles under which a session was seen, by the last token of its path.
    handles: HashMap<Token, HashSet<String>>,
    pub(crate) violations: Vec<Violation>,
}

/// Later than this, an operation does not remove a record that it no longer needs.
const DEADLINE: Duration = Duration::from_secs(5);
/// The minimum time for which the store keeps a tombstone, by any clock.
const TOMBSTONE_LIFE: Duration = Duration::from_mins(5);
/// The time for which the store keeps a tombstone, by the clock of its engine, minus the largest
/// difference between the clocks.
const OLD_TOMBSTONE: Duration = Duration::from_secs(310);

/// A time from which on a session may have expired, and one at which it has expired surely.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expiry {
    pub(crate) earliest: SystemTime,
    pub(crate) latest: SystemTime,
}

impl<'a> Model<'a> {
    pub(crate) fn new(history: &'a History, settings: &'a Settings, owners: &'a [String]) -> Self {
        let mut model = Self {
            history,
            settings,
            owners,
            changes: history.changes.clone(),
            by_anchor: HashMap::new(),
            writers: HashMap::new(),
            handles: HashMap::new(),
            violations: Vec::new(),
        };
        model.index();
        model.confirm();
        model.doubt_ends_of_cut_off_clients();
        model
    }

    fn index(&mut self) {
        for (index, change) in self.changes.iter_mut().enumerate() {
            // A logout with an id that was rotated away reaches the session of the cookie.
            if change.effect == Effect::End && !change.found && !change.ends_own {
                let cookie = change.cookie.map(|cookie| &self.history.cookies[cookie]);
                let path = cookie.and_then(|it| it.path.as_ref().or(it.moved_from.as_ref()));
                let last = path.and_then(|path| path.last().copied());
                change.anchors.extend(last);
            }
            for anchor in &change.anchors {
                self.by_anchor.entry(*anchor).or_default().push(index);
            }
            if let Some(token) = written(&change.effect) {
                self.writers.insert(token, index);
            }
        }
        for observation in &self.history.observations {
            let Some(found) = &observation.found else { continue };
            if let (Some(last), Some(handle)) = (found.last(), &found.handle) {
                self.handles.entry(last).or_default().insert(handle.clone());
            }
        }
    }

    /// Marks the changes that an observation shows as applied by its end.
    fn confirm(&mut self) {
        let mut seen: HashMap<usize, Tick> = HashMap::new();
        for observation in &self.history.observations {
            let Some(found) = &observation.found else { continue };
            if self.is_orphan(observation) {
                continue;
            }
            for attempt in self.visible(found) {
                let end = seen.entry(attempt).or_insert(OPEN_END);
                *end = observation.end.min(*end);
            }
        }
        for change in &mut self.changes {
            if let Some(end) = seen.get(&change.attempt)
                && change.status != Status::Dropped
                && (change.effect != Effect::End || change.found || change.ends_own)
            {
                change.status = Status::Applied;
                change.end = change.end.min(*end);
            }
        }
    }

    /// A client with the id from before a login ends nothing. If it also logs in, its save is
    /// acknowledged, because its own login is stored. The same applies to a logout of a request
    /// that lasted longer than the tombstone of a login. The store may have been slow to write the
    /// tombstone. If the tombstone of a rotation has expired, a login does not find the session
    /// that an unsuccessful logout before it should have ended.
    fn doubt_ends_of_cut_off_clients(&mut self) {
        let is_login = |change: &Change| matches!(change.effect, Effect::Login { .. });
        let is_doubtful = |end: &Change| {
            let attempt = &self.history.attempts[end.attempt];
            let cuts_off = |change: &Change| {
                change.effect.changes_id()
                    && change.request != end.request
                    && change.status != Status::Dropped
                    && change.start <= end.end
                    && change.end >= attempt.opened_at
                    && end.anchors.iter().any(|anchor| is_from(change, &[*anchor]))
            };
            // Its own login is stored by this save, or by an earlier one that failed.
            let logs_in = |change: &Change| {
                let may_be_stored = change.end == end.end
                    || (change.status == Status::Unknown && change.start < end.start);
                is_login(change) && change.request == end.request && may_be_stored
            };
            let outlasts = |login: &Change| {
                let since = login.start.min(attempt.opened_at);
                let (earliest, latest) = self.history.times(attempt.engine, since, end.end);
                latest > earliest + OLD_TOMBSTONE
            };
            end.effect == Effect::End && {
                let has_own = self.changes.iter().any(logs_in);
                self.changes.iter().filter(|change| cuts_off(change)).any(|change| {
                    let (is_login, outlasts) = (is_login(change), outlasts(change));
                    (has_own && (is_login || outlasts)) || (is_login && outlasts)
                })
            }
        };
        let doubtful: Vec<bool> = self.changes.iter().map(is_doubtful).collect();
        for (change, is_doubtful) in self.changes.iter_mut().zip(doubtful) {
            if is_doubtful && change.status == Status::Applied {
                change.status = Status::Unknown;
            }
        }
    }

    /// Returns whether the observation is of a record whose id no client received.
    pub(crate) fn is_orphan(&self, observation: &Observation) -> bool {
        matches!(observation.source, Source::Record { .. })
            && !observation.cookie.is_some_and(|cookie| self.history.cookies[cookie].delivered)
    }

    /// Returns the saves of which a snapshot shows a change.
    pub(crate) fn visible(&self, snapshot: &Snapshot) -> HashSet<usize> {
        tokens(snapshot)
            .filter_map(|token| self.writers.get(&token))
            .map(|change| self.changes[*change].attempt)
            .collect()
    }

    pub(crate) fn writer(&self, token: Token) -> Option<&Change> {
        self.writers.get(&token).map(|index| &self.changes[*index])
    }

    /// Returns the changes of sessions whose path ends with a token, with their indices.
    pub(crate) fn changes_at(&self, anchor: Token) -> impl Iterator<Item = (usize, &Change)> {
        let indices = self.by_anchor.get(&anchor).into_iter().flatten();
        indices.map(|index| (*index, &self.changes[*index]))
    }

    pub(crate) fn handles_of(&self, token: Token) -> Option<&HashSet<String>> {
        self.handles.get(&token)
    }

    pub(crate) fn tokens_of_handle(&self, handle: &str) -> Vec<Token> {
        let with_handle = self.handles.iter().filter(|(_, handles)| handles.contains(handle));
        with_handle.map(|(token, _)| *token).collect()
    }

    /// Returns the login that appended a token, with its owner and the token before it.
    pub(crate) fn login(&self, token: Token) -> Option<(&Change, usize, Option<Token>)> {
        let change = self.writer(token)?;
        match change.effect {
            Effect::Login { owner, from, .. } => Some((change, owner, from)),
            _ => None,
        }
    }

    /// Returns the end of the last save of a request that may store a change once more, because the
    /// first save failed. A login starts another session then, if its first one has ended.
    pub(crate) fn last_try(&self, change: &Change) -> Option<Tick> {
        let of_request = |attempt: &&Attempt| attempt.request == change.request;
        let ends = self.history.attempts.iter().filter(of_request).map(|attempt| attempt.returned);
        ends.max().filter(|_| self.history.is_tried_again(change))
    }

    /// Returns the name of the owner that the last login of a path set.
    pub(crate) fn owner_of(&self, path: &[Token]) -> Option<&str> {
        let (_, owner, _) = self.login(*path.last()?)?;
        Some(&self.owners[owner])
    }

    /// Returns the login after this position of a path if it started from a copy of the session.
    pub(crate) fn copied_after(&self, path: &[Token], position: usize) -> Option<&Change> {
        let (login, _, from) = self.login(*path.get(position + 1)?)?;
        (from != Some(path[position])).then_some(login)
    }

    /// Returns whether a call about the owner's sessions may end the session of a path.
    pub(crate) fn may_end(&self, call: &OwnerCall, path: &[Token]) -> bool {
        if self.owner_of(path) != Some(&*call.owner) {
            return false;
        }
        let known = path.last().and_then(|last| self.handles_of(*last));
        let is = |handle: &str| known.is_none_or(|handles| handles.contains(handle));
        match &call.kind {
            OwnerCallKind::Listed { .. } => false,
            OwnerCallKind::Ended { handle, .. } => is(handle),
            OwnerCallKind::EndedOthers { handle, .. } => {
                handle.as_ref().is_none_or(|handle| known.is_none() || !is(handle))
            }
            OwnerCallKind::EndedAll { .. } => true,
        }
    }

    /// Returns whether anything between two ticks may have ended the session of a path, or moved it
    /// to another id.
    pub(crate) fn may_be_gone(
        &self,
        path: &[Token],
        from: Tick,
        until: Tick,
        moves: impl Fn(&Change) -> bool,
    ) -> bool {
        let overlaps = |change: &Change| {
            change.status != Status::Dropped && change.start <= until && change.end >= from
        };
        let ended = path.iter().any(|token| {
            self.changes_at(*token)
                .any(|(_, change)| change.effect == Effect::End && overlaps(change))
        });
        let has_moved = || {
            self.changes.iter().any(|change| {
                change.effect.changes_id()
                    && overlaps(change)
                    && is_from(change, path)
                    && moves(change)
            })
        };
        let ended_by_owner = || {
            self.history
                .owner_calls
                .iter()
                .any(|call| call.start <= until && call.end >= from && self.may_end(call, path))
        };
        ended
            || has_moved()
            || ended_by_owner()
            || self.may_have_expired(path, from, until)
            || self.may_be_unconfirmed(path, until)
    }

    /// Returns whether the tombstone of a rotation with an unknown outcome may have expired. Then a
    /// finished rotation looks like an ended session, and the new record is removed.
    fn may_be_unconfirmed(&self, path: &[Token], until: Tick) -> bool {
        self.changes.iter().any(|change| {
            let engine = self.history.attempts[change.attempt].engine;
            let until = until.min(OPEN_END - 1);
            let (earliest, latest) = self.history.times(engine, change.start, until);
            change.effect == Effect::Rotate
                && change.status != Status::Dropped
                && change.start <= until
                && path.iter().any(|token| change.anchors.contains(token))
                && (self.history.is_tried_again(change)
                    || self.history.unconfirmed.contains(&change.request))
                && latest > earliest + TOMBSTONE_LIFE
        })
    }

    /// Returns whether the record of a change of the id that was not needed may stay: its removal
    /// failed, or the deadline had passed.
    pub(crate) fn may_leave_record(&self, change: &Change) -> bool {
        let engine = self.history.attempts[change.attempt].engine;
        let of_request = |attempt: &&Attempt| attempt.request == change.request;
        let attempts = self.history.attempts.iter().filter(of_request);
        let returned = attempts.map(|attempt| attempt.returned).max().unwrap_or(OPEN_END);
        let (earliest, latest) = self.history.times(engine, change.start, returned);
        self.history.disturbed.contains(&change.request) || latest > earliest + DEADLINE
    }

    pub(crate) fn violation(&mut self, rule: &'static str, path: &[Token], text: String) {
        self.violations.push(Violation { rule, text, session: path.first().copied() });
    }
}

/// Returns whether a change of the id moves the session of a path.
pub(crate) fn is_from(change: &Change, path: &[Token]) -> bool {
    match &change.effect {
        Effect::Login { from, .. } => from.is_some() && *from == path.last().copied(),
        _ => path.last().is_some_and(|last| change.anchors.contains(last)),
    }
}

/// Returns the token by which a change can be recognized.
fn written(effect: &Effect) -> Option<Token> {
    match effect {
        Effect::Put(key, value) if *key != crate::snapshot::PERMANENT => *value,
        Effect::PutIfAbsent(_, token)
        | Effect::Mark(token)
        | Effect::Flash(token)
        | Effect::Begin(token)
        | Effect::Login { token, .. } => Some(*token),
        _ => None,
    }
}

/// Returns the tokens that a snapshot shows.
pub(crate) fn tokens(snapshot: &Snapshot) -> impl Iterator<Item = Token> {
    let values = KEYS.iter().chain([&LABEL]).filter_map(|key| snapshot.values.get(key));
    let lists = [&snapshot.path, &snapshot.marks, &snapshot.flashes];
    values.copied().chain(lists.into_iter().flatten().copied())
}
