//! Random requests from eight tasks against a model: every change that was reported as stored is there in the end.
//!
//! `MODEL_SEED` replays a run, `MODEL_OPERATIONS` sets its length.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use session_core::{OnOutage, Outcome, RequestSession, RequestView, SessionConfig, SessionInterface};
use session_memory::MemorySessions;

const TASKS: usize = 8;
const SLOTS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_operations_agree_with_the_model() {
    run(20_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "slow: cargo test -p session-memory --test model -- --ignored"]
async fn a_million_operations_agree_with_the_model() {
    run(1_000_000).await;
}

async fn run(operations: u64) {
    let operations = std::env::var("MODEL_OPERATIONS").map_or(operations, |text| text.parse().unwrap());
    let seed = std::env::var("MODEL_SEED").map_or_else(|_| fastrand::u64(..), |text| text.parse().unwrap());
    println!("MODEL_SEED={seed} MODEL_OPERATIONS={operations}");
    let model = Arc::new(Model::new());
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let model = Arc::clone(&model);
            let random = fastrand::Rng::with_seed(seed.wrapping_add(task as u64));
            tokio::spawn(async move { model.work(task, random, operations / TASKS as u64).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    model.check().await;
}

/// Some sessions that all tasks share, and what must be in each.
struct Model {
    sessions: Arc<dyn SessionInterface>,
    slots: Vec<Slot>,
}

struct Slot {
    /// The cookie that a browser would hold.
    cookie: Mutex<String>,
    /// Counts how often the session was ended; what was stored before an end counts no more.
    stored: Mutex<Stored>,
    updates: AtomicU64,
}

#[derive(Default)]
struct Stored {
    life: u64,
    counts: u64,
    keys: [Option<u64>; TASKS],
}

impl Model {
    fn new() -> Self {
        let sessions: Arc<dyn SessionInterface> = Arc::new(MemorySessions::new(SessionConfig::default()));
        let slot = |_| Slot { cookie: Mutex::default(), stored: Mutex::default(), updates: AtomicU64::new(0) };
        Self { sessions, slots: (0..SLOTS).map(slot).collect() }
    }

    fn open(&self, cookie: &str) -> RequestSession {
        let view = RequestView::builder().cookie_header(cookie.as_bytes()).build();
        RequestSession::with_shared(Arc::clone(&self.sessions), view, OnOutage::Refuse)
    }

    async fn work(&self, task: usize, mut random: fastrand::Rng, operations: u64) {
        for number in 0..operations {
            let slot = &self.slots[random.usize(..SLOTS)];
            let cookie = slot.cookie.lock().unwrap().clone();
            let request = self.open(&cookie);
            let session = request.session().await.unwrap();
            if session.is_new() {
                // A browser without a session begins one; here, whoever is first. The others' are orphans.
                self.begin(slot, &cookie).await;
                continue;
            }
            let life = session.get::<u64>("life").unwrap().unwrap();
            let action = random.u8(..100);
            match action {
                0..40 => session.update("count", |count: Option<u64>| Some(count.unwrap_or(0) + 1)).unwrap(),
                40..80 => session.insert(&format!("key{task}"), number).unwrap(),
                80..95 => drop(session.keys()),
                95..98 => session.rotate_id().unwrap(),
                _ => session.destroy().unwrap(),
            }
            if random.bool() {
                tokio::task::yield_now().await;
            }
            let headers = request.commit().await.unwrap();
            let outcome = session.outcome().unwrap();
            let set = headers.set_cookie().map(|header| header.split(';').next().unwrap().to_owned());
            assert!(outcome != Outcome::Dropped || set.is_none(), "a response that lost set a cookie");
            if (95..98).contains(&action)
                && outcome == Outcome::Stored
                && let Some(set) = set
            {
                let mut held = slot.cookie.lock().unwrap();
                if *held == cookie {
                    *held = set;
                }
            }
            if outcome == Outcome::Stored {
                slot.updates.fetch_add(1, Ordering::Relaxed);
                slot.stored.lock().unwrap().note(task, life, action, number);
            }
        }
    }

    async fn begin(&self, slot: &Slot, cookie: &str) {
        let request = self.open("");
        let session = request.session().await.unwrap();
        let life = fastrand::u64(..);
        session.insert("life", life).unwrap();
        let headers = request.commit().await.unwrap();
        let mut held = slot.cookie.lock().unwrap();
        if *held == cookie {
            headers.set_cookie().unwrap().split(';').next().unwrap().clone_into(&mut held);
            *slot.stored.lock().unwrap() = Stored { life, ..Stored::default() };
        }
    }

    async fn check(&self) {
        let mut updates = 0;
        for slot in &self.slots {
            updates += slot.updates.load(Ordering::Relaxed);
            let cookie = slot.cookie.lock().unwrap().clone();
            let session = self.open(&cookie).session().await.unwrap();
            let stored = slot.stored.lock().unwrap();
            if session.is_new() || session.get::<u64>("life").unwrap() != Some(stored.life) {
                continue;
            }
            assert_eq!(session.get::<u64>("count").unwrap().unwrap_or(0), stored.counts);
            for (task, number) in stored.keys.iter().enumerate() {
                assert_eq!(session.get::<u64>(&format!("key{task}")).unwrap(), *number, "key{task}");
            }
        }
        assert!(updates > 0);
    }
}

impl Stored {
    fn note(&mut self, task: usize, life: u64, action: u8, number: u64) {
        if life != self.life {
            return;
        }
        match action {
            0..40 => self.counts += 1,
            40..80 => self.keys[task] = Some(number),
            _ => {}
        }
    }
}
