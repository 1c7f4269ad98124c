//! The rules that every interface keeps which holds its sessions in the cookie, for both kinds of cookie.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

mod signed {
    use session_cookie::{SecretKey, SignedCookieSessions};

    conformance_tests::interface_suite!(client_side, |config| async move {
        let key = SecretKey::new(super::SECRET).expect("a key");
        SignedCookieSessions::new(config, &key).expect("signed sessions")
    });
}

mod sealed {
    use session_cookie::{SealedCookieSessions, SecretKey};

    conformance_tests::interface_suite!(client_side, |config| async move {
        let key = SecretKey::new(super::SECRET).expect("a key");
        SealedCookieSessions::new(config, &key).expect("sealed sessions")
    });
}
