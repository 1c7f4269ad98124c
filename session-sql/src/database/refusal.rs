//! Detects a server that refuses connections.
//!
//! A pool of sqlx tries to connect to such a server until its timeout. Therefore a call that waits
//! for a connection also connects outside the pool, and fails if the server refuses the connection.
//!
//! A working server must not be flooded with connections. Therefore a call connects only after a
//! pause, or after another call has failed, and calls share the result.

use std::io::{Error as IoError, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::{ConnectOptions as _, Connection as _, Pool};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::driver::Driver;
use super::suspicion::Suspicion;

/// The time after which a call tests the server, and the shortest time between two tests.
const PAUSE: Duration = Duration::from_millis(100);

/// The last test of a server.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusal {
    last: Arc<Mutex<Option<Test>>>,
    /// The number of connections in use.
    in_use: Arc<AtomicU32>,
}

/// A guard that counts a connection as in use until the guard is dropped.
pub(super) struct InUse(Arc<AtomicU32>);

#[derive(Clone, Copy, Debug)]
struct Test {
    at: Instant,
    is_refused: bool,
}

impl Refusal {
    /// Counts a connection in use.
    pub(super) fn count(&self) -> InUse {
        self.in_use.fetch_add(1, Ordering::Relaxed);
        InUse(Arc::clone(&self.in_use))
    }

    /// Returns an error as soon as the server refuses connections, and waits otherwise.
    pub(super) async fn wait<D: Driver>(
        &self,
        pool: &Pool<D>,
        suspicion: &Suspicion,
    ) -> sqlx::Error {
        if !suspicion.is_raised() {
            sleep(PAUSE).await;
        }
        loop {
            // If this is `false`, all connections are in use.
            let may_connect =
                self.in_use.load(Ordering::Relaxed) < pool.options().get_max_connections();
            if (may_connect || suspicion.is_raised()) && Box::pin(self.is_refused(pool)).await {
                suspicion.raise();
                let message = "the server refuses connections";
                return sqlx::Error::Io(IoError::new(ErrorKind::ConnectionRefused, message));
            }
            sleep(PAUSE).await;
        }
    }

    async fn is_refused<D: Driver>(&self, pool: &Pool<D>) -> bool {
        let mut last = self.last.lock().await;
        if let Some(test) = last.filter(|test| test.at.elapsed() < PAUSE) {
            return test.is_refused;
        }
        let is_refused = match pool.connect_options().connect().await {
            Ok(connection) => {
                // If this fails, the server closes the connection.
                let _ = connection.close().await;
                false
            }
            Err(sqlx::Error::Io(error)) => error.kind() == ErrorKind::ConnectionRefused,
            Err(_) => false,
        };
        *last = Some(Test { at: Instant::now(), is_refused });
        is_refused
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
