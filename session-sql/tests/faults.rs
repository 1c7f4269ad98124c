//! What goes wrong, on each database: the kind of the error, what it says, and that it gives nothing away.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::error::Error as StdError;
use std::time::{Duration, Instant};

use session_core::{Error, ErrorKind, SessionStore as _};
use session_sql::{SqlStore, SqlStoreBuilder};
use support::{migrated, new_key, record, sqlite, through_pooler};
use test_servers::{TemporaryFolder, mysql_with, pgbouncer, postgres_with};

const DEADLINE: Duration = Duration::from_secs(1);

fn builder() -> SqlStoreBuilder {
    SqlStore::builder().deadline(DEADLINE)
}

async fn create(store: &SqlStore) -> Result<(), Error> {
    store.create(&new_key(), &record(b"payload")).await.map(drop)
}

/// What every row of the table has in common.
async fn check(
    fault: &str,
    database: &str,
    kind: ErrorKind,
    call: impl Future<Output = Result<impl Sized, Error>>,
) -> String {
    let start = Instant::now();
    let Err(error) = call.await else { panic!("{fault}: no error") };
    let taken = start.elapsed();
    let mut chain = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        assert!(!cause.to_string().is_empty(), "{fault}: an empty source");
        chain = format!("{chain}: {cause}");
        source = cause.source();
    }
    assert!(error.source().is_some(), "{fault}: no source");
    assert_eq!(error.kind(), kind, "{fault}: {chain}");
    assert!(error.to_string().contains(database), "{fault}: {error} does not name {database}");
    let shown = format!("{chain} {error:?}");
    for secret in ["-test-password", "wrong-word", "payload-in-row"] {
        assert!(!shown.contains(secret), "{fault} shows {secret:?}: {shown}");
    }
    assert!(taken <= DEADLINE * 11 / 10, "{fault}: {taken:?}");
    chain
}

/// The faults that look the same everywhere.
async fn common_faults(url: &str, database: &str) {
    let store = builder().table("absent").connect(url).await.unwrap();
    let said = check("no table", database, ErrorKind::Backend, create(&store)).await;
    assert!(said.contains("migrate"), "{said}");
    check("no table", database, ErrorKind::Backend, store.load(&new_key())).await;

    migrated(url).await;
    let store = builder().max_payload(100).connect(url).await.unwrap();
    let key = new_key();
    check("payload", database, ErrorKind::TooLarge, store.create(&key, &record(&[0; 101]))).await;
    assert_eq!(store.load(&key).await.unwrap(), None);
    let version = store.create(&key, &record(&[0; 100])).await.unwrap();
    check("payload", database, ErrorKind::TooLarge, store.replace(&key, version, &record(&[0; 101]))).await;
    let said = check("key in use", database, ErrorKind::Backend, store.create(&key, &record(b"payload-in-row"))).await;
    let digits = format!("{:02x}{:02x}{:02x}", key.as_bytes()[0], key.as_bytes()[1], key.as_bytes()[2]);
    assert!(!said.to_lowercase().replace("\\x", "").contains(&digits), "the error shows the key: {said}");
}

/// A row of something else: absent to `load`, in the way of `create`, and untouched afterwards.
async fn a_foreign_row_is_absent(store: &SqlStore, key: session_core::StoreKey, database: &str) {
    assert_eq!(store.load(&key).await.unwrap(), None);
    check("foreign row", database, ErrorKind::Backend, store.create(&key, &record(b"new"))).await;
    let replaced = store.replace(&key, session_core::Version::new(1), &record(b"new")).await.unwrap();
    assert_eq!(replaced, session_core::Replaced::Stale);
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused() {
    let refused = [
        SqlStore::connect("oracle://host").await,
        SqlStore::connect("shop.db").await,
        builder().table("a b").connect("sqlite::memory:").await,
        SqlStore::connect("postgres://shop:wrong-word@host:port/shop").await,
    ];
    for result in refused {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
        assert!(!format!("{error:?}").contains("wrong-word"), "{error:?}");
    }
}

mod on_sqlite {
    use super::*;
    use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

    #[tokio::test]
    async fn the_faults_of_sqlite() {
        let folder = TemporaryFolder::new();
        let url = sqlite(&folder);
        common_faults(&url, "sqlite").await;
        let nowhere = format!("sqlite:{}", folder.path().join("no/such/folder/sessions.db").display());
        check("no folder", "sqlite", ErrorKind::Unavailable, builder().connect(&nowhere)).await;
        let read_only = builder().connect(&format!("{url}?mode=ro")).await.unwrap();
        check("read-only", "sqlite", ErrorKind::Backend, create(&read_only)).await;
        std::fs::write(folder.path().join("text.db"), "this is no database, however long it may go on".repeat(100))
            .unwrap();
        let text = format!("sqlite:{}", folder.path().join("text.db").display());
        check("no database", "sqlite", ErrorKind::Backend, builder().connect(&text)).await;
    }

    #[tokio::test]
    async fn a_full_disk_and_a_lock_that_is_never_released_are_outages() {
        let folder = TemporaryFolder::new();
        let store = SqlStore::builder().deadline(DEADLINE).connect(&sqlite(&folder)).await.unwrap();
        store.migrate().await.unwrap();
        let options = sqlite(&folder).parse::<SqliteConnectOptions>().unwrap();
        let locking = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await.unwrap();
        let mut transaction = locking.begin().await.unwrap();
        sqlx::query("DELETE FROM sessions").execute(&mut *transaction).await.unwrap();
        check("locked", "sqlite", ErrorKind::Unavailable, create(&store)).await;
        transaction.rollback().await.unwrap();
        create(&store).await.unwrap();

        let full =
            SqlitePoolOptions::new().max_connections(1).connect_with(options.pragma("max_page_count", "8")).await;
        let full = builder().sqlite_pool(full.unwrap()).unwrap();
        let large = vec![0; 100_000];
        check("disk full", "sqlite", ErrorKind::Unavailable, full.create(&new_key(), &record(&large))).await;
    }

    #[tokio::test]
    async fn a_row_of_something_else_is_absent() {
        let folder = TemporaryFolder::new();
        let store = migrated(&sqlite(&folder)).await;
        let pool = sqlx::SqlitePool::connect(&sqlite(&folder)).await.unwrap();
        let key = new_key();
        let insert = "INSERT INTO sessions VALUES (?, 0, x'00', 0, 0, x'ff')";
        sqlx::query(insert).bind(&key.as_bytes()[..]).execute(&pool).await.unwrap();
        a_foreign_row_is_absent(&store, key, "sqlite").await;
    }
}

mod postgres {
    use super::*;

    #[tokio::test]
    async fn the_faults_of_postgres() {
        let server = postgres_with(&[]).await;
        common_faults(server.url(), "postgres").await;
        let url = server.url().replace("-test-password", "wrong-word");
        check("password", "postgres", ErrorKind::Backend, builder().connect(&url)).await;
        let url = server.url().replace(&server.port().to_string(), "1");
        check("unreachable", "postgres", ErrorKind::Unavailable, builder().connect(&url)).await;
        let url = format!("{}?options[default_transaction_read_only]=on", server.url());
        let read_only = builder().connect(&url).await.unwrap();
        check("read-only", "postgres", ErrorKind::Backend, create(&read_only)).await;

        let pool = sqlx::PgPool::connect(server.url()).await.unwrap();
        let key = new_key();
        let insert = "INSERT INTO sessions VALUES ($1, 0, ''::bytea, 0, 0, '\\xff'::bytea)";
        sqlx::query(insert).bind(&key.as_bytes()[..]).execute(&pool).await.unwrap();
        a_foreign_row_is_absent(&migrated(server.url()).await, key, "postgres").await;
    }

    #[tokio::test]
    async fn the_faults_of_postgres_behind_pgbouncer() {
        let postgres = postgres_with(&[]).await;
        let pooler = pgbouncer(postgres.url()).await;
        let url = through_pooler(pooler.url());
        common_faults(&url, "postgres").await;
        let url = url.replace("-test-password", "wrong-word");
        check("password", "postgres", ErrorKind::Backend, builder().connect(&url)).await;
    }
}

mod mariadb {
    use super::*;
    use sqlx::{Connection as _, Executor as _, MySqlConnection};

    #[tokio::test]
    async fn the_faults_of_mariadb() {
        let server = mysql_with(&[]).await;
        common_faults(server.url(), "mysql").await;
        let url = server.url().replace("-test-password", "wrong-word");
        check("password", "mysql", ErrorKind::Backend, builder().connect(&url)).await;
        let url = server.url().replace(&server.port().to_string(), "1");
        check("unreachable", "mysql", ErrorKind::Unavailable, builder().connect(&url)).await;

        let mut administrator = MySqlConnection::connect(server.url()).await.unwrap();
        let store = builder().max_payload(64 << 20).connect(server.url()).await.unwrap();
        let key = new_key();
        let insert = "INSERT INTO sessions VALUES (?, 0, '', 0, 0, x'ff')";
        sqlx::query(insert).bind(&key.as_bytes()[..]).execute(&mut administrator).await.unwrap();
        a_foreign_row_is_absent(&store, key, "mysql").await;

        let beyond_the_servers_limit = vec![0; 17 << 20];
        let large = record(&beyond_the_servers_limit);
        check("packet", "mysql", ErrorKind::TooLarge, store.create(&key, &large)).await;
        create(&store).await.unwrap();

        // The administrator may write all the same.
        administrator.execute("CREATE USER 'shop'@'127.0.0.1' IDENTIFIED BY 'shop-test-password'").await.unwrap();
        administrator.execute("GRANT ALL ON test.* TO 'shop'@'127.0.0.1'").await.unwrap();
        let url = server.url().replace("root:mysql-test-password", "shop:shop-test-password");
        let store = builder().connect(&url).await.unwrap();
        create(&store).await.unwrap();
        administrator.execute("SET GLOBAL read_only = 1").await.unwrap();
        check("read-only", "mysql", ErrorKind::Backend, create(&store)).await;
    }
}
