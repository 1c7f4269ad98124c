//! Slowdown of a store with many sessions, and of a login of an owner with many sessions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use session_core::store::SessionStore;
use session_core::{ServerSideSessions, SessionInterface};

use crate::rounds::{Figures, Plan, number};
use crate::sessions::{create_owned, request};
use crate::stores::{Named, Ours, Work, block_on, settings};

/// A low and a high number of sessions.
const SIZES: [usize; 2] = [1_000, 1_000_000];

pub fn run(plan: &Plan) {
    println!(
        "\n## The same work with {} and {} sessions stored, and for an owner of 1 and 1,000\n",
        SIZES[0], SIZES[1]
    );
    println!("| store | work | few, per second | many over few |\n|---|---|---|---|");
    block_on(async {
        let memory = SIZES.map(|size| session_memory::MemoryStore::with_capacity(size as u64 * 2));
        grown("memory", memory.clone(), plan).await;
        owned("memory", &memory[0], plan).await;
        let server = test_servers::redis_with(test_servers::RedisOptions::default()).await;
        let mut redis = Vec::new();
        for prefix in ["few:", "many:"] {
            let store = session_redis::RedisStore::builder(server.url()).key_prefix(prefix);
            redis.push(store.connect().await.expect("Redis answers"));
        }
        let [few, many] = <[_; 2]>::try_from(redis).expect("two stores");
        grown("Redis", [few.clone(), many], plan).await;
        owned("Redis", &few, plan).await;
        let folder = tempfile::tempdir_in("/var/tmp").expect("a folder");
        let mut sqlite = Vec::new();
        for (name, size) in ["few", "many"].into_iter().zip(SIZES) {
            let address = format!("sqlite:{}", folder.path().join(name).display());
            let store = session_sql::SqlStore::connect(&address).await.expect("SQLite opens");
            store.migrate().await.expect("a table is made");
            fill_sqlite(&address, size).await;
            sqlite.push(store);
        }
        let [few, many] = <[_; 2]>::try_from(sqlite).expect("two stores");
        compare("SQLite", [Ours::fill(few.clone(), 640).await, Ours::fill(many, 640).await], plan)
            .await;
        owned("SQLite", &few, plan).await;
    });
}

async fn grown<S: SessionStore + Clone>(name: &str, stores: [S; 2], plan: &Plan) {
    let [few, many] = stores;
    compare(name, [Ours::fill(few, SIZES[0]).await, Ours::fill(many, SIZES[1]).await], plan).await;
}

async fn compare<S: SessionStore + Clone>(name: &str, stores: [Ours<S>; 2], plan: &Plan) {
    let [few, many] = stores.map(|ours| Named::boxed("ours", ours));
    for work in [Work::Open, Work::Update] {
        let mut figures = [Figures::default(), Figures::default()];
        for _ in 0..plan.rounds {
            figures[0].0.push(few.run(work, 64, plan.slice).await.per_second);
            figures[1].0.push(many.run(work, 64, plan.slice).await.per_second);
        }
        let ratio = figures[1].over(&figures[0]).ratio();
        println!("| {name} | {work:?}, 64 tasks | {} | {ratio} |", number(figures[0].median()));
    }
}

/// Measures login and logout for an owner with one session and for an owner with a thousand.
async fn owned<S: SessionStore + Clone>(name: &str, store: &S, plan: &Plan) {
    let interface: Arc<dyn SessionInterface> =
        Arc::new(ServerSideSessions::new(store.clone(), settings()));
    create_owned(&interface, Some("one")).await;
    for _ in 0..1000 {
        create_owned(&interface, Some("thousand")).await;
    }
    let mut figures = [Figures::default(), Figures::default()];
    for _ in 0..plan.rounds {
        for (owner, figures) in ["one", "thousand"].into_iter().zip(&mut figures) {
            figures.0.push(logins(&interface, owner, plan.slice).await);
        }
    }
    let ratio = figures[1].over(&figures[0]).ratio();
    println!("| {name} | login and logout, 1 task | {} | {ratio} |", number(figures[0].median()));
}

async fn logins(interface: &Arc<dyn SessionInterface>, owner: &str, slice: Duration) -> f64 {
    let (start, mut done) = (Instant::now(), 0.0);
    while start.elapsed() < slice {
        let cookie = create_owned(interface, Some(owner)).await;
        let request = request(interface, Some(&cookie));
        let session = request.session().await.expect("a session opens");
        session.log_out().await.expect("a session ends");
        request.commit().await.into_result().expect("a session is saved");
        done += 1.0;
    }
    done / start.elapsed().as_secs_f64()
}

/// Inserts rows as the store writes them, with one statement. A million single inserts would take a
/// quarter of an hour.
async fn fill_sqlite(address: &str, rows: usize) {
    let pool = sqlx::SqlitePool::connect(address).await.expect("SQLite opens");
    let insert = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO sessions \
                  SELECT randomblob(32), random(), randomblob(87), 1700000000000, 9000000000000, NULL FROM n";
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    sqlx::query(insert).bind(rows).execute(&pool).await.expect("rows are written");
    pool.close().await;
}
