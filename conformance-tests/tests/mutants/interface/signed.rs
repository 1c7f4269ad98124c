//! The signed cookie, which fulfils every rule.

use session_conformance::interface::InterfaceUnderTest;
use session_cookie::{SecretKey, SignedCookieSessions};
use session_core::SessionConfig;

pub const SECRET: &str = "b0c1f4a7d92e6835a1f0473be85dc6291e7fa3058cd4b96271e8fd3a50c794b2";

pub fn unchanged() -> InterfaceUnderTest {
    InterfaceUnderTest::new(|config| async move { signed(config, SECRET) })
}

pub fn signed(config: SessionConfig, key: &str) -> SignedCookieSessions {
    // Cookies of several names with one key need different salts.
    let salt = config.namespace().to_owned();
    SignedCookieSessions::builder(config, &SecretKey::new(key).unwrap()).salt(salt).build().unwrap()
}
