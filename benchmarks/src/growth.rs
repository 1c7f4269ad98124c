//! Slowdown of a store with many records, and of a login of an owner with many sessions.

mod fill;

use std::sync::Arc;
use std::time::{Duration, Instant};

use session_core::store::SessionStore;
use session_core::{ServerSideSessions, SessionInterface};

use crate::rounds::{Figures, Plan, Target, number, print_targets};
use crate::sessions::{create_owned, request};
use crate::stores::{Named, Ours, Work, block_on, settings};

/// The records of a store with few.
const FEW: usize = 20_000;
/// The rate with many records in a database is at least this part of the rate with few.
const AT_LEAST: f64 = 0.75;

pub fn run(plan: &Plan) {
    let many = |millions: usize| millions * plan.footprint;
    println!("\n## The same work with {FEW} records and with more, {} rounds\n", plan.rounds);
    println!("| store | records | work | few, per second | many over few |\n|---|---|---|---|---|");
    block_on(async {
        let mut grown = Grown { plan, targets: Vec::new() };
        let memory = [FEW, many(2)].map(|size| {
            let store = session_memory::MemoryStore::builder().capacity(size as u64 * 2);
            store.max_bytes(u64::MAX).build()
        });
        let [few, more] = memory.clone();
        let records = [fill::created(few, FEW).await, fill::created(more, many(2)).await];
        grown.compare("Memory", many(2), records).await;
        let server = test_servers::redis_with(test_servers::RedisOptions::default()).await;
        let redis = async |prefix: &str| {
            let store = session_redis::RedisStore::builder(server.url()).key_prefix(prefix);
            store.connect().await.expect("Redis answers")
        };
        let (few, more) = (redis("few:").await, redis("many:").await);
        let owners = few.clone();
        let records = [fill::created(few, FEW).await, fill::created(more, many(2)).await];
        grown.compare("Redis", many(2), records).await;
        let folder = tempfile::tempdir_in("/var/tmp").expect("a folder");
        let [few, more] =
            ["few", "many"].map(|name| format!("sqlite:{}", folder.path().join(name).display()));
        let sqlite = fill::sqlite(&few, FEW).await;
        let owners_of_sqlite = sqlite.store().clone();
        grown.compare("SQLite", many(2), [sqlite, fill::sqlite(&more, many(2)).await]).await;
        let server = test_servers::postgres_with(&[]).await;
        let few = fill::postgres(server.url(), "few", FEW).await;
        let more = fill::postgres(server.url(), "many", many(5)).await;
        grown.compare("PostgreSQL", many(5), [few, more]).await;
        print_targets(&grown.targets);

        println!(
            "| store | login and logout, owner with 1, per second | with 1,000 |\n|---|---|---|"
        );
        let [memory, _] = memory;
        owned("Memory", &memory, plan).await;
        owned("Redis", &owners, plan).await;
        owned("SQLite", &owners_of_sqlite, plan).await;
    });
}

struct Grown<'a> {
    plan: &'a Plan,
    targets: Vec<Target>,
}

impl Grown<'_> {
    async fn compare<S: SessionStore + Clone>(
        &mut self,
        name: &str,
        records: usize,
        stores: [Ours<S>; 2],
    ) {
        let [few, many] = stores.map(|ours| Named::boxed("ours", ours));
        for work in [Work::Load, Work::Save] {
            let mut figures = [Figures::default(), Figures::default()];
            // The first round is a warm-up.
            for round in 0..=self.plan.rounds {
                for (store, figures) in [&few, &many].into_iter().zip(&mut figures) {
                    let slice = store.run(work, 64, self.plan.slice).await;
                    assert_eq!(slice.failed, 0, "{name} fails");
                    if round > 0 {
                        figures.0.push(slice.per_second);
                    }
                }
            }
            let ratio = figures[1].over(&figures[0]);
            println!(
                "| {name} | {records} | {work:?}, 64 tasks | {} | {} |",
                number(figures[0].median()),
                ratio.ratio()
            );
            if name != "Memory" {
                let what = format!("{name}: {work:?}, 64 tasks, {records} records over {FEW}");
                self.targets.push(Target { what, ratio, at_least: AT_LEAST });
            }
        }
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
    println!("| {name} | {} | {ratio} |", number(figures[0].median()));
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
