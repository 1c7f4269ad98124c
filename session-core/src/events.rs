//! The events of sessions and stores, for the application and for `tracing`.
//!
//! Set a handler with [`SessionConfigBuilder::events`](crate::SessionConfigBuilder::events), to
//! count events or to act on them. `tracing` always receives the events. The start of an outage is
//! an error, and evictions are warnings. Logins, logouts and ended sessions are information, and
//! most other events are debug output.
//!
//! An author of an interface or a store reports these events with [`Events::report`]:
//!
//! | author | events |
//! |---|---|
//! | of an interface | [`Expired`](Event::Expired), [`UnknownId`](Event::UnknownId), [`RotatedId`](Event::RotatedId) or [`ForgedCookie`](Event::ForgedCookie) when `open` rejects a cookie |
//! | of an [`OwnerSessions`](crate::OwnerSessions) | [`Ended`](Event::Ended), also in `limit_sessions` |
//! | of a store | [`Evicted`](Event::Evicted), [`Reconnected`](Event::Reconnected), [`Swept`](Event::Swept) |
//!
//! [`Events::observe`] reports store calls and outages, and the core reports all other events.
#![doc = include_str!("../EVENTS.md")]

mod event;
mod limit;
mod log;
mod log_limit;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tracing::Instrument as _;

use crate::error::{Error, ErrorKind};
use limit::Limits;
use log::log;

pub use event::{Event, EventSession, StoreCall};
pub use log_limit::LogLimit;

/// A handler of the [events](Event) of this process. Any `Fn(&Event<'_>)` is a handler.
///
/// # Examples
///
/// Closing the connections of a user whose session ends in this process:
///
/// ```
/// use session_core::SessionConfig;
/// use session_core::events::{Event, Events};
///
/// # #[derive(Clone)] struct Connections;
/// # impl Connections { fn close(&self, handle: &str) {} }
/// # let connections = Connections;
/// let events = Events::new(move |event: &Event<'_>| match event {
///     Event::LoggedOut { session } | Event::Ended { session } => {
///         if let Some(handle) = session.handle() {
///             connections.close(handle);
///         }
///     }
///     _ => {}
/// });
/// let config = SessionConfig::builder().events(events).build()?;
/// # Ok::<(), session_core::Error>(())
/// ```
pub trait EventHandler: Send + Sync + 'static {
    /// Handles an event. This method is called in the task in which the event happens,
    /// concurrently, and never under a lock. An implementation must not block. Pass the event to
    /// another task if handling takes time.
    ///
    /// A panic is logged, and does not reach the caller.
    fn handle(&self, event: &Event<'_>);
}

impl<F: Fn(&Event<'_>) + Send + Sync + 'static> EventHandler for F {
    fn handle(&self, event: &Event<'_>) {
        self(event);
    }
}

/// The receiver of events, which reports them to the handler of the application and to `tracing`.
/// Clones share the handler.
///
/// The configuration of an interface, and the builder of a store that reports events, have a
/// setting of this type. The default has no handler, and reports to `tracing` only.
#[derive(Clone, Default)]
pub struct Events {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    handler: Option<Box<dyn EventHandler>>,
    limits: Limits,
    /// The limit of the log events of requests.
    log_limit: LogLimit,
    /// The number of failed store calls in the current outage.
    failed: AtomicU64,
}

impl Events {
    /// Returns a receiver that passes events to this handler.
    pub fn new(handler: impl EventHandler) -> Self {
        let handler: Option<Box<dyn EventHandler>> = Some(Box::new(handler));
        Self { shared: Arc::new(Shared { handler, ..Shared::default() }) }
    }

    /// Returns whether there is a handler.
    pub fn has_handler(&self) -> bool {
        self.shared.handler.is_some()
    }

    /// Returns the limit of the log events about requests that fail in an outage.
    pub fn log_limit(&self) -> &LogLimit {
        &self.shared.log_limit
    }

    /// Reports an event. An event that any client can cause is counted instead of reported if its
    /// kind was reported too often. Do not call this method under a lock.
    pub fn report(&self, event: Event<'_>) {
        let Some(event) = self.shared.limits.admit(event) else { return };
        log(&event);
        let Some(handler) = &self.shared.handler else { return };
        if catch_unwind(AssertUnwindSafe(|| handler.handle(&event))).is_err() {
            tracing::error!("handler of session events panicked");
        }
    }

    /// Runs a call of a store. Reports its start and its end, and the start and the end of an
    /// outage. Interfaces that call a store use this method. [`ServerSideSessions`] uses it for
    /// every call. Without a handler, this method measures nothing, unless `tracing` records spans
    /// of the level `DEBUG`.
    ///
    /// The span of a call has the fields of OpenTelemetry's conventions for database clients. The
    /// store records the fields `db.system.name` and `db.collection.name` with
    /// `tracing::Span::current().record(..)`.
    ///
    /// # Errors
    ///
    /// Returns the errors of the call.
    ///
    /// [`ServerSideSessions`]: crate::ServerSideSessions
    pub async fn observe<T>(
        &self,
        call: StoreCall,
        running: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        if !self.has_handler() && !log::records_calls() {
            let result = running.await;
            self.note_result(result.as_ref().err());
            return result;
        }
        self.report(Event::StoreCallBegan { call });
        let (began, span) = (Instant::now(), log::span(call));
        let result = running.instrument(span.clone()).await;
        let (duration, error) = (began.elapsed(), result.as_ref().err().map(Error::kind));
        if let Some(kind) = error {
            log::record_error(&span, kind);
        }
        self.note_result(result.as_ref().err());
        self.report(Event::StoreCallEnded { call, duration, error });
        result
    }

    /// Records the result of a store call, and reports the start and the end of an outage.
    fn note_result(&self, error: Option<&Error>) {
        let failed = &self.shared.failed;
        let is_outage =
            |error: &Error| error.kind() == ErrorKind::Unavailable && !error.is_newer_format();
        if error.is_some_and(is_outage) {
            if failed.fetch_add(1, Ordering::Relaxed) == 0 {
                self.report(Event::OutageBegan);
            }
        } else if error.is_none() && failed.load(Ordering::Relaxed) > 0 {
            let failed = failed.swap(0, Ordering::Relaxed);
            if failed > 0 {
                self.report(Event::OutageEnded { failed });
            }
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("has_handler", &self.has_handler()).finish_non_exhaustive()
    }
}
