//! The adapter under test, with functions that create its sessions and its server.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use session_core::{ManualClock, SessionConfig, SessionConfigBuilder, SessionInterface};

use crate::harness::adapter::application::Application;
use crate::harness::adapter::observed::Observed;
use crate::harness::adapter::server::Server;
use crate::report::{Calls, Failure, chain};

/// The cookie name of the second type of sessions.
const SECOND_NAME: &str = "orders";

type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

type MakeSessions = Box<dyn Fn(SessionConfig) -> Later<Arc<dyn SessionInterface>> + Send + Sync>;

type MakeServer = Box<dyn Fn(Arc<dyn SessionInterface>) -> Later<Arc<dyn Server>> + Send + Sync>;

type MakeServerOfTwo = Box<
    dyn Fn(Arc<dyn SessionInterface>, Arc<dyn SessionInterface>) -> Later<Arc<dyn Server>>
        + Send
        + Sync,
>;

/// An adapter under test, with sessions for the checks and a server. The handlers of the server
/// obtain the sessions through the adapter.
///
/// # Examples
///
/// ```
/// use session_conformance::adapter::{AdapterUnderTest, Request, Response, Server};
/// use session_core::async_trait;
/// use session_memory::{MemorySessions, MemoryStore};
///
/// struct Teapot;
///
/// #[async_trait]
/// impl Server for Teapot {
///     async fn call(&self, _: Request) -> Response {
///         Response::new(418)
///     }
/// }
///
/// let under_test = AdapterUnderTest::new(
///     |config| async { MemorySessions::new(MemoryStore::new(), config) },
///     |_interface| async { Teapot },
/// );
/// ```
pub struct AdapterUnderTest {
    sessions: MakeSessions,
    server: MakeServer,
    server_of_two: Option<MakeServerOfTwo>,
    calls: Calls,
    names: Mutex<Vec<String>>,
}

impl AdapterUnderTest {
    /// Returns an adapter under test, from functions that create its sessions and its server.
    pub fn new<I, S>(
        sessions: impl Fn(SessionConfig) -> I + Send + Sync + 'static,
        server: impl Fn(Arc<dyn SessionInterface>) -> S + Send + Sync + 'static,
    ) -> Self
    where
        I: Future<Output: SessionInterface> + Send + 'static,
        S: Future<Output: Server> + Send + 'static,
    {
        Self {
            sessions: Box::new(move |config| {
                let sessions = sessions(config);
                Box::pin(async { Arc::new(sessions.await) as Arc<dyn SessionInterface> })
            }),
            server: Box::new(move |interface| {
                let server = server(interface);
                Box::pin(async { Arc::new(server.await) as Arc<dyn Server> })
            }),
            server_of_two: None,
            calls: Calls::default(),
            names: Mutex::default(),
        }
    }

    /// Adds an application with two types of sessions. [`Server`] specifies the handlers of the
    /// application.
    #[must_use]
    pub fn with_two_sessions<I, S>(mut self, server: I) -> Self
    where
        I: Fn(Arc<dyn SessionInterface>, Arc<dyn SessionInterface>) -> S + Send + Sync + 'static,
        S: Future<Output: Server> + Send + 'static,
    {
        self.server_of_two = Some(Box::new(move |first, second| {
            let server = server(first, second);
            Box::pin(async { Arc::new(server.await) as Arc<dyn Server> })
        }));
        self
    }

    /// Starts an application with default settings.
    pub(crate) async fn start(&self) -> Result<Application<'_>, Failure> {
        self.start_with(|settings| settings).await
    }

    pub(crate) async fn start_with(
        &self,
        set: impl FnOnce(SessionConfigBuilder) -> SessionConfigBuilder,
    ) -> Result<Application<'_>, Failure> {
        let clock = ManualClock::at(SystemTime::now());
        let (sessions, observed) = self.sessions(&clock, set).await?;
        let server = (self.server)(Arc::clone(&observed) as Arc<dyn SessionInterface>).await;
        Ok(Application::new(self, sessions, observed, server, clock))
    }

    /// Starts an application with two types of sessions, with these settings of the second type.
    /// Both results refer to this application. The first result opens sessions of the first type.
    pub(crate) async fn start_two_with(
        &self,
        set: impl FnOnce(SessionConfigBuilder) -> SessionConfigBuilder,
    ) -> Result<[Application<'_>; 2], Failure> {
        let Some(server) = &self.server_of_two else {
            return Err(self.calls.failure("a server with two types of sessions", "none"));
        };
        let clock = ManualClock::at(SystemTime::now());
        let (first, observed_first) = self.sessions(&clock, |settings| settings).await?;
        let named = |settings: SessionConfigBuilder| settings.cookie_name(SECOND_NAME);
        let (second, observed_second) = self.sessions(&clock, |it| set(named(it))).await?;
        let interface =
            |observed: &Arc<Observed>| Arc::clone(observed) as Arc<dyn SessionInterface>;
        let server = server(interface(&observed_first), interface(&observed_second)).await;
        let first =
            Application::new(self, first, observed_first, Arc::clone(&server), clock.clone());
        let second = Application::new(self, second, observed_second, server, clock);
        Ok(Application::beside_each_other(first, second))
    }

    /// Creates sessions with these settings.
    async fn sessions(
        &self,
        clock: &ManualClock,
        set: impl FnOnce(SessionConfigBuilder) -> SessionConfigBuilder,
    ) -> Result<(Arc<dyn SessionInterface>, Arc<Observed>), Failure> {
        let config = set(SessionConfig::builder().clock(clock.clone())).build();
        let config = config.map_err(|error| self.calls.failure("valid settings", chain(&error)))?;
        let sessions = (self.sessions)(config).await;
        let observed = Arc::new(Observed::new(Arc::clone(&sessions)));
        Ok((sessions, observed))
    }

    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Returns a name for a cookie value in messages: A, B, C in the order of the first use.
    pub(crate) fn name(&self, value: &str) -> String {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let number = names.iter().position(|other| other == value).unwrap_or_else(|| {
            names.push(value.to_owned());
            names.len() - 1
        });
        let letter = char::from(b'A' + u8::try_from(number % 26).unwrap_or(0));
        if number < 26 { letter.to_string() } else { format!("{letter}{}", number / 26) }
    }
}

impl fmt::Debug for AdapterUnderTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdapterUnderTest").finish_non_exhaustive()
    }
}
