//! The rules of interfaces that store the session in the cookie, for every kind of cookie.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use session_cookie::SessionConfig;

const SECRET: &str = "b0c1f4a7d92e6835a1f0473be85dc6291e7fa3058cd4b96271e8fd3a50c794b2";

/// Concurrent tests use different namespaces, which must not have the same signing key.
fn secret(config: &SessionConfig) -> String {
    format!("{SECRET}{}", config.namespace())
}

mod signed {
    use session_cookie::{SecretKey, SignedCookieSessions};

    session_conformance::interface_suite!(client_side, |config| async move {
        let key = SecretKey::new(super::secret(&config)).expect("a key");
        SignedCookieSessions::new(config, &key).expect("signed sessions")
    });
}

mod starlette {
    use session_cookie::{SecretKey, SignedCookieSessions};

    session_conformance::interface_suite!(client_side, |config| async move {
        let key = SecretKey::new(super::secret(&config)).expect("a key");
        SignedCookieSessions::starlette(config, &key).expect("signed sessions")
    });
}

mod sealed {
    use session_cookie::{SealedCookieSessions, SecretKey};

    session_conformance::interface_suite!(client_side, |config| async move {
        let key = SecretKey::new(super::secret(&config)).expect("a key");
        SealedCookieSessions::new(config, &key).expect("sealed sessions")
    });
}
