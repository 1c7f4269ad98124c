//! Databases that fail at times.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use session_sql::SqlStore;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};
use test_servers::{LostReply, PrivateServer, Proxy, mysql_with, postgres_with, proxy};
use tokio::sync::OnceCell;

use crate::support::migrated_by;

const DEADLINE: Duration = Duration::from_secs(2);

/// The name of the table, and its name during an outage of a file.
const TABLE: &str = "session_conformance";
const ELSEWHERE: &str = "session_conformance_elsewhere";

thread_local! {
    // A test creates its store in its own thread.
    static FILE: RefCell<Option<File>> = const { RefCell::new(None) };
    static WAY: RefCell<Option<Way>> = const { RefCell::new(None) };
}

/// Returns the file of the test in this thread.
pub(crate) fn file() -> File {
    FILE.with_borrow(Clone::clone).unwrap()
}

/// Returns the way to the server of the test in this thread.
pub(crate) fn way() -> Way {
    WAY.with_borrow(Clone::clone).unwrap()
}

/// An SQLite file.
#[derive(Clone, Debug)]
pub(crate) struct File(String);

impl File {
    /// Returns the store in a new file.
    pub(crate) async fn store(url: String) -> SqlStore {
        let file = Self(url);
        FILE.set(Some(file.clone()));
        file.open().await
    }

    pub(crate) async fn open(self) -> SqlStore {
        migrated_by(SqlStore::builder().table(TABLE), &self.0).await
    }

    /// Renames the table, by another connection.
    pub(crate) fn set_down(&self, down: bool) {
        let (from, to) = if down { (TABLE, ELSEWHERE) } else { (ELSEWHERE, TABLE) };
        let (url, statement) = (self.0.clone(), format!("ALTER TABLE {from} RENAME TO {to}"));
        let rename = async move {
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // A runtime cannot run inside another one.
        std::thread::spawn(move || runtime.block_on(rename)).join().unwrap();
    }
}

/// A server behind a proxy.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    server: &'static PrivateServer,
    proxy: Arc<Proxy>,
}

impl Way {
    pub(crate) async fn postgres() -> SqlStore {
        static SERVER: OnceCell<PrivateServer> = OnceCell::const_new();
        let settings = [("max_connections", "500")];
        Self::to(SERVER.get_or_init(async || postgres_with(&settings).await).await).await
    }

    pub(crate) async fn mariadb() -> SqlStore {
        static SERVER: OnceCell<PrivateServer> = OnceCell::const_new();
        let settings = [("max_connections", "500")];
        Self::to(SERVER.get_or_init(async || mysql_with(&settings).await).await).await
    }

    async fn to(server: &'static PrivateServer) -> SqlStore {
        let way = Self { server, proxy: Arc::new(proxy(server.port()).await) };
        WAY.set(Some(way.clone()));
        way.open().await
    }

    pub(crate) async fn open(self) -> SqlStore {
        let builder = SqlStore::builder().table(TABLE).deadline(DEADLINE);
        migrated_by(builder, &self.proxy.before(self.server.url())).await
    }

    /// Closes each connection at its next reply and refuses new ones, or accepts them again.
    pub(crate) fn set_down(&self, down: bool) {
        if down {
            self.proxy.lead_to(0);
            self.proxy.lose_replies(b"", 1, LostReply::Closes);
        } else {
            self.proxy.lead_to(self.server.port());
            self.proxy.keep_replies();
        }
    }
}
