//! The plan of a round: the requests of each task, and their operations.

use std::time::Duration;

use session_core::Refresh;

/// The engines, each with its own connection to the store and its own clock.
pub(crate) const ENGINES: usize = 2;
/// The owners of a round.
pub(crate) const OWNERS: usize = 2;
/// The keys of plain values.
pub(crate) const KEYS: [&str; 3] = ["a", "b", "c"];
/// The largest difference between two clocks.
const MAX_SKEW: Duration = Duration::from_mins(5);

/// The requests of a round, as the seed determines them.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Determines the faults and the order of the store calls.
    pub(crate) schedule: u64,
    pub(crate) settings: Settings,
    /// Each task runs its steps one after another.
    pub(crate) tasks: Vec<Vec<Step>>,
}

/// The conditions of a round.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) browsers: usize,
    pub(crate) permanent_lifetime: Duration,
    pub(crate) browser_lifetime: Duration,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) absolute_timeout: Option<Duration>,
    pub(crate) refresh: Refresh,
    /// The difference between the clocks at the start.
    pub(crate) skew: Duration,
    pub(crate) faults: Faults,
}

/// The numbers of faults in a thousand store calls, by kind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// The call is applied, and the caller gets an error.
    pub(crate) lost: u32,
    /// The caller gets an error, and the call is not applied.
    pub(crate) refused: u32,
    /// The caller gets an error, and the call is applied later.
    pub(crate) late: u32,
    /// The call takes two seconds of the engine's clock.
    pub(crate) slow: u32,
}

impl Faults {
    pub(crate) fn can_fail(self) -> bool {
        self.lost + self.refused + self.late > 0
    }
}

/// A step of a task.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Request(Request),
    /// Time passes for both engines.
    Pass(Duration),
    /// The clock of an engine jumps, to this much after the common time.
    Skew {
        engine: usize,
        to: Duration,
    },
    /// Expired records are removed, by the clock of an engine.
    Sweep {
        engine: usize,
    },
}

/// One request of a browser.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) number: u64,
    pub(crate) engine: usize,
    pub(crate) browser: usize,
    pub(crate) cookie: CookieChoice,
    pub(crate) ops: Vec<Op>,
    /// The client disconnects after so many polls.
    pub(crate) dropped_after: Option<u32>,
    /// The number of steps of other tasks by which the response is delayed.
    pub(crate) delay: u32,
    /// The operations of a socket on the reopened session, after the response.
    pub(crate) reopened: Vec<Op>,
}

/// The cookie that a browser sends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CookieChoice {
    Present,
    /// One that the browser had before.
    Older(usize),
    /// One that no response set.
    Forged,
}

/// One operation of a handler.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Read,
    Insert(usize),
    Remove(usize),
    Discard(usize),
    GetOrInsert(usize),
    /// Increments the counter and appends to the list of marks.
    Update,
    /// Clears the session. If `refill`, a value follows, so that the session does not end.
    Clear {
        refill: bool,
    },
    Flash,
    TakeFlashes,
    SetPermanent(bool),
    SetLabel,
    SetModified(bool),
    Login(usize),
    Rotate,
    Logout,
    Save(SaveMode),
    Owner(OwnerOp),
}

/// The manner in which a handler saves before the response.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SaveMode {
    Awaited,
    /// The future is dropped after so many polls.
    Dropped(u32),
    /// Two saves at once.
    Twice,
}

/// An operation on the sessions of an owner.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OwnerOp {
    List(usize),
    Pages(usize),
    /// Ends one session of the list, by its handle.
    End(usize),
    EndOwn,
    EndOthers,
    EndAll(usize),
}

impl Plan {
    /// Returns the round of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let settings = settings(&mut random);
        let moving = random.u32(..3);
        let dropping = random.u32(..2) * 60;
        let tasks = random.usize(2..=6);
        let requests = random.usize(40..=240);
        let mut number = 0;
        let steps = |random: &mut fastrand::Rng, number: &mut u64| {
            let mut steps = Vec::new();
            for _ in 0..requests / tasks {
                if random.u32(..100) < 6 * moving {
                    steps.push(clock_step(random, &settings, moving));
                }
                *number += 1;
                steps.push(Step::Request(request(random, *number, settings.browsers, dropping)));
            }
            steps
        };
        let tasks = (0..tasks).map(|_| steps(&mut random, &mut number)).collect();
        Self { schedule: seed, settings, tasks }
    }

    /// Returns the number of requests of the round.
    pub(crate) fn requests(&self) -> usize {
        let is_request = |step: &&Step| matches!(step, Step::Request(_));
        self.tasks.iter().flatten().filter(is_request).count()
    }

    /// Returns whether time passes in the round.
    pub(crate) fn moves_clocks(&self) -> bool {
        self.settings.faults.slow > 0
            || self.tasks.iter().flatten().any(|step| matches!(step, Step::Pass(_)))
    }
}

fn settings(random: &mut fastrand::Rng) -> Settings {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let some = |random: &mut fastrand::Rng, limit| (random.u32(..6) == 0).then_some(limit);
    // In one round of four, sessions expire and are renewed.
    let scale = if random.u32(..4) == 0 { 1 } else { 30 };
    let faults = match random.u32(..4) {
        0 => Faults { lost: 30, refused: 20, late: 0, slow: 0 },
        1 => Faults { lost: 15, refused: 10, late: 20, slow: 10 },
        _ => Faults::default(),
    };
    let refresh = [Refresh::WhenAccessed, Refresh::EachRequest, Refresh::WhenModified];
    Settings {
        browsers: random.usize(1..=4),
        permanent_lifetime: minutes(10 * scale),
        browser_lifetime: minutes(4 * scale),
        idle_timeout: some(random, minutes(2 * scale)),
        absolute_timeout: some(random, minutes(12 * scale)),
        refresh: refresh[random.usize(..3)],
        skew: if random.bool() { Duration::ZERO } else { any_skew(random) },
        faults,
    }
}

fn any_skew(random: &mut fastrand::Rng) -> Duration {
    // Tombstones expire after seconds, so small differences also matter.
    let limit = if random.bool() { Duration::from_secs(30) } else { MAX_SKEW };
    Duration::from_millis(random.u64(..=u64::try_from(limit.as_millis()).unwrap_or(0)))
}

fn clock_step(random: &mut fastrand::Rng, settings: &Settings, moving: u32) -> Step {
    let engine = random.usize(..ENGINES);
    match random.u32(..10) {
        0..3 => Step::Skew { engine, to: any_skew(random) },
        3 => Step::Sweep { engine },
        4..8 => Step::Pass(Duration::from_millis(random.u64(..3000))),
        _ if moving == 1 => Step::Pass(Duration::from_millis(random.u64(..15_000))),
        _ => Step::Pass(settings.browser_lifetime / 20 * random.u32(1..8)),
    }
}

fn request(random: &mut fastrand::Rng, number: u64, browsers: usize, dropping: u32) -> Request {
    let cookie = match random.u32(..100) {
        0..10 => CookieChoice::Older(random.usize(..4)),
        10 => CookieChoice::Forged,
        _ => CookieChoice::Present,
    };
    let ops = (0..random.usize(1..=4)).map(|_| op(random)).collect();
    let reopened = match random.u32(..100) {
        0..8 => (0..random.usize(1..=2)).map(|_| op(random)).collect(),
        _ => Vec::new(),
    };
    Request {
        number,
        engine: random.usize(..ENGINES),
        browser: random.usize(..browsers),
        cookie,
        ops,
        dropped_after: (random.u32(..1000) < dropping).then(|| random.u32(1..24)),
        delay: if random.u32(..4) == 0 { random.u32(..12) } else { 0 },
        reopened,
    }
}

fn op(random: &mut fastrand::Rng) -> Op {
    let key = random.usize(..KEYS.len());
    let owner = random.usize(..OWNERS);
    match random.u32(..100) {
        0..10 => Op::Read,
        10..28 => Op::Insert(key),
        28..31 => Op::Remove(key),
        31..34 => Op::Discard(key),
        34..37 => Op::GetOrInsert(key),
        37..55 => Op::Update,
        55..57 => Op::Clear { refill: true },
        57 => Op::Clear { refill: false },
        58..63 => Op::Flash,
        63..66 => Op::TakeFlashes,
        66..69 => Op::SetPermanent(random.bool()),
        69..71 => Op::SetLabel,
        71..73 => Op::SetModified(random.u32(..3) > 0),
        73..80 => Op::Login(owner),
        80..84 => Op::Rotate,
        84..86 => Op::Logout,
        86..95 => Op::Save(save_mode(random)),
        _ => Op::Owner(owner_op(random, owner)),
    }
}

fn save_mode(random: &mut fastrand::Rng) -> SaveMode {
    match random.u32(..10) {
        0..5 => SaveMode::Awaited,
        5..9 => SaveMode::Dropped(random.u32(1..16)),
        _ => SaveMode::Twice,
    }
}

fn owner_op(random: &mut fastrand::Rng, owner: usize) -> OwnerOp {
    match random.u32(..10) {
        0..4 => OwnerOp::List(owner),
        4 => OwnerOp::Pages(owner),
        5 => OwnerOp::End(owner),
        6 => OwnerOp::EndOwn,
        7..9 => OwnerOp::EndOthers,
        _ => OwnerOp::EndAll(owner),
    }
}
