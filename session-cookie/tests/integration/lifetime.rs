//! The lifetime that a handler sets for a session in a cookie.
use std::sync::Arc;
use std::time::Duration;

use session_cookie::{SealedCookieSessions, SecretKey, SessionConfig, SignedCookieSessions};
use session_core::request::RequestSession;
use session_core::{ManualClock, SessionConfigBuilder, SessionInterface};

use crate::support::{at, parts, request};

const NOW: u64 = 1_700_000_000;
const SECRET: &str = "a-test-secret-7Qd0pXw4ZrLk9Vm2Bn8Ys5Tc1";
const HOUR: Duration = Duration::from_secs(3600);

/// Every kind of cookie, each with its clock.
fn all(config: impl Fn() -> SessionConfigBuilder) -> [(Arc<dyn SessionInterface>, ManualClock); 3] {
    let key = SecretKey::new(SECRET).unwrap();
    let configured = || {
        let clock = ManualClock::at(at(NOW));
        (config().clock(clock.clone()).build().unwrap(), clock)
    };
    let (sealed, signed, starlette) = (configured(), configured(), configured());
    [
        (Arc::new(SignedCookieSessions::starlette(starlette.0, &key).unwrap()), starlette.1),
        (Arc::new(SealedCookieSessions::new(sealed.0, &key).unwrap()), sealed.1),
        (Arc::new(SignedCookieSessions::new(signed.0, &key).unwrap()), signed.1),
    ]
}

fn opened(interface: &Arc<dyn SessionInterface>, cookie: &str) -> RequestSession {
    request(Arc::clone(interface), Some(&format!("session={cookie}")))
}

/// Begins a session with this lifetime, and returns its cookie and attributes.
async fn begin(interface: &Arc<dyn SessionInterface>, lifetime: Duration) -> (String, bool) {
    let request = request(Arc::clone(interface), None);
    let session = request.session().await.unwrap();
    session.set_lifetime(lifetime).unwrap();
    session.insert("n", 1).unwrap();
    let headers = request.commit().await.into_result().unwrap();
    let (_, value, attributes) = parts(headers.set_cookie().unwrap());
    (value.to_owned(), attributes.iter().any(|attribute| attribute.starts_with("Expires=")))
}

#[tokio::test]
async fn lifetime_of_handler_precedes_settings() {
    for settings in [HOUR / 2, HOUR * 48] {
        for (interface, clock) in all(|| SessionConfig::builder().permanent_lifetime(settings)) {
            let (cookie, expires) = begin(&interface, HOUR).await;
            assert!(expires, "the browser keeps the cookie");
            clock.advance(HOUR);
            let session = opened(&interface, &cookie).session().await.unwrap();
            assert!(!session.is_new());
            clock.advance(Duration::from_secs(1));
            let session = opened(&interface, &cookie).session().await.unwrap();
            assert!(session.is_new(), "{interface:?}");
        }
    }
}

#[tokio::test]
async fn read_renews_lifetime_of_handler() {
    for (interface, clock) in all(SessionConfig::builder) {
        let (cookie, _) = begin(&interface, HOUR).await;
        clock.advance(HOUR / 2);
        let request = opened(&interface, &cookie);
        let session = request.session().await.unwrap();
        assert_eq!(session.details().expires_at(), Some(at(NOW) + HOUR));
        assert!(request.commit().await.into_result().unwrap().set_cookie().is_some());
        assert_eq!(session.details().expires_at(), Some(at(NOW) + HOUR * 3 / 2));
    }
}

#[tokio::test]
async fn visitor_lifetime_limits_cookie_without_owner() {
    for (interface, clock) in all(|| SessionConfig::builder().visitor_lifetime(HOUR)) {
        let request = request(Arc::clone(&interface), None);
        request.session().await.unwrap().insert("n", 1).unwrap();
        let headers = request.commit().await.into_result().unwrap();
        let (_, cookie, attributes) = parts(headers.set_cookie().unwrap());
        assert!(!attributes.iter().any(|attribute| attribute.starts_with("Expires=")));
        clock.advance(HOUR / 2);
        let reading = opened(&interface, cookie);
        assert!(!reading.session().await.unwrap().is_new());
        let headers = reading.commit().await.into_result().unwrap();
        let (_, renewed, _) = parts(headers.set_cookie().unwrap());
        clock.advance(HOUR);
        assert!(!opened(&interface, renewed).session().await.unwrap().is_new(), "{interface:?}");
        assert!(opened(&interface, cookie).session().await.unwrap().is_new(), "{interface:?}");
    }
}

#[tokio::test]
async fn login_removes_limit_of_visitors_from_cookie() {
    for (interface, clock) in all(|| SessionConfig::builder().visitor_lifetime(HOUR)) {
        let request = request(Arc::clone(&interface), None);
        request.session().await.unwrap().log_in("ada", None).await.unwrap();
        let headers = request.commit().await.into_result().unwrap();
        let (_, cookie, _) = parts(headers.set_cookie().unwrap());
        clock.advance(HOUR * 24);
        let session = opened(&interface, cookie).session().await.unwrap();
        assert_eq!(session.owner().as_deref(), Some("ada"), "{interface:?}");
    }
}
