//! The time in which an administrator ends or lists many sessions, while requests write others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use session_core::admin::Selection;
use session_core::store::{OwnerIndex, Scan};
use session_core::{OwnerSessions as _, ServerSideSessions, SessionInterface};
use tokio::task::JoinSet;

use crate::rounds::{Plan, number};
use crate::sessions::{create_owned, request};
use crate::stores::{block_on, settings};

/// The sessions that end.
const SESSIONS: usize = 10_000;
/// The sessions of one owner that are listed and ended.
const OF_ONE_OWNER: usize = 100_000;
/// The tasks that write other sessions meanwhile.
const WRITERS: usize = 8;
/// The tasks that create sessions.
const CREATORS: usize = 64;

pub fn run(plan: &Plan) {
    println!("\n## Ending {SESSIONS} sessions while {WRITERS} tasks write others\n");
    println!(
        "| store | all of an owner | all of a certain age | writes per second meanwhile, and without \
         | {OF_ONE_OWNER} of one owner: list | end | resident memory meanwhile |"
    );
    println!("|---|---|---|---|---|---|---|");
    block_on(async {
        let capacity = OF_ONE_OWNER as u64 * 2;
        measured("memory", session_memory::MemoryStore::with_capacity(capacity), plan).await;
        let server = test_servers::redis_with(test_servers::RedisOptions::default()).await;
        let redis = session_redis::RedisStore::builder(server.url()).connect().await;
        measured("Redis", redis.expect("Redis answers"), plan).await;
        let folder = tempfile::tempdir_in("/var/tmp").expect("a folder");
        let address = format!("sqlite:{}", folder.path().join("sessions.db").display());
        measured("SQLite", migrated(&address).await, plan).await;
        let server = test_servers::postgres_with(&[]).await;
        measured("PostgreSQL", migrated(server.url()).await, plan).await;
    });
}

async fn migrated(address: &str) -> session_sql::SqlStore {
    let store = session_sql::SqlStore::connect(address).await.expect("the database opens");
    store.migrate().await.expect("a table is made");
    store
}

async fn measured<S: Scan + OwnerIndex>(name: &str, store: S, plan: &Plan) {
    if plan.only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
        return;
    }
    let sessions = Arc::new(ServerSideSessions::new(store, settings()));
    let interface = Arc::clone(&sessions) as Arc<dyn SessionInterface>;
    let before = Writing::start(&interface).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let alone = before.stop().await;

    fill(&interface, |_| "one".to_owned(), SESSIONS).await;
    let writing = Writing::start(&interface).await;
    let start = Instant::now();
    assert_eq!(sessions.end_all("one").await.expect("sessions end"), SESSIONS);
    let of_owner = start.elapsed();
    writing.stop().await;

    sessions.all().end(Selection::All).await.expect("sessions end");
    fill(&interface, |number| format!("user-{number}"), SESSIONS).await;
    // A store rounds the time of a creation up to a millisecond.
    tokio::time::sleep(Duration::from_millis(10)).await;
    let cutoff = SystemTime::now();
    tokio::time::sleep(Duration::from_millis(10)).await;
    let writing = Writing::start(&interface).await;
    let start = Instant::now();
    let ended = sessions.all().end(Selection::CreatedBefore(cutoff)).await.expect("sessions end");
    let of_all = start.elapsed();
    let meanwhile = writing.stop().await;
    assert_eq!(ended, SESSIONS as u64);

    fill(&interface, |_| "many".to_owned(), OF_ONE_OWNER).await;
    let memory = resident();
    let start = Instant::now();
    let (mut pages, mut listed) = (sessions.pages_of("many").await.expect("keys"), 0);
    while let Some(page) = pages.next().await.expect("a page") {
        listed += page.len();
    }
    let listing = start.elapsed();
    assert_eq!(listed, OF_ONE_OWNER);
    drop(pages);
    let start = Instant::now();
    assert_eq!(sessions.end_all("many").await.expect("sessions end"), OF_ONE_OWNER);
    let ending = start.elapsed();
    println!(
        "| {name} | {:.2} s | {:.2} s | {} and {} | {:.1} s | {:.1} s | {memory} to {} MB |",
        of_owner.as_secs_f64(),
        of_all.as_secs_f64(),
        number(meanwhile),
        number(alone),
        listing.as_secs_f64(),
        ending.as_secs_f64(),
        resident(),
    );
}

async fn fill(interface: &Arc<dyn SessionInterface>, owner: fn(usize) -> String, number: usize) {
    let mut creating = JoinSet::new();
    for task in 0..CREATORS {
        let interface = Arc::clone(interface);
        creating.spawn(async move {
            for number in (task..number).step_by(CREATORS) {
                create_owned(&interface, Some(&owner(number))).await;
            }
        });
    }
    creating.join_all().await;
}

/// Tasks that write sessions of visitors.
struct Writing {
    tasks: JoinSet<()>,
    stop: Arc<AtomicBool>,
    writes: Arc<AtomicU64>,
    start: Instant,
}

impl Writing {
    async fn start(interface: &Arc<dyn SessionInterface>) -> Self {
        let (stop, writes) = (Arc::new(AtomicBool::new(false)), Arc::<AtomicU64>::default());
        let mut tasks = JoinSet::new();
        for _ in 0..WRITERS {
            let cookie = create_owned(interface, None).await;
            let (interface, stop, writes) =
                (Arc::clone(interface), Arc::clone(&stop), Arc::clone(&writes));
            tasks.spawn(async move {
                for number in 0_u64.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let request = request(&interface, Some(&cookie));
                    let session = request.session().await.expect("a session opens");
                    session.insert("number", number).expect("a value is set");
                    request.commit().await.into_result().expect("a session is saved");
                    writes.fetch_add(1, Ordering::Relaxed);
                    // A call of the store in memory does not wait.
                    tokio::task::yield_now().await;
                }
            });
        }
        Self { tasks, stop, writes, start: Instant::now() }
    }

    /// Returns the number of writes per second.
    async fn stop(self) -> f64 {
        // `f64` is exact for a count of this size.
        #[expect(clippy::cast_precision_loss)]
        let writes = self.writes.load(Ordering::Relaxed) as f64;
        let elapsed = self.start.elapsed();
        self.stop.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
        writes / elapsed.as_secs_f64()
    }
}

/// Returns the resident memory of this process in megabytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}
