//! The rules of ids: which cookies open a session, and which do not any more.
//!
//! A cookie may open nothing if a concurrent or later request changed the id or ended the session,
//! or may have done so. It may also open nothing if the session may have expired by one of the
//! clocks.

use std::time::Duration;

use crate::history::{
    Attempt, Change, Effect, Observation, OwnerCallKind, SaveResult, Source, Status, Tick, Token,
};

use super::model::{Model, is_from};

/// The time for which a tombstone leads requests in progress to the new id.
const TOMBSTONE_LIFE: Duration = Duration::from_secs(10);

pub(crate) fn check(model: &mut Model<'_>) {
    let mut violations = Vec::new();
    let mut add = |rule, path: &[Token], text| violations.push((rule, path.to_vec(), text));
    for observation in &model.history.observations {
        if model.is_orphan(observation) {
            continue;
        }
        if let Some(found) = &observation.found {
            for (rule, text) in check_found(model, observation, &found.path) {
                add(rule, &found.path, text);
            }
        } else if let Some((path, text)) = check_not_found(model, observation) {
            add("a cookie opens its session until the id changes or the session ends", path, text);
        }
    }
    for attempt in &model.history.attempts {
        if let Some(text) = check_dropped(model, attempt) {
            add("changes are dropped only if the session ended", &attempt.path, text);
        }
    }
    for (rule, path, text) in violations {
        model.violation(rule, &path, text);
    }
}

fn check_found(
    model: &Model<'_>,
    observation: &Observation,
    path: &[Token],
) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let who = format!("request {} at {}", observation.request, observation.start);
    let owner = observation.found.as_ref().and_then(|found| found.owner.as_deref());
    if let Some(end) = ended_before(model, path, observation.start) {
        found.push(("an ended session stays ended", format!("{who} found {path:?}, which {end}")));
    }
    if let Some(call) = ended_by_owner_before(model, observation, path, owner) {
        let text = format!("{who} found {path:?} after {call} had ended it");
        found.push(("an ended session stays ended", text));
    }
    if observation.source != Source::Opened {
        return found;
    }
    let Some(cookie) = observation.cookie else {
        found.push(("an unknown id opens no session", format!("{who} found {path:?}")));
        return found;
    };
    if let Some(change) = moved_before(model, cookie, observation.start) {
        let text = format!("{who} found {path:?} by cookie {cookie}, whose id {change} changed");
        found.push(("the old id does not open a rotated session", text));
    }
    let known = model.history.cookies[cookie].path.as_deref();
    if known.is_some_and(|known| known != path) {
        let text = format!("{who} found {path:?} by cookie {cookie} of {known:?}");
        found.push(("an id stays with its session", text));
    }
    found
}

/// Returns how the session of a path was ended before a tick, if it surely was.
pub(crate) fn ended_before(model: &Model<'_>, path: &[Token], tick: Tick) -> Option<String> {
    path.iter().enumerate().find_map(|(position, token)| {
        // A copy by a login before the end is another session.
        let copied = (position..path.len()).find_map(|next| model.copied_after(path, next));
        let ends = |change: &Change| {
            change.effect == Effect::End
                && change.status == Status::Applied
                && change.end < tick
                && copied.is_none_or(|login| change.end < login.start)
        };
        let mut changes = model.changes_at(*token).map(|(_, change)| change);
        let end = changes.find(|change| ends(change))?;
        Some(format!("request {} ended before {}", end.request, end.end))
    })
}

/// Returns the call that ended the sessions of the owner, if the session was one of them.
fn ended_by_owner_before(
    model: &Model<'_>,
    observation: &Observation,
    path: &[Token],
    owner: Option<&str>,
) -> Option<String> {
    let owner = owner?;
    let since = owned_since(model, path, owner)?;
    let handle = observation.found.as_ref().and_then(|found| found.handle.as_deref());
    let call = model.history.owner_calls.iter().find(|call| {
        call.succeeded
            && call.kind.ends()
            && call.owner == owner
            && call.end < observation.start
            && since < call.start
            // Another engine may still open a session that has expired by the clock of this one.
            && !model.may_have_expired(path, call.start, call.end)
            && match &call.kind {
                OwnerCallKind::Ended { handle: ended, .. } => Some(&**ended) == handle,
                OwnerCallKind::EndedOthers { handle: own, path: own_path } => {
                    let shorter = own_path.len().min(path.len());
                    let is_own = own_path[..shorter] == path[..shorter];
                    // Each login has its own handle.
                    let is_same = own_path == path;
                    !is_own || (is_same && handle.is_some() && own.as_deref() != handle)
                }
                _ => true,
            }
    })?;
    Some(format!("{:?} of request {}", call.kind, call.request))
}

/// Returns the tick by which the last login of a path had set this owner. Each login starts a
/// session with its own handle.
fn owned_since(model: &Model<'_>, path: &[Token], owner: &str) -> Option<Tick> {
    let (login, number, _) = model.login(*path.last()?)?;
    let is_set = model.owners[number] == owner && login.status == Status::Applied;
    is_set.then(|| model.last_try(login).unwrap_or(login.end))
}

/// Returns the request that surely changed the id of a cookie before a tick.
fn moved_before(model: &Model<'_>, cookie: usize, tick: Tick) -> Option<String> {
    // A login starts a new session if the old one has expired by the clock of its engine.
    let path = model.history.cookies[cookie].path.as_deref().unwrap_or_default();
    let moved = model.changes.iter().find(|change| {
        change.effect.changes_id()
            && change.status == Status::Applied
            && change.end < tick
            && change.cookie == Some(cookie)
            && change.found
            && !model.may_have_expired(path, change.start, change.end)
    })?;
    Some(format!("request {} ({:?})", moved.request, moved.effect))
}

/// Returns the path of a cookie that opened nothing without a reason, and a description.
fn check_not_found<'a>(
    model: &'a Model<'_>,
    observation: &Observation,
) -> Option<(&'a [Token], String)> {
    let number = observation.cookie?;
    let cookie = &model.history.cookies[number];
    let path = cookie.path.as_deref()?;
    let set = cookie.set.iter().filter(|set| set.end < observation.start);
    let seen = model.history.observations.iter().filter(|other| {
        other.cookie == Some(number) && other.found.is_some() && other.end < observation.start
    });
    let alive = set.map(|set| set.start).chain(seen.map(|other| other.start)).max()?;
    let reason = model.may_be_gone(path, alive, observation.end, |_| true);
    (!reason).then(|| {
        let (request, start) = (observation.request, observation.start);
        (
            path,
            format!("request {request} at {start}: cookie {number} of {path:?}, alive at {alive}"),
        )
    })
}

/// Describes a save that was dropped without a reason.
fn check_dropped(model: &Model<'_>, attempt: &Attempt) -> Option<String> {
    if attempt.result != SaveResult::Dropped {
        return None;
    }
    let text = || format!("request {} at {}..{}", attempt.request, attempt.start, attempt.end);
    let opened = attempt.opened_path.as_deref().unwrap_or_default();
    if opened.is_empty() && may_have_found_tombstone(model, attempt) {
        return None;
    }
    let cuts =
        |change: &Change| change.request != attempt.request && cuts_off(model, attempt, change);
    let may_be_gone =
        |path: &[Token]| model.may_be_gone(path, attempt.opened_at, attempt.end, cuts);
    // The session may have moved by an earlier save of this request.
    let of_request =
        |earlier: &&Attempt| earlier.request == attempt.request && earlier.start < attempt.start;
    let moved = model.history.attempts.iter().filter(of_request);
    let mut paths = moved.map(|earlier| &*earlier.path).chain([opened, &attempt.path]);
    (!paths.any(may_be_gone)).then(text)
}

/// Returns whether the id in the cookie of a request may have been moved before.
fn may_have_found_tombstone(model: &Model<'_>, attempt: &Attempt) -> bool {
    let Some(cookie) = attempt.cookie else { return false };
    let path = model.history.cookies[cookie].path.as_deref();
    path.is_none_or(|path| {
        model.changes.iter().any(|change| {
            change.effect.changes_id()
                && change.status != Status::Dropped
                && change.start <= attempt.end
                && is_from(change, path)
        })
    })
}

/// Returns whether a change of the id keeps requests with the old id from saving.
fn cuts_off(model: &Model<'_>, attempt: &Attempt, change: &Change) -> bool {
    if change.effect != Effect::Rotate {
        return true;
    }
    // The requests find the new id while the tombstone lives, by the clock of their engine.
    let rotation = &model.history.attempts[change.attempt];
    let times = |engine, start, end| model.history.times(engine, start, end);
    let (written, _) = times(rotation.engine, change.start, change.end.min(attempt.end));
    let (_, read) = times(attempt.engine, change.start, attempt.end);
    read > written + TOMBSTONE_LIFE
}

/// Returns whether the session of a login is certainly alive and has the owner of the login.
pub(crate) fn is_surely_owned(
    model: &Model<'_>,
    token: Token,
    path: &[Token],
    start: Tick,
    end: Tick,
) -> bool {
    let Some((login, _, _)) = model.login(token) else { return false };
    login.status == Status::Applied
        && login.end < start
        && !model.may_be_gone(path, login.start, end, |change| change.effect != Effect::Rotate)
}
