//! The end date.

use session_core::{ErrorKind, Outcome, ServerSideSessions, SessionConfig};
use session_memory::MemoryStore;
use session_migration::MigratingSessions;

use crate::support::{App, DAY, MINUTE, Old, finish, open, start};

#[tokio::test]
async fn old_backend_is_not_read_after_end_date() {
    for old in [Old::Store, Old::Signed, Old::Sealed] {
        let app = App::new(old);
        let cookie = app
            .begin(async |session| {
                session.set_lifetime(Some(100 * DAY))?;
                session.insert("n", 1)
            })
            .await;
        app.clock.set(app.end);
        assert!(!app.peek(&cookie).await.is_new(), "{old:?}");
        app.clock.set(app.end + MINUTE);
        assert!(app.peek(&cookie).await.is_new(), "{old:?}");
    }
}

#[tokio::test]
async fn change_that_was_opened_before_end_date_is_dropped_after_it() {
    for old in [Old::Store, Old::Sealed] {
        let app = App::new(old);
        let cookie = app
            .begin(async |session| {
                session.set_lifetime(Some(100 * DAY))?;
                session.insert("n", 1)
            })
            .await;
        app.clock.set(app.end);
        let request = open(&app.during, &cookie);
        request.session().await.unwrap().insert("n", 2).unwrap();
        app.clock.set(app.end + MINUTE);
        let response = finish(request, &cookie).await.unwrap();
        assert_eq!((response.outcome, response.sets), (Some(Outcome::Dropped), false), "{old:?}");
        assert!(app.new_store.is_empty());
    }
}

#[test]
fn different_names_of_cookie_are_refused() {
    let engine = |name: &str| {
        let config = SessionConfig::builder().cookie_name(name).build().unwrap();
        ServerSideSessions::new(MemoryStore::new(), config)
    };
    let refused = MigratingSessions::new(engine("id"), engine("session"), start()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Configuration);
    assert!(MigratingSessions::new(engine("id"), engine("id"), start()).is_ok());
}
