//! Every rule of server-side sessions, without exception.

use merging_interface::MergingSessions;

conformance_tests::interface_suite!(
    server_side,
    |config| async move { MergingSessions::new(config) },
    owners
);
