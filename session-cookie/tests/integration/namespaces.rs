//! Two signed cookies with one key and different namespaces in a process.
use session_cookie::{Digest, SecretKey, SessionConfig, SignedCookieSessions};
use session_core::{Error, ErrorKind};

fn config(name: &str) -> SessionConfig {
    SessionConfig::builder().cookie_name(name).build().unwrap()
}

fn signed(name: &str, key: &SecretKey) -> Result<SignedCookieSessions, Error> {
    SignedCookieSessions::new(config(name), key)
}

fn is_refused(result: Result<SignedCookieSessions, Error>) -> bool {
    result.is_err_and(|error| {
        assert!(error.to_string().contains("set another salt"), "{error}");
        error.kind() == ErrorKind::Configuration
    })
}

#[test]
fn same_key_signs_only_one_namespace() {
    let key = SecretKey::generate().unwrap();
    let user = signed("session", &key).unwrap();
    assert!(is_refused(signed("admin", &key)));
    assert!(signed("session", &key).is_ok());
    assert!(signed("__Host-session", &key).is_ok());
    let renamed = SessionConfig::builder().cookie_name("id").namespace("session").build().unwrap();
    assert!(SignedCookieSessions::new(renamed, &key).is_ok());

    let admin = |key| SignedCookieSessions::builder(config("admin"), key);
    assert!(admin(&key).salt("admin").build().is_ok());
    assert!(admin(&key).digest(Digest::Sha256).build().is_ok());
    let clone = user.clone();
    drop(user);
    assert!(is_refused(signed("admin", &key)));
    drop(clone);
    assert!(signed("admin", &key).is_ok());
}

#[test]
fn fallback_key_signs_only_one_namespace() {
    let retired = SecretKey::generate().unwrap();
    let with_retired = || SecretKey::generate().unwrap().with_fallback(&retired);
    let user = signed("session", &with_retired()).unwrap();
    assert!(is_refused(signed("admin", &with_retired())));
    drop(user);
    assert!(signed("admin", &with_retired()).is_ok());
}

#[test]
fn starlette_key_signs_only_one_namespace() {
    let key = SecretKey::generate().unwrap();
    let _user = SignedCookieSessions::starlette(config("session"), &key).unwrap();
    assert!(is_refused(SignedCookieSessions::starlette(config("admin"), &key)));
    assert!(signed("admin", &key).is_ok());
}
