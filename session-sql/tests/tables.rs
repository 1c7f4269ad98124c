//! The table: in a schema, and of a user who may not create tables.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::error::Error as _;
use std::time::{Duration, SystemTime};

use session_core::ErrorKind;
use session_core::store::{OwnerIndex as _, Replaced, SessionStore as _, Sweep as _};
use session_sql::SqlStore;
use session_sql::sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use session_sql::sqlx::{self, AssertSqlSafe, Connection as _};
use support::{new_key, record};
use test_servers::{mysql, postgres};

const PASSWORD: &str = "table-test-password";

fn random_name() -> String {
    format!("test_{:016x}", getrandom::u64().unwrap())
}

/// Runs statements as the administrator of a server.
async fn run(url: &str, script: &str) {
    let script = AssertSqlSafe(script.to_owned());
    if url.starts_with("postgres:") {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(script).execute(&mut connection).await.unwrap();
    } else {
        let mut connection = sqlx::MySqlConnection::connect(url).await.unwrap();
        sqlx::raw_sql(script).execute(&mut connection).await.unwrap();
    }
}

/// Returns the address of another user of the same server.
fn as_user(url: &str, user: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (_, server) = rest.split_once('@').unwrap();
    format!("{scheme}://{user}:{PASSWORD}@{server}")
}

/// Runs every call of a store once.
async fn assert_works(store: &SqlStore) {
    let (key, record) = (new_key(), record(b"payload").owned_by(Some("ada")));
    let first = store.create(&key, &record).await.unwrap();
    assert_eq!(store.load(&key).await.unwrap().unwrap().payload(), b"payload");
    assert!(store.load_many(&[key, new_key()]).await.unwrap()[0].is_some());
    assert_eq!(store.keys_of("ada").await.unwrap(), [key]);
    let Replaced::Done(second) = store.replace(&key, first, &record).await.unwrap() else {
        unreachable!("the version is the first one")
    };
    let past = SystemTime::now() - Duration::from_hours(1);
    assert!(store.touch(&key, second.clone(), past).await.unwrap());
    assert_eq!(store.sweep(SystemTime::now(), 10).await.unwrap(), 1);
    assert!(!store.remove(&key, second).await.unwrap());
}

async fn assert_works_in_schema(url: &str) {
    let schema = random_name();
    run(url, &format!("CREATE SCHEMA {schema}")).await;
    let table = format!("{schema}.sessions");
    let store = SqlStore::builder().table(&*table).connect(url).await.unwrap();
    let error = store.load(&new_key()).await.unwrap_err();
    assert!(error.to_string().contains("SqlStore::migrate"), "{error}");
    store.migrate().await.unwrap();
    store.migrate().await.unwrap();
    assert_works(&store).await;
    // A table of the same name in another schema is another table.
    let other = random_name();
    run(url, &format!("CREATE SCHEMA {other}")).await;
    let other_table = format!("{other}.sessions");
    let elsewhere = SqlStore::builder().table(&*other_table).connect(url).await.unwrap();
    elsewhere.migrate().await.unwrap();
    let key = new_key();
    store.create(&key, &record(b"payload")).await.unwrap();
    assert!(elsewhere.load(&key).await.unwrap().is_none());
    let drop = |schema: &str| {
        if url.starts_with("postgres:") {
            format!("DROP SCHEMA {schema} CASCADE")
        } else {
            format!("DROP SCHEMA {schema}")
        }
    };
    run(url, &drop(&schema)).await;
    run(url, &drop(&other)).await;
}

#[tokio::test]
async fn postgres_table_in_schema_works() {
    assert_works_in_schema(postgres().await.url()).await;
}

#[tokio::test]
async fn mysql_table_in_another_database_works() {
    assert_works_in_schema(mysql().await.url()).await;
}

#[tokio::test]
async fn sqlite_table_in_attached_database_works() {
    let pool: SqlitePool = SqlitePoolOptions::new()
        .max_connections(1)
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::raw_sql("ATTACH ':memory:' AS auth").execute(connection).await.map(drop)
            })
        })
        .connect_lazy("sqlite::memory:")
        .unwrap();
    let store = SqlStore::builder().table("auth.sessions").sqlite_pool(pool.clone()).unwrap();
    store.migrate().await.unwrap();
    store.migrate().await.unwrap();
    assert_works(&store).await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM auth.sqlite_schema WHERE sql IS NOT NULL ORDER BY name",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(tables, ["sessions", "sessions_expires_at", "sessions_owner", "sessions_schema"]);
}

/// `grants` are the statements that give the user of the name the permissions on the table.
async fn assert_migrates_without_create(url: &str, user: &str, table: &str, grants: &str) {
    let store = SqlStore::builder().table(table).connect(url).await.unwrap();
    store.migrate().await.unwrap();
    run(url, grants).await;
    let url = as_user(url, user);
    let limited = SqlStore::builder().table(table).connect(&url).await.unwrap();
    limited.migrate().await.unwrap();
    assert_works(&limited).await;

    let missing = format!("{table}_missing");
    let limited = SqlStore::builder().table(&*missing).connect(&url).await.unwrap();
    let error = limited.migrate().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backend);
    assert!(error.to_string().contains("lacks a permission"), "{error}");
    assert!(error.source().is_some());
}

#[tokio::test]
async fn postgres_table_needs_no_permission_to_create() {
    let (url, name) = (postgres().await.url(), random_name());
    run(url, &format!("CREATE SCHEMA {name}; CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'"))
        .await;
    let table = format!("{name}.sessions");
    let grants = format!(
        "GRANT USAGE ON SCHEMA {name} TO {name}; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {name}"
    );
    assert_migrates_without_create(url, &name, &table, &grants).await;
    run(url, &format!("DROP SCHEMA {name} CASCADE; DROP ROLE {name}")).await;
}

#[tokio::test]
async fn mysql_table_needs_no_permission_to_create() {
    let (url, name) = (mysql().await.url(), random_name());
    run(url, &format!("CREATE USER {name} IDENTIFIED BY '{PASSWORD}'")).await;
    let grants = format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {name}");
    assert_migrates_without_create(url, &name, &name, &grants).await;
    run(url, &format!("DROP TABLE {name}; DROP USER {name}")).await;
}

#[test]
fn compile_error_for_pool_names_version_of_sqlx() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let workspace = std::fs::read_to_string(format!("{folder}/../Cargo.toml")).unwrap();
    let version = workspace.split_once("\nsqlx = { version = \"").unwrap().1;
    let (version, _) = version.split_once(".0\"").unwrap();
    let trait_of_pools = std::fs::read_to_string(format!("{folder}/src/pool.rs")).unwrap();
    let error = trait_of_pools.split_once("on_unimplemented(").unwrap().1;
    let named = format!("message = \"`{{Self}}` is not a pool of sqlx {version}\"");
    assert!(error.contains(&named), "{error}");
}
