//! Reports of changed records, for caches in front of a store.

use std::sync::Weak;

use async_trait::async_trait;

use super::record::StoreKey;
use super::traits::SessionStore;
use crate::error::Error;

/// A store that reports the keys of changed records, so that a cache in front of the store can
/// remove its copies. The store reports the changes of all processes that use it.
///
/// A report is a message. It may arrive after the write has returned to its caller, and it may be
/// lost together with the connection. Therefore a cache also needs a time to live.
#[async_trait]
pub trait ReportChanges: SessionStore {
    /// Calls the listener for the changes of every record that this store or a clone of it loads
    /// from now on.
    ///
    /// **Changes.** A change is a write, a renewal or a removal, including changes by this store
    /// itself. If a record changes after a load has read it, the store must report the key. The
    /// report may precede the return of the load. After a report, the store need not report the key
    /// again until the record is loaded again.
    ///
    /// **Lost reports.** If reports may have been lost, for example with a connection, the store
    /// must call [`ChangeListener::all_changed`]. A load that starts after this call must use a
    /// connection that reports changes. If the store can no longer open such a connection, it must
    /// log a warning and continue without reports.
    ///
    /// **More reports.** A store may report a key whose record has not changed, or was never
    /// loaded.
    ///
    /// **Lifetime.** The caller holds the listener. The store does not call a listener that the
    /// caller has dropped. A store may have several listeners.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) if the settings of the store
    /// exclude reports. Otherwise fails like the methods of [`SessionStore`]. After an error, the
    /// listener is not called.
    async fn report_changes(&self, listener: Weak<dyn ChangeListener>) -> Result<(), Error>;
}

/// The receiver of the reports of a store.
///
/// The store calls the methods from any thread, even while the store holds a lock. Therefore the
/// methods must not block, and must not call the store.
pub trait ChangeListener: Send + Sync + 'static {
    /// Receives the key of a record that may have changed.
    fn changed(&self, key: &StoreKey);

    /// Receives the report that any record may have changed since it was loaded.
    fn all_changed(&self);
}
