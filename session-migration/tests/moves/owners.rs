//! The sessions of an owner while they move.

use session_core::interface::SessionPage;
use session_core::{Error, ErrorKind, Outcome, OwnedSession, Session};

use crate::support::{App, MINUTE, Old, finish, open, peek, respond};

async fn log_in(session: &Session) -> Result<(), Error> {
    session.log_in("ada", None).await
}

/// Returns an application with four sessions of one owner. Two are in the old backend, one has
/// moved, and one was created in the new backend.
async fn four() -> (App, Vec<String>) {
    let app = App::new(Old::Store);
    let mut cookies = Vec::new();
    for _ in 0..3 {
        app.clock.advance(MINUTE);
        cookies.push(app.begin(log_in).await);
    }
    app.request(&cookies[2], async |session| session.insert("n", 1)).await;
    app.clock.advance(MINUTE);
    cookies.push(app.request("", log_in).await.cookie.unwrap());
    (app, cookies)
}

async fn alive(app: &App, cookies: &[String]) -> Vec<bool> {
    let mut alive = Vec::new();
    for cookie in cookies {
        alive.push(!app.peek(cookie).await.is_new());
    }
    alive
}

#[tokio::test]
async fn pages_have_sessions_of_both_backends() {
    let (app, cookies) = four().await;
    let mut expected = Vec::new();
    for cookie in &cookies {
        expected.push(app.owners.handle_of(&app.peek(cookie).await).unwrap());
    }
    let handles = |page: &SessionPage| -> Vec<String> {
        page.sessions.iter().map(OwnedSession::handle).map(str::to_owned).collect()
    };
    let page = app.owners.page("ada", None, 100).await.unwrap();
    assert_eq!(page.next, None);
    let mut latest = expected.clone();
    latest.reverse();
    assert_eq!(handles(&page), latest);
    expected.sort();
    for limit in [1, 2, 3] {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = app.owners.page("ada", after.as_deref(), limit).await.unwrap();
            assert!(page.sessions.len() <= limit);
            all.extend(handles(&page));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        all.sort();
        assert_eq!(all, expected, "{limit}");
    }
    let refused = app.owners.page("ada", Some("1"), 1).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Malformed);
}

#[tokio::test]
async fn end_all_ends_sessions_of_both_backends() {
    let (app, cookies) = four().await;
    assert_eq!(app.owners.end_all("ada").await.unwrap(), 4);
    assert_eq!(alive(&app, &cookies).await, [false; 4]);
}

#[tokio::test]
async fn end_others_keeps_session_of_request() {
    for own in 0..4 {
        let (app, cookies) = four().await;
        let session = app.peek(&cookies[own]).await;
        assert_eq!(app.owners.end_others(&session).await.unwrap(), 3);
        let expected: Vec<bool> = (0..4).map(|index| index == own).collect();
        assert_eq!(alive(&app, &cookies).await, expected);
    }
}

#[tokio::test]
async fn end_others_keeps_session_that_another_request_moves() {
    let (app, cookies) = four().await;
    let session = app.peek(&cookies[0]).await;
    app.request(&cookies[0], async |session| session.insert("n", 1)).await;
    assert_eq!(app.owners.end_others(&session).await.unwrap(), 3);
    assert_eq!(alive(&app, &cookies).await, [true, false, false, false]);
}

#[tokio::test]
async fn session_ended_in_old_backend_is_not_revived_by_move() {
    for handle in [true, false] {
        let (app, cookies) = four().await;
        let request = open(&app.during, &cookies[0]);
        let session = request.session().await.unwrap();
        session.insert("n", 1).unwrap();
        if handle {
            let handle = app.owners.handle_of(&session).unwrap();
            assert!(app.owners.end("ada", &handle).await.unwrap());
            assert!(!app.owners.end("ada", &handle).await.unwrap());
        } else {
            app.owners.end_all("ada").await.unwrap();
        }
        let response = finish(request, &cookies[0]).await.unwrap();
        assert_eq!((response.outcome, response.sets), (Some(Outcome::Dropped), false));
        assert!(!alive(&app, &cookies).await[0]);
    }
}

#[tokio::test]
async fn login_ends_oldest_sessions_of_both_backends() {
    let app = App::with(Old::Store, |config| config.max_sessions(2));
    let mut cookies = vec![app.begin(log_in).await];
    app.clock.advance(MINUTE);
    cookies.push(app.begin(log_in).await);
    for expected in [&[false, true, true][..], &[false, false, true, true]] {
        app.clock.advance(MINUTE);
        cookies.push(app.request("", log_in).await.cookie.unwrap());
        assert_eq!(alive(&app, &cookies).await, expected);
    }
}

#[tokio::test]
async fn process_without_migration_keeps_cookie_of_moved_session() {
    let (app, cookies) = four().await;
    let response = respond(&app.before, &cookies[2], async |session| session.insert("n", 2)).await;
    assert_eq!((response.outcome, response.sets), (Some(Outcome::Dropped), false));
    assert_eq!(peek(&app.during, &cookies[2]).await.get::<u8>("n").unwrap(), Some(1));
}
