//! Causes the faults on SQLite, PostgreSQL and MariaDB.

use session_core::store::{NewRecord, Replaced, SessionStore, Version};
use session_sql::{SqlStore, SqlStoreBuilder};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use test_servers::{PrivateServer, TemporaryFolder, mysql_with, pgbouncer, postgres_with};

use super::{
    Backend, Call, DEADLINE, Fault, KEY, connecting, connecting_to_silence, creating, creating_with,
};

pub(super) struct Sqlite(TemporaryFolder);

pub(super) struct Postgres {
    server: PrivateServer,
    pooler: Option<PrivateServer>,
}

pub(super) struct MariaDb(PrivateServer);

fn builder() -> SqlStoreBuilder {
    SqlStore::builder().deadline(DEADLINE)
}

/// Returns a store, after creating its table.
async fn migrated(table: &str, url: &str) -> SqlStore {
    let store = builder().table(table).connect(url).await.unwrap();
    store.migrate().await.unwrap();
    store
}

/// Checks that a foreign record is treated as missing, and returns a call that creates another
/// under the same key.
async fn creating_over_a_foreign_record<'a>(store: SqlStore) -> Call<'a> {
    assert_eq!(store.load(&KEY).await.unwrap(), None);
    let now = std::time::SystemTime::now();
    let record = NewRecord::new(b"", now, now);
    assert_eq!(store.replace(&KEY, Version::new(1), &record).await.unwrap(), Replaced::Stale);
    creating(store)
}

async fn creating_too_much<'a>(url: &str) -> Call<'a> {
    migrated("short", url).await;
    creating(builder().table("short").max_payload(100).connect(url).await.unwrap())
}

impl Sqlite {
    pub(super) fn new() -> Self {
        Self(TemporaryFolder::new())
    }

    fn url(&self, file: &str) -> String {
        format!("sqlite:{}", self.0.path().join(file).display())
    }

    fn options(&self, file: &str) -> SqliteConnectOptions {
        self.url(file).parse().unwrap()
    }
}

impl Backend for Sqlite {
    const NAME: &str = "sqlite";

    async fn call(&self, fault: Fault) -> Call<'_> {
        let url = self.url("sessions.db");
        let one = || SqlitePoolOptions::new().max_connections(1);
        match fault {
            Fault::Address => {
                connecting(async move { builder().connect(&format!("{url}?mode=nonsense")).await })
            }
            Fault::Unreachable => connecting(async {
                builder().connect(&self.url("no/such/folder/sessions.db")).await
            }),
            Fault::SomethingElse => {
                std::fs::write(self.0.path().join("text.db"), "not a database file".repeat(300))
                    .unwrap();
                connecting(async { builder().connect(&self.url("text.db")).await })
            }
            Fault::NoTable => creating(builder().table("absent").connect(&url).await.unwrap()),
            Fault::ForeignRecord => {
                let store = migrated("foreign_records", &url).await;
                let pool = one().connect_with(self.options("sessions.db")).await.unwrap();
                let insert = format!(
                    "INSERT INTO foreign_records VALUES (x'{}', 0, x'00', 0, 0, x'ff')",
                    "ab".repeat(32)
                );
                sqlx::query(sqlx::AssertSqlSafe(insert)).execute(&pool).await.unwrap();
                creating_over_a_foreign_record(store).await
            }
            Fault::LongPayload => creating_too_much(&url).await,
            Fault::ReadOnly => {
                migrated("sessions", &url).await;
                creating(builder().connect(&format!("{url}?mode=ro")).await.unwrap())
            }
            Fault::FullDisk => {
                migrated("sessions", &self.url("full.db")).await;
                let options = self.options("full.db").pragma("max_page_count", "8");
                let store =
                    builder().sqlite_pool(one().connect_with(options).await.unwrap()).unwrap();
                creating_with(store, vec![0; 100_000])
            }
            Fault::Hangs => {
                let store = migrated("sessions", &url).await;
                let pool = one().connect_with(self.options("sessions.db")).await.unwrap();
                let mut locking = pool.begin().await.unwrap();
                sqlx::query("DELETE FROM sessions").execute(&mut *locking).await.unwrap();
                let call = creating(store);
                Box::pin(async move {
                    let created = call.await;
                    locking.rollback().await.unwrap();
                    created
                })
            }
            other => unreachable!("sqlite has no fault {other:?}"),
        }
    }
}

impl Postgres {
    pub(super) async fn start() -> Self {
        Self { server: postgres_with(&[]).await, pooler: None }
    }

    pub(super) async fn start_behind_pgbouncer() -> Self {
        let server = postgres_with(&[]).await;
        let pooler = Some(pgbouncer(server.url()).await);
        Self { server, pooler }
    }

    /// Returns the address. A pooler needs statements that are not prepared.
    fn url(&self) -> String {
        match &self.pooler {
            Some(pooler) => format!("{}?statement-cache-capacity=0", pooler.url()),
            None => self.server.url().to_owned(),
        }
    }
}

impl Backend for Postgres {
    const NAME: &str = "postgres";

    async fn call(&self, fault: Fault) -> Call<'_> {
        let (url, server) = (self.url(), &self.server);
        match fault {
            Fault::Address => {
                connecting(builder().connect("postgres://shop:wrong-word@host:port/shop"))
            }
            Fault::FullDisk => {
                set_read_only(server, "off").await;
                let store = migrated("full", &url).await;
                // The error that the server returns for a full disk.
                let body = "BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END";
                server
                    .ask(&[&format!(
                        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS '{}'",
                        body.replace('\'', "''")
                    )])
                    .await;
                server
                    .ask(&["CREATE TRIGGER fail BEFORE INSERT ON \"full\" EXECUTE FUNCTION fail()"])
                    .await;
                creating(store)
            }
            Fault::ReadOnly => {
                let store = migrated("sessions", &url).await;
                set_read_only(server, "on").await;
                creating(store)
            }
            Fault::NoRights => {
                migrated("sessions", &url).await;
                server.ask(&["CREATE ROLE reader LOGIN PASSWORD 'reader-test-password'"]).await;
                creating(builder().connect(&for_reader(&url)).await.unwrap())
            }
            Fault::ForeignRecord => {
                let store = migrated("foreign_records", &url).await;
                let key = "ab".repeat(32);
                let values = format!("('\\x{key}'::bytea, 0, ''::bytea, 0, 0, '\\xff'::bytea)");
                server.ask(&[&format!("INSERT INTO foreign_records VALUES {values}")]).await;
                creating_over_a_foreign_record(store).await
            }
            _ => call(server, self.pooler.as_ref().unwrap_or(server).port(), &url, fault).await,
        }
    }
}

impl MariaDb {
    pub(super) async fn start() -> Self {
        Self(mysql_with(&[]).await)
    }
}

impl Backend for MariaDb {
    const NAME: &str = "mysql";

    async fn call(&self, fault: Fault) -> Call<'_> {
        let (server, url) = (&self.0, self.0.url().to_owned());
        match fault {
            Fault::Address => {
                connecting(builder().connect("mysql://shop:wrong-word@host:port/shop"))
            }
            Fault::FullDisk => {
                let store = migrated("full_table", &url).await;
                // The error that the server returns for a full table.
                let body = "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1114, MESSAGE_TEXT = 'The table is full'";
                server
                    .ask(&[&format!("CREATE TRIGGER test.fail BEFORE INSERT ON test.full_table FOR EACH ROW {body}")])
                    .await;
                creating(store)
            }
            Fault::NoRights => {
                migrated("sessions", &url).await;
                server
                    .ask(&["CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'reader-test-password'"])
                    .await;
                server.ask(&["GRANT SELECT ON test.* TO reader@'127.0.0.1'"]).await;
                creating(builder().connect(&for_reader(&url)).await.unwrap())
            }
            Fault::ReadOnly => {
                // The administrator may still write.
                server.ask(&["GRANT ALL ON test.* TO reader@'127.0.0.1'"]).await;
                let store = migrated("sessions", &for_reader(&url)).await;
                server.ask(&["SET GLOBAL read_only = 1"]).await;
                creating(store)
            }
            Fault::ForeignRecord => {
                let store = migrated("foreign_records", &url).await;
                let values = format!("(x'{}', 0, '', 0, 0, x'ff')", "ab".repeat(32));
                server.ask(&[&format!("INSERT INTO test.foreign_records VALUES {values}")]).await;
                creating_over_a_foreign_record(store).await
            }
            Fault::LongPacket => {
                migrated("sessions", &url).await;
                server.ask(&["SET GLOBAL max_allowed_packet = 1048576"]).await;
                let store = builder().max_payload(64 << 20).connect(&url).await.unwrap();
                creating_with(store, vec![0; 4 << 20])
            }
            _ => call(server, server.port(), &url, fault).await,
        }
    }
}

/// Lets PostgreSQL accept writes or not, also on open connections.
async fn set_read_only(server: &PrivateServer, setting: &str) {
    let name = "default_transaction_read_only";
    server.ask(&[&format!("ALTER SYSTEM SET {name} = {setting}")]).await;
    server.ask(&["SELECT pg_reload_conf()"]).await;
    // The server informs its connections before it accepts a new one.
    while server.ask(&[&format!("SHOW {name}")]).await.trim() != setting {}
}

/// Causes the faults that are the same on both servers. `port` is the port of the address.
async fn call<'a>(server: &PrivateServer, port: u16, url: &str, fault: Fault) -> Call<'a> {
    let with_port = |new: u16| url.replace(&format!(":{port}/"), &format!(":{new}/"));
    match fault {
        Fault::WrongPassword => {
            let url = url.replace("-test-password", "wrong-word");
            connecting(async move { builder().connect(&url).await })
        }
        Fault::Unreachable => {
            let url = with_port(1);
            connecting(async move { builder().connect(&url).await })
        }
        Fault::Silent => {
            let (url, port) = (url.to_owned(), port);
            connecting_to_silence(move |silent| async move {
                builder().connect(&url.replace(&format!(":{port}/"), &format!(":{silent}/"))).await
            })
        }
        Fault::NoTable => creating(builder().table("absent").connect(url).await.unwrap()),
        Fault::LongPayload => creating_too_much(url).await,
        Fault::Hangs => {
            let store = migrated("sessions", url).await;
            server.pause().await;
            creating(store)
        }
        other => unreachable!("{other:?} is not the same on both"),
    }
}

/// Returns the address with another user.
fn for_reader(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (_, place) = rest.split_once('@').unwrap();
    format!("{scheme}://reader:reader-test-password@{place}")
}
