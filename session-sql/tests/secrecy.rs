//! The table has no id of a session, on any database.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use session_core::{Session, SessionConfig};
use session_sql::{SqlSessions, SqlStore};
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Connection as _};
use support::requests::Client;
use support::{drop_table, on_its_own_table, sqlite};
use test_servers::TemporaryFolder;

/// One row: its key, and all its columns as bytes and as text.
struct Row {
    key: Vec<u8>,
    cells: Vec<Vec<u8>>,
}

/// Creates sessions of visitors and of users, changes their ids, and returns all ids.
async fn fill(store: SqlStore) -> Vec<String> {
    let sessions = Arc::new(SqlSessions::new(store, SessionConfig::default()));
    let mut ids = Vec::new();
    let mut add_id =
        |client: &Client| ids.push(client.cookie.split_once('=').unwrap().1.to_owned());
    for owner in ["ada", "bob", "carol"] {
        let mut client = Client::new(sessions.clone());
        client.request(|session| session.insert("greeting", "good morning")).await.unwrap();
        add_id(&client);
        client.log_in(owner).await.unwrap();
        add_id(&client);
        client.request(Session::rotate_id).await.unwrap();
        add_id(&client);
    }
    ids
}

fn check(rows: &[Row], ids: &[String]) {
    assert_eq!((rows.len(), ids.len()), (9, 9), "an id has neither a record nor a tombstone");
    assert!(
        rows.iter().any(|row| row.cells.iter().any(|cell| contains(cell, b"good morning"))),
        "the values were not found"
    );
    for id in ids {
        let raw = URL_SAFE_NO_PAD.decode(id).unwrap();
        assert_eq!(raw.len(), 32);
        let hash = Sha256::new().chain_update(&raw).chain_update("session").finalize();
        assert_eq!(
            rows.iter().filter(|row| row.key == hash[..]).count(),
            1,
            "the hash of an id has no row"
        );
        for form in forms_of(id, &raw) {
            // Half an id would be enough for a search.
            for part in [&form[..form.len() / 2], &form[form.len() / 2..]] {
                let seen = rows.iter().flat_map(|row| &row.cells).any(|cell| contains(cell, part));
                assert!(!seen, "the table has an id");
            }
        }
    }
}

fn forms_of(id: &str, raw: &[u8]) -> [Vec<u8>; 5] {
    let hex = raw.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let base64 = STANDARD_NO_PAD.encode(raw);
    [id.into(), raw.into(), base64.into(), hex.to_uppercase().into(), hex.into()]
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Reads every column of every row as bytes.
macro_rules! rows {
    ($connection:ty, $url:expr, $query:expr) => {{
        let mut connection = <$connection>::connect($url).await.unwrap();
        let rows = sqlx::query(AssertSqlSafe($query)).fetch_all(&mut connection).await.unwrap();
        let cell = |row: &_, index| {
            sqlx::Row::try_get::<Option<Vec<u8>>, _>(row, index).unwrap().unwrap_or_default()
        };
        let row = |row: &_| Row {
            key: cell(row, 0),
            cells: (0..4).map(|index| cell(row, index)).collect(),
        };
        rows.iter().map(row).collect::<Vec<_>>()
    }};
}

#[tokio::test]
async fn sqlite_table_has_no_id() {
    let folder = TemporaryFolder::new();
    let url = sqlite(&folder);
    let (store, table) = on_its_own_table(&url).await;
    let ids = fill(store.clone()).await;
    let text =
        "CAST(version || ' ' || created_at || ' ' || expires_at || ' ' || hex(payload) AS BLOB)";
    let mut rows = rows!(
        sqlx::SqliteConnection,
        &url,
        format!("SELECT key_hash, payload, owner, {text} FROM {table}")
    );
    for name in ["sessions.db", "sessions.db-wal"] {
        rows[0].cells.push(std::fs::read(folder.path().join(name)).unwrap());
    }
    check(&rows, &ids);
}

mod shared {
    use super::{Row, check, drop_table, fill, on_its_own_table};
    use sqlx::{AssertSqlSafe, Connection as _};

    #[tokio::test]
    async fn postgres_table_has_no_id() {
        let url = test_servers::postgres().await.url();
        let (store, table) = on_its_own_table(url).await;
        let ids = fill(store.clone()).await;
        let text = format!("convert_to({table}::text, 'UTF8')");
        let rows = rows!(
            sqlx::PgConnection,
            url,
            format!("SELECT key_hash, payload, owner, {text} FROM {table}")
        );
        check(&rows, &ids);
        drop_table(url, &table).await;
    }

    #[tokio::test]
    async fn mariadb_table_has_no_id() {
        let url = test_servers::mysql().await.url();
        let (store, table) = on_its_own_table(url).await;
        let ids = fill(store.clone()).await;
        let text = "CAST(CONCAT_WS(' ', version, created_at, expires_at, HEX(payload), TO_BASE64(payload)) AS BINARY)";
        let rows = rows!(
            sqlx::MySqlConnection,
            url,
            format!("SELECT key_hash, payload, owner, {text} FROM {table}")
        );
        check(&rows, &ids);
        drop_table(url, &table).await;
    }
}
