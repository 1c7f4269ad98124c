//! The rules of expiry: the last acknowledged save decides, by the clock of its engine.
//!
//! A write of a permanent session that is not a renewal keeps the expiry. It leaves at least the
//! promised lifetime. Therefore an earlier save may have set the expiry. It is then between the
//! promised lifetime after the last save and the latest expiry of any save.

use std::time::{Duration, SystemTime};

use session_core::{Refresh, SessionConfig};

use crate::history::{
    Attempt, Effect, OPEN_END, SaveResult, Snapshot, Source, Status, Tick, Token, Writes,
};
use crate::snapshot::PERMANENT;

use super::model::{Expiry, Model};

/// Stores round an expiry up to the next millisecond.
const ROUNDING: Duration = Duration::from_millis(1);
/// The longest time that a record outlives its promised lifetime.
const MAX_SLACK: Duration = Duration::from_mins(1);

/// Checks the expiry of every record, and that no request opened an expired session.
pub(crate) fn check(model: &mut Model<'_>, config: &SessionConfig) {
    let mut violations = Vec::new();
    for observation in &model.history.observations {
        let Some(found) = &observation.found else { continue };
        match observation.source {
            Source::Record { .. } if model.is_orphan(observation) => {}
            Source::Record { created_at, expires_at } => {
                let record = Record { created_at, expires_at, is_from: observation.start };
                if let Some(text) = record.check(model, config, found) {
                    violations.push((found.path.clone(), text));
                }
            }
            _ => {
                let Some(expiry) = model.expiry(&found.path, observation.start, observation.end)
                else {
                    continue;
                };
                let (now, _) =
                    model.history.times(observation.engine, observation.start, observation.end);
                if now > expiry.latest + ROUNDING {
                    let text = format!(
                        "request {} at {} opened it {:?} after its expiry",
                        observation.request,
                        observation.start,
                        now.duration_since(expiry.latest)
                    );
                    violations.push((found.path.clone(), text));
                }
            }
        }
    }
    for (path, text) in violations {
        model.violation("the last acknowledged save decides the expiry", &path, text);
    }
}

/// The times of a record.
struct Record {
    created_at: SystemTime,
    expires_at: SystemTime,
    is_from: Tick,
}

impl Record {
    /// Describes an expiry that no save can have set.
    fn check(&self, model: &Model<'_>, config: &SessionConfig, found: &Snapshot) -> Option<String> {
        let permanent = found.values.get(PERMANENT) == Some(&1);
        let lifetime = permanent.then(|| config.permanent_lifetime());
        let expiry = |now| config.record_expiry(lifetime, self.created_at, now);
        let times =
            |attempt: &&Attempt| model.history.times(attempt.engine, attempt.start, attempt.end);
        let all = writes(model, &found.path, self.is_from);
        let writes = last_writes(model, &found.path, self.is_from, self.is_from);
        // A slack is a tenth of the lifetime that it follows.
        let slack = (config.record_lifetime(lifetime) / 11).min(MAX_SLACK);
        let may_keep = permanent && model.settings.refresh != Refresh::WhenModified;
        let slack = if may_keep { slack } else { Duration::ZERO };
        let latest_of_all = all.iter().map(|attempt| times(attempt).1).max();
        let is_allowed = |attempt: &&Attempt| {
            let (earliest, latest) = times(attempt);
            let may_keep = may_keep || is_renewal(model, attempt);
            let latest = latest_of_all.filter(|_| may_keep).unwrap_or(latest);
            // Another engine, whose clock is behind, may have set the expiry that this one keeps.
            let earliest = if may_keep { earliest_of_any(model, attempt) } else { earliest };
            expiry(earliest - slack) <= self.expires_at
                && self.expires_at <= expiry(latest) + ROUNDING
        };
        if writes.iter().any(is_allowed) {
            return None;
        }
        let possible: Vec<_> = writes
            .iter()
            .map(|attempt| {
                let (earliest, _) = model.history.times(attempt.engine, attempt.start, attempt.end);
                let expected = expiry(earliest);
                let difference = self.expires_at.duration_since(expected);
                (attempt.request, difference.map_err(|error| error.duration()))
            })
            .collect();
        Some(format!("expiry later (Ok) or earlier (Err) than after {possible:?}: {found:?}"))
    }
}

/// Returns the earliest time of any engine during a save.
fn earliest_of_any(model: &Model<'_>, attempt: &Attempt) -> SystemTime {
    let times = |engine| model.history.times(engine, attempt.start, attempt.end).0;
    (0..crate::plan::ENGINES).map(times).min().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Returns whether a save changed nothing. Then it never makes the expiry earlier.
fn is_renewal(model: &Model<'_>, attempt: &Attempt) -> bool {
    let changes = model.changes.iter().any(|change| {
        change.request == attempt.request
            && change.start <= attempt.end
            && change.end >= attempt.start
            && change.effect != Effect::Touch
    });
    !changes
}

/// Returns the saves that may have written the record of a path.
fn writes<'a>(model: &Model<'a>, path: &[Token], until: Tick) -> Vec<&'a Attempt> {
    let Some(last) = path.last() else { return Vec::new() };
    let may_write = |attempt: &&Attempt| {
        attempt.anchor == Some(*last)
            && attempt.start <= until
            && attempt.writes != Writes::Nothing
            && attempt.result != SaveResult::Dropped
    };
    model.history.attempts.iter().filter(may_write).collect()
}

/// Returns those of them that may be the last: no acknowledged save followed before `from`.
fn last_writes<'a>(model: &Model<'a>, path: &[Token], from: Tick, until: Tick) -> Vec<&'a Attempt> {
    let writes = writes(model, path, until);
    let is_sure = |attempt: &Attempt| {
        attempt.result == SaveResult::Stored
            && attempt.writes == Writes::Always
            && attempt.end < from
    };
    let latest_start =
        writes.iter().filter(|attempt| is_sure(attempt)).map(|attempt| attempt.start).max();
    let mut left = writes;
    left.retain(|attempt| latest_start.is_none_or(|start| attempt.end >= start));
    left
}

impl Model<'_> {
    /// Returns the bounds of a session's expiry between two ticks.
    fn expiry(&self, path: &[Token], from: Tick, until: Tick) -> Option<Expiry> {
        let settings = self.settings;
        let limit =
            |lifetime: Duration| settings.idle_timeout.map_or(lifetime, |idle| lifetime.min(idle));
        // The slack of a record is a tenth of its lifetime, at most a minute.
        let record = |lifetime: Duration| lifetime + (lifetime / 10).min(Duration::from_mins(1));
        let browser = limit(settings.browser_lifetime);
        let (shortest, longest) = if self.may_be_permanent(path, until) {
            (browser, record(limit(settings.permanent_lifetime)))
        } else {
            (record(browser), record(browser))
        };
        let all = writes(self, path, until).into_iter();
        let times = |attempt: &Attempt| {
            self.history.times(attempt.engine, attempt.start, attempt.end.min(until))
        };
        let latest = all.map(|attempt| times(attempt).1).max()? + longest;
        let created_at = self.created_at(path);
        let mut bounds: Option<Expiry> = None;
        for attempt in last_writes(self, path, from, until) {
            let mut low = times(attempt).0 + shortest;
            if let (Some(limit), Some(created_at)) = (settings.absolute_timeout, created_at) {
                low = low.min(created_at + limit);
            }
            let earliest = bounds.map_or(low, |bounds| bounds.earliest.min(low));
            bounds = Some(Expiry { earliest, latest });
        }
        bounds
    }

    /// Returns the earliest time at which the session can have been created.
    fn created_at(&self, path: &[Token]) -> Option<SystemTime> {
        let of = |token: &Token| {
            let change = self.writer(*token)?;
            let attempt = &self.history.attempts[change.attempt];
            Some(self.history.times(attempt.engine, change.start, change.end).0)
        };
        path.iter().filter_map(of).min()
    }

    fn may_be_permanent(&self, path: &[Token], until: Tick) -> bool {
        path.iter().flat_map(|token| self.changes_at(*token)).any(|(_, change)| {
            change.effect == Effect::Put(PERMANENT, Some(1))
                && change.status != Status::Dropped
                && change.start <= until
        })
    }

    /// Returns whether the session of a path may have expired by any clock between two ticks.
    pub(crate) fn may_have_expired(&self, path: &[Token], from: Tick, until: Tick) -> bool {
        let Some(expiry) = self.expiry(path, from, until) else { return false };
        let engines = 0..crate::plan::ENGINES;
        let until = until.min(OPEN_END - 1);
        engines.into_iter().any(|engine| {
            let (_, latest) = self.history.times(engine, from, until);
            latest > expiry.earliest
        })
    }
}
