//! The rules that every interface keeps which holds its sessions in the cookie.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use session_cookie::{SecretKey, SignedCookieSessions};

const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

conformance_tests::interface_suite!(client_side, |config| async move {
    let key = SecretKey::new(SECRET).expect("a key");
    SignedCookieSessions::new(config, &key).expect("signed sessions")
});
