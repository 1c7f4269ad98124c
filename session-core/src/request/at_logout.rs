//! The parts of a request that end together with its session.

use std::sync::Arc;

use crate::session::holder::BoxFuture;

/// A part of the request that ends with the session when the user logs out, or another user logs
/// in.
pub(crate) trait EndsAtLogout: Send + Sync {
    /// Ends this part, unless the part belongs to this owner.
    fn end(self: Arc<Self>, except_of: Option<Box<str>>) -> BoxFuture<()>;
}
