//! The groups of contestants, and their targets.

use test_servers::RedisOptions;
use tower_sessions::MemoryStore as TowerMemory;
use tower_sessions_moka_store::MokaStore;
use tower_sessions_redis_store::RedisStore as TowerRedis;
use tower_sessions_redis_store::fred::prelude::{Client, ClientLike as _, Config, Pool};
use tower_sessions_sqlx_store::sqlx as peers_sqlx;
use tower_sessions_sqlx_store::{MySqlStore, PostgresStore, SqliteStore};

use super::Work::{Load, Open, Save, Update};
use super::actix::Actix;
use super::bare::{BareMariadb, BarePostgres, BareRedis, BareScript, BareSqlite};
use super::{Named, Ours, Run, Tower, Wanted, measure};
use crate::rounds::Plan;

/// The number of sessions in a database that is reached through a connection.
const FEW: usize = 6_400;

pub fn memory(plan: &Plan) {
    let peers = &["tower-sessions MemoryStore", "tower-sessions moka"][..];
    let mut wanted = Vec::new();
    for (tasks, targets) in [(1, [1.5, 1.5, 1.1, 1.0]), (64, [2.0, 2.0, 1.5, 1.5])] {
        for (work, at_least) in [Load, Save, Update, Open].into_iter().zip(targets) {
            wanted.push(Wanted { work, tasks, rivals: &peers[..1], at_least });
        }
    }
    block_on(async {
        let capacity = 2 * plan.sessions as u64;
        let ours = session_memory::MemoryStore::with_capacity(capacity);
        let contestants: Vec<Box<dyn Run>> = vec![
            Named::boxed("ours", Ours::fill(ours, plan.sessions).await),
            Named::boxed(peers[0], Tower::fill(TowerMemory::default(), plan.sessions).await),
            Named::boxed(
                peers[1],
                Tower::fill(MokaStore::new(Some(capacity)), plan.sessions).await,
            ),
        ];
        measure("Memory", plan, &contestants, &wanted).await;
    });
}

pub fn redis(plan: &Plan) {
    let script = Wanted { work: Save, tasks: 64, rivals: &[SCRIPT], at_least: 0.9 };
    redis_server("Redis", RedisOptions::default(), script, plan);
}

/// Redis with `SET … IFEQ`.
pub fn valkey(plan: &Plan) {
    let bare = Wanted { work: Save, tasks: 64, rivals: &[BARE], at_least: 0.75 };
    redis_server("Valkey", RedisOptions::default().valkey(), bare, plan);
}

const BARE: &str = "bare redis-rs";
const SCRIPT: &str = "bare script";

fn redis_server(title: &'static str, options: RedisOptions, save: Wanted, plan: &Plan) {
    let bare = &[BARE][..];
    let peers = &["tower-sessions, one client", "tower-sessions, its pool", "actix-session"][..];
    let mut wanted = vec![save, Wanted { work: Save, tasks: 64, rivals: peers, at_least: 1.0 }];
    for (tasks, at_least) in [(1, 0.9), (64, 1.0)] {
        wanted.push(Wanted { work: Load, tasks, rivals: bare, at_least });
        wanted.push(Wanted { work: Load, tasks, rivals: peers, at_least: 1.0 });
    }
    block_on(async {
        let server = test_servers::redis_with(options).await;
        let url = server.url();
        let ours = session_redis::RedisStore::builder(url).connect().await.expect("Redis answers");
        let client = Client::new(Config::from_url(url).expect("an address"), None, None, None);
        client.init().await.expect("Redis answers");
        let pool = Pool::new(Config::from_url(url).expect("an address"), None, None, None, 6)
            .expect("a pool");
        pool.init().await.expect("Redis answers");
        let actix =
            actix_session::storage::RedisSessionStore::new(url).await.expect("Redis answers");
        let contestants: Vec<Box<dyn Run>> = vec![
            Named::boxed("ours", Ours::fill(ours, FEW).await),
            Named::boxed(BARE, BareRedis::fill(url, FEW).await),
            Named::boxed(SCRIPT, BareScript::fill(url, FEW).await),
            Named::boxed(peers[0], Tower::fill(TowerRedis::new(client), FEW).await),
            Named::boxed(peers[1], Tower::fill(TowerRedis::new(pool), FEW).await),
            Named::boxed(peers[2], Actix::fill(actix, FEW).await),
        ];
        measure(title, plan, &contestants, &wanted).await;
    });
}

pub fn sqlite(plan: &Plan) {
    let bare = &["bare sqlx"][..];
    let peers = &["tower-sessions as it comes", "tower-sessions with WAL"][..];
    let mut wanted = vec![Wanted { work: Save, tasks: 64, rivals: peers, at_least: 5.0 }];
    for tasks in [1, 64] {
        wanted.push(Wanted { work: Load, tasks, rivals: bare, at_least: 0.95 });
        wanted.push(Wanted { work: Load, tasks, rivals: &peers[..1], at_least: 1.2 });
    }
    block_on(async {
        // The folder is not in /tmp, which may be in memory. The disk is part of the measurement.
        let folder = tempfile::tempdir_in("/var/tmp").expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let address = format!("sqlite:{}", path("ours").display());
        let ours = session_sql::SqlStore::connect(&address).await.expect("SQLite opens");
        ours.migrate().await.expect("a table is made");
        let contestants: Vec<Box<dyn Run>> = vec![
            Named::boxed("ours", Ours::fill(ours, FEW / 10).await),
            Named::boxed(bare[0], BareSqlite::fill(&path("bare"), FEW / 10).await),
            Named::boxed(
                peers[0],
                Tower::fill(peers_store(&path("as-it-comes"), false).await, FEW / 10).await,
            ),
            Named::boxed(
                peers[1],
                Tower::fill(peers_store(&path("with-wal"), true).await, FEW / 10).await,
            ),
        ];
        measure("SQLite, synchronous=FULL", plan, &contestants, &wanted).await;
    });
}

pub async fn peers_store(file: &std::path::Path, wal: bool) -> SqliteStore {
    use peers_sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};

    let mut options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    if wal {
        options = options.journal_mode(SqliteJournalMode::Wal);
    }
    let store = SqliteStore::new(
        peers_sqlx::SqlitePool::connect_with(options).await.expect("SQLite opens"),
    );
    store.migrate().await.expect("a table is made");
    store
}

pub fn postgres(plan: &Plan) {
    block_on(async {
        let server = test_servers::postgres_with(&[]).await;
        let url = server.url();
        let pool = peers_sqlx::PgPool::connect(url).await.expect("PostgreSQL answers");
        let theirs = PostgresStore::new(pool);
        theirs.migrate().await.expect("a table is made");
        let bare = Named::boxed(BARE_SQL, BarePostgres::fill(url, FEW / 10).await);
        sql_server("PostgreSQL", url, bare, theirs, plan).await;
    });
}

pub fn mariadb(plan: &Plan) {
    block_on(async {
        let server = test_servers::mysql_with(&[]).await;
        let url = server.url();
        let pool = peers_sqlx::MySqlPool::connect(url).await.expect("MariaDB answers");
        let theirs = MySqlStore::new(pool);
        theirs.migrate().await.expect("a table is made");
        let bare = Named::boxed(BARE_SQL, BareMariadb::fill(url, FEW / 10).await);
        sql_server("MariaDB", url, bare, theirs, plan).await;
    });
}

const BARE_SQL: &str = "bare sqlx, without pings";

async fn sql_server(
    title: &'static str,
    url: &str,
    bare: Box<dyn Run>,
    theirs: impl tower_sessions::SessionStore,
    plan: &Plan,
) {
    let peers = &["tower-sessions as it comes"][..];
    let mut wanted = Vec::new();
    for (tasks, at_least) in [(1, 1.0), (64, 1.7)] {
        for work in [Load, Save] {
            wanted.push(Wanted { work, tasks, rivals: &[BARE_SQL], at_least: 0.95 });
            wanted.push(Wanted { work, tasks, rivals: peers, at_least });
        }
    }
    let ours = session_sql::SqlStore::connect(url).await.expect("the server answers");
    ours.migrate().await.expect("a table is made");
    let contestants: Vec<Box<dyn Run>> = vec![
        Named::boxed("ours", Ours::fill(ours, FEW / 10).await),
        bare,
        Named::boxed(peers[0], Tower::fill(theirs, FEW / 10).await),
    ];
    measure(title, plan, &contestants, &wanted).await;
}

/// Runs a future with as many workers as an application has on this machine.
pub fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}
