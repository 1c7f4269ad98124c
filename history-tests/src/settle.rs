//! The state after a round: the sessions that cookies open, the records, the owners' lists.

use std::collections::HashMap;
use std::time::Duration;

use session_core::interface::SessionPage;
use session_core::store::{Record, StoreKey};
use session_core::{Error, OwnerSessions};

use crate::history::{Observation, OwnerCall, OwnerCallKind, Snapshot, Source};
use crate::plan::ENGINES;
use crate::world::{World, store_key};

/// Waits until no call of the round is in progress.
pub(crate) async fn settle(world: &World, reliable: bool) -> Result<(), Error> {
    world.keys.settle().await;
    if !reliable {
        // The server may still run a call whose future was dropped.
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    for engine in &world.engines {
        engine.store.load_many(&world.keys.all()).await?;
    }
    Ok(())
}

/// Records the sessions that cookies open, the contents of all records, and the owners' lists.
pub(crate) async fn observe(world: &World) -> Result<(), Error> {
    let cookies: Vec<String> =
        world.history().cookies.iter().map(|cookie| cookie.value.clone()).collect();
    // The first request with an id may complete the move to that id.
    let stored = records(world).await?;
    for cookie in cookies.iter().filter(|cookie| is_stored(&stored, cookie)) {
        world.open(0, Some(cookie)).session().await?;
    }
    for engine in 0..ENGINES {
        for (index, cookie) in cookies.iter().enumerate() {
            observe_cookie(world, engine, index, cookie, is_stored(&stored, cookie)).await?;
        }
    }
    observe_records(world, &cookies).await?;
    for engine in 0..ENGINES {
        for owner in &world.owners {
            observe_list(world, engine, owner).await?;
        }
    }
    Ok(())
}

async fn records(world: &World) -> Result<HashMap<StoreKey, Record>, Error> {
    let keys = world.keys.all();
    let records = world.engines[0].store.load_many(&keys).await?;
    Ok(keys.into_iter().zip(records).filter_map(|(key, record)| Some((key, record?))).collect())
}

fn is_stored(records: &HashMap<StoreKey, Record>, cookie: &str) -> bool {
    store_key(cookie).is_some_and(|key| records.contains_key(&key))
}

async fn observe_cookie(
    world: &World,
    engine: usize,
    index: usize,
    cookie: &str,
    is_stored: bool,
) -> Result<(), Error> {
    let start = world.history().tick();
    let found = if is_stored {
        let session = world.open(engine, Some(cookie)).session().await?;
        let owners = &*world.engines[engine].owners;
        let found = (!session.is_new()).then(|| crate::snapshot::of_session(&session, owners));
        found.transpose()?
    } else {
        None
    };
    observed(world, engine, start, Source::Opened, Some(index), found);
    Ok(())
}

fn observed(
    world: &World,
    engine: usize,
    start: u64,
    source: Source,
    cookie: Option<usize>,
    found: Option<Snapshot>,
) {
    let mut history = world.history();
    let end = history.tick();
    let observation = Observation { request: 0, engine, start, end, source, cookie, found };
    history.observations.push(observation);
}

/// Records the sessions of the store that have not expired by any clock.
async fn observe_records(world: &World, cookies: &[String]) -> Result<(), Error> {
    let keys =
        cookies.iter().enumerate().filter_map(|(index, cookie)| Some((store_key(cookie)?, index)));
    let cookie_of: HashMap<StoreKey, usize> = keys.collect();
    let start = world.history().tick();
    for (key, record) in records(world).await? {
        let (created_at, expires_at) = (record.created_at(), record.expires_at());
        let is_live = world
            .engines
            .iter()
            .all(|engine| !engine.config.is_expired(created_at, expires_at, engine.config.now()));
        if let Some(found) = crate::snapshot::of_record(&record).filter(|_| is_live) {
            let source = Source::Record { created_at, expires_at };
            observed(world, 0, start, source, cookie_of.get(&key).copied(), Some(found));
        }
    }
    Ok(())
}

async fn observe_list(world: &World, engine: usize, owner: &str) -> Result<(), Error> {
    let start = world.history().tick();
    let handles = handles(&*world.engines[engine].owners, owner).await?;
    let mut history = world.history();
    let end = history.tick();
    history.owner_calls.push(OwnerCall {
        request: 0,
        owner: owner.to_owned(),
        kind: OwnerCallKind::Listed { handles, complete: true },
        start,
        end,
        succeeded: true,
    });
    Ok(())
}

async fn handles(owners: &dyn OwnerSessions, owner: &str) -> Result<Vec<String>, Error> {
    let (mut handles, mut after) = (Vec::new(), None);
    loop {
        let page = owners.page(owner, after.as_deref(), SessionPage::LIMIT).await?;
        handles.extend(page.sessions.iter().map(|session| session.handle().to_owned()));
        after = page.next;
        if after.is_none() {
            return Ok(handles);
        }
    }
}

/// Ends the sessions of every owner and checks that none is left.
pub(crate) async fn end_all(world: &World) -> Result<(), Error> {
    for (number, owner) in world.owners.iter().enumerate() {
        let engine = &world.engines[number % ENGINES];
        engine.owners.end_all(owner).await?;
        let left = handles(&*engine.owners, owner).await?;
        let records = records(world).await?;
        let with_owner = records.values().filter(|record| {
            let is_live = !engine.config.is_expired(
                record.created_at(),
                record.expires_at(),
                engine.config.now(),
            );
            is_live && record.owner() == Some(owner) && crate::snapshot::of_record(record).is_some()
        });
        let with_owner: Vec<_> = with_owner.map(crate::snapshot::of_record).collect();
        if !left.is_empty() || !with_owner.is_empty() {
            let text = format!("{owner}: listed {left:?}, stored {with_owner:?}");
            world.history().violation("`end_all` ends every session", None, text);
        }
    }
    Ok(())
}

/// Removes all records of the round.
pub(crate) async fn clean(world: &World) -> Result<(), Error> {
    let store = &world.engines[0].store;
    for (key, record) in records(world).await? {
        store.remove(&key, record.version()).await?;
    }
    Ok(())
}
