//! A logout ends the session, even if its request fails afterwards.

use std::borrow::Cow;
use std::future::{Future as _, pending};
use std::sync::Arc;
use std::task::{Context, Waker};

use actix_web::App;
use actix_web::test::{TestRequest, init_service, try_call_service};
use actix_web::web::get;
use session_actix::{Session, SessionMiddleware};
use session_core::interface::{Hooked, Hooks, SessionView};
use session_core::request::{RequestSession, RequestView};
use session_core::{CookieAttributes, OutagePolicy, Outcome, SessionConfig, SessionInterface};
use session_memory::{MemorySessions, MemoryStore};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum After {
    HandlerPanics,
    ClientDisconnects,
    HookPanics,
    HookReturnsUnusableAttributes,
}

const ALL: [After; 4] = [
    After::HandlerPanics,
    After::ClientDisconnects,
    After::HookPanics,
    After::HookReturnsUnusableAttributes,
];

impl Hooks for After {
    fn cookie_attributes<'a>(
        &'a self,
        _: &RequestView,
        _: &SessionView<'_>,
        inner: Cow<'a, CookieAttributes>,
    ) -> Cow<'a, CookieAttributes> {
        match self {
            Self::HookPanics => panic!("the hook panics on purpose"),
            Self::HookReturnsUnusableAttributes => {
                // The name of the cookie forbids a domain.
                Cow::Owned(CookieAttributes::builder().domain("example.com").build().unwrap())
            }
            _ => inner,
        }
    }
}

/// Returns a request outside the application.
fn request(sessions: &Arc<dyn SessionInterface>, cookie: &str) -> RequestSession {
    let view = RequestView::builder().cookie_header(cookie.as_bytes()).build();
    RequestSession::with_shared(Arc::clone(sessions), view, OutagePolicy::Refuse)
}

#[actix_web::test]
async fn logout_holds_if_request_does_not_end_well() {
    for after in ALL {
        let config = SessionConfig::builder().cookie_name("__Host-session").build().unwrap();
        let store = MemoryStore::new();
        let sessions: Arc<dyn SessionInterface> =
            Arc::new(MemorySessions::new(store.clone(), config.clone()));
        let login = request(&sessions, "");
        login.session().await.unwrap().log_in("ada", None).await.unwrap();
        let headers = login.commit().await.into_result().unwrap();
        let cookie = headers.set_cookie().unwrap().split(';').next().unwrap().to_owned();

        let handler = move |session: Session| async move {
            let outcome = session.log_out().await?;
            assert_eq!(outcome, Outcome::Stored);
            match after {
                After::HandlerPanics => panic!("the handler panics on purpose"),
                After::ClientDisconnects => pending().await,
                _ => Ok::<_, session_actix::Error>("logged out"),
            }
        };
        let hooked = Hooked::new(MemorySessions::new(store, config), after);
        let app = App::new().wrap(SessionMiddleware::new(hooked)).route("/", get().to(handler));
        let app = init_service(app).await;
        let sent = TestRequest::get().insert_header(("cookie", cookie.clone())).to_request();
        let sent = actix_web::rt::spawn(async move {
            let mut response = Box::pin(try_call_service(&app, sent));
            for _ in 0..100 {
                if response.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                    return;
                }
                tokio::task::yield_now().await;
            }
        });
        let sent = sent.await;
        assert_eq!(
            sent.is_err(),
            matches!(after, After::HandlerPanics | After::HookPanics),
            "{after:?}"
        );

        let later = request(&sessions, &cookie);
        let session = later.session().await.unwrap();
        assert!(session.is_new() && session.owner().is_none(), "{after:?}");
    }
}
