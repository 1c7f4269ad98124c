//! One session of the old backend, and the processes that serve it.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use session_cookie::{SealedCookieSessions, SecretKey};
use session_core::request::RequestSession;
use session_core::store::StoreKey;
use session_core::{ManualClock, ServerSideSessions, SessionConfig};
use session_migration::{MigratingSessions, OldCookies};

use crate::clocks::{Clocks, Tick};
use crate::databases::Database;
use crate::faults::Fault;
use crate::records::Records;
use crate::requests::{Log, OWNER, Process, Step, run};
use crate::schedule::{Running, Start, alone};
use crate::stage::Stage;

/// The old backend.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Old {
    Store,
    Cookie,
}

/// The requests and conditions that are run in every order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case<'a> {
    pub(crate) requests: &'a [Step],
    pub(crate) old: Old,
    /// Whether the session has an owner at first.
    pub(crate) owner: bool,
    /// Whether the requests have opened the session before the first step.
    pub(crate) opened: bool,
    pub(crate) fault: Option<Fault>,
}

impl<'a> Case<'a> {
    pub(crate) fn new(requests: &'a [Step]) -> Self {
        Self { requests, old: Old::Store, owner: false, opened: false, fault: None }
    }

    pub(crate) fn any(&self, is_wanted: impl Fn(Step) -> bool) -> bool {
        self.requests.iter().any(|step| is_wanted(*step))
    }

    pub(crate) fn scene(&self) -> Scene {
        Scene::new(self)
    }
}

/// The start of all orders of a case.
pub(crate) struct Scene {
    clocks: Clocks,
    key: SecretKey,
    sealed: SealedCookieSessions,
    records: Records,
    old_keys: HashSet<StoreKey>,
    cookie: String,
}

/// The scene in one order.
pub(crate) struct World {
    pub(crate) stage: Stage,
    pub(crate) processes: Vec<Process>,
    pub(crate) logs: Rc<RefCell<Vec<Log>>>,
    /// The cookie of the session before the first step.
    pub(crate) cookie: String,
    /// The keys of the records of the old backend.
    pub(crate) old_keys: HashSet<StoreKey>,
}

impl Scene {
    fn new(case: &Case<'_>) -> Self {
        let mut clocks = Clocks::new(case.requests.len().max(2), [0; 3]);
        let key = SecretKey::generate().unwrap();
        let stage = Stage::new(clocks.all().to_vec(), Records::default());
        let old = Database::old(stage.clone(), HashSet::new());
        let config = config(&clocks.all()[0]);
        let sealed = SealedCookieSessions::new(config.clone(), &key).unwrap();
        let process = match case.old {
            Old::Store => old_process(&old, config),
            Old::Cookie => {
                Process { interface: Arc::new(sealed.clone()), owners: None, backends: None }
            }
        };
        let request = process.open("");
        let cookie = alone(Box::pin(async {
            let session = request.session().await.unwrap();
            session.insert("base", 0).unwrap();
            session.set_permanent(true).unwrap();
            if case.owner {
                session.log_in(OWNER, None).await.unwrap();
            }
            let headers = request.commit().await.into_result().unwrap();
            let header = headers.set_cookie().unwrap().to_owned();
            header.split(';').next().unwrap().split_once('=').unwrap().1.to_owned()
        }));
        if case.any(|step| step == Step::Renew) {
            clocks.start_later(Duration::from_secs(3600));
        }
        let (records, old_keys) = (stage.records(Clone::clone), old.keys());
        Self { clocks, key, sealed, records, old_keys, cookie }
    }

    /// Returns the scene before the first step of an order.
    pub(crate) fn start(&self, case: &Case<'_>) -> Start<World> {
        self.clocks.reset();
        let stage = Stage::new(self.clocks.all().to_vec(), self.records.clone());
        let old = Database::old(stage.clone(), self.old_keys.clone());
        let new = Database::new(stage.clone());
        let processes: Vec<_> =
            (0..case.requests.len()).map(|index| self.process(case, index, &old, &new)).collect();
        let logs = Rc::new(RefCell::new(vec![Log::default(); case.requests.len()]));
        let requests: Vec<_> = processes.iter().map(|process| process.open(&self.cookie)).collect();
        if case.opened {
            for request in &requests {
                alone(Box::pin(async { request.session().await.map(drop).unwrap() }));
            }
        }
        stage.begin(case.fault);
        let running = |(index, request): (usize, RequestSession)| -> Running {
            let (process, logs) = (processes[index].clone(), Rc::clone(&logs));
            let faults = (stage.clone(), case.fault);
            Box::pin(run(process, request, case.requests[index], index, faults, logs))
        };
        let requests = requests.into_iter().enumerate().map(running).collect();
        let world = World {
            stage: stage.clone(),
            processes: (0..case.requests.len())
                .map(|index| self.migrating(case, index, &old, &new))
                .collect(),
            logs,
            cookie: self.cookie.clone(),
            old_keys: self.old_keys.clone(),
        };
        let (clocks, ticks, fault): (_, &[Tick], _) = (self.clocks.clone(), &[], case.fault);
        Start { world, stage, clocks, requests, ticks, fault }
    }

    fn process(&self, case: &Case<'_>, index: usize, old: &Database, new: &Database) -> Process {
        if case.requests[index].is_old() {
            let config = config(&self.clocks.all()[index]);
            return old_process(&old.in_process(index), config);
        }
        self.migrating(case, index, old, new)
    }

    fn migrating(&self, case: &Case<'_>, index: usize, old: &Database, new: &Database) -> Process {
        let clock = &self.clocks.all()[index];
        let engine = |database: &Database| {
            ServerSideSessions::new(database.in_process(index), config(clock))
        };
        let backends = Some(Arc::new((engine(old), engine(new))));
        let new = engine(new);
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(u32::MAX.into());
        match case.old {
            Old::Store => {
                let sessions = Arc::new(MigratingSessions::new(new, engine(old), end).unwrap());
                Process { owners: Some(Arc::clone(&sessions) as _), interface: sessions, backends }
            }
            Old::Cookie => {
                let old = OldCookies::new(self.sealed.clone(), &self.key).unwrap();
                let sessions = Arc::new(MigratingSessions::new(new, old, end).unwrap());
                Process { owners: Some(Arc::clone(&sessions) as _), interface: sessions, backends }
            }
        }
    }
}

fn config(clock: &ManualClock) -> SessionConfig {
    SessionConfig::builder().clock(clock.clone()).build().unwrap()
}

fn old_process(old: &Database, config: SessionConfig) -> Process {
    let engine = Arc::new(ServerSideSessions::new(old.clone(), config));
    Process { owners: Some(Arc::clone(&engine) as _), interface: engine, backends: None }
}
