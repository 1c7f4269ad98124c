//! Requests with several session cookies of one name, on the cookie backends.
use std::sync::Arc;

use session_cookie::{SealedCookieSessions, SecretKey, SessionConfig, SignedCookieSessions};
use session_core::request::{RequestSession, RequestView};
use session_core::{OutagePolicy, Outcome, Session, SessionInterface};

fn backends() -> [Arc<dyn SessionInterface>; 2] {
    let (key, config) = (SecretKey::generate().unwrap(), SessionConfig::default());
    [
        Arc::new(SignedCookieSessions::new(config.clone(), &key).unwrap()),
        Arc::new(SealedCookieSessions::new(config, &key).unwrap()),
    ]
}

fn request(sessions: &Arc<dyn SessionInterface>, cookies: &[&str]) -> RequestSession {
    let header = cookies.join("; ");
    let view = RequestView::builder().cookie_header(header.as_bytes()).build();
    RequestSession::with_shared(Arc::clone(sessions), view, OutagePolicy::Refuse)
}

/// Returns the `Cookie` header of a user who logs in.
async fn cookie(sessions: &Arc<dyn SessionInterface>, user: &str) -> String {
    let request = request(sessions, &[]);
    request.session().await.unwrap().log_in(user, None).await.unwrap();
    let headers = request.commit().await.into_result().unwrap();
    headers.set_cookie().unwrap().split(';').next().unwrap().to_owned()
}

async fn session(sessions: &Arc<dyn SessionInterface>, cookies: &[&str]) -> Session {
    request(sessions, cookies).session().await.unwrap()
}

#[tokio::test]
async fn login_is_found_behind_cookie_that_opens_nothing() {
    for sessions in backends() {
        let ada = cookie(&sessions, "ada").await;
        for cookies in [["session=from-another-host", &ada], [&ada, "session="]] {
            let request = request(&sessions, &cookies);
            let session = request.session().await.unwrap();
            assert_eq!(session.owner().as_deref(), Some("ada"), "{sessions:?}");
            // The cookie is set again, although nothing changed.
            let headers = request.commit().await.into_result().unwrap();
            assert!(headers.set_cookie().unwrap().starts_with("session="));
        }
    }
}

#[tokio::test]
async fn logout_of_several_cookies_is_in_browser_only() {
    for sessions in backends() {
        let [ada, bob] = [cookie(&sessions, "ada").await, cookie(&sessions, "bob").await];
        assert_eq!(session(&sessions, &[&ada, &bob]).await.owner(), None);
        let request = request(&sessions, &[&ada, &bob]);
        let session = request.session().await.unwrap();
        assert_eq!(session.log_out().await.unwrap(), Outcome::BrowserOnly);
        let headers = request.commit().await.into_result().unwrap();
        assert!(headers.set_cookie().unwrap().contains("Max-Age=0"));
    }
}
