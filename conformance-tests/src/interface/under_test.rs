//! The interface that is checked: how to make one, and the clock that it reads.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use session_core::{ManualClock, SessionConfig, SessionConfigBuilder, SessionInterface};

use super::browser::Browser;
use crate::Failure;
use crate::failure::{Calls, Checked, chain};

type Making = Pin<Box<dyn Future<Output = Arc<dyn SessionInterface>> + Send>>;

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
            Box::pin(async move { Arc::new(making.await) as Arc<dyn SessionInterface> })
        };
        Self { make: Box::new(make), clock: ManualClock::at(SystemTime::now()), calls: Calls::default() }
    }

    /// The interface in its default configuration.
    pub(crate) async fn interface(&self) -> Result<Arc<dyn SessionInterface>, Failure> {
        self.configured(SessionConfig::builder()).await
    }

    pub(crate) async fn configured(&self, builder: SessionConfigBuilder) -> Result<Arc<dyn SessionInterface>, Failure> {
        let config = builder.clock(self.clock.clone()).build();
        let config = config.map_err(|error| self.failure("a configuration that can be built", chain(&error)))?;
        Ok((self.make)(config).await)
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
