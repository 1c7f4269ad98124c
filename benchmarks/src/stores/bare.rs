//! Bare drivers: the same bytes, read and written by one statement.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use session_redis::redis::aio::MultiplexedConnection;
use session_redis::redis::{self, AsyncCommands as _, Client, Script};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{MySqlPool, PgPool, SqlitePool};

use super::Contestant;
use crate::sessions::{SMALL, small};

const LIFE: u64 = 86_400;

pub struct BareRedis {
    connection: MultiplexedConnection,
    sessions: usize,
}

impl BareRedis {
    pub async fn fill(url: &str, sessions: usize) -> Self {
        let client = Client::open(url).expect("an address");
        let connection = client.get_multiplexed_async_connection().await.expect("Redis answers");
        let bare = Self { connection, sessions };
        for index in 0..sessions {
            assert!(bare.save(&mut (), index, 0).await);
        }
        bare
    }
}

impl Contestant for BareRedis {
    type Scratch = ();

    fn len(&self) -> usize {
        self.sessions
    }

    fn scratch(&self) {}

    async fn load(&self, index: usize) -> Option<u64> {
        let bytes: Vec<u8> = self.connection.clone().get(format!("bare:{index}")).await.ok()?;
        (bytes.len() == SMALL.len()).then_some(0)
    }

    async fn open(&self, index: usize) -> Option<u64> {
        self.load(index).await
    }

    async fn save(&self, (): &mut (), index: usize, number: u64) -> bool {
        self.connection
            .clone()
            .set_ex::<_, _, ()>(format!("bare:{index}"), small(number), LIFE)
            .await
            .is_ok()
    }

    async fn update(&self, index: usize) -> bool {
        self.load(index).await.is_some() && self.save(&mut (), index, 1).await
    }
}

/// Loads and saves records of this project's format without this project. A save runs the script
/// of this project's saves.
pub struct BareScript {
    bare: BareRedis,
    script: Script,
}

impl BareScript {
    pub async fn fill(url: &str, sessions: usize) -> Self {
        let code = concat!(
            include_str!("../../../session-redis/src/scripts/check.lua"),
            include_str!("../../../session-redis/src/scripts/replace.lua"),
        );
        let client = Client::open(url).expect("an address");
        let connection = client.get_multiplexed_async_connection().await.expect("Redis answers");
        let this = Self { bare: BareRedis { connection, sessions }, script: Script::new(code) };
        let mut connection = this.bare.connection.clone();
        this.script.load_async(&mut connection).await.expect("Redis accepts a script");
        for index in 0..sessions {
            let set = connection.set::<_, _, ()>(Self::name(index), record(0)).await;
            set.expect("Redis accepts a record");
        }
        this
    }

    fn name(index: usize) -> String {
        format!("script:{index}")
    }
}

impl Contestant for BareScript {
    type Scratch = ();

    fn len(&self) -> usize {
        self.bare.sessions
    }

    fn scratch(&self) {}

    async fn load(&self, index: usize) -> Option<u64> {
        let bytes: Vec<u8> = self.bare.connection.clone().get(Self::name(index)).await.ok()?;
        (bytes.len() == HEADER.len() + SMALL.len()).then_some(0)
    }

    async fn open(&self, index: usize) -> Option<u64> {
        self.load(index).await
    }

    async fn save(&self, (): &mut (), index: usize, number: u64) -> bool {
        let mut call = redis::cmd("EVALSHA");
        call.arg(self.script.get_hash()).arg(1).arg(Self::name(index));
        call.arg(&HEADER[..10]).arg(record(number)).arg(LIFE * 1000);
        call.query_async(&mut self.bare.connection.clone()).await == Ok(1)
    }

    async fn update(&self, index: usize) -> bool {
        self.load(index).await.is_some() && self.save(&mut (), index, 1).await
    }
}

/// The header of a record without an owner. The version is always the same.
const HEADER: [u8; 23] = {
    let mut header = [0; 23];
    (header[0], header[1]) = (0xd5, 1);
    header
};

fn record(number: u64) -> Vec<u8> {
    [&HEADER, small(number).as_bytes()].concat()
}

pub struct BareSqlite {
    pool: SqlitePool,
    sessions: usize,
}

/// Returns the default durability of SQLite, with the journal mode that does not block readers.
pub fn sqlite_options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
}

impl BareSqlite {
    pub async fn fill(file: &Path, sessions: usize) -> Self {
        let options =
            sqlx::sqlite::SqlitePoolOptions::new().max_connections(10).test_before_acquire(false);
        let pool = options.connect_with(sqlite_options(file)).await.expect("SQLite opens");
        let create =
            "CREATE TABLE bare (id BLOB PRIMARY KEY, data BLOB NOT NULL, expiry INTEGER NOT NULL)";
        sqlx::query(create).execute(&pool).await.expect("a table is made");
        for index in 0..sessions {
            let insert = sqlx::query("INSERT INTO bare VALUES (?, ?, ?)");
            let insert = insert.bind(&id(index)[..]).bind(SMALL.as_bytes()).bind(0i64);
            insert.execute(&pool).await.expect("a row is written");
        }
        Self { pool, sessions }
    }
}

impl Contestant for BareSqlite {
    type Scratch = ();

    fn len(&self) -> usize {
        self.sessions
    }

    fn scratch(&self) {}

    async fn load(&self, index: usize) -> Option<u64> {
        let select =
            sqlx::query_as("SELECT data, expiry FROM bare WHERE id = ?").bind(id(index).to_vec());
        let (data, _): (Vec<u8>, i64) = select.fetch_one(&self.pool).await.ok()?;
        (data.len() == SMALL.len()).then_some(0)
    }

    async fn open(&self, index: usize) -> Option<u64> {
        self.load(index).await
    }

    async fn save(&self, (): &mut (), index: usize, number: u64) -> bool {
        let update = sqlx::query("UPDATE bare SET data = ?, expiry = ? WHERE id = ?");
        let update =
            update.bind(small(number).into_bytes()).bind(expiry(number)).bind(id(index).to_vec());
        update.execute(&self.pool).await.is_ok()
    }

    async fn update(&self, index: usize) -> bool {
        self.load(index).await.is_some() && self.save(&mut (), index, 1).await
    }
}

/// A bare table on a server. The parts are the pool and its options, the types of the columns, and
/// the statements of the server.
macro_rules! bare_server {
    ($name:ident, $pool:ty, $pool_options:ty, $options:ty, $columns:literal, $statements:expr) => {
        pub struct $name {
            pool: $pool,
            sessions: usize,
        }

        impl $name {
            const STATEMENTS: [&'static str; 3] = $statements;

            pub async fn fill(url: &str, sessions: usize) -> Self {
                let options = <$options>::from_str(url).expect("an address");
                let pool = <$pool_options>::new().max_connections(10).test_before_acquire(false);
                let pool = pool.connect_with(options).await.expect("the server answers");
                let create = concat!("CREATE TABLE bare (", $columns, ", expiry BIGINT NOT NULL)");
                sqlx::query(create).execute(&pool).await.expect("a table is made");
                for index in 0..sessions {
                    let insert = sqlx::query(Self::STATEMENTS[0]);
                    let insert = insert.bind(id(index).to_vec()).bind(SMALL.as_bytes()).bind(0i64);
                    insert.execute(&pool).await.expect("a row is written");
                }
                Self { pool, sessions }
            }
        }

        impl Contestant for $name {
            type Scratch = ();

            fn len(&self) -> usize {
                self.sessions
            }

            fn scratch(&self) {}

            async fn load(&self, index: usize) -> Option<u64> {
                let select = sqlx::query_as(Self::STATEMENTS[1]).bind(id(index).to_vec());
                let (data, _): (Vec<u8>, i64) = select.fetch_one(&self.pool).await.ok()?;
                (data.len() == SMALL.len()).then_some(0)
            }

            async fn open(&self, index: usize) -> Option<u64> {
                self.load(index).await
            }

            async fn save(&self, (): &mut (), index: usize, number: u64) -> bool {
                let update = sqlx::query(Self::STATEMENTS[2]).bind(small(number).into_bytes());
                let update = update.bind(expiry(number)).bind(id(index).to_vec());
                update.execute(&self.pool).await.is_ok()
            }

            async fn update(&self, index: usize) -> bool {
                self.load(index).await.is_some() && self.save(&mut (), index, 1).await
            }
        }
    };
}

bare_server!(
    BarePostgres,
    PgPool,
    sqlx::postgres::PgPoolOptions,
    sqlx::postgres::PgConnectOptions,
    "id BYTEA PRIMARY KEY, data BYTEA NOT NULL",
    [
        "INSERT INTO bare VALUES ($1, $2, $3)",
        "SELECT data, expiry FROM bare WHERE id = $1",
        "UPDATE bare SET data = $1, expiry = $2 WHERE id = $3",
    ]
);
bare_server!(
    BareMariadb,
    MySqlPool,
    sqlx::mysql::MySqlPoolOptions,
    sqlx::mysql::MySqlConnectOptions,
    "id BINARY(32) PRIMARY KEY, data LONGBLOB NOT NULL",
    [
        "INSERT INTO bare VALUES (?, ?, ?)",
        "SELECT data, expiry FROM bare WHERE id = ?",
        "UPDATE bare SET data = ?, expiry = ? WHERE id = ?",
    ]
);

/// Returns a key of 32 bytes, the length of a session's key.
fn id(index: usize) -> [u8; 32] {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&(index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    id
}

fn expiry(number: u64) -> i64 {
    i64::try_from(number).unwrap_or_default()
}
