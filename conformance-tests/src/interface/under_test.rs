//! The interface that is checked: how to make one, and the clock that it reads.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use session_core::{Clock as _, ManualClock, OwnerSessions, SessionConfig, SessionConfigBuilder, SessionInterface};

use super::browser::Browser;
use super::owning::Owners;
use crate::Failure;
use crate::failure::{Calls, Checked, chain};

/// An interface, and the same as an owner's list if it is one.
struct Made {
    interface: Arc<dyn SessionInterface>,
    owners: Option<Arc<dyn OwnerSessions>>,
}

type Making = Pin<Box<dyn Future<Output = Made> + Send>>;

/// An interface to check, as often and in such configurations as the rules want it.
///
/// ```
/// use conformance_tests::interface::InterfaceUnderTest;
/// use session_memory::MemorySessions;
///
/// let under_test = InterfaceUnderTest::new(|config| async move { MemorySessions::new(config) });
/// ```
pub struct InterfaceUnderTest {
    make: Box<dyn Fn(SessionConfig) -> Making + Send + Sync>,
    clock: ManualClock,
    calls: Calls,
}

impl InterfaceUnderTest {
    /// Whatever this makes of a configuration. The time is in the configuration's clock, and stands still until a rule moves it.
    ///
    /// ```
    /// # use conformance_tests::interface::InterfaceUnderTest;
    /// # use session_memory::MemorySessions;
    /// let under_test = InterfaceUnderTest::new(|config| async move { MemorySessions::new(config) });
    /// ```
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

    /// As [`new`](Self::new), of an interface that lists and ends an owner's sessions.
    ///
    /// ```
    /// # use conformance_tests::interface::InterfaceUnderTest;
    /// # use session_memory::MemorySessions;
    /// let under_test = InterfaceUnderTest::with_owners(|config| async move { MemorySessions::new(config) });
    /// ```
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
        Self { make: Box::new(make), clock: ManualClock::at(SystemTime::now()), calls: Calls::default() }
    }

    /// The interface in its default configuration, and its owners' sessions.
    pub(crate) async fn owned(&self) -> Result<(Arc<dyn SessionInterface>, Owners), Failure> {
        let made = self.made(SessionConfig::builder()).await?;
        let owners = made.owners.ok_or_else(|| self.failure("an interface that is an `OwnerSessions`", "another"))?;
        Ok((made.interface, Owners::new(owners, self.calls.clone())))
    }

    /// The interface in its default configuration.
    pub(crate) async fn interface(&self) -> Result<Arc<dyn SessionInterface>, Failure> {
        self.configured(SessionConfig::builder()).await
    }

    pub(crate) async fn configured(&self, builder: SessionConfigBuilder) -> Result<Arc<dyn SessionInterface>, Failure> {
        Ok(self.made(builder).await?.interface)
    }

    async fn made(&self, builder: SessionConfigBuilder) -> Result<Made, Failure> {
        let config = builder.clock(self.clock.clone()).build();
        let config = config.map_err(|error| self.failure("a configuration that can be built", chain(&error)))?;
        Ok((self.make)(config).await)
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Somebody who has not been there before.
    pub(crate) fn browser(&self, name: &'static str, interface: &Arc<dyn SessionInterface>) -> Browser {
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
