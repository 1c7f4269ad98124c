//! The engines, browsers and clocks of a round, and the history that they write.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use session_core::request::{RequestSession, RequestView};
use session_core::store::StoreKey;
use session_core::{
    ManualClock, OutagePolicy, OwnerSessions, ServerSideSessions, SessionConfig, SessionInterface,
};
use sha2::{Digest as _, Sha256};

use crate::clock::EngineClock;
use crate::history::History;
use crate::plan::{ENGINES, OWNERS, Plan, Settings};
use crate::stores::Stores;
use crate::watched::{Keys, Watched};

/// The data that the requests of a round share.
pub(crate) struct World {
    pub(crate) schedule: u64,
    pub(crate) settings: Settings,
    /// Whether a call can fail although the round has no faults.
    pub(crate) can_fail: bool,
    pub(crate) engines: Vec<Engine>,
    pub(crate) owners: Vec<String>,
    pub(crate) keys: Arc<Keys>,
    browsers: Vec<Mutex<Jar>>,
    history: Arc<Mutex<History>>,
    clocks: Clocks,
}

/// An engine, as one process runs it.
pub(crate) struct Engine {
    pub(crate) sessions: Arc<dyn SessionInterface>,
    pub(crate) owners: Arc<dyn OwnerSessions>,
    pub(crate) config: SessionConfig,
    /// The store without faults.
    pub(crate) store: Arc<dyn session_core::store::OwnerIndex>,
}

/// The cookie of a browser, and those that it had before.
#[derive(Default)]
struct Jar {
    present: Option<String>,
    older: Vec<String>,
}

/// The clocks of the engines, which differ from a common time.
#[derive(Clone)]
pub(crate) struct Clocks {
    history: Arc<Mutex<History>>,
    common: Arc<Mutex<SystemTime>>,
    pub(crate) engines: Vec<ManualClock>,
}

impl World {
    pub(crate) fn new(stores: &Stores, plan: &Plan) -> Self {
        let history = Arc::<Mutex<History>>::default();
        let clocks = Clocks::new(&history, plan.settings.skew);
        let keys = Arc::<Keys>::default();
        let settings = plan.settings.clone();
        let engine = |number: usize| {
            let config = config(&settings, clocks.engines[number].clone());
            let store = Arc::clone(&stores.engines[number]);
            let watched = Watched::new(Arc::clone(&store), &keys, &clocks, number, settings.faults);
            let engine = Arc::new(ServerSideSessions::new(watched, config.clone()));
            Engine { sessions: Arc::clone(&engine) as _, owners: engine, config, store }
        };
        let engines = (0..ENGINES).map(engine).collect();
        let owners = (0..OWNERS).map(|owner| format!("owner-{:x}-{owner}", unique())).collect();
        let browsers = (0..settings.browsers).map(|_| Mutex::default()).collect();
        // Saves that last longer than the deadline fail.
        let can_fail = !stores.reliable || plan.settings.faults.can_fail() || plan.moves_clocks();
        let schedule = plan.schedule;
        Self { schedule, settings, can_fail, engines, owners, keys, browsers, history, clocks }
    }

    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        lock(&self.history)
    }

    pub(crate) fn clocks(&self) -> &Clocks {
        &self.clocks
    }

    /// Returns the request of a client with this cookie.
    pub(crate) fn open(&self, engine: usize, cookie: Option<&str>) -> RequestSession {
        let engine = &self.engines[engine];
        let header = cookie.map(|cookie| format!("{}={cookie}", engine.config.cookie_name()));
        let header = header.unwrap_or_default();
        let view = RequestView::builder().cookie_header(header.as_bytes()).build();
        RequestSession::with_shared(Arc::clone(&engine.sessions), view, OutagePolicy::Refuse)
    }

    /// Returns the cookie of a browser, or an older one.
    pub(crate) fn cookie_of(&self, browser: usize, older: Option<usize>) -> Option<String> {
        let jar = lock(&self.browsers[browser]);
        let older =
            older.and_then(|back| jar.older.iter().rev().nth(back % jar.older.len().max(1)));
        older.or(jar.present.as_ref()).cloned()
    }

    /// Stores the cookie of a response in a browser, or removes it.
    pub(crate) fn receive(&self, browser: usize, cookie: Option<&str>) {
        let mut jar = lock(&self.browsers[browser]);
        let previous = std::mem::replace(&mut jar.present, cookie.map(str::to_owned));
        if let Some(previous) = previous.filter(|previous| Some(&**previous) != cookie) {
            jar.older.push(previous);
        }
    }
}

impl Clocks {
    fn new(history: &Arc<Mutex<History>>, skew: Duration) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = Duration::from_secs(now.as_secs());
        let common = SystemTime::UNIX_EPOCH + now;
        let engines: Vec<_> = (0..ENGINES)
            .map(|engine| ManualClock::at(common + skew * u32::from(engine > 0)))
            .collect();
        let all =
            Self { history: Arc::clone(history), common: Arc::new(Mutex::new(common)), engines };
        let mut history = lock(&all.history);
        all.record(&mut history);
        drop(history);
        all
    }

    /// Lets time pass for all engines.
    pub(crate) fn pass(&self, by: Duration) {
        let mut history = lock(&self.history);
        *lock(&self.common) += by;
        self.engines.iter().for_each(|clock| clock.advance(by));
        self.record(&mut history);
        history.log(0, || format!("{by:?} pass"));
    }

    /// Sets the clock of an engine to this much after the common time.
    pub(crate) fn skew(&self, engine: usize, to: Duration) {
        let mut history = lock(&self.history);
        self.engines[engine].set(*lock(&self.common) + to);
        self.record(&mut history);
        history.log(0, || format!("clock {engine} is {to:?} after the common time"));
    }

    fn record(&self, history: &mut History) {
        let tick = history.tick();
        for (engine, clock) in self.engines.iter().enumerate() {
            history.clocks.push((tick, engine, session_core::Clock::now(clock)));
        }
    }

    pub(crate) fn violation(&self, rule: &'static str, text: String) {
        lock(&self.history).violation(rule, None, text);
    }

    pub(crate) fn disturb(&self, request: u64) {
        lock(&self.history).disturbed.insert(request);
    }

    pub(crate) fn log(&self, request: u64, text: impl FnOnce() -> String) {
        lock(&self.history).log(request, text);
    }
}

fn config(settings: &Settings, clock: ManualClock) -> SessionConfig {
    let config = SessionConfig::builder()
        .clock(EngineClock(clock))
        .permanent_lifetime(settings.permanent_lifetime)
        .browser_lifetime(settings.browser_lifetime)
        .idle_timeout(settings.idle_timeout)
        .absolute_timeout(settings.absolute_timeout)
        .refresh(settings.refresh)
        .build();
    #[expect(clippy::expect_used, reason = "the settings of a round are valid")]
    config.expect("the settings of a round are valid")
}

/// Returns a number for names that no other round uses, on servers that tests share.
fn unique() -> u64 {
    fastrand::u64(..)
}

/// Returns the key under which a store has the session of a cookie. A mark follows an id whose
/// rotation had an unknown outcome.
pub(crate) fn store_key(cookie: &str) -> Option<StoreKey> {
    let id = URL_SAFE_NO_PAD.decode(cookie.trim_end_matches('~')).ok()?;
    let hash = Sha256::new().chain_update(id).chain_update("session");
    Some(StoreKey::from_bytes(hash.finalize().into()))
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
