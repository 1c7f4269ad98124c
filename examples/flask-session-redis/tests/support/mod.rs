//! Helpers of the tests: a private Redis, and a client that uses a session interface as an adapter
//! does.

#![allow(dead_code, reason = "each test program uses a part of it")]
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

pub(crate) mod flask;

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use flask_session_redis::FlaskSessionRedis;
use redis::aio::MultiplexedConnection;
use session_core::interface::state_of;
use session_core::request::{RequestSession, RequestView, SessionHeaders};
use session_core::{Error, OutagePolicy, Outcome, Session, SessionConfig, SessionInterface};
use tempfile::TempDir;

/// The number of attempts if another program takes the port between its choice and its use.
const ATTEMPTS: u32 = 20;

/// A private Redis on a free port and in a temporary folder. It is stopped on drop.
#[derive(Debug)]
pub(crate) struct RedisServer {
    process: Child,
    port: u16,
    /// Stays open, so that Redis can write its log.
    _log: BufReader<ChildStdout>,
    _folder: TempDir,
}

impl RedisServer {
    /// Starts the server, and waits until it accepts connections.
    pub(crate) fn start() -> Self {
        (0..ATTEMPTS)
            .find_map(|_| Self::try_start())
            .unwrap_or_else(|| panic!("redis-server does not start"))
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Returns a connection for checks of the stored data.
    pub(crate) async fn connection(&self) -> MultiplexedConnection {
        redis::Client::open(self.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
    }

    /// Returns the data stored for an id.
    pub(crate) async fn stored(&self, id: &str) -> Option<Vec<u8>> {
        redis::cmd("GET")
            .arg(format!("session:{id}"))
            .query_async(&mut self.connection().await)
            .await
            .unwrap()
    }

    /// Stores data for an id.
    pub(crate) async fn store(&self, id: &str, stored: &[u8]) {
        let mut command = redis::cmd("SET");
        command.arg(format!("session:{id}")).arg(stored).arg("EX").arg(1000);
        command.exec_async(&mut self.connection().await).await.unwrap();
    }

    fn try_start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = TempDir::new().unwrap();
        let mut command = Command::new("redis-server");
        command.args([
            "--bind",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
        ]);
        command.arg(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| {
            panic!(
                "redis-server cannot be started ({error}); on Debian: sudo apt-get install -y redis-server python3-venv"
            )
        });
        let mut log = BufReader::new(process.stdout.take().unwrap());
        let is_ready =
            log.by_ref().lines().any(|line| line.unwrap().contains("Ready to accept connections"));
        let server = Self { process, port, _log: log, _folder: folder };
        is_ready.then_some(server)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // The process may already have exited, and a drop cannot report an error.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A client of a Rust service. It stores the session cookie and sends it back.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    interface: Arc<dyn SessionInterface>,
    /// The value of the cookie.
    pub(crate) cookie: Option<String>,
}

/// The result of a request.
#[derive(Debug)]
pub(crate) struct Done<T> {
    pub(crate) value: T,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) headers: SessionHeaders,
}

impl Client {
    pub(crate) fn new(interface: impl SessionInterface) -> Self {
        Self { interface: Arc::new(interface), cookie: None }
    }

    /// Returns another client of the same service, with this cookie.
    pub(crate) fn with_cookie(&self, cookie: Option<&str>) -> Self {
        Self { interface: Arc::clone(&self.interface), cookie: cookie.map(str::to_owned) }
    }

    /// Starts a request.
    pub(crate) fn begin(&self) -> RequestSession {
        let cookie =
            self.cookie.as_ref().map(|cookie| format!("session={cookie}")).unwrap_or_default();
        let view = RequestView::builder().cookie_header(cookie.as_bytes()).build();
        RequestSession::with_shared(Arc::clone(&self.interface), view, OutagePolicy::Refuse)
    }

    /// Commits a request, and stores the cookie.
    pub(crate) async fn finish<T>(
        &mut self,
        request: RequestSession,
        value: T,
    ) -> Result<Done<T>, Error> {
        let headers = request.commit().await.into_result()?;
        if let Some(set_cookie) = headers.set_cookie() {
            let (_, value) = set_cookie.split_once(';').unwrap().0.split_once('=').unwrap();
            self.cookie = if value.is_empty() { None } else { Some(value.to_owned()) };
        }
        let outcome = request.session().await?.outcome();
        Ok(Done { value, outcome, headers })
    }

    /// Runs a whole request.
    pub(crate) async fn request<T>(
        &mut self,
        handle: impl FnOnce(&Session) -> Result<T, Error>,
    ) -> Result<Done<T>, Error> {
        let request = self.begin();
        let value = handle(&request.session().await?)?;
        self.finish(request, value).await
    }

    /// Runs a request whose handler logs a user in.
    pub(crate) async fn log_in(&mut self, user: &str) -> Result<Done<()>, Error> {
        let request = self.begin();
        request.session().await?.log_in(user, None).await?;
        self.finish(request, ()).await
    }

    /// Runs a request whose handler logs out.
    pub(crate) async fn log_out(&mut self) -> Result<Done<Outcome>, Error> {
        let request = self.begin();
        let outcome = request.session().await?.log_out().await?;
        self.finish(request, outcome).await
    }

    /// Returns the payload of the session.
    pub(crate) async fn payload(&mut self) -> String {
        self.request(|session| Ok(state_of(session).payload())).await.unwrap().value
    }
}

/// Returns a client of a service with default settings.
pub(crate) async fn client(redis: &RedisServer) -> Client {
    Client::new(FlaskSessionRedis::connect(&redis.url(), SessionConfig::default()).await.unwrap())
}
