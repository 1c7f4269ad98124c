//! The changes of a request that are not saved yet, and the result of saving them.

use session_core::{Error, Outcome, Session};

use crate::history::{
    Attempt, Change, Effect, History, OPEN_END, SaveResult, Source, Status, Tick, Token, Writes,
};
use crate::history::{Observation, Snapshot};
use crate::plan::Request;
use crate::world::World;

/// The recorder's knowledge of a request and its session.
#[expect(clippy::struct_excessive_bools, reason = "they are independent facts")]
pub(crate) struct Client<'a> {
    pub(crate) world: &'a World,
    pub(crate) request: &'a Request,
    pub(crate) reopened: bool,
    /// The cookie that was sent, if a response set it.
    pub(crate) cookie: Option<usize>,
    /// The path of the session when it was opened; `None` if there was none.
    pub(crate) opened_path: Option<Vec<Token>>,
    /// The time at which the session was opened.
    pub(crate) opened_at: Tick,
    /// The path of the session with the changes of this request.
    pub(crate) path: Vec<Token>,
    /// The length of the path that the last known save of this request stored.
    pub(crate) stored: usize,
    /// The start of the last save that stored the session.
    pub(crate) last_stored: Option<Tick>,
    /// The changes that no save has tried to store, with their anchors.
    pub(crate) fresh: Vec<(Effect, Vec<Token>)>,
    /// The changes whose save failed, as indices of [`History::changes`].
    pub(crate) attempted: Vec<usize>,
    /// Whether the request ends a session that it has stored itself.
    pub(crate) ends_own: bool,
    /// Whether the request has ended its session, and has stored no other one since.
    pub(crate) has_ended: bool,
    /// Whether the request found no session, and may have stored one.
    pub(crate) may_have_begun: bool,
    /// Whether `take_flashes` was called.
    pub(crate) took_flashes: bool,
    /// The number of the next operation.
    pub(crate) next_op: u64,
}

/// A save in progress.
pub(crate) struct InFlight {
    attempt: usize,
    changes: Vec<usize>,
    /// The end of a session that was cleared. With later changes, the next save does not end it.
    cleared_end: Option<usize>,
    start: Tick,
}

impl Client<'_> {
    /// Returns a number that no other operation writes.
    pub(crate) fn token(&mut self) -> Token {
        self.next_op += 1;
        self.request.number * 100 + self.next_op
    }

    pub(crate) fn did(&mut self, effect: Effect) {
        self.fresh.push((effect, self.path.last().copied().into_iter().collect()));
    }

    /// Returns whether a change that is not saved has such an effect.
    pub(crate) fn wants(&self, wanted: impl Fn(&Effect) -> bool) -> bool {
        let history = self.world.history();
        self.fresh.iter().any(|(effect, _)| wanted(effect))
            || self.attempted.iter().any(|change| wanted(&history.changes[*change].effect))
    }

    /// Records the end of the session, which may have moved by a login whose save failed. A session
    /// that has ended does not end again.
    pub(crate) fn did_end(&mut self) {
        if self.has_ended {
            return;
        }
        let anchors = self.path[self.stored.saturating_sub(1)..].to_vec();
        self.ends_own = self.opened_path.is_none() && self.stored > 0;
        self.fresh.push((Effect::End, anchors));
    }

    pub(crate) fn log(&self, text: impl FnOnce() -> String) {
        self.world.history().log(self.request.number, text);
    }

    /// Records the start of a save, or of a call that ends the session.
    pub(crate) fn begin_save(&mut self, session: &Session, ends: bool) -> InFlight {
        let is_modified = ends || session.is_modified();
        let is_empty = ends || session.is_empty();
        let clears = |effect: &Effect| *effect == Effect::Clear;
        let mut history = self.world.history();
        let start = history.tick();
        let attempt = history.attempts.len();
        let mut changes = std::mem::take(&mut self.attempted);
        let mut cleared_end = None;
        if is_modified {
            let cleared = self.fresh.iter().any(|(effect, _)| clears(effect))
                || changes.iter().any(|index| clears(&history.changes[*index].effect));
            if cleared && is_empty && !ends && !self.has_ended && session.owner().is_none() {
                self.did_end();
                cleared_end = Some(history.changes.len() + self.fresh.len() - 1);
            }
            let last = self.path.last().copied();
            for change in &changes {
                let change = &mut history.changes[*change];
                let is_new = |last: &Token| !change.anchors.contains(last);
                if change.effect.is_of_values() {
                    change.anchors.extend(last.filter(is_new));
                }
            }
            for (effect, anchors) in self.fresh.drain(..) {
                changes.push(history.changes.len());
                let ends_own = self.ends_own && effect == Effect::End;
                // The values of a login belong to the session that it starts.
                let of_values = effect.is_of_values();
                let anchors = if of_values { last.into_iter().collect() } else { anchors };
                history.changes.push(Change {
                    effect,
                    status: Status::Unknown,
                    start,
                    end: OPEN_END,
                    anchors,
                    attempt,
                    request: self.request.number,
                    cookie: self.cookie,
                    found: self.opened_path.is_some(),
                    ends_own,
                });
            }
        }
        let writes = writes(&history, &changes, is_empty);
        let in_flight = if is_modified {
            changes
        } else {
            self.attempted = changes;
            Vec::new()
        };
        history.attempts.push(Attempt {
            request: self.request.number,
            engine: self.request.engine,
            start,
            end: OPEN_END,
            anchor: self.path.last().copied(),
            opened_at: self.opened_at,
            opened_path: self.opened_path.clone(),
            path: self.path.clone(),
            cookie: self.cookie,
            returned: OPEN_END,
            result: SaveResult::GivenUp,
            writes: if is_modified { writes } else { Writes::Always },
            reopened: self.reopened,
        });
        InFlight { attempt, changes: in_flight, cleared_end, start }
    }

    /// Records the result of a save; `None` if its future was dropped.
    pub(crate) fn end_save(
        &mut self,
        in_flight: InFlight,
        result: Option<&Result<Outcome, Error>>,
        session: &Session,
    ) {
        let InFlight { attempt, changes, cleared_end, start } = in_flight;
        let result = match result {
            None => SaveResult::GivenUp,
            Some(Ok(Outcome::Stored)) => SaveResult::Stored,
            Some(Ok(Outcome::Dropped)) => SaveResult::Dropped,
            Some(Ok(_)) => SaveResult::Unchanged,
            Some(Err(error)) => SaveResult::Failed(error.kind()),
        };
        if result == SaveResult::Stored {
            self.last_stored = Some(start);
        } else if matches!(result, SaveResult::Unchanged | SaveResult::Dropped) {
            self.path.truncate(self.stored);
        }
        if result == SaveResult::Dropped && cleared_end.is_some() {
            // Another request has moved the session, which was cleared here. A later login begins
            // another one.
            self.path.clear();
            self.stored = 0;
        }
        let mut history = self.world.history();
        let end = history.tick();
        (history.attempts[attempt].result, history.attempts[attempt].returned) = (result, end);
        if !matches!(result, SaveResult::GivenUp | SaveResult::Failed(_)) {
            history.attempts[attempt].end = end;
        }
        match result {
            SaveResult::Stored => {
                settle(&mut history, &changes, Status::Applied, end);
                let starts = |change: &usize| {
                    matches!(
                        history.changes[*change].effect,
                        Effect::Begin(_) | Effect::Login { .. }
                    )
                };
                let starts = self.may_have_begun || changes.iter().any(starts);
                // The new session is stored, but nothing is known of one that was not found.
                for change in &changes {
                    let change = &mut history.changes[*change];
                    let is_known = change.found || change.ends_own;
                    if starts && change.effect == Effect::End && !is_known {
                        change.status = Status::Unknown;
                    }
                }
            }
            SaveResult::Unchanged | SaveResult::Dropped => {
                // An earlier attempt may have stored its changes.
                let fresh: Vec<_> = changes
                    .iter()
                    .copied()
                    .filter(|change| history.changes[*change].attempt == attempt)
                    .collect();
                settle(&mut history, &fresh, Status::Dropped, end);
            }
            SaveResult::Failed(_) | SaveResult::GivenUp => {
                self.may_have_begun |= self.opened_path.is_none() && !changes.is_empty();
                let stays = |change: &usize| Some(*change) != cleared_end;
                self.attempted.extend(changes.iter().copied().filter(stays));
            }
        }
        drop(history);
        if result == SaveResult::Stored {
            self.stored = self.path.len();
            self.observe_stored(changes, start, session);
        }
    }

    /// Records the contents of the session after a save that stored values.
    fn observe_stored(&mut self, changes: Vec<usize>, start: Tick, session: &Session) {
        let (values, ends) = {
            let history = self.world.history();
            let any = |wanted: &dyn Fn(&Effect) -> bool| {
                changes.iter().any(|change| wanted(&history.changes[*change].effect))
            };
            (any(&|effect| is_shown(effect)), any(&|effect| *effect == Effect::End))
        };
        if session.is_empty() && (ends || self.has_ended) {
            self.path.clear();
            self.stored = 0;
            self.opened_path = None;
            self.has_ended = true;
            return;
        }
        self.has_ended &= !values;
        if !values {
            return;
        }
        let Some(found) = self.snapshot(session) else { return };
        self.path.clone_from(&found.path);
        self.stored = self.path.len();
        let mut history = self.world.history();
        let end = history.tick();
        history.observations.push(Observation {
            request: self.request.number,
            engine: self.request.engine,
            start,
            end,
            source: Source::Saved(changes),
            cookie: None,
            found: Some(found),
        });
    }

    /// Reads the session.
    pub(crate) fn snapshot(&self, session: &Session) -> Option<Snapshot> {
        let owners = &*self.world.engines[self.request.engine].owners;
        match crate::snapshot::of_session(session, owners) {
            Ok(snapshot) => Some(snapshot),
            Err(error) => {
                let text = format!("request {}: {error:?}", self.request.number);
                let mut history = self.world.history();
                history.violation("every value can be read", self.path.first().copied(), text);
                None
            }
        }
    }
}

/// Returns whether the session shows the stored contents after a save with this effect.
fn is_shown(effect: &Effect) -> bool {
    !matches!(effect, Effect::Touch | Effect::Rotate | Effect::End)
}

fn settle(history: &mut History, changes: &[usize], status: Status, end: Tick) {
    for change in changes {
        let change = &mut history.changes[*change];
        (change.status, change.end) = (status, end);
    }
}

fn writes(history: &History, changes: &[usize], is_empty: bool) -> Writes {
    let mut effects = changes.iter().map(|change| &history.changes[*change].effect);
    if is_empty && effects.clone().any(|effect| *effect == Effect::End) {
        Writes::Nothing
    } else if effects.clone().any(|effect| *effect == Effect::Rotate)
        && effects.all(|effect| *effect == Effect::Rotate)
    {
        Writes::Perhaps
    } else {
        Writes::Always
    }
}
