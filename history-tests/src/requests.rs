//! Runs the requests of a round.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use session_core::request::{Committed, RequestSession};
use session_core::{Error, ErrorKind, Outcome, Session};

use crate::history::{Observation, SetCookie, Source, Tick, Token};
use crate::plan::{CookieChoice, Op, Request, SaveMode, Step};
use crate::saving::Client;
use crate::stores::Stores;
use crate::watched::{CURRENT, Current, Watched, pause};
use crate::world::World;

/// The maximum number of records that a sweep removes.
const SWEEP_LIMIT: usize = 1000;

/// A time before which all late calls are applied.
const LONG: Duration = Duration::from_secs(30);

/// Runs the steps of a task.
pub(crate) async fn run_task(world: Arc<World>, stores: Arc<Stores>, steps: Vec<Step>) {
    for step in steps {
        match step {
            Step::Request(request) => run_request(&world, request).await,
            Step::Pass(by) => {
                // The engine expects no call that is applied ten minutes late.
                if by > LONG {
                    world.keys.settle().await;
                }
                world.clocks().pass(by);
            }
            Step::Skew { engine, to } => world.clocks().skew(engine, to),
            Step::Sweep { engine } => {
                if let Some(sweeps) = &stores.sweeps {
                    let now = world.engines[engine].config.now() - stores.grace;
                    world.history().log(0, || format!("engine {engine} sweeps"));
                    drop(sweeps[engine].sweep(now, SWEEP_LIMIT).await);
                }
            }
        }
    }
}

async fn run_request(world: &World, request: Request) {
    let current = Current::new(world.schedule, request.number);
    let respond = give_up(request.dropped_after.unwrap_or(u32::MAX), respond(world, &request));
    if CURRENT.scope(current, respond).await.is_none() {
        world.history().log(request.number, || "client disconnects".to_owned());
    }
}

/// Polls a future several times and drops it if it is not ready then.
pub(crate) async fn give_up<T>(polls: u32, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left <= 1 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

async fn respond(world: &World, request: &Request) {
    let cookie = match request.cookie {
        CookieChoice::Present => world.cookie_of(request.browser, None),
        CookieChoice::Older(back) => world.cookie_of(request.browser, Some(back)),
        CookieChoice::Forged => Some(forged()),
    };
    let opened = world.open(request.engine, cookie.as_deref());
    let Some((mut client, session)) = open(world, request, cookie.as_deref(), &opened).await else {
        return;
    };
    for op in &request.ops {
        run_op(&mut client, *op, &session).await;
    }
    let committed = commit(&mut client, &opened, &session).await;
    let set = set_cookie(&client, &committed, cookie.as_deref());
    pause(request.delay).await;
    deliver(world, request, set.as_ref());
    if committed.error.is_none() {
        world.history().delivered.insert(request.number);
    }
    if !request.reopened.is_empty() {
        let cookie = match &set {
            Some(Set::Cookie(value)) => world.history().cookie(value),
            Some(Set::Removed) => None,
            None => client.cookie,
        };
        reopen(world, request, &session, cookie, client.next_op).await;
    }
}

fn forged() -> String {
    use base64::Engine as _;
    let mut id = [0; 32];
    fastrand::fill(&mut id);
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(id)
}

/// Opens the session of a request, and records its contents.
async fn open<'a>(
    world: &'a World,
    request: &'a Request,
    cookie: Option<&str>,
    opened: &RequestSession,
) -> Option<(Client<'a>, Session)> {
    let (start, known) = {
        let mut history = world.history();
        (history.tick(), cookie.and_then(|cookie| history.cookie(cookie)))
    };
    let session = match opened.session().await {
        Ok(session) => session,
        Err(error) => {
            unexpected(world, request, "open", &error);
            return None;
        }
    };
    let mut client = client(world, request, known, false);
    let sent = cookie.is_some();
    observe_open(&mut client, &session, start, sent).then_some((client, session))
}

fn client<'a>(
    world: &'a World,
    request: &'a Request,
    cookie: Option<usize>,
    reopened: bool,
) -> Client<'a> {
    Client {
        world,
        request,
        reopened,
        cookie,
        opened_path: None,
        opened_at: 0,
        path: Vec::new(),
        stored: 0,
        last_stored: None,
        fresh: Vec::new(),
        attempted: Vec::new(),
        ends_own: false,
        has_ended: false,
        may_have_begun: false,
        took_flashes: false,
        next_op: 0,
    }
}

/// Records the contents of the session when a request opens it. Returns `false` if it cannot be
/// read.
fn observe_open(client: &mut Client<'_>, session: &Session, start: Tick, sent: bool) -> bool {
    let (world, request) = (client.world, client.request);
    client.opened_at = start;
    let found = if session.is_new() {
        None
    } else {
        match client.snapshot(session) {
            Some(snapshot) => Some(snapshot),
            None => return false,
        }
    };
    if let Some(found) = &found {
        client.path.clone_from(&found.path);
        client.stored = client.path.len();
        client.opened_path = Some(found.path.clone());
    }
    let mut history = world.history();
    if let (Some(cookie), Some(found)) = (client.cookie, &found) {
        history.cookies[cookie].path.get_or_insert_with(|| found.path.clone());
    }
    let end = history.tick();
    let (cookie, engine, browser) = (client.cookie, request.engine, request.browser);
    history.log(request.number, || {
        let verb = if client.reopened { "reopens" } else { "opens" };
        let shown = found.as_ref().map(|found| (&found.path, &found.values, &found.marks));
        format!("browser {browser}, engine {engine} {verb} cookie {cookie:?}: {shown:?}")
    });
    if sent {
        history.observations.push(Observation {
            request: request.number,
            engine,
            start,
            end,
            source: Source::Opened,
            cookie,
            found,
        });
    } else if found.is_some() {
        history.violation(
            "a request without a cookie opens no session",
            None,
            format!("request {} found {found:?}", request.number),
        );
    }
    true
}

async fn commit(client: &mut Client<'_>, opened: &RequestSession, session: &Session) -> Committed {
    let (is_modified, has_stored) = (session.is_modified(), client.last_stored.is_some());
    let in_flight = client.begin_save(session, false);
    Watched::begin_save();
    let committed = opened.commit().await;
    Watched::end_save();
    let result = match &committed.error {
        // The outcome may be that of an earlier save.
        None if !is_modified && has_stored => Ok(Outcome::Unchanged),
        None => Ok(session.outcome().unwrap_or(Outcome::Unchanged)),
        Some(error) => Err(Error::new(error.kind(), error.to_string())),
    };
    client.log(|| format!("commit: {result:?}"));
    if let Err(error) = &result {
        unexpected(client.world, client.request, "commit", error);
    }
    client.end_save(in_flight, Some(&result), session);
    committed
}

/// The effect of a response on the cookie of its browser.
enum Set {
    Cookie(String),
    Removed,
}

/// Records the cookie that a response sets.
fn set_cookie(client: &Client<'_>, committed: &Committed, sent: Option<&str>) -> Option<Set> {
    let Some(header) = committed.headers.set_cookie() else {
        client.world.history().without_cookie.insert(client.request.number);
        return None;
    };
    let value = header.split(';').next().and_then(|pair| pair.split_once('='))?.1;
    let mut history = client.world.history();
    let number = client.request.number;
    if value.is_empty() {
        history.log(number, || "the response removes the cookie".to_owned());
        return Some(Set::Removed);
    }
    if sent == Some(value) && client.cookie.is_none() {
        let text = format!("request {number}");
        history.violation("an id that the client made up is never used", None, text);
    }
    if value.ends_with('~') {
        history.unconfirmed.insert(number);
    }
    let end = history.tick();
    let index = history.add_cookie(value);
    history.log(number, || format!("the response sets cookie {index}"));
    let cookie = &mut history.cookies[index];
    if value.ends_with('~') {
        cookie.moved_from.get_or_insert_with(|| client.path.clone());
    }
    // A logout that was dropped leaves the cookie of the session, whose path is not known any more.
    let is_known = !client.path.is_empty();
    if let (Some(start), None, true) = (client.last_stored, &committed.error, is_known) {
        cookie.set.push(SetCookie { start, end });
        cookie.path.get_or_insert_with(|| client.path.clone());
    }
    Some(Set::Cookie(value.to_owned()))
}

fn deliver(world: &World, request: &Request, set: Option<&Set>) {
    match set {
        Some(Set::Cookie(value)) => {
            {
                let mut history = world.history();
                let index = history.add_cookie(value);
                history.cookies[index].delivered = true;
            }
            world.receive(request.browser, Some(value));
        }
        Some(Set::Removed) => world.receive(request.browser, None),
        None => {}
    }
}

/// Opens the session again after the response, changes it and saves it.
async fn reopen(
    world: &World,
    request: &Request,
    session: &Session,
    cookie: Option<usize>,
    next_op: Token,
) {
    let start = world.history().tick();
    let session = match session.reopen().await {
        Ok(session) => session,
        Err(error) => return unexpected(world, request, "reopen", &error),
    };
    let mut client = Client { next_op, ..client(world, request, cookie, true) };
    if !observe_open(&mut client, &session, start, cookie.is_some()) {
        return;
    }
    for op in &request.reopened {
        run_op(&mut client, *op, &session).await;
    }
    save(&mut client, &session).await;
}

/// Saves before the response, or after it.
pub(crate) async fn save(client: &mut Client<'_>, session: &Session) {
    save_by(client, "save", session.save(), false, session).await;
}

/// Saves by this call, which ends the session if `ends`.
pub(crate) async fn save_by(
    client: &mut Client<'_>,
    name: &str,
    call: impl Future<Output = Result<Outcome, Error>>,
    ends: bool,
    session: &Session,
) {
    let in_flight = client.begin_save(session, ends);
    Watched::begin_save();
    let result = call.await;
    Watched::end_save();
    client.log(|| format!("{name}: {result:?}"));
    if let Err(error) = &result {
        unexpected(client.world, client.request, name, error);
    }
    client.end_save(in_flight, Some(&result), session);
}

async fn run_op(client: &mut Client<'_>, op: Op, session: &Session) {
    client.log(|| format!("{op:?}"));
    if let Err(error) = crate::ops::run(client, op, session).await {
        unexpected(client.world, client.request, "an operation", &error);
    }
}

/// Records an error that the conditions of the round do not explain.
pub(crate) fn unexpected(world: &World, request: &Request, what: &str, error: &Error) {
    // After a dropped save, the record may no longer show whether the save was applied.
    let drops = |op: &Op| matches!(op, Op::Save(SaveMode::Dropped(_)));
    let explained = match error.kind() {
        ErrorKind::Unavailable => world.can_fail,
        ErrorKind::Conflict => world.can_fail || request.ops.iter().any(drops),
        ErrorKind::Committed | ErrorKind::Ended => true,
        _ => false,
    };
    let mut history = world.history();
    history.log(request.number, || format!("{what} failed: {error:?}"));
    if !explained {
        let text = format!("request {}: {what} failed: {error:?}", request.number);
        history.violation("calls succeed while the store works", None, text);
    }
}
