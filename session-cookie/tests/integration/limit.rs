//! Cookie backends refuse a maximum number of sessions.

use session_cookie::{SealedCookieSessions, SecretKey, SessionConfig, SignedCookieSessions};
use session_core::ErrorKind;

#[test]
fn cookie_backends_refuse_maximum_number_of_sessions() {
    let key = SecretKey::generate().unwrap();
    let config = SessionConfig::builder().max_sessions(3).build().unwrap();
    let signed = SignedCookieSessions::new(config.clone(), &key).map(drop);
    let starlette = SignedCookieSessions::starlette(config.clone(), &key).map(drop);
    let sealed = SealedCookieSessions::new(config, &key).map(drop);
    for result in [signed, starlette, sealed] {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Configuration);
    }
    let zero = SessionConfig::builder().max_sessions(0).build();
    assert_eq!(zero.unwrap_err().kind(), ErrorKind::Configuration);
}
