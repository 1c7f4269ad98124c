//! One session, the processes that serve it, and the live sessions after an order.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use session_core::request::{RequestSession, RequestView};
use session_core::store::{MAX_CLOCK_SKEW, Record, StoreKey};
use session_core::{
    Error, Flash, ManualClock, OutagePolicy, OwnerSessions as _, ServerSideSessions, Session,
    SessionConfig, SessionConfigBuilder, SessionInterface as _,
};
use sha2::{Digest as _, Sha256};

use crate::clocks::{Clocks, Skew, Tick};
use crate::faults::Fault;
use crate::log::{Cookie, Log};
use crate::records::Records;
use crate::requests::Runner;
use crate::schedule::{Running, Start, alone};
use crate::stage::Stage;
use crate::steps::{OWNER, Request, Step};

/// The header that has the token in some cases.
pub(crate) const TOKEN_HEADER: &str = "X-Session-Token";

pub(crate) type Engine = Arc<ServerSideSessions<Stage>>;

/// The requests and conditions that are run in every order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case<'a> {
    pub(crate) processes: usize,
    pub(crate) requests: &'a [Request],
    /// Whether the session has no owner at first.
    pub(crate) anonymous: bool,
    /// Whether the session is permanent at first.
    pub(crate) permanent: bool,
    /// Whether the token is in a header instead of the cookie.
    pub(crate) in_header: bool,
    /// The shorter lifetime of sessions without owner.
    pub(crate) visitor_lifetime: Option<Duration>,
    pub(crate) skew: Skew,
    pub(crate) ticks: &'static [Tick],
    pub(crate) fault: Option<Fault>,
}

impl<'a> Case<'a> {
    pub(crate) fn new(processes: usize, requests: &'a [Request]) -> Self {
        Self {
            processes,
            requests,
            anonymous: false,
            permanent: true,
            in_header: false,
            visitor_lifetime: None,
            skew: [0; 3],
            ticks: &[],
            fault: None,
        }
    }

    /// Returns the same with a session that has no owner and is not permanent.
    pub(crate) fn of_visitor(self) -> Self {
        Self { anonymous: true, permanent: false, ..self }
    }

    /// Returns the same with the token in a header.
    pub(crate) fn in_header(self) -> Self {
        Self { in_header: true, ..self }
    }

    /// Returns the same with a shorter lifetime of sessions without owner.
    pub(crate) fn shortened(self) -> Self {
        Self { visitor_lifetime: Some(Duration::from_secs(2 * 3600)), ..self }
    }

    pub(crate) fn config(&self) -> SessionConfigBuilder {
        let config = SessionConfig::builder();
        let config = if self.in_header { config.token_header(TOKEN_HEADER) } else { config };
        config.visitor_lifetime(self.visitor_lifetime)
    }

    pub(crate) fn any(&self, is_wanted: impl Fn(Step) -> bool) -> bool {
        self.requests.iter().any(|steps| steps.iter().any(|step| is_wanted(*step)))
    }

    /// Returns whether the step ends the first session: a logout, or a login of a user who is not
    /// its owner.
    pub(crate) fn ends_first(&self, step: Step) -> bool {
        let is_others = !self.anonymous && matches!(step, Step::LogIn(user) if user != OWNER);
        step == Step::End || is_others
    }

    /// Returns whether the clocks differ or move.
    pub(crate) fn is_timed(&self) -> bool {
        self.skew != [0; 3] || !self.ticks.is_empty()
    }

    /// Returns whether the deadline of an operation may pass.
    pub(crate) fn passes_deadlines(&self) -> bool {
        self.ticks.iter().any(|tick| matches!(tick, Tick::Pass(_)))
    }

    /// Returns whether a tombstone may expire before all requests end.
    pub(crate) fn tombstones_may_expire(&self) -> bool {
        self.longest_time() > 2 * MAX_CLOCK_SKEW.as_secs() + 10
    }

    /// Returns whether a process may count a tombstone as old.
    pub(crate) fn tombstones_may_look_old(&self) -> bool {
        self.longest_time() > 10
    }

    /// Returns the longest time in seconds between two readings of the clocks.
    fn longest_time(&self) -> u64 {
        let seconds = |tick: &Tick| match tick {
            Tick::Pass(seconds) => *seconds,
            Tick::Jump(_, seconds) => seconds.unsigned_abs(),
        };
        let skew = self.skew.iter().map(|skew| skew.unsigned_abs()).max().unwrap_or(0);
        skew + self.ticks.iter().map(seconds).sum::<u64>()
    }

    /// Returns the session of this case, before the first step.
    pub(crate) fn scene(&self) -> Scene {
        Scene::new(self)
    }
}

/// The start of all orders of a case: one session, and the processes that serve it.
pub(crate) struct Scene {
    clocks: Clocks,
    configs: Vec<SessionConfig>,
    records: Records,
    cookie: String,
    other: Option<String>,
    handle: String,
}

/// The scene in one order.
pub(crate) struct World {
    pub(crate) stage: Stage,
    pub(crate) clocks: Clocks,
    engines: Vec<Engine>,
    pub(crate) logs: Rc<RefCell<Vec<Log>>>,
    /// The first cookie.
    pub(crate) cookie: String,
    /// Another session of the same owner, if a step needs one.
    pub(crate) other: Option<String>,
    /// The first session's handle.
    handle: String,
}

impl Scene {
    fn new(case: &Case<'_>) -> Self {
        let mut clocks = Clocks::new(case.processes, case.skew);
        let config = |clock: &ManualClock| case.config().clock(clock.clone()).build();
        let configs: Vec<_> = clocks.all().iter().map(|clock| config(clock).unwrap()).collect();
        let stage = Stage::new(clocks.all().to_vec(), Records::default());
        let engine = Arc::new(ServerSideSessions::new(stage.clone(), configs[0].clone()));
        let owner = (!case.anonymous).then_some(OWNER);
        let cookie = begin(&engine, owner, |session| {
            session.insert("base", 0)?;
            session.insert("last", 0)?;
            session.set_permanent(case.permanent)?;
            session.flash(0)?;
            Ok(())
        });
        let needs_other = case.any(|step| matches!(step, Step::OtherEndsOthers | Step::EndOthers));
        let other = needs_other.then(|| begin(&engine, Some(OWNER), |_| Ok(())));
        let request = open(&engine, &cookie);
        let session = alone(Box::pin(async { request.session().await.unwrap() }));
        let handle = engine.handle_of(&session).unwrap_or_default();
        if case.any(|step| step == Step::Renew) {
            clocks.start_later(Duration::from_secs(3600));
        }
        let records = stage.records(Clone::clone);
        Self { clocks, configs, records, cookie, other, handle }
    }

    /// Returns the scene before the first step of an order.
    pub(crate) fn start(&self, case: &Case<'_>) -> Start<World> {
        self.clocks.reset();
        let stage = Stage::new(self.clocks.all().to_vec(), self.records.clone());
        let engine = |(process, config): (usize, &SessionConfig)| {
            Arc::new(ServerSideSessions::new(stage.in_process(process), config.clone()))
        };
        let engines = self.configs.iter().enumerate().map(engine).collect();
        let world = World {
            stage: stage.clone(),
            clocks: self.clocks.clone(),
            engines,
            logs: Rc::new(RefCell::new(vec![Log::default(); case.requests.len()])),
            cookie: self.cookie.clone(),
            other: self.other.clone(),
            handle: self.handle.clone(),
        };
        stage.begin(case.fault);
        let requests = (0..case.requests.len()).map(|index| world.request(case, index)).collect();
        let (clocks, ticks, fault) = (self.clocks.clone(), case.ticks, case.fault);
        Start { world, stage, clocks, requests, ticks, fault }
    }
}

/// A session that is alive after an order.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) cookie: String,
    pub(crate) owner: Option<String>,
    pub(crate) permanent: bool,
    pub(crate) expires_at: SystemTime,
    /// The tags of the values under these keys.
    pub(crate) values: Vec<(String, u64)>,
    /// The tags of the updates that were applied.
    pub(crate) updates: Vec<u64>,
    pub(crate) flashes: Vec<u64>,
}

impl Live {
    /// Returns whether it is the session that was there at first.
    pub(crate) fn is_first(&self) -> bool {
        self.value("base").is_some()
    }

    /// Returns whether a cookie opens it.
    pub(crate) fn has_id(&self, cookie: &str) -> bool {
        id_of(&self.cookie) == id_of(cookie)
    }

    pub(crate) fn value(&self, key: &str) -> Option<u64> {
        self.values.iter().find(|(known, _)| known == key).map(|(_, tag)| *tag)
    }
}

impl World {
    fn request(&self, case: &Case<'_>, index: usize) -> Running {
        let process = index % self.engines.len();
        let runner = Runner {
            index,
            engine: Arc::clone(&self.engines[process]),
            stage: self.stage.in_process(process),
            logs: Rc::clone(&self.logs),
            cookie: Some(self.cookie.clone()),
            other: self.other.clone(),
            handle: self.handle.clone(),
            fault: case.fault,
        };
        Box::pin(runner.run(case.requests[index]))
    }

    /// Returns the sessions that the first id, or an id from some response, opens. A client with
    /// the id of a rotation whose outcome is unknown opens it first, which completes the rotation.
    pub(crate) fn live(&self, logs: &[Log]) -> Vec<Live> {
        self.cookies(logs).into_iter().filter_map(|cookie| self.look(cookie)).collect()
    }

    /// Returns the same, if no client opens another cookie before.
    pub(crate) fn live_alone(&self, logs: &[Log]) -> Vec<Live> {
        let records = self.stage.records(Clone::clone);
        let look = |cookie| {
            let live = self.look(cookie);
            self.stage.restore(records.clone());
            live
        };
        self.cookies(logs).into_iter().filter_map(look).collect()
    }

    /// Returns the cookies that the client may have, those of error responses first.
    fn cookies<'a>(&'a self, logs: &'a [Log]) -> Vec<&'a str> {
        let failed = logs.iter().filter(|log| log.has_failed());
        let all = failed.chain(logs).filter_map(Log::cookie).chain([&*self.cookie]);
        let mut cookies: Vec<&str> = Vec::new();
        for cookie in all {
            if !cookies.iter().any(|known| id_of(known) == id_of(cookie)) {
                cookies.push(cookie);
            }
        }
        cookies
    }

    /// Whether the owner's other session is alive, if there is one.
    pub(crate) fn other(&self) -> Option<bool> {
        self.other.as_ref().map(|cookie| self.look(cookie).is_some())
    }

    /// Returns the handles on an owner's list.
    pub(crate) fn handles_of(&self, owner: &str) -> Vec<String> {
        let page = async { self.engines[0].page(owner, None, 100).await.unwrap() };
        alone(Box::pin(page)).sessions.iter().map(|session| session.handle().to_owned()).collect()
    }

    pub(crate) fn end(&self, owner: &str, handle: &str) {
        alone(Box::pin(async { self.engines[0].end(owner, handle).await.unwrap() }));
    }

    pub(crate) fn end_all(&self, owner: &str) {
        alone(Box::pin(async { self.engines[0].end_all(owner).await.unwrap() }));
    }

    fn look(&self, cookie: &str) -> Option<Live> {
        let request = open(&self.engines[0], cookie);
        let session = alone(Box::pin(async { request.session().await.unwrap() }));
        if session.is_new() {
            return None;
        }
        let key = store_key(cookie);
        let expires_at =
            self.stage.records(|records| records.session(&key).map(Record::expires_at));
        let tag = |key: &String| Some((key.clone(), session.get(key).ok().flatten()?));
        let mut values: Vec<_> = session.keys().iter().filter_map(tag).collect();
        let label: Option<String> = session.get("_label").unwrap();
        values.extend(label.map(|label| ("_label".to_owned(), label.parse().unwrap())));
        Some(Live {
            cookie: cookie.to_owned(),
            owner: session.owner(),
            permanent: session.is_permanent(),
            expires_at: expires_at.expect("the record of an opened session"),
            values,
            updates: session.get("updates").unwrap().unwrap_or_default(),
            flashes: tags(&session.take_flashes().unwrap()),
        })
    }
}

/// Returns the tags of flash messages.
pub(crate) fn tags(flashes: &[Flash]) -> Vec<u64> {
    flashes.iter().map(|flash| flash.text().parse().unwrap()).collect()
}

/// Returns the request with a cookie.
pub(crate) fn open(engine: &Engine, cookie: &str) -> RequestSession {
    let config = engine.config();
    let header = format!("{}={cookie}", config.cookie_name());
    let view = match config.token_header() {
        Some(_) => RequestView::builder().token_header(cookie.as_bytes()),
        None => RequestView::builder().cookie_header(header.as_bytes()),
    };
    let view = view.build();
    RequestSession::with_shared(Arc::clone(engine) as _, view, OutagePolicy::Refuse)
}

/// Returns the id in a cookie, without the mark of a rotation whose outcome is unknown.
pub(crate) fn id_of(cookie: &str) -> &str {
    &cookie[..43.min(cookie.len())]
}

/// Returns the key under which the engine stores the session of a cookie.
pub(crate) fn store_key(cookie: &str) -> StoreKey {
    let id = URL_SAFE_NO_PAD.decode(id_of(cookie)).unwrap();
    StoreKey::from_bytes(Sha256::new().chain_update(id).chain_update("session").finalize().into())
}

/// Begins a session, and returns its cookie.
fn begin(
    engine: &Engine,
    owner: Option<&str>,
    act: impl Fn(&Session) -> Result<(), Error>,
) -> String {
    let view = RequestView::default();
    let first = RequestSession::with_shared(Arc::clone(engine) as _, view, OutagePolicy::Refuse);
    alone(Box::pin(async {
        let session = first.session().await.unwrap();
        act(&session).unwrap();
        if let Some(owner) = owner {
            session.log_in(owner, None).await.unwrap();
        }
        let headers = first.commit().await.into_result().unwrap();
        let Cookie::Set(cookie) = Cookie::of(&headers) else { panic!("no session was created") };
        cookie
    }))
}
