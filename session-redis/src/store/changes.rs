//! Reports of changed records.

use std::sync::Weak;

use session_core::store::{ChangeListener, ReportChanges};
use session_core::{Error, async_trait};

use super::RedisStore;
use crate::connection::Listener;

#[async_trait]
impl ReportChanges for RedisStore {
    /// Lets Redis track the keys that the connection reads; see [Invalidation](crate#invalidation).
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Configuration`](session_core::ErrorKind::Configuration) on a Cluster, over an
    ///   existing connection and over RESP2.
    /// - [`ErrorKind::Backend`](session_core::ErrorKind::Backend) if the user lacks the permission
    ///   `+client|tracking`.
    async fn report_changes(&self, listener: Weak<dyn ChangeListener>) -> Result<(), Error> {
        let call = self.call("report_changes");
        let listener = Listener { key_prefix: call.key_prefix.to_owned(), listener };
        let reported = self.connection.report_changes(listener, call.deadline).await;
        reported.map_err(|error| call.failed(error))
    }
}
