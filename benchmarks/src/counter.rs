//! 64 tasks that increment a counter in one session, and the increments that each library loses.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use session_core::store::SessionStore;
use session_core::{ServerSideSessions, SessionInterface};
use tower_sessions::session::Id;
use tower_sessions_redis_store::fred::prelude::{Client, ClientLike as _, Config};

use crate::rounds::{Figures, Plan};
use crate::sessions::{create, request};
use crate::stores::{Actix, Contents, block_on, peers_store, settings};

const TASKS: u64 = 64;
/// The increments of each task.
const INCREMENTS: u64 = 20;

/// The counter of one library.
trait Counter: Send + Sync + 'static {
    fn reset(&self) -> impl Future<Output = ()> + Send;
    fn increment(&self) -> impl Future<Output = ()> + Send;
    fn value(&self) -> impl Future<Output = u64> + Send;
}

pub fn run(plan: &Plan) {
    println!(
        "\n## One session's counter: {TASKS} tasks, {INCREMENTS} increments each, {} rounds\n",
        plan.rounds
    );
    println!("| store | increments per second | lost of {} |\n|---|---|---|", TASKS * INCREMENTS);
    block_on(async {
        let redis = test_servers::redis_with(test_servers::RedisOptions::default()).await;
        let folder = tempfile::tempdir_in("/var/tmp").expect("a folder");
        print("ours, memory", Ours::new(session_memory::MemoryStore::new()).await, plan).await;
        print(
            "tower-sessions MemoryStore",
            Tower::new(tower_sessions::MemoryStore::default()).await,
            plan,
        )
        .await;
        let moka = tower_sessions_moka_store::MokaStore::new(Some(1000));
        print("tower-sessions moka", Tower::new(moka).await, plan).await;

        let store =
            session_redis::RedisStore::builder(redis.url()).connect().await.expect("Redis answers");
        print("ours, Redis", Ours::new(store).await, plan).await;
        let client =
            Client::new(Config::from_url(redis.url()).expect("an address"), None, None, None);
        client.init().await.expect("Redis answers");
        let store = tower_sessions_redis_store::RedisStore::new(client);
        print("tower-sessions, Redis", Tower::new(store).await, plan).await;
        let store = actix_session::storage::RedisSessionStore::new(redis.url())
            .await
            .expect("Redis answers");
        print("actix-session, Redis", Actix::fill(store, 1).await, plan).await;

        let address = format!("sqlite:{}", folder.path().join("ours").display());
        let store = session_sql::SqlStore::connect(&address).await.expect("SQLite opens");
        store.migrate().await.expect("a table is made");
        print("ours, SQLite", Ours::new(store).await, plan).await;
        let store = peers_store(&folder.path().join("peer"), true).await;
        print("tower-sessions, SQLite", Tower::new(store).await, plan).await;
    });
}

async fn print<C: Counter>(name: &str, counter: C, plan: &Plan) {
    let counter = Arc::new(counter);
    let (mut speed, mut lost) = (Figures::default(), Vec::new());
    for _ in 0..plan.rounds {
        counter.reset().await;
        let start = Instant::now();
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let counter = Arc::clone(&counter);
                tokio::spawn(async move {
                    for _ in 0..INCREMENTS {
                        counter.increment().await;
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("a task ends");
        }
        #[expect(clippy::cast_precision_loss)]
        let increments = (TASKS * INCREMENTS) as f64;
        speed.0.push(increments / start.elapsed().as_secs_f64());
        lost.push(TASKS * INCREMENTS - counter.value().await);
    }
    lost.sort_unstable();
    let (least, median, most) = (lost[0], lost[lost.len() / 2], lost[lost.len() - 1]);
    println!("| {name} | {} | {median} ({least}–{most}) |", crate::rounds::number(speed.median()));
}

struct Ours {
    interface: Arc<dyn SessionInterface>,
    cookie: String,
}

impl Ours {
    async fn new(store: impl SessionStore) -> Self {
        let interface: Arc<dyn SessionInterface> =
            Arc::new(ServerSideSessions::new(store, settings()));
        Self { cookie: create(&interface).await, interface }
    }
}

impl Counter for Ours {
    async fn reset(&self) {
        let request = request(&self.interface, Some(&self.cookie));
        request
            .session()
            .await
            .expect("a session opens")
            .insert("user_id", 0)
            .expect("a value is taken");
        request.commit().await.into_result().expect("a session is saved");
    }

    async fn increment(&self) {
        let request = request(&self.interface, Some(&self.cookie));
        let session = request.session().await.expect("a session opens");
        session
            .update("user_id", |number: Option<u64>| Some(number.unwrap_or_default() + 1))
            .expect("a number");
        request.commit().await.into_result().expect("a session is saved");
    }

    async fn value(&self) -> u64 {
        let request = request(&self.interface, Some(&self.cookie));
        let session = request.session().await.expect("a session opens");
        session.get("user_id").expect("a number").expect("a number")
    }
}

struct Tower<S> {
    store: Arc<S>,
    id: Id,
}

impl<S: tower_sessions::SessionStore> Tower<S> {
    async fn new(store: S) -> Self {
        let mut record = Contents::record();
        store.create(&mut record).await.expect("a session is made");
        Self { store: Arc::new(store), id: record.id }
    }

    fn session(&self) -> tower_sessions::Session {
        tower_sessions::Session::new(Some(self.id), Arc::clone(&self.store), None)
    }

    async fn set(&self, session: &tower_sessions::Session, number: u64) {
        session.insert("user_id", number).await.expect("a value is taken");
        // SQLite can report that it is busy; the save is repeated until it succeeds.
        while session.save().await.is_err() {}
    }
}

impl<S: tower_sessions::SessionStore> Counter for Tower<S> {
    async fn reset(&self) {
        self.set(&self.session(), 0).await;
    }

    async fn increment(&self) {
        let session = self.session();
        let number: Option<u64> = session.get("user_id").await.expect("a session loads");
        self.set(&session, number.unwrap_or_default() + 1).await;
    }

    async fn value(&self) -> u64 {
        self.session().get("user_id").await.expect("a session loads").expect("a number")
    }
}

impl Counter for Actix {
    async fn reset(&self) {
        self.change(|_| 0).await;
    }

    async fn increment(&self) {
        self.change(|number| number + 1).await;
    }

    async fn value(&self) -> u64 {
        number(&self.read(0).await.expect("a session loads"))
    }
}

impl Actix {
    async fn change(&self, change: impl Fn(u64) -> u64) {
        let mut state = self.read(0).await.expect("a session loads");
        let number = change(number(&state));
        state.insert("user_id".to_owned(), number.to_string());
        assert!(self.write(0, state).await);
    }
}

fn number(state: &HashMap<String, String>) -> u64 {
    serde_json::from_str(&state["user_id"]).expect("a number")
}
