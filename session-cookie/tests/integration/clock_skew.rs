//! Signed cookies from a server whose clock differs.
use std::time::Duration;

use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
use session_core::ManualClock;

use crate::support::{at, parts, request};

const NOW: u64 = 1_700_000_000;
const HOUR: u64 = 3600;

fn sessions(now: u64) -> SignedCookieSessions {
    let config = SessionConfig::builder()
        .permanent_lifetime(Duration::from_secs(HOUR))
        .clock(ManualClock::at(at(now)))
        .build();
    let key = SecretKey::new("a-test-secret-7Qd0pXw4ZrLk9Vm2Bn8Ys5Tc1").unwrap();
    SignedCookieSessions::new(config.unwrap(), &key).unwrap()
}

/// Returns the cookie that a server sets at this time, by its own clock.
async fn cookie_set_at(now: u64) -> String {
    let request = request(sessions(now), None);
    let session = request.session().await.unwrap();
    session.set_permanent(true).unwrap();
    session.insert("n", 1).unwrap();
    let headers = request.commit().await.into_result().unwrap();
    let (name, value, _) = parts(headers.set_cookie().unwrap());
    format!("{name}={value}")
}

#[tokio::test]
async fn signed_cookie_from_clock_one_minute_ahead_is_accepted() {
    let accepted = [(0, true), (1, true), (60, true), (61, false), (300, false), (HOUR, false)];
    for (ahead, accepted) in accepted {
        let cookie = cookie_set_at(NOW + ahead).await;
        let request = request(sessions(NOW), Some(&cookie));
        assert_eq!(!request.session().await.unwrap().is_new(), accepted, "{ahead} s ahead");
        let headers = request.commit().await.into_result().unwrap();
        assert_eq!(headers.set_cookie(), None, "{ahead} s ahead");
    }
}

#[tokio::test]
async fn clock_tolerance_does_not_extend_lifetime() {
    let cookie = cookie_set_at(NOW).await;
    for (age, live) in [(HOUR, true), (HOUR + 1, false), (HOUR + 60, false)] {
        let request = request(sessions(NOW + age), Some(&cookie));
        assert_eq!(!request.session().await.unwrap().is_new(), live, "{age} s");
    }
}
