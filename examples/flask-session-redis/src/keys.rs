//! The Redis commands that sessions need. Each command needs one round trip and has a deadline.

use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, FromRedisValue, Pipeline, RedisError, ServerErrorKind};
use session_core::{Error, ErrorKind};

/// The longest expiry, which is more than a hundred years. Redis can add this duration to the
/// current time without overflow.
const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);

/// Compares the stored data, removes the session and sets the mark.
const DEPART: &str = r"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local left = math.max(redis.call('PTTL', KEYS[1]), 1)
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], '', 'PX', left)
return 1
";

/// The keys of the sessions in one Redis database.
#[derive(Clone)]
pub(crate) struct Keys {
    connection: ConnectionManager,
    prefix: String,
}

impl Keys {
    pub(crate) async fn connect(
        url: &str,
        prefix: String,
        deadline: Duration,
    ) -> Result<Self, Error> {
        let client = Client::open(url).map_err(|error| {
            Error::new(ErrorKind::Configuration, "cannot parse the Redis URL").with_source(error)
        })?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(deadline))
            .set_response_timeout(Some(deadline))
            .set_number_of_retries(0);
        let connection =
            ConnectionManager::new_with_config(client, config).await.map_err(failed)?;
        Ok(Self { connection, prefix })
    }

    /// Returns the data stored for an id.
    pub(crate) async fn get(&self, id: &str) -> Result<Option<Vec<u8>>, Error> {
        self.query(Cmd::get(self.key(id))).await
    }

    /// Stores a session under a new id.
    pub(crate) async fn create(
        &self,
        id: &str,
        stored: &[u8],
        life: Duration,
    ) -> Result<(), Error> {
        self.query(self.set(id, stored, life)).await
    }

    /// Replaces the data of an existing session. Returns `false` and stores nothing if the session
    /// does not exist.
    pub(crate) async fn replace(
        &self,
        id: &str,
        stored: &[u8],
        life: Duration,
    ) -> Result<bool, Error> {
        let mut command = self.set(id, stored, life);
        command.arg("XX");
        let reply: Option<String> = self.query(command).await?;
        Ok(reply.is_some())
    }

    /// Extends the expiry of a session. Returns `false` if the session does not exist.
    pub(crate) async fn renew(&self, id: &str, life: Duration) -> Result<bool, Error> {
        let mut command = redis::cmd("PEXPIRE");
        command.arg(self.key(id)).arg(milliseconds(life));
        self.query(command).await
    }

    /// Removes a session.
    pub(crate) async fn remove(&self, id: &str) -> Result<(), Error> {
        self.query(Cmd::del(self.key(id))).await
    }

    /// Stores a session under a new id and removes the old id in one step. Returns `false` if the
    /// old id does not exist.
    pub(crate) async fn rename(
        &self,
        old: &str,
        new: &str,
        stored: &[u8],
        life: Duration,
    ) -> Result<bool, Error> {
        let mut both = Pipeline::with_capacity(2);
        both.atomic()
            .add_command(self.set(new, stored, life))
            .ignore()
            .add_command(Cmd::del(self.key(old)));
        let (removed,): (bool,) =
            both.query_async(&mut self.connection.clone()).await.map_err(failed)?;
        Ok(removed)
    }

    /// Removes a session and marks it as moved in one step, if its data is still `stored`.
    /// Otherwise returns `false` and changes nothing. The mark expires when the session would have
    /// expired.
    pub(crate) async fn depart(&self, id: &str, stored: &[u8]) -> Result<bool, Error> {
        let mut command = redis::cmd("EVAL");
        command.arg(DEPART).arg(2).arg(self.key(id)).arg(self.mark(id)).arg(stored);
        self.query(command).await
    }

    /// Returns whether a session has moved.
    pub(crate) async fn has_departed(&self, id: &str) -> Result<bool, Error> {
        self.query(Cmd::exists(self.mark(id))).await
    }

    async fn query<T: FromRedisValue>(&self, command: Cmd) -> Result<T, Error> {
        command.query_async(&mut self.connection.clone()).await.map_err(failed)
    }

    fn set(&self, id: &str, stored: &[u8], life: Duration) -> Cmd {
        let mut command = redis::cmd("SET");
        command.arg(self.key(id)).arg(stored).arg("PX").arg(milliseconds(life));
        command
    }

    fn key(&self, id: &str) -> String {
        format!("{}{id}", self.prefix)
    }

    /// Returns the key of the mark of a moved session. No id contains a colon, so no session has
    /// this key.
    fn mark(&self, id: &str) -> String {
        format!("{}moved:{id}", self.prefix)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The connection contains the password.
        f.debug_struct("Keys").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// Returns the duration in milliseconds, at least 1, because Redis rejects an expiry of 0.
fn milliseconds(life: Duration) -> u64 {
    let life = u64::try_from(life.min(LONGEST).as_millis()).unwrap_or(u64::MAX);
    life.max(1)
}

fn failed(error: RedisError) -> Error {
    let not_now =
        [ServerErrorKind::BusyLoading, ServerErrorKind::TryAgain, ServerErrorKind::MasterDown];
    let later = not_now.map(redis::ErrorKind::Server).contains(&error.kind());
    if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() || later {
        Error::new(ErrorKind::Unavailable, "Redis is unreachable or did not reply in time")
            .with_source(error)
    } else {
        Error::new(ErrorKind::Backend, "Redis returned an error").with_source(error)
    }
}
