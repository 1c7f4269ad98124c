//! The version of the table, and tables that a newer build has changed during traffic.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use session_core::store::{OwnerIndex as _, Replaced, SessionStore as _, StoreKey};
use session_core::{Error, ErrorKind};
use session_sql::SqlStore;
use session_sql::sqlx::{self, AssertSqlSafe, Connection as _};
use support::{new_key, record};
use test_servers::{TemporaryFolder, mysql, postgres};

const TASKS: usize = 4;

/// A table of a random name, and the SQL that a newer build would run.
struct Table {
    url: String,
    name: String,
    store: SqlStore,
}

impl Table {
    async fn new(url: &str) -> Self {
        let name = format!("test_{:016x}", getrandom::u64().unwrap());
        let store = SqlStore::builder().table(&*name).connect(url).await.unwrap();
        store.migrate().await.unwrap();
        Self { url: url.to_owned(), name, store }
    }

    async fn run(&self, script: &str) {
        let script = AssertSqlSafe(script.replace("{name}", &self.name));
        if self.url.starts_with("postgres:") {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(script).execute(&mut connection).await.unwrap();
        } else if self.url.starts_with("sqlite:") {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(script).execute(&mut connection).await.unwrap();
        } else {
            let mut connection = sqlx::MySqlConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(script).execute(&mut connection).await.unwrap();
        }
    }

    async fn add_version(&self, version: u32, compatible_with: u32) {
        let insert = "INSERT INTO {name}_schema (version, compatible_with) VALUES";
        self.run(&format!("{insert} ({version}, {compatible_with})")).await;
    }

    async fn drop(self) {
        self.run("DROP TABLE {name}; DROP TABLE {name}_schema").await;
    }
}

/// The acknowledged records of a task, and its result.
type Ended = (Vec<StoreKey>, Result<(), Error>);

/// Tasks that use the store until they are stopped or a call fails.
struct Traffic {
    is_stopped: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
    tasks: Vec<tokio::task::JoinHandle<Ended>>,
}

impl Traffic {
    async fn start(store: &SqlStore) -> Self {
        let (is_stopped, calls) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let tasks = (0..TASKS).map(|_| {
            let (store, is_stopped, calls) =
                (store.clone(), Arc::clone(&is_stopped), Arc::clone(&calls));
            tokio::spawn(async move {
                let mut kept = Vec::new();
                while !is_stopped.load(Ordering::Relaxed) {
                    if let Err(error) = use_once(&store, &mut kept).await {
                        return (kept, Err(error));
                    }
                    calls.fetch_add(1, Ordering::Relaxed);
                }
                (kept, Ok(()))
            })
        });
        let traffic = Self { tasks: tasks.collect(), is_stopped, calls };
        traffic.wait().await;
        traffic
    }

    /// Waits for further calls.
    async fn wait(&self) {
        let enough = self.calls.load(Ordering::Relaxed) + 2 * TASKS;
        while self.calls.load(Ordering::Relaxed) < enough
            && !self.tasks.iter().any(tokio::task::JoinHandle::is_finished)
        {
            tokio::task::yield_now().await;
        }
    }

    /// Returns the records that were acknowledged, and the results of the tasks.
    async fn stop(self) -> (Vec<StoreKey>, Vec<Result<(), Error>>) {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.ended().await
    }

    /// Waits until every task has failed.
    async fn ended(self) -> (Vec<StoreKey>, Vec<Result<(), Error>>) {
        let (mut kept, mut results) = (Vec::new(), Vec::new());
        for task in self.tasks {
            let (keys, result) = task.await.unwrap();
            kept.extend(keys);
            results.push(result);
        }
        (kept, results)
    }
}

/// Creates two records and removes one again.
async fn use_once(store: &SqlStore, kept: &mut Vec<StoreKey>) -> Result<(), Error> {
    let (first, second, owned) = (new_key(), new_key(), record(b"payload").owned_by(Some("ada")));
    store.create(&first, &owned).await?;
    kept.push(first);
    let version = store.create(&second, &owned).await?;
    let replaced = store.replace(&second, version, &record(b"two")).await?;
    let Replaced::Done(version) = replaced else { unreachable!("no other task has the key") };
    assert_eq!(store.load(&second).await?.unwrap().payload(), b"two");
    assert!(store.remove(&second, version).await?);
    Ok(())
}

fn assert_newer(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.is_newer_format(), "{error:?}");
}

async fn assert_all_are_stored(store: &SqlStore, keys: &[StoreKey]) {
    let stored = store.load_many(keys).await.unwrap();
    assert!(!stored.is_empty() && stored.iter().all(Option::is_some));
}

/// Adds a column, in a version that is compatible with this build.
async fn assert_reads_newer_compatible_table(url: &str) {
    let table = Table::new(url).await;
    let traffic = Traffic::start(&table.store).await;
    table.run("ALTER TABLE {name} ADD COLUMN added INTEGER").await;
    table.add_version(2, 1).await;
    traffic.wait().await;
    table.store.migrate().await.unwrap();
    let (kept, results) = traffic.stop().await;
    for result in results {
        result.unwrap();
    }
    assert_all_are_stored(&table.store, &kept).await;
    table.drop().await;
}

/// Renames the table, in a version that this build does not know.
async fn assert_changes_no_newer_table(url: &str) {
    let table = Table::new(url).await;
    let traffic = Traffic::start(&table.store).await;
    table.add_version(2, 2).await;
    table.run("ALTER TABLE {name} RENAME TO {name}_v2").await;
    let (kept, results) = traffic.ended().await;
    for result in results {
        assert_newer(&result.unwrap_err());
    }
    let (store, key) = (&table.store, new_key());
    let (one, version) = (record(b"one"), session_core::store::Version::new(1));
    for error in [
        store.migrate().await.unwrap_err(),
        store.load(&key).await.unwrap_err(),
        store.load_many(&[key, new_key()]).await.unwrap_err(),
        store.create(&key, &one).await.unwrap_err(),
        store.replace(&key, version.clone(), &one).await.unwrap_err(),
        store.touch(&key, version.clone(), one.expires_at()).await.unwrap_err(),
        store.remove(&key, version).await.unwrap_err(),
        store.keys_of("ada").await.unwrap_err(),
        session_core::store::Sweep::sweep(store, one.expires_at(), 10).await.unwrap_err(),
    ] {
        assert_newer(&error);
    }
    // After the rollback of the table, the acknowledged records are there.
    table
        .run("ALTER TABLE {name}_v2 RENAME TO {name}; DELETE FROM {name}_schema WHERE version = 2")
        .await;
    store.migrate().await.unwrap();
    assert_all_are_stored(store, &kept).await;
    table.drop().await;
}

async fn assert_missing_column_is_explained(url: &str) {
    let table = Table::new(url).await;
    table.run("ALTER TABLE {name} RENAME COLUMN payload TO contents").await;
    for error in [
        table.store.load(&new_key()).await.unwrap_err(),
        table.store.create(&new_key(), &record(b"one")).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Backend);
        assert!(error.to_string().contains("SqlStore::migrate"), "{error}");
    }
    table.add_version(2, 2).await;
    assert_newer(&table.store.load(&new_key()).await.unwrap_err());
    assert_newer(&table.store.create(&new_key(), &record(b"one")).await.unwrap_err());
    table.drop().await;
}

async fn assert_migrates_from_every_state(url: &str) {
    let table = Table::new(url).await;
    // A table without its version, and a version without its table.
    table.run("DROP TABLE {name}_schema").await;
    table.store.migrate().await.unwrap();
    table.run("DROP TABLE {name}").await;
    table.store.migrate().await.unwrap();
    table.run("DELETE FROM {name}_schema").await;
    table.store.migrate().await.unwrap();
    use_once(&table.store, &mut Vec::new()).await.unwrap();
    table.add_version(2, 2).await;
    assert_newer(&table.store.migrate().await.unwrap_err());
    table.drop().await;
}

async fn assert_versions(url: &str) {
    assert_reads_newer_compatible_table(url).await;
    assert_changes_no_newer_table(url).await;
    assert_missing_column_is_explained(url).await;
    assert_migrates_from_every_state(url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_table_of_newer_build_is_not_changed() {
    let folder = TemporaryFolder::new();
    assert_versions(&support::sqlite(&folder)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_table_of_newer_build_is_not_changed() {
    assert_versions(postgres().await.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mysql_table_of_newer_build_is_not_changed() {
    assert_versions(mysql().await.url()).await;
}
