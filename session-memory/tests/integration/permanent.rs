//! The setting `permanent_by_default`, on a server-side backend.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use session_core::interface::state_of;
use session_core::request::{RequestSession, RequestView};
use session_core::{Error, ManualClock, OutagePolicy, Session, SessionConfig, SessionInterface};
use session_memory::{MemorySessions, MemoryStore};

const LIFETIME: Duration = Duration::from_secs(24 * 3600);

fn config(permanent: bool, clock: &ManualClock) -> SessionConfig {
    SessionConfig::builder()
        .permanent_by_default(permanent)
        .permanent_lifetime(LIFETIME)
        .browser_lifetime(Duration::from_secs(60))
        .clock(clock.clone())
        .build()
        .unwrap()
}

/// Sends a request and returns the `Set-Cookie` header.
async fn visit(
    sessions: &Arc<dyn SessionInterface>,
    cookie: &str,
    visit: impl FnOnce(&Session) -> Result<(), Error>,
) -> Option<String> {
    let view = RequestView::builder().cookie_header(cookie.as_bytes()).build();
    let request = RequestSession::with_shared(Arc::clone(sessions), view, OutagePolicy::Refuse);
    visit(&request.session().await.unwrap()).unwrap();
    request.commit().await.into_result().unwrap().set_cookie().map(str::to_owned)
}

fn pair(header: &str) -> &str {
    header.split(';').next().unwrap()
}

fn all(permanent: bool, clock: &ManualClock) -> [Arc<dyn SessionInterface>; 1] {
    [Arc::new(MemorySessions::new(MemoryStore::new(), config(permanent, clock)))]
}

#[tokio::test]
async fn cookie_of_new_session_outlives_browser_by_default() {
    for sessions in all(true, &ManualClock::at(SystemTime::now())) {
        let header = visit(&sessions, "", |session| session.insert("n", 1)).await.unwrap();
        assert!(header.contains("; Max-Age=864"), "{header}");
        visit(&sessions, pair(&header), |session| {
            assert!(session.is_permanent());
            assert_eq!(state_of(session).payload(), r#"{"n":1}"#);
            Ok(())
        })
        .await;
    }
}

#[tokio::test]
async fn session_that_is_set_not_permanent_ends_with_browser() {
    for sessions in all(true, &ManualClock::at(SystemTime::now())) {
        let header = visit(&sessions, "", |session| {
            session.set_permanent(false)?;
            assert!(!session.is_permanent());
            session.insert("n", 1)
        });
        let header = header.await.unwrap();
        assert!(!header.contains("Max-Age") && !header.contains("Expires"), "{header}");
        let login = |session: &Session| session.set_permanent(true);
        let header = visit(&sessions, pair(&header), login).await.unwrap();
        assert!(header.contains("; Max-Age=864"), "{header}");
    }
}

#[tokio::test]
async fn session_lives_for_permanent_lifetime_by_default() {
    let clock = ManualClock::at(SystemTime::now());
    for sessions in all(true, &clock) {
        let header = visit(&sessions, "", |session| session.insert("n", 1)).await.unwrap();
        clock.advance(LIFETIME.saturating_sub(Duration::from_secs(1)));
        let renewed = visit(&sessions, pair(&header), |session| {
            assert!(!session.is_new());
            Ok(())
        });
        assert!(renewed.await.is_some_and(|header| header.contains("; Max-Age=864")));
    }
}

#[tokio::test]
async fn setting_applies_to_stored_session() {
    let clock = ManualClock::at(SystemTime::now());
    let store = MemoryStore::new();
    let sessions = |permanent| -> Arc<dyn SessionInterface> {
        Arc::new(MemorySessions::new(store.clone(), config(permanent, &clock)))
    };
    let header = visit(&sessions(false), "", |session| session.insert("n", 1)).await.unwrap();
    assert!(!header.contains("Max-Age"), "{header}");
    let read = |session: &Session| {
        assert!(session.is_permanent());
        Ok(())
    };
    clock.advance(Duration::from_secs(30));
    let renewed = visit(&sessions(true), pair(&header), read).await;
    assert!(renewed.is_some_and(|header| header.contains("; Max-Age=864")));
}
