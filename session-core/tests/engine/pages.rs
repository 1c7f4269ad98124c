//! The number of records that the calls for the sessions of an owner load.

use std::collections::HashSet;

use session_core::OwnedSession;

use crate::owners::{handle_of, is_live};
use crate::store::Call::{KeysOf, Load, Remove};
use crate::support::{App, MILLISECOND, log_in};

const SESSIONS: usize = 250;
const PAGE: usize = 100;

#[tokio::test]
async fn end_loads_pages_and_stops_at_match() {
    let app = App::new();
    let mut cookies = Vec::new();
    for _ in 0..SESSIONS {
        cookies.push(app.begin(log_in).await);
    }
    let mut pages = [0; SESSIONS.div_ceil(PAGE)];
    for (ended, cookie) in cookies.iter().enumerate().take(60) {
        let handle = handle_of(&app, cookie).await.unwrap();
        app.store.take_calls();
        assert!(app.owners.end("ada", &handle).await.unwrap());
        let loads = app.store.take_calls().into_iter().filter(|call| *call == Load).count();
        assert!(loads % PAGE == 0 || loads == SESSIONS - ended, "{loads} loads");
        pages[loads.div_ceil(PAGE) - 1] += 1;
        assert!(!is_live(&app, cookie).await);
    }
    assert!(pages[0] > 0 && pages[1] > 0, "{pages:?}");
}

#[tokio::test]
async fn page_has_at_most_hundred_sessions() {
    let app = App::new();
    for _ in 0..SESSIONS {
        app.begin(log_in).await;
    }
    let (mut handles, mut after, mut lengths) = (HashSet::new(), None, Vec::new());
    loop {
        app.store.take_calls();
        let page = app.owners.page("ada", after.as_deref(), usize::MAX).await.unwrap();
        let loads = app.store.take_calls().into_iter().filter(|call| *call == Load).count();
        assert_eq!(loads, page.sessions.len());
        lengths.push(loads);
        handles.extend(page.sessions.iter().map(|session| session.handle().to_owned()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((lengths, handles.len()), (vec![PAGE, PAGE, SESSIONS - 2 * PAGE], SESSIONS));
}

#[tokio::test]
async fn end_all_lists_keys_and_loads_records_once() {
    let app = App::new();
    app.begin(log_in).await;
    app.begin(log_in).await;
    app.store.take_calls();
    assert_eq!(app.owners.end_all("ada").await.unwrap(), 2);
    assert_eq!(app.store.take_calls(), [KeysOf, Load, Load, Remove, Remove]);
}

#[tokio::test]
async fn login_within_limit_ends_sessions_of_every_page() {
    let app = App::new();
    for _ in 0..SESSIONS {
        app.begin(log_in).await;
        app.clock.advance(MILLISECOND);
    }
    let app = app.reconfigured(|config| config.max_sessions(2));
    let session = app.peek("").await;
    log_in(&session).unwrap();
    let left = app.owners.page("ada", None, PAGE).await.unwrap();
    assert_eq!((left.sessions.len(), left.next), (2, None));
    let last = app.now() - MILLISECOND;
    let logins: Vec<_> = left.sessions.iter().map(OwnedSession::authenticated_at).collect();
    assert_eq!(logins, [session.authenticated_at(), Some(last)]);
}
