//! Rules of requests in any order.

use fastrand::Rng;

use crate::harness::interface::InterfaceUnderTest;
use crate::harness::interface::model::Model;
use crate::harness::interface::times::MINUTE;
use crate::macros::rules;

rules! {
    ($) pub(crate) const ORDERS, macro __interface_orders, for InterfaceUnderTest;

    /// After every combination of handlers, the next request finds exactly the state that the last
    /// handler left. The state consists of the values, the flash messages, the owner, the login and
    /// the stamp. The state also includes whether the session is new and whether it is permanent.
    ///
    /// Fix failing rules about single actions first. The last calls in the message are the actions
    /// of one request, and the next request's read of the whole state.
    async fn requests_in_any_order_leave_what_they_wrote(under_test) {
        let interface = under_test.interface().await?;
        for seed in 0..RUNS {
            let mut rng = Rng::with_seed(seed);
            let mut visitors = ["ada's browser", "eve's browser"]
                .map(|name| (under_test.browser(name, &interface), Model::default()));
            for number in 0..REQUESTS {
                let (visitor, model) = &mut visitors[number % 2];
                under_test.request_in_any_order(visitor, model, &mut rng).await?;
                under_test.pass(MINUTE);
            }
        }
        Ok(())
    }
}

const RUNS: u64 = 8;

const REQUESTS: usize = 16;
