//! The rules of owners' lists, and of calls that end sessions by them.

use std::collections::{HashMap, HashSet};

use crate::history::{Change, Effect, OwnerCall, OwnerCallKind, Status, Token};

use super::lives::{ended_before, is_surely_owned};
use super::model::{Model, is_from};

pub(crate) fn check(model: &mut Model<'_>) {
    let paths = paths(model);
    let mut violations = Vec::new();
    for call in model.history.owner_calls.iter().filter(|call| call.succeeded) {
        let alive = surely_owned(model, &paths, call);
        match &call.kind {
            OwnerCallKind::Listed { handles, complete } => {
                check_listed(model, &paths, call, handles, &mut violations);
                if *complete {
                    check_complete(call, handles, &alive, &mut violations);
                }
            }
            OwnerCallKind::Ended { handle, found: false } => {
                violations.extend(alive.iter().filter(|alive| alive.handle == *handle).map(|_| {
                    ("a live session can be ended by its handle", vec![], describe(call, handle))
                }));
            }
            OwnerCallKind::EndedAll { count } if *count < alive.len() => {
                let text = describe(call, &format!("{count} of {}", alive.len()));
                violations.push(("`end_all` ends every session", vec![], text));
            }
            _ => {}
        }
    }
    for (rule, path, text) in violations {
        model.violation(rule, &path, text);
    }
}

type Violations = Vec<(&'static str, Vec<Token>, String)>;

/// A session that was alive during a call.
struct Alive {
    path: Vec<Token>,
    handle: String,
}

fn describe(call: &OwnerCall, text: &str) -> String {
    format!("request {} at {}..{}: {text}", call.request, call.start, call.end)
}

/// Returns the paths of all sessions, by their last token.
fn paths(model: &Model<'_>) -> HashMap<Token, Vec<Token>> {
    let found = model.history.observations.iter().filter_map(|seen| seen.found.as_ref());
    found.filter_map(|found| Some((found.last()?, found.path.clone()))).collect()
}

fn surely_owned(
    model: &Model<'_>,
    paths: &HashMap<Token, Vec<Token>>,
    call: &OwnerCall,
) -> Vec<Alive> {
    // Calls that end sessions may end this one at any time while they run.
    let is_sole = model.history.owner_calls.iter().all(|other| {
        !other.kind.ends()
            || std::ptr::eq(other, call)
            || other.end < call.start
            || other.start > call.end
    });
    if !is_sole {
        return Vec::new();
    }
    let until = if call.kind.ends() { call.start - 1 } else { call.end };
    let mut alive = Vec::new();
    for (token, path) in paths {
        let Some(handle) = model.handles_of(*token).and_then(|handles| handles.iter().next())
        else {
            continue;
        };
        if model.owner_of(path) == Some(&*call.owner)
            && is_surely_owned(model, *token, path, call.start, until)
            && (until == call.end || !ends_during(model, path, call))
        {
            alive.push(Alive { path: path.clone(), handle: handle.clone() });
        }
    }
    alive
}

/// Returns whether a request may end the session of a path, or change its owner, during a call.
fn ends_during(model: &Model<'_>, path: &[Token], call: &OwnerCall) -> bool {
    let overlaps = |change: &Change| change.start <= call.end && change.status != Status::Dropped;
    let ends = |change: &Change| {
        change.effect == Effect::End || (change.effect.changes_id() && is_from(change, path))
    };
    let later = model.changes.iter().filter(|change| change.end >= call.start);
    later.into_iter().any(|change| overlaps(change) && ends(change))
        || model.may_have_expired(path, call.start, call.end)
}

/// Every session that is alive during the whole call is listed once.
fn check_complete(
    call: &OwnerCall,
    handles: &[String],
    alive: &[Alive],
    violations: &mut Violations,
) {
    let different: HashSet<&String> = handles.iter().collect();
    if different.len() != handles.len() {
        violations.push(("a list shows each session once", vec![], describe(call, "twice")));
    }
    for missing in alive.iter().filter(|alive| !different.contains(&alive.handle)) {
        let text = describe(call, &format!("{:?} is missing", missing.path));
        violations.push(("a list shows every live session", missing.path.clone(), text));
    }
}

/// Everything that is listed may be alive and the owner's.
fn check_listed(
    model: &Model<'_>,
    paths: &HashMap<Token, Vec<Token>>,
    call: &OwnerCall,
    handles: &[String],
    violations: &mut Violations,
) {
    // Two pages may show one session.
    let mut unknown = HashSet::new();
    for handle in handles {
        let tokens = model.tokens_of_handle(handle);
        if tokens.is_empty() {
            unknown.insert(handle);
            continue;
        }
        let may_be_owned = |token: &Token| {
            let path = &paths[token];
            model.owner_of(path) == Some(&*call.owner)
                && ended_before(model, path, call.start).is_none()
                || may_be_unfinished(model, path, call)
        };
        if !tokens.iter().any(may_be_owned) {
            let text = describe(call, &format!("{handle} of {tokens:?}"));
            violations.push(("a list shows no ended session", paths[&tokens[0]].clone(), text));
        }
    }
    // No request saw the handle of a session whose client disconnected. The same applies to an
    // unfinished login that starts an empty session, and to the record of a first attempt.
    let unseen = model.history.changes.iter().filter(|change| match &change.effect {
        Effect::Login { token, owner, .. } => {
            model.owners[*owner] == call.owner
                && change.start <= call.end
                && (model.handles_of(*token).is_none()
                    || change.end >= call.start
                    || model.history.is_tried_again(change))
        }
        _ => false,
    });
    if unknown.len() > unseen.count() {
        let text = describe(call, &format!("{} handles are unknown", unknown.len()));
        violations.push(("a list shows no unknown session", vec![], text));
    }
}

/// Returns whether a change of the id may be unfinished, and have left a record besides the
/// session. Lists may show it after the session ended.
fn may_be_unfinished(model: &Model<'_>, path: &[Token], call: &OwnerCall) -> bool {
    // A change that an observation has confirmed is unfinished until its call returns.
    let may_stay = |change: &Change| match change.status {
        Status::Applied => false,
        Status::Unknown => true,
        Status::Dropped => model.may_leave_record(change),
    };
    model.history.changes.iter().any(|change| {
        let is_running = change.start <= call.end && change.end >= call.start;
        change.effect.changes_id()
            && path.iter().any(|token| is_from(change, &[*token]) || change.anchors.contains(token))
            && (is_running || may_stay(change))
    })
}
