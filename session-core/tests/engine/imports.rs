//! Sessions that move between two backends, seen by processes that know of one backend only.

use std::sync::Arc;

use session_core::interface::{
    Departure, Import, Imported, OpenContext, Opened, Save, Saved, SessionState, state_of,
};
use session_core::login::Login;
use session_core::request::{RequestSession, RequestView};
use session_core::store::{NewRecord, SessionStore as _};
use session_core::{
    Error, Outcome, OwnerSessions as _, ServerSideSessions, Session, SessionConfig,
    SessionInterface, async_trait,
};

use crate::store::TestStore;
use crate::support::{App, DAY, MINUTE, log_in, log_out, read, start, write_user};

const ID: [u8; 32] = [7; 32];
const LINEAGE: [u8; 16] = [9; 16];
const COOKIE: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";

/// A step of a move.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Stores a copy of a session of another backend.
    Copy,
    /// Makes the copy the session.
    Confirm,
    /// Ends the copy.
    End,
    /// Marks the session of the request as moved.
    Depart,
}

/// Takes a step with the context of a request, in place of opening its session.
#[derive(Debug)]
struct InContext(ServerSideSessions<TestStore>, Step);

#[async_trait]
impl SessionInterface for InContext {
    fn config(&self) -> &SessionConfig {
        self.0.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let engine = &self.0;
        match self.1 {
            Step::Copy => copy(engine, context).await?,
            Step::Confirm => {
                assert!(matches!(engine.imported_now(context, &ID).await?, Imported::Copy(_)));
                assert!(engine.confirm_import(&ID).await?);
                assert!(matches!(engine.imported_now(context, &ID).await?, Imported::Session(_)));
                assert!(!engine.end_import(&ID).await?, "the session has moved");
            }
            Step::End => {
                assert!(engine.end_import(&ID).await?);
                assert!(matches!(engine.imported_now(context, &ID).await?, Imported::Ended));
                assert!(!engine.confirm_import(&ID).await?);
            }
            Step::Depart => {
                let Departure::Session(opened) = engine.departure(context).await? else {
                    unreachable!("the session is there");
                };
                assert!(engine.depart(&opened).await?);
                assert!(!engine.depart(&opened).await?, "it has departed already");
                assert!(matches!(engine.departure(context).await?, Departure::Departed));
            }
        }
        Ok(Opened::new())
    }

    async fn save(&self, _: &Save<'_>) -> Result<Saved, Error> {
        Ok(Saved::unchanged())
    }
}

async fn copy(
    engine: &ServerSideSessions<TestStore>,
    context: &OpenContext<'_>,
) -> Result<(), Error> {
    let login = Login::new("ada", start());
    let opened = Opened::from_payload(r#"{"user":"ada"}"#)?.with_login(login);
    let import = Import {
        id: ID,
        lineage: LINEAGE,
        contents: context.contents(&opened),
        created_at: context.now(),
        expires_at: Some(context.now() + DAY),
    };
    assert!(matches!(engine.imported(context, &ID).await?, Imported::Missing));
    assert!(engine.import(&import, None).await?);
    assert!(!engine.import(&import, None).await?, "the record exists");
    Ok(())
}

async fn run(app: &App, cookie: &str, step: Step) {
    let config = SessionConfig::builder().clock(app.clock.clone()).build().unwrap();
    let engine = ServerSideSessions::new(app.store.clone(), config);
    let header = format!("session={cookie}");
    let view = RequestView::builder().cookie_header(header.as_bytes()).build();
    let interface = InContext(engine, step);
    RequestSession::new(interface, view).session().await.unwrap();
}

#[tokio::test]
async fn copy_is_opened_by_no_id_and_is_on_no_list() {
    let app = App::new();
    run(&app, COOKIE, Step::Copy).await;
    for cookie in [COOKIE.to_owned(), format!("{COOKIE}~")] {
        assert!(app.peek(&cookie).await.is_new());
    }
    assert!(app.owners.page("ada", None, 100).await.unwrap().sessions.is_empty());
    run(&app, COOKIE, Step::Confirm).await;
    let session = app.peek(COOKIE).await;
    assert_eq!(session.get::<String>("user").unwrap().as_deref(), Some("ada"));
    assert_eq!(session.details().expires_at(), Some(start() + DAY));
    let listed = app.owners.page("ada", None, 100).await.unwrap().sessions;
    assert_eq!(Some(listed[0].handle()), session.details().handle().as_deref());
}

#[tokio::test]
async fn end_of_owners_sessions_also_ends_copy() {
    let app = App::new();
    run(&app, COOKIE, Step::Copy).await;
    app.owners.end_all("ada").await.unwrap();
    run(&app, COOKIE, Step::End).await;
    assert!(app.peek(COOKIE).await.is_new());
}

#[tokio::test]
async fn ended_copy_cannot_be_created_again() {
    let app = App::new();
    run(&app, COOKIE, Step::Copy).await;
    run(&app, COOKIE, Step::End).await;
    let record = NewRecord::new(b"", start(), start() + DAY);
    let key = app.store.records().into_iter().next().unwrap().0;
    assert!(app.store.create(&key, &record).await.is_err());
}

#[tokio::test]
async fn process_without_migration_drops_changes_of_departed_session() {
    for user in [log_in as fn(&Session) -> Result<(), Error>, write_user] {
        let app = App::new();
        let cookie = app.begin(user).await;
        let before = app.open(&cookie);
        let session = before.session().await.unwrap();
        run(&app, &cookie, Step::Depart).await;
        session.insert("n", 1).unwrap();
        assert_eq!(before.commit().await.into_result().unwrap().set_cookie(), None);
        assert_eq!(session.outcome(), Some(Outcome::Dropped));
        assert!(app.owners.page("ada", None, 100).await.unwrap().sessions.is_empty());

        app.clock.advance(10 * MINUTE);
        let response = app.request(&cookie, |session| session.insert("n", 1)).await;
        assert_eq!((response.outcome, response.cookie()), (Some(Outcome::Dropped), None));
        app.clock.advance(MINUTE);
        let response = app.request(&cookie, |session| session.insert("n", 1)).await;
        assert!(response.cookie().is_some_and(|new| new != cookie));
    }
}

#[tokio::test]
async fn logout_of_departed_session_is_dropped() {
    for user in [log_in as fn(&Session) -> Result<(), Error>, write_user] {
        for rotates in [false, true] {
            let app = App::new();
            let cookie = app.begin(user).await;
            let before = app.open(&cookie);
            let session = before.session().await.unwrap();
            let moved = if rotates {
                app.request(&cookie, Session::rotate_id).await.cookie().unwrap()
            } else {
                cookie
            };
            run(&app, &moved, Step::Depart).await;
            log_out(&session).unwrap();
            before.commit().await.into_result().unwrap();
            assert_eq!(session.outcome(), Some(Outcome::Dropped));
        }
    }
}

/// An interface around the engine, which is its part 3.
#[derive(Debug)]
struct Outer(Arc<ServerSideSessions<TestStore>>);

#[async_trait]
impl SessionInterface for Outer {
    fn config(&self) -> &SessionConfig {
        self.0.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        Ok(self.0.open(context).await?.nested(3).with_backend_state(0_u8))
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        self.0.save(&save.nested(3)).await
    }

    fn lineage(&self, session: &SessionState) -> Option<[u8; 16]> {
        self.0.lineage(&session.nested(3))
    }
}

#[tokio::test]
async fn part_recognizes_session_of_combined_interface() {
    let app = App::wrapped(|config| config, |engine| Arc::new(Outer(Arc::new(engine))));
    let cookie = app.begin(log_in).await;
    app.begin(log_in).await;
    let session = app.peek(&cookie).await;
    let state = state_of(&session);
    assert!(app.sessions().lineage(&state).is_some());
    let part = state.nested(3).into_session();
    assert_eq!(app.owners.handle_of(&part), session.details().handle());
    assert_eq!(app.owners.handle_of(&state.nested(2).into_session()), None);
    assert_eq!(app.owners.end_others(&part).await.unwrap(), 1);
    app.request(&cookie, read).await;
    assert!(!app.peek(&cookie).await.is_new());
}
