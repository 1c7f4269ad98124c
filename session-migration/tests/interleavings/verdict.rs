//! The rules that hold after every order.

use session_core::{ErrorKind, Outcome};

use crate::requests::{Log, OWNER, Step};
use crate::schedule::alone;
use crate::world::{Case, Old, World};

/// A session that a cookie opens after an order.
#[derive(Debug)]
struct Live {
    owner: Option<String>,
    updates: Vec<usize>,
}

/// Checks the rules.
pub(crate) fn check(case: &Case<'_>, world: &World, order: &[usize]) {
    let logs = world.logs.borrow().clone();
    let live = live(world, &logs);
    let facts = || format!("{case:?}, order {order:?}: {logs:?}, alive: {live:?}");
    let broken = outcomes(case, &logs)
        .or_else(|| changes(case, &logs, &live))
        .or_else(|| end(case, &logs, &live))
        .or_else(|| records(case, world, &logs))
        .or_else(|| list(case, world, &live));
    if let Some(rule) = broken {
        panic!("{rule}\n{}", facts());
    }
}

/// Returns the sessions that the cookies of the client open, each before any other is opened.
fn live(world: &World, logs: &[Log]) -> Vec<Live> {
    let mut cookies = vec![&world.cookie];
    cookies.extend(logs.iter().filter_map(|log| log.cookie.as_ref()));
    cookies.dedup();
    let records = world.stage.records(Clone::clone);
    let mut live = Vec::new();
    for cookie in cookies {
        live.extend(look(world, cookie));
        world.stage.restore(records.clone());
    }
    live
}

fn look(world: &World, cookie: &str) -> Option<Live> {
    let request = world.processes[0].open(cookie);
    let session = alone(Box::pin(async { request.session().await.unwrap() }));
    session.get::<u64>("base").unwrap()?;
    let updates = session.get("updates").unwrap().unwrap_or_default();
    Some(Live { owner: session.owner(), updates })
}

fn outcomes(case: &Case<'_>, logs: &[Log]) -> Option<&'static str> {
    for (number, (step, log)) in case.requests.iter().zip(logs).enumerate() {
        let is_struck = case.fault.is_some_and(|fault| fault.request == number);
        match log.outcome {
            Some(Err(_)) | None if !is_struck => return Some("a request fails without a fault"),
            Some(Err(ErrorKind::Backend)) => return Some("an error of the store is not expected"),
            Some(Ok(Outcome::Dropped)) if *step == Step::LogIn => {
                return Some("a login is dropped");
            }
            Some(Ok(Outcome::Dropped))
                if !case.any(|step| step.ends() || step == Step::LogIn) && !step.is_old() =>
            {
                return Some("a change is dropped although nothing ends the session");
            }
            _ => {}
        }
    }
    None
}

fn changes(case: &Case<'_>, logs: &[Log], live: &[Live]) -> Option<&'static str> {
    let is_repeated = |live: &Live| {
        live.updates.iter().any(|one| live.updates.iter().filter(|other| *other == one).count() > 1)
    };
    if live.iter().any(is_repeated) {
        return Some("a change is applied twice");
    }
    if live.windows(2).any(|two| two[0].updates != two[1].updates) {
        return Some("two cookies open different sessions");
    }
    if case.any(Step::ends) {
        return None;
    }
    // A client that went away while its id changed does not have the new id.
    let changes_id = |step| matches!(step, Step::Rotate | Step::LogIn);
    let is_away = case.fault.is_some_and(|fault| changes_id(case.requests[fault.request]));
    let Some(first) = live.first() else {
        return (!is_away).then_some("the session is lost");
    };
    let is_lost = |number: usize| {
        let is_stored = logs[number].outcome == Some(Ok(Outcome::Stored));
        case.requests[number].updates() && is_stored && !first.updates.contains(&number)
    };
    if (0..logs.len()).any(is_lost) { Some("a stored change is lost") } else { None }
}

fn end(case: &Case<'_>, logs: &[Log], live: &[Live]) -> Option<&'static str> {
    let has_ended = case.requests.iter().zip(logs).any(|(step, log)| {
        step.ends() && matches!(log.outcome, Some(Ok(Outcome::Stored | Outcome::BrowserOnly)))
    });
    if has_ended && !live.is_empty() && !case.any(|step| step == Step::LogIn) {
        return Some("an ended session is open");
    }
    None
}

/// The old backend has the session only as long as no change was stored in the new one.
fn records(case: &Case<'_>, world: &World, logs: &[Log]) -> Option<&'static str> {
    let has_moved = case.requests.iter().zip(logs).any(|(step, log)| {
        matches!(step, Step::Update | Step::Rotate | Step::LogIn)
            && log.outcome == Some(Ok(Outcome::Stored))
    });
    let stays = world
        .stage
        .records(|records| records.sessions().any(|(key, _)| world.old_keys.contains(key)));
    let all_moved = matches!(case.requests, [Step::MoveAll] | [Step::MoveAll, Step::MoveAll])
        && logs.iter().all(|log| log.outcome == Some(Ok(Outcome::Stored)));
    if (has_moved || all_moved) && case.old == Old::Store && stays {
        return Some("a moved session is still in the old backend");
    }
    None
}

/// The owner's list has the session once, if it is alive.
fn list(case: &Case<'_>, world: &World, live: &[Live]) -> Option<&'static str> {
    // A login may start a separate session.
    let has_more = case.requests.len() > 1 && case.any(|step| step == Step::LogIn);
    if case.old == Old::Cookie || case.fault.is_some() || has_more {
        return None;
    }
    let owners = world.processes[0].owners.as_ref()?;
    let page = alone(Box::pin(async { owners.page(OWNER, None, 100).await.unwrap() }));
    let is_owned = live.iter().any(|live| live.owner.as_deref() == Some(OWNER));
    (page.sessions.len() != usize::from(is_owned)).then_some("the list of the owner is wrong")
}
