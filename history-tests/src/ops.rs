//! The operations of handlers.

use session_core::interface::SessionPage;
use session_core::{Error, ErrorKind, Flash, Outcome, Session};

use crate::history::{Effect, OPEN_END, OwnerCall, OwnerCallKind};
use crate::plan::{KEYS, Op, OwnerOp, SaveMode};
use crate::requests::{give_up, save, save_by, unexpected};
use crate::saving::Client;
use crate::snapshot::{COUNT, LABEL, MARKS, PATH, PERMANENT, number};

/// Runs an operation and records its changes.
pub(crate) async fn run(client: &mut Client<'_>, op: Op, session: &Session) -> Result<(), Error> {
    match op {
        Op::Read => drop(session.keys()),
        Op::Save(mode) => run_save(client, mode, session).await,
        Op::Owner(op) => run_owner_op(client, op, session).await,
        Op::Clear { refill } => clear(client, refill, session)?,
        Op::Login(owner) => log_in(client, owner, session).await?,
        Op::Rotate => rotate(client, session)?,
        Op::Logout => log_out(client, session).await,
        Op::SetModified(modified) => set_modified(client, modified, session)?,
        Op::TakeFlashes => take_flashes(client, session)?,
        op => change_value(client, op, session)?,
    }
    Ok(())
}

/// Gives a new session a path, and one that was cleared its path again.
fn begin(client: &mut Client<'_>, session: &Session) -> Result<(), Error> {
    if session.contains_key(PATH) {
        return Ok(());
    }
    if !client.path.is_empty() {
        return session.insert(PATH, &client.path);
    }
    let token = client.token();
    // A login may copy the values of another session, whose path stays.
    session.update(PATH, move |path: Option<Vec<u64>>| path.or_else(|| Some(vec![token])))?;
    client.path.push(token);
    client.did(Effect::Begin(token));
    Ok(())
}

fn change_value(client: &mut Client<'_>, op: Op, session: &Session) -> Result<(), Error> {
    let token = client.token();
    match op {
        Op::Insert(key) => {
            begin(client, session)?;
            session.insert(KEYS[key], token)?;
            client.did(Effect::Put(KEYS[key], Some(token)));
        }
        Op::Remove(key) | Op::Discard(key) => {
            let removed = match op {
                Op::Remove(_) => session.remove::<u64>(KEYS[key])?.is_some(),
                _ => session.discard(KEYS[key])?,
            };
            if removed {
                client.did(Effect::Put(KEYS[key], None));
            }
        }
        Op::GetOrInsert(key) => {
            begin(client, session)?;
            if session.get_or_insert(KEYS[key], token)? == token {
                client.did(Effect::PutIfAbsent(KEYS[key], token));
            }
        }
        Op::Update => {
            begin(client, session)?;
            session.update(MARKS, move |marks: Option<Vec<u64>>| {
                let mut marks = marks.unwrap_or_default();
                marks.push(token);
                Some(marks)
            })?;
            session.update(COUNT, |count: Option<u64>| Some(count.unwrap_or(0) + 1))?;
            client.did(Effect::Mark(token));
        }
        Op::Flash => {
            begin(client, session)?;
            session.flash(token.to_string())?;
            client.did(Effect::Flash(token));
        }
        Op::SetPermanent(permanent) => {
            begin(client, session)?;
            session.set_permanent(permanent)?;
            client.did(Effect::Put(PERMANENT, Some(u64::from(permanent))));
        }
        Op::SetLabel => {
            begin(client, session)?;
            session.set_label(&token.to_string())?;
            client.did(Effect::Put(LABEL, Some(token)));
        }
        _ => {}
    }
    Ok(())
}

fn take_flashes(client: &mut Client<'_>, session: &Session) -> Result<(), Error> {
    let taken: Vec<u64> =
        session.take_flashes()?.iter().map(|flash| number(&Flash::text(flash))).collect();
    client.log(|| format!("  took {taken:?}"));
    // Further calls return the same messages and take none.
    if !taken.is_empty() && !client.took_flashes {
        client.took_flashes = true;
        client.did(Effect::Take(taken));
    }
    Ok(())
}

fn clear(client: &mut Client<'_>, refill: bool, session: &Session) -> Result<(), Error> {
    // The path must show whether a login continued the session or started another one.
    if client.wants(|effect| matches!(effect, Effect::Login { .. })) {
        return Ok(());
    }
    session.clear()?;
    {
        let history = client.world.history();
        let stays = |effect: &Effect| !effect.is_of_values() || matches!(effect, Effect::Begin(_));
        client.fresh.retain(|(effect, _)| stays(effect));
        client.attempted.retain(|change| stays(&history.changes[*change].effect));
    }
    client.did(Effect::Clear);
    // The session of a user stays, and needs its path.
    if (refill || session.owner().is_some()) && !client.path.is_empty() {
        session.insert(PATH, &client.path)?;
    }
    Ok(())
}

/// Logs in. A user logs in again as the same: another owner would get a session without a path.
async fn log_in(client: &mut Client<'_>, owner: usize, session: &Session) -> Result<(), Error> {
    let owners = &client.world.owners;
    let present = session.owner();
    let owner = owners.iter().position(|one| Some(one) == present.as_ref()).unwrap_or(owner);
    if client.reopened {
        return refused(session.log_in(&owners[owner], None).await);
    }
    if client.wants(|effect| *effect == Effect::Clear) {
        return Ok(());
    }
    let (token, from) = (client.token(), client.path.last().copied());
    session.update(PATH, move |path: Option<Vec<u64>>| {
        let mut path = path.unwrap_or_default();
        path.push(token);
        Some(path)
    })?;
    client.path.push(token);
    client.did(Effect::Login { token, owner, from });
    let call = async {
        session.log_in(&owners[owner], None).await?;
        Ok(session.outcome().unwrap_or(Outcome::Stored))
    };
    save_by(client, "login", call, false, session).await;
    Ok(())
}

async fn log_out(client: &mut Client<'_>, session: &Session) {
    let is_end = |effect: &Effect| *effect == Effect::End;
    client.fresh.retain(|(effect, _)| is_end(effect));
    {
        let history = client.world.history();
        client.attempted.retain(|change| is_end(&history.changes[*change].effect));
    }
    client.did_end();
    client.path.clear();
    client.stored = 0;
    save_by(client, "logout", session.log_out(), true, session).await;
}

fn rotate(client: &mut Client<'_>, session: &Session) -> Result<(), Error> {
    if client.reopened {
        return refused(session.rotate_id());
    }
    session.rotate_id()?;
    client.did(Effect::Rotate);
    Ok(())
}

/// A reopened session can have no new id.
fn refused(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(error) if error.kind() == ErrorKind::Committed => Ok(()),
        Err(error) => Err(error),
        Ok(()) => Err(Error::new(ErrorKind::Backend, "a reopened session accepted a new id")),
    }
}

fn set_modified(client: &mut Client<'_>, modified: bool, session: &Session) -> Result<(), Error> {
    // Otherwise a rotation could store the session without its path.
    if !modified && session.is_empty() {
        return Ok(());
    }
    session.set_modified(modified)?;
    if modified {
        client.did(Effect::Touch);
    }
    Ok(())
}

async fn run_save(client: &mut Client<'_>, mode: SaveMode, session: &Session) {
    // A renewal drops changes that `set_modified(false)` withdrew.
    if !session.is_modified() && client.wants(|_| true) {
        return;
    }
    match mode {
        SaveMode::Awaited => save(client, session).await,
        SaveMode::Dropped(polls) => {
            let in_flight = client.begin_save(session, false);
            let result = give_up(polls, session.save()).await;
            client.log(|| format!("save, dropped after {polls} polls: {result:?}"));
            client.end_save(in_flight, result.as_ref(), session);
        }
        SaveMode::Twice => {
            let in_flight = client.begin_save(session, false);
            let (first, second) = tokio::join!(session.save(), session.save());
            client.log(|| format!("two saves: {first:?}, {second:?}"));
            if first.is_err() && matches!(&second, Ok(Outcome::Dropped)) {
                // The first one may have been stored before the session ended.
                client.end_save(in_flight, Some(&first), session);
                // The second one has dropped them from the request.
                client.attempted.clear();
                let again = client.begin_save(session, false);
                return client.end_save(again, Some(&second), session);
            }
            // The second save stores the changes that the first could not store.
            let has_failed = matches!(&first, Err(_) | Ok(Outcome::Unchanged));
            let is_second = matches!(&second, Ok(Outcome::Stored))
                || (has_failed && !matches!(&second, Ok(Outcome::Unchanged)));
            let result = if is_second { second } else { first };
            client.end_save(in_flight, Some(&result), session);
        }
    }
}

async fn run_owner_op(client: &mut Client<'_>, op: OwnerOp, session: &Session) {
    let named = match op {
        OwnerOp::List(owner)
        | OwnerOp::Pages(owner)
        | OwnerOp::End(owner)
        | OwnerOp::EndAll(owner) => Some(owner),
        OwnerOp::EndOwn | OwnerOp::EndOthers => None,
    };
    let named = named.map(|owner| client.world.owners[owner].clone());
    let Some(owner) = named.or_else(|| session.owner()) else { return };
    let owners = &*client.world.engines[client.request.engine].owners;
    let handle = owners.handle_of(session);
    let call = record_start(client, &owner, op);
    let result = match op {
        OwnerOp::List(_) => list(owners, &owner).await,
        OwnerOp::Pages(_) => pages(owners, &owner).await,
        OwnerOp::End(_) => match list(owners, &owner).await {
            Ok(OwnerCallKind::Listed { handles, .. }) if !handles.is_empty() => {
                let number = usize::try_from(client.request.number).unwrap_or(0);
                end(owners, &owner, handles[number % handles.len()].clone()).await
            }
            result => result,
        },
        OwnerOp::EndOwn => match handle {
            Some(handle) => end(owners, &owner, handle).await,
            None => Ok(nothing_listed()),
        },
        OwnerOp::EndOthers => {
            let path = client.path[..client.stored].to_vec();
            let kind = OwnerCallKind::EndedOthers { handle, path };
            owners.end_others(session).await.map(|_| kind.clone()).map_err(|error| (error, kind))
        }
        OwnerOp::EndAll(_) => {
            let ended = owners.end_all(&owner).await;
            ended.map(|count| OwnerCallKind::EndedAll { count }).map_err(failed_to_end)
        }
    };
    record_end(client, call, result);
}

type Called = Result<OwnerCallKind, (Error, OwnerCallKind)>;

fn failed_to_end(error: Error) -> (Error, OwnerCallKind) {
    (error, OwnerCallKind::EndedAll { count: 0 })
}

async fn list(owners: &dyn session_core::OwnerSessions, owner: &str) -> Called {
    let page = owners.page(owner, None, SessionPage::LIMIT).await;
    let page = page.map_err(|error| (error, nothing_listed()))?;
    let handles = page.sessions.iter().map(|session| session.handle().to_owned()).collect();
    Ok(OwnerCallKind::Listed { handles, complete: page.next.is_none() })
}

fn nothing_listed() -> OwnerCallKind {
    OwnerCallKind::Listed { handles: Vec::new(), complete: false }
}

async fn pages(owners: &dyn session_core::OwnerSessions, owner: &str) -> Called {
    let mut handles = Vec::new();
    let mut after = None;
    loop {
        let page = owners.page(owner, after.as_deref(), 2).await;
        let page = page.map_err(|error| (error, nothing_listed()))?;
        handles.extend(page.sessions.iter().map(|session| session.handle().to_owned()));
        after = page.next;
        if after.is_none() {
            return Ok(OwnerCallKind::Listed { handles, complete: false });
        }
    }
}

async fn end(owners: &dyn session_core::OwnerSessions, owner: &str, handle: String) -> Called {
    match owners.end(owner, &handle).await {
        Ok(found) => Ok(OwnerCallKind::Ended { handle, found }),
        Err(error) => Err((error, OwnerCallKind::Ended { handle, found: false })),
    }
}

/// Records a call in progress. If its future is dropped, it may have ended any session.
fn record_start(client: &Client<'_>, owner: &str, op: OwnerOp) -> usize {
    let mut history = client.world.history();
    let start = history.tick();
    let kind = match op {
        OwnerOp::List(_) | OwnerOp::Pages(_) => nothing_listed(),
        _ => OwnerCallKind::EndedAll { count: 0 },
    };
    history.owner_calls.push(OwnerCall {
        request: client.request.number,
        owner: owner.to_owned(),
        kind,
        start,
        end: OPEN_END,
        succeeded: false,
    });
    history.owner_calls.len() - 1
}

fn record_end(client: &Client<'_>, call: usize, result: Called) {
    let (kind, error) = match result {
        Ok(kind) => (kind, None),
        Err((error, kind)) => (kind, Some(error)),
    };
    if let Some(error) = &error {
        unexpected(client.world, client.request, "an owner's call", error);
    }
    let mut history = client.world.history();
    let end = history.tick();
    let owner = history.owner_calls[call].owner.clone();
    history.log(client.request.number, || format!("  of {owner}: {kind:?}"));
    let call = &mut history.owner_calls[call];
    (call.kind, call.succeeded) = (kind, error.is_none());
    if call.succeeded {
        call.end = end;
    }
}
