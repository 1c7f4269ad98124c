//! The interface under test, with its constructor and its clock.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use session_core::{
    Clock as _, ManualClock, OwnerSessions, SessionConfig, SessionConfigBuilder, SessionInterface,
};

use crate::harness::interface::browser::Browser;
use crate::harness::interface::owning::Owners;
use crate::report::{Calls, Checked, Failure, chain};

/// An interface, and the same interface as an `OwnerSessions` if it implements this trait.
struct Made {
    interface: Arc<dyn SessionInterface>,
    owners: Option<Arc<dyn OwnerSessions>>,
}

type Making = Pin<Box<dyn Future<Output = Made> + Send>>;

/// An interface under test. The rules create it as often as necessary, with several configurations.
///
/// # Examples
///
/// ```
/// use session_conformance::interface::InterfaceUnderTest;
/// use session_memory::{MemorySessions, MemoryStore};
///
/// let under_test = InterfaceUnderTest::with_owners(|config| async move {
///     MemorySessions::new(MemoryStore::new(), config)
/// });
/// ```
pub struct InterfaceUnderTest {
    make: Box<dyn Fn(SessionConfig) -> Making + Send + Sync>,
    clock: ManualClock,
    calls: Calls,
}

impl InterfaceUnderTest {
    /// Returns an interface under test from a function that creates the interface for a
    /// configuration. The clock of the configuration changes only when a rule advances it.
    pub fn new<I, F>(make: impl Fn(SessionConfig) -> F + Send + Sync + 'static) -> Self
    where
        I: SessionInterface,
        F: Future<Output = I> + Send + 'static,
    {
        let make = move |config| -> Making {
            let making = make(config);
            Box::pin(async move { Made { interface: Arc::new(making.await), owners: None } })
        };
        Self::making(make)
    }

    /// Returns an interface under test from a function that creates interfaces with
    /// [`OwnerSessions`].
    pub fn with_owners<I, F>(make: impl Fn(SessionConfig) -> F + Send + Sync + 'static) -> Self
    where
        I: SessionInterface + OwnerSessions,
        F: Future<Output = I> + Send + 'static,
    {
        let make = move |config| -> Making {
            let making = make(config);
            Box::pin(async move {
                let interface = Arc::new(making.await);
                Made { owners: Some(Arc::clone(&interface) as _), interface }
            })
        };
        Self::making(make)
    }

    fn making(make: impl Fn(SessionConfig) -> Making + Send + Sync + 'static) -> Self {
        Self {
            make: Box::new(make),
            clock: ManualClock::at(SystemTime::now()),
            calls: Calls::default(),
        }
    }

    /// Creates the interface and its `OwnerSessions` with the default configuration.
    pub(crate) async fn owned(&self) -> Result<(Arc<dyn SessionInterface>, Owners), Failure> {
        self.owned_with(|settings| settings).await
    }

    pub(crate) async fn owned_with(
        &self,
        set: impl FnOnce(SessionConfigBuilder) -> SessionConfigBuilder,
    ) -> Result<(Arc<dyn SessionInterface>, Owners), Failure> {
        let made = self.made(set(SessionConfig::builder())).await?;
        let owners = made
            .owners
            .ok_or_else(|| self.failure("an interface that is an `OwnerSessions`", "another"))?;
        Ok((made.interface, Owners::new(owners, self.calls.clone())))
    }

    /// Creates the interface with the default configuration.
    pub(crate) async fn interface(&self) -> Result<Arc<dyn SessionInterface>, Failure> {
        self.configured(SessionConfig::builder()).await
    }

    pub(crate) async fn configured(
        &self,
        builder: SessionConfigBuilder,
    ) -> Result<Arc<dyn SessionInterface>, Failure> {
        Ok(self.made(builder).await?.interface)
    }

    async fn made(&self, builder: SessionConfigBuilder) -> Result<Made, Failure> {
        let config = builder.clock(self.clock.clone()).build();
        let config = config
            .map_err(|error| self.failure("a configuration that can be built", chain(&error)))?;
        Ok((self.make)(config).await)
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Returns the browser of a visitor, without cookies.
    pub(crate) fn browser(
        &self,
        name: &'static str,
        interface: &Arc<dyn SessionInterface>,
    ) -> Browser {
        Browser::new(name, Arc::clone(interface), self.clock.clone(), self.calls.clone())
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.calls.note(format!("-- {} s pass --", time.as_secs()));
        self.clock.advance(time);
    }

    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    pub(crate) fn failure(&self, expected: impl Into<String>, seen: impl Into<String>) -> Failure {
        self.calls.failure(expected, seen)
    }

    pub(crate) fn equal<T: fmt::Debug + PartialEq>(&self, expected: T, seen: T) -> Checked {
        self.calls.equal(expected, seen)
    }
}

impl fmt::Debug for InterfaceUnderTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InterfaceUnderTest").finish_non_exhaustive()
    }
}
