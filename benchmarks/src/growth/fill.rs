//! Fills stores with many records.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use session_core::store::{NewRecord, SessionStore, StoreKey, Version};
use session_sql::SqlStore;
use sqlx::{AssertSqlSafe, Row as _};

use crate::stores::Ours;

/// The number of records that the work uses, if there are more. They are spread over all.
const USED: usize = 200_000;
const LIFETIME: Duration = Duration::from_hours(24);

/// Creates the records through the store.
pub async fn created<S: SessionStore + Clone>(store: S, records: usize) -> Ours<S> {
    let ours = Ours::fill(store.clone(), 1).await;
    let tasks: Vec<_> = (0..64)
        .map(|task| {
            let (store, payload) = (store.clone(), ours.payload().to_vec());
            let own = records / 64 + usize::from(task < records % 64);
            tokio::spawn(async move {
                let mut created = Vec::with_capacity(own);
                for _ in 0..own {
                    let now = SystemTime::now();
                    let record = NewRecord::new(&payload, now, now + LIFETIME);
                    let key = StoreKey::from_bytes(std::array::from_fn(|_| fastrand::u8(..)));
                    let version = store.create(&key, &record).await.expect("a record is created");
                    created.push((key, version));
                }
                created
            })
        })
        .collect();
    let mut created = Vec::with_capacity(records);
    for task in tasks {
        created.append(&mut task.await.expect("a task ends"));
    }
    fastrand::shuffle(&mut created);
    created.truncate(USED);
    ours.with_records(created)
}

/// Inserts the rows with one statement, because single calls would take minutes.
pub async fn sqlite(address: &str, rows: usize) -> Ours<SqlStore> {
    let store = SqlStore::connect(address).await.expect("SQLite opens");
    store.migrate().await.expect("a table is created");
    let ours = Ours::fill(store, 1).await;
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).connect(address).await;
    let pool = pool.expect("SQLite opens");
    let insert = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?4) \
                  INSERT INTO sessions SELECT randomblob(32), 1, ?1, ?2 - i, ?3 - i, NULL FROM n";
    let (created, expires, count, step) = numbers(rows);
    sqlx::query("PRAGMA cache_size = -1000000").execute(&pool).await.expect("a setting");
    let insert = sqlx::query(insert).bind(ours.payload()).bind(created).bind(expires).bind(count);
    insert.execute(&pool).await.expect("rows are inserted");
    let keys =
        sqlx::query("SELECT key_hash FROM sessions WHERE version = 1 AND created_at % ? = 0");
    let keys = keys.bind(step).fetch_all(&pool).await.expect("rows are read");
    let keys = keys.iter().map(|row| row.get::<Vec<u8>, _>(0)).collect();
    pool.close().await;
    used(ours, keys)
}

/// Inserts the rows as [`sqlite`] does, into a table of this name.
pub async fn postgres(url: &str, table: &str, rows: usize) -> Ours<SqlStore> {
    let store = SqlStore::builder().table(table).connect(url).await.expect("PostgreSQL answers");
    store.migrate().await.expect("a table is created");
    let ours = Ours::fill(store, 1).await;
    let pool = sqlx::PgPool::connect(url).await.expect("PostgreSQL answers");
    let insert = format!(
        "INSERT INTO {table} SELECT sha256(int8send(i)), 1, $1, $2 - i, $3 - i, NULL \
         FROM generate_series(1, $4) AS i"
    );
    let (created, expires, count, step) = numbers(rows);
    let insert = sqlx::query(AssertSqlSafe(insert)).bind(ours.payload());
    let insert = insert.bind(created).bind(expires).bind(count);
    insert.execute(&pool).await.expect("rows are inserted");
    for command in [format!("VACUUM ANALYZE {table}"), "CHECKPOINT".to_owned()] {
        sqlx::query(AssertSqlSafe(command)).execute(&pool).await.expect("a superuser may do this");
    }
    let keys = format!("SELECT key_hash FROM {table} WHERE version = 1 AND created_at % $1 = 0");
    let keys = sqlx::query(AssertSqlSafe(keys)).bind(step).fetch_all(&pool).await;
    let keys = keys.expect("rows are read").iter().map(|row| row.get::<Vec<u8>, _>(0)).collect();
    pool.close().await;
    used(ours, keys)
}

/// Returns the creation time and the expiry of the first row in milliseconds, the number of rows,
/// and the step between used rows. Each row is a millisecond older than the previous one.
fn numbers(rows: usize) -> (i64, i64, i64, i64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_millis();
    let created = i64::try_from(now).expect("milliseconds");
    let lifetime = i64::try_from(LIFETIME.as_millis()).expect("milliseconds");
    let integer = |number: usize| i64::try_from(number).expect("a count");
    (created, created + lifetime, integer(rows), integer((rows / USED).max(1)))
}

fn used(ours: Ours<SqlStore>, keys: Vec<Vec<u8>>) -> Ours<SqlStore> {
    let mut records: Vec<_> = keys
        .into_iter()
        .map(|key| (StoreKey::from_bytes(key.try_into().expect("32 bytes")), Version::new(1)))
        .collect();
    assert!(records.len() >= 64, "each task needs a record");
    fastrand::shuffle(&mut records);
    ours.with_records(records)
}
