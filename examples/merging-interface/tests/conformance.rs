//! Every rule of server-side sessions, without exception.

use merging_interface::MergingSessions;

session_conformance::interface_suite!(
    server_side,
    |config| async move { MergingSessions::new(config) },
    owners
);
