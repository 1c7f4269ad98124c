//! What the benchmarks share: sessions of the measured sizes, and a way to run a future that never waits.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// A session of 70 bytes, as an application with a login has it.
pub const SMALL: &str = r#"{"_permanent":true,"user_id":42,"csrf":"3q2-7wAAEjRWeJq83vASNFZ4mrze"}"#;

/// A session of 300 bytes: a login, a cart and a few preferences.
pub const LARGE: &str = r#"{"_permanent":true,"user_id":42,"csrf":"3q2-7wAAEjRWeJq83vASNFZ4mrze","name":"Ada Lovelace","email":"ada@example.com","theme":"dark","language":"en-GB","cart":[{"product":17,"quantity":2},{"product":4,"quantity":1},{"product":99,"quantity":12}],"last_seen":"2023-11-14T22:13:20Z","referrer":"/mail/"}"#;

/// Runs a future that never waits; `None` if it does.
pub fn ready<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_sessions_have_the_sizes_they_are_named_for() {
        assert_eq!((super::SMALL.len(), super::LARGE.len()), (70, 300));
    }
}
