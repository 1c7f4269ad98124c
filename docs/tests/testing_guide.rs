//! Runs the tests that the guide to testing shows.

#![allow(clippy::pedantic, reason = "applications need not follow these lints")]

mod with_axum {
    include!(concat!(env!("OUT_DIR"), "/testing_0.rs"));
}

mod with_actix {
    include!(concat!(env!("OUT_DIR"), "/testing_1.rs"));
}

mod without_login_form {
    include!(concat!(env!("OUT_DIR"), "/testing_2.rs"));
}

mod two_devices {
    include!(concat!(env!("OUT_DIR"), "/testing_3.rs"));
}

mod without_application {
    include!(concat!(env!("OUT_DIR"), "/testing_4.rs"));
}
