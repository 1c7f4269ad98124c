//! The events of cookies that open nothing.
use std::sync::{Arc, Mutex};
use std::time::Duration;

use session_cookie::{SealedCookieSessions, SecretKey, SessionConfig, SignedCookieSessions};
use session_core::events::{Event, Events};
use session_core::{ManualClock, SessionInterface};

use crate::support::{at, parts, request};

const HOUR: Duration = Duration::from_secs(3600);

type Reported = Arc<Mutex<Vec<String>>>;

/// Returns each backend, with the events of cookies.
fn backends(clock: &ManualClock) -> (Vec<Arc<dyn SessionInterface>>, Reported) {
    let reported = Reported::default();
    let seen = Arc::clone(&reported);
    let events = Events::new(move |event: &Event<'_>| {
        if !matches!(event, Event::RequestEnded { .. }) {
            seen.lock().unwrap().push(format!("{event:?}"));
        }
    });
    let config = SessionConfig::builder().permanent_lifetime(HOUR).permanent_by_default(true);
    let config = config.clock(clock.clone()).events(events).build().unwrap();
    let key = SecretKey::generate().unwrap();
    let backends: Vec<Arc<dyn SessionInterface>> = vec![
        Arc::new(SignedCookieSessions::new(config.clone(), &key).unwrap()),
        Arc::new(SealedCookieSessions::new(config.clone(), &key).unwrap()),
        Arc::new(SignedCookieSessions::starlette(config, &SecretKey::generate().unwrap()).unwrap()),
    ];
    (backends, reported)
}

#[tokio::test]
async fn forged_and_expired_cookies_are_reported() {
    let clock = ManualClock::at(at(1_700_000_000));
    let (backends, reported) = backends(&clock);
    for sessions in backends {
        let first = request(Arc::clone(&sessions), None);
        first.session().await.unwrap().insert("n", 1).unwrap();
        let headers = first.commit().await.into_result().unwrap();
        let (name, value, _) = parts(headers.set_cookie().unwrap());
        reported.lock().unwrap().clear();
        let (genuine, forged) = (format!("{name}={value}"), format!("{name}=x{value}"));
        for (cookie, age, expected) in [
            (&genuine, Duration::ZERO, &[][..]),
            (&forged, Duration::ZERO, &["ForgedCookie { count: 1 }"]),
            (&genuine, 2 * HOUR, &["Expired { count: 1 }"]),
            (&forged, Duration::ZERO, &["ForgedCookie { count: 1 }"]),
        ] {
            clock.advance(age);
            let session = request(Arc::clone(&sessions), Some(cookie)).session().await.unwrap();
            assert_eq!(session.is_new(), !expected.is_empty(), "{sessions:?}");
            assert_eq!(std::mem::take(&mut *reported.lock().unwrap()), expected, "{sessions:?}");
        }
    }
}
