//! Credentials that change while a store is connected.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use session_core::store::{Credentials, SessionStore as _};
use session_core::{Error, ErrorKind};
use session_sql::sqlx::{self, AssertSqlSafe, Connection as _};
use session_sql::{SqlStore, SqlStoreBuilder};
use support::{drop_table, new_key, on_its_own_table, record};
use test_servers::{mysql, postgres};

/// A secret that the test changes, and how often it was read.
#[derive(Clone, Default)]
struct Secret {
    password: Arc<Mutex<Option<String>>>,
    calls: Arc<AtomicUsize>,
}

impl Secret {
    fn set(&self, password: Option<&str>) {
        *self.password.lock().unwrap() = password.map(str::to_owned);
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn provide(&self, user: &str) -> Result<Credentials, Error> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let password = self.password.lock().unwrap().clone();
        let missing = || Error::new(ErrorKind::Unavailable, "the vault is sealed");
        Ok(Credentials::new(user, password.ok_or_else(missing)?))
    }
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

/// The statements that a server needs for a user.
struct Statements {
    create: String,
    change: String,
    change_again: String,
    /// Ends the connections of the user.
    disconnect: String,
    drop: String,
}

fn builder(table: &str, user: &str, secret: &Secret) -> SqlStoreBuilder {
    let (user, secret) = (user.to_owned(), secret.clone());
    SqlStore::builder()
        .table(table)
        // Each idle connection is tested, so that no call meets one that the server has closed.
        .test_after_idle(Duration::ZERO)
        .max_connections(1)
        .credentials(move || std::future::ready(secret.provide(&user)))
}

async fn assert_follows_password(url: &str, user: &str, statements: Statements) {
    let (_, table) = on_its_own_table(url).await;
    run(url, &statements.create.replace("{table}", &table)).await;
    let secret = Secret::default();
    secret.set(Some("first-password"));
    let store = builder(&table, user, &secret).connect(url).await.unwrap();
    let key = new_key();
    store.create(&key, &record(b"payload")).await.unwrap();
    let connected = secret.calls();
    assert!(connected >= 1);
    for _ in 0..3 {
        store.load(&key).await.unwrap().unwrap();
    }
    assert_eq!(secret.calls(), connected, "an open connection needs no credentials");

    run(url, &statements.change).await;
    secret.set(Some("second-password"));
    run(url, &statements.disconnect).await;
    store.load(&key).await.unwrap().unwrap();
    assert!(secret.calls() > connected);

    run(url, &statements.change_again).await;
    secret.set(None);
    run(url, &statements.disconnect).await;
    let error = store.load(&key).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(format!("{error:?}").contains("the vault is sealed"), "{error:?}");
    assert!(!format!("{error:?} {store:?}").contains("-password"), "{error:?}");
    secret.set(Some("third-password"));
    store.load(&key).await.unwrap().unwrap();

    drop(store);
    drop_table(url, &table).await;
    run(url, &statements.drop).await;
}

#[tokio::test]
async fn postgres_store_follows_changed_password() {
    let user = format!("test_{:016x}", getrandom::u64().unwrap());
    let statements = Statements {
        create: format!(
            "CREATE ROLE {user} LOGIN PASSWORD 'first-password'; GRANT ALL ON {{table}} TO {user}"
        ),
        change: format!("ALTER ROLE {user} PASSWORD 'second-password'"),
        change_again: format!("ALTER ROLE {user} PASSWORD 'third-password'"),
        disconnect: format!(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{user}'"
        ),
        drop: format!("DROP ROLE {user}"),
    };
    assert_follows_password(postgres().await.url(), &user, statements).await;
}

#[tokio::test]
async fn mysql_store_follows_changed_password() {
    let user = format!("test_{:016x}", getrandom::u64().unwrap());
    let statements = Statements {
        create: format!(
            "CREATE USER {user} IDENTIFIED BY 'first-password'; GRANT ALL ON {{table}} TO {user}"
        ),
        change: format!("SET PASSWORD FOR {user} = PASSWORD('second-password')"),
        change_again: format!("SET PASSWORD FOR {user} = PASSWORD('third-password')"),
        disconnect: format!("KILL USER {user}"),
        drop: format!("DROP USER {user}"),
    };
    assert_follows_password(mysql().await.url(), &user, statements).await;
}

#[tokio::test]
async fn wrong_password_of_provider_is_error_of_connect() {
    let secret = Secret::default();
    secret.set(Some("wrong-password"));
    let url = postgres().await.url();
    let error = builder("sessions", "postgres", &secret).connect(url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backend, "{error:?}");
    assert!(!format!("{error:?}").contains("wrong-password"), "{error:?}");
}

#[tokio::test]
async fn sqlite_and_existing_pool_refuse_provider() {
    let secret = Secret::default();
    let with_provider = || builder("sessions", "ada", &secret);
    let error = with_provider().connect("sqlite::memory:").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let pool = sqlx::SqlitePool::connect_lazy("sqlite::memory:").unwrap();
    let error = with_provider().sqlite_pool(pool).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(secret.calls(), 0);
}
