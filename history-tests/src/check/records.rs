//! The rules of the records that are in the store after a round.

use std::collections::HashMap;

use crate::history::{Change, Effect, Observation, OwnerCallKind, Source, Status, Token};

use super::model::Model;

pub(crate) fn check(model: &mut Model<'_>) {
    let records: Vec<&Observation> = model
        .history
        .observations
        .iter()
        .filter(|observation| matches!(observation.source, Source::Record { .. }))
        .collect();
    // Without records, the check after the round was not reached.
    let Some(tick) = records.iter().map(|record| record.start).max() else { return };
    let mut violations = Vec::new();
    let mut by_path: HashMap<&[Token], Vec<&Observation>> = HashMap::new();
    for record in &records {
        let Some(found) = &record.found else { continue };
        if model.is_orphan(record) && !is_explained(model, record) {
            let text = format!("no client has the id of {found:?}");
            violations.push(("a client has the id of each session", found.path.clone(), text));
        }
        by_path.entry(&found.path).or_default().push(record);
    }
    for (path, records) in by_path {
        let reachable = records.iter().filter(|record| !model.is_orphan(record)).count();
        if reachable > 1 {
            let text = format!("{reachable} ids open {path:?}");
            violations.push(("one id opens a session", path.to_vec(), text));
        }
    }
    for (token, path) in begun(model) {
        let is_there = records
            .iter()
            .any(|record| record.found.as_ref().is_some_and(|found| found.path.contains(&token)));
        if !is_there && !may_have_ended(model, &path, tick) {
            let text = format!("{path:?} no longer exists");
            violations.push(("a session stays until it ends or expires", path, text));
        }
    }
    for (rule, path, text) in violations {
        model.violation(rule, &path, text);
    }
}

/// Returns whether the owner sees the session, or the client went away before it received the id.
fn is_explained(model: &Model<'_>, record: &Observation) -> bool {
    let Some(found) = &record.found else { return true };
    let made_id = |change: &Change| match &change.effect {
        Effect::Begin(token) | Effect::Login { token, .. } => found.last() == Some(*token),
        Effect::Rotate => found.last().is_some_and(|last| change.anchors.contains(&last)),
        _ => false,
    };
    let is_undelivered = |change: &Change| {
        let attempt = &model.history.attempts[change.attempt];
        !attempt.reopened && !model.history.delivered.contains(&change.request)
    };
    // A failed save may have created the record, and the request saved nothing after it.
    let got_no_id = |change: &Change| {
        change.status == Status::Unknown && model.history.without_cookie.contains(&change.request)
    };
    let undelivered = model.changes.iter().any(|change| {
        let is_possible = got_no_id(change)
            || model.may_leave_record(change)
            || (change.status != Status::Dropped && is_undelivered(change));
        is_possible && made_id(change)
    });
    undelivered || (found.owner.is_some() && is_listed(model, record))
}

/// Returns whether the last list of the owner has a session that no observation has a handle for.
fn is_listed(model: &Model<'_>, record: &Observation) -> bool {
    let Some(found) = &record.found else { return false };
    let known = found.last().and_then(|last| model.handles_of(last));
    model.history.owner_calls.iter().rev().any(|call| match &call.kind {
        OwnerCallKind::Listed { handles, .. } => {
            call.request == 0
                && Some(&*call.owner) == found.owner.as_deref()
                && handles.iter().any(|handle| match known {
                    Some(known) => known.contains(handle),
                    None => model.tokens_of_handle(handle).is_empty(),
                })
        }
        _ => false,
    })
}

/// Returns the tokens of sessions that were stored for sure, with the path up to the token.
fn begun(model: &Model<'_>) -> Vec<(Token, Vec<Token>)> {
    let mut begun = HashMap::new();
    for observation in &model.history.observations {
        let Some(found) = &observation.found else { continue };
        for (position, token) in found.path.iter().enumerate() {
            begun.entry(*token).or_insert_with(|| found.path[..=position].to_vec());
        }
    }
    begun.into_iter().collect()
}

/// Returns whether anything may have ended the session of a path, or one that came of it.
fn may_have_ended(model: &Model<'_>, path: &[Token], tick: u64) -> bool {
    let mut paths = vec![path.to_vec()];
    for observation in &model.history.observations {
        let Some(found) = &observation.found else { continue };
        if found.path.len() > path.len() && found.path.starts_with(path) {
            paths.push(found.path.clone());
        }
    }
    // A login whose outcome no request saw moves the session to a path that is not known.
    let mut logins = model.changes.iter().filter(|change| match change.effect {
        Effect::Login { token, from, .. } => {
            from.is_some_and(|from| paths.iter().any(|path| path.last() == Some(&from)))
                && change.status != Status::Dropped
                && !paths.iter().any(|path| path.contains(&token))
        }
        _ => false,
    });
    let last = path.last().and_then(|last| model.writer(*last));
    let from = last.map_or(0, |change| change.start);
    logins.next().is_some()
        || paths.iter().any(|path| model.may_be_gone(path, from, tick, |_| false))
}
