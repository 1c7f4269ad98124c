//! Requests with several cookies that have the session's cookie name.

use std::future::Future as _;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use session_core::events::{Event, Events};
use session_core::request::{RequestSession, RequestView};
use session_core::{
    Error, ErrorKind, OutagePolicy, Outcome, ServerSideSessions, Session, SessionConfig,
};

use crate::limits::Taking;
use crate::store::{Call, TestStore};
use crate::support::{App, MINUTE, UNKNOWN, log_in, log_in_as, log_out, read, write_user};

/// Returns a request that sends these cookies in this order.
fn request(app: &App, cookies: &[&str]) -> RequestSession {
    let cookies = cookies.iter().map(|cookie| format!("session={cookie}"));
    let header = cookies.collect::<Vec<_>>().join("; theme=dark; ");
    let view = RequestView::builder().cookie_header(header.as_bytes()).build();
    RequestSession::with_shared(app.sessions(), view, OutagePolicy::Refuse)
}

async fn owner(app: &App, cookies: &[&str]) -> Option<String> {
    request(app, cookies).session().await.unwrap().owner()
}

/// Runs a whole request, and returns its `Set-Cookie` headers.
async fn run(
    app: &App,
    cookies: &[&str],
    handler: impl FnOnce(&Session) -> Result<(), Error>,
) -> Vec<String> {
    let request = request(app, cookies);
    handler(&request.session().await.unwrap()).unwrap();
    let headers = request.commit().await.into_result().unwrap();
    headers.fields().map(|(_, value)| value.to_owned()).collect()
}

#[tokio::test]
async fn cookie_that_opens_session_is_used_wherever_it_is() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    for cookies in [
        [UNKNOWN, &cookie],
        [&cookie, UNKNOWN],
        ["", &cookie],
        ["not an id", &cookie],
        [&cookie, &cookie],
    ] {
        let request = request(&app, &cookies);
        let session = request.session().await.unwrap();
        assert_eq!(session.get::<String>("user").unwrap().as_deref(), Some("ada"), "{cookies:?}");
        session.insert("seen", true).unwrap();
        assert_eq!(request.commit().await.into_result().unwrap().fields().count(), 1);
    }
    assert!(app.payload(&cookie).await.contains("seen"));
    assert_eq!(app.store.records().len(), 1);
}

#[tokio::test]
async fn login_is_preferred_and_latest_login_of_user() {
    let app = App::new();
    let visitor = app.begin(write_user).await;
    let early = app.begin(log_in).await;
    app.clock.advance(MINUTE);
    let late = app.begin(log_in).await;
    for cookies in
        [[&*visitor, &*early, &*late], [&late, &early, &visitor], [&early, &late, UNKNOWN]]
    {
        let session = request(&app, &cookies).session().await.unwrap();
        assert_eq!(session.owner().as_deref(), Some("ada"));
        assert_eq!(session.authenticated_at(), Some(app.now()));
    }
    assert_eq!(owner(&app, &[&visitor, UNKNOWN]).await, None);
    assert_eq!(owner(&app, &[&visitor, &early]).await.as_deref(), Some("ada"));
}

#[tokio::test]
async fn sessions_of_different_users_are_not_used() {
    let app = App::new();
    let ada = app.begin(log_in).await;
    let bob = app.begin(|session| log_in_as(session, "bob")).await;
    for cookies in [[&*ada, &*bob], [&bob, &ada]] {
        let session = request(&app, &cookies).session().await.unwrap();
        assert!(session.is_new());
        assert_eq!(session.owner(), None);
    }
    assert_eq!(run(&app, &[&ada, &bob], read).await, [""; 0]);
}

#[tokio::test]
async fn several_cookies_are_reported() {
    let reported = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&reported);
    let events = Events::new(move |event: &Event<'_>| {
        if let Event::SeveralCookies { of_different_users, count } = *event {
            seen.lock().unwrap().push((of_different_users, count));
        }
    });
    let app = App::with(|config| config.events(events));
    let [ada, again] = [app.begin(log_in).await, app.begin(log_in).await];
    let bob = app.begin(|session| log_in_as(session, "bob")).await;
    for (cookies, expected) in [
        ([&*ada, &bob], vec![(true, 1)]),
        ([&ada, &again], vec![(false, 1)]),
        ([&ada, UNKNOWN], vec![(false, 1)]),
        ([UNKNOWN, "not an id"], vec![(false, 1)]),
    ] {
        run(&app, &cookies, read).await;
        assert_eq!(std::mem::take(&mut *reported.lock().unwrap()), expected, "{cookies:?}");
    }
    run(&app, &[&ada], read).await;
    assert_eq!(*reported.lock().unwrap(), []);
}

#[tokio::test]
async fn several_cookies_are_tried_at_once() {
    let store = TestStore::default();
    let sessions = ServerSideSessions::new(Taking(store), SessionConfig::default());
    let ids = ["b", "c", "d", "e"].map(|letter| UNKNOWN.replace('A', letter));
    let header = ids.map(|id| format!("session={id}")).join("; ");
    let view = RequestView::builder().cookie_header(header.as_bytes()).build();
    let request = RequestSession::new(sessions, view);
    let mut opening = pin!(request.session());
    let mut polls = 1;
    let mut context = Context::from_waker(Waker::noop());
    while opening.as_mut().poll(&mut context).is_pending() {
        polls += 1;
    }
    assert_eq!(polls, 2, "each load waits once");
}

#[tokio::test]
async fn at_most_four_different_cookies_are_tried() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let unknown = |letter: &str| UNKNOWN.replace('A', letter);
    let others: Vec<_> = ["b", "c", "d", "e"].map(unknown).into();
    let [one, two, three, four] = &others[..] else { unreachable!() };
    app.store.take_calls();
    let found = request(&app, &[one, one, two, three, &cookie]).session().await.unwrap();
    assert!(!found.is_new());
    assert_eq!(app.store.take_calls().len(), 4);
    let lost = request(&app, &[one, two, three, four, &cookie]).session().await.unwrap();
    assert!(lost.is_new());
    assert_eq!(app.store.take_calls().len(), 4);
}

#[tokio::test]
async fn logout_ends_session_of_each_cookie() {
    for users in [["", "ada"], ["ada", "bob"], ["ada", "ada"], ["", ""]] {
        let app = App::new();
        let begin =
            |user: &'static str| {
                app.begin(move |session| {
                    if user.is_empty() { write_user(session) } else { log_in_as(session, user) }
                })
            };
        let cookies = [begin(users[0]).await, begin(users[1]).await];
        let request = request(&app, &[&cookies[0], UNKNOWN, &cookies[1]]);
        let session = request.session().await.unwrap();
        assert_eq!(session.log_out().await.unwrap(), Outcome::Stored, "{users:?}");
        for cookie in &cookies {
            assert!(app.peek(cookie).await.is_new(), "{users:?}");
        }
        let headers = request.commit().await.into_result().unwrap();
        assert!(headers.set_cookie().unwrap().contains("Max-Age=0"), "{users:?}");
    }
}

#[tokio::test]
async fn logout_that_cannot_end_other_session_is_tried_again() {
    let app = App::new();
    let (ada, visitor) = (app.begin(log_in).await, app.begin(write_user).await);
    let request = request(&app, &[&ada, &visitor]);
    let session = request.session().await.unwrap();
    app.store.fail_after(Call::Remove, 1);
    assert_eq!(session.log_out().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(app.store.record(&visitor).is_some());
    app.store.recover();
    request.commit().await.into_result().unwrap();
    for cookie in [&ada, &visitor] {
        assert!(app.peek(cookie).await.is_new());
    }
}

#[tokio::test]
async fn login_ends_other_users_session_of_other_cookie() {
    let app = App::new();
    let visitor = app.begin(write_user).await;
    let [ada, bob] =
        [app.begin(log_in).await, app.begin(|session| log_in_as(session, "bob")).await];
    let request = request(&app, &[&bob, &ada, &visitor]);
    let session = request.session().await.unwrap();
    session.log_in("ada", None).await.unwrap();
    let headers = request.commit().await.into_result().unwrap();
    let new = headers.set_cookie().unwrap().split(['=', ';']).nth(1).unwrap();
    assert!(app.peek(&bob).await.is_new());
    assert!(!app.peek(&ada).await.is_new() && !app.peek(&visitor).await.is_new());
    assert_eq!(owner(&app, &[&bob, &ada, &visitor, new]).await.as_deref(), Some("ada"));
}

#[tokio::test]
async fn session_is_not_opened_if_one_cookie_cannot_be_tried() {
    let app = App::new();
    let cookie = app.begin(log_in).await;
    app.store.fail_after(Call::Load, 1);
    let request = request(&app, &[&cookie, UNKNOWN]);
    assert_eq!(request.session().await.unwrap_err().kind(), ErrorKind::Unavailable);
    app.store.recover();
    assert_eq!(request.session().await.unwrap().owner().as_deref(), Some("ada"));
}

#[tokio::test]
async fn cookie_is_set_and_others_are_removed_if_several_arrived() {
    let app = App::with(|config| {
        let config = config.cookie_domain("example.com").cookie_path("/shop");
        config.former_cookie_domains(["shop.example.com"]).former_cookie_paths(["/"])
    });
    let cookie = app.begin(write_user).await;
    let set = run(&app, &[UNKNOWN, &cookie], read).await;
    assert!(set[0].starts_with(&format!("session={cookie}; ")), "{}", set[0]);
    let mut places: Vec<_> = set[1..].iter().map(|header| place_of_removal(header)).collect();
    places.sort_unstable();
    let expected = [
        ("", "/"),
        ("", "/shop"),
        ("example.com", "/"),
        ("shop.example.com", "/"),
        ("shop.example.com", "/shop"),
    ];
    assert_eq!(places, expected);
    assert_eq!(run(&app, &[&cookie], read).await, [""; 0]);
    assert_eq!(run(&app, &[UNKNOWN, &cookie], log_out).await.len(), 6);
}

/// Returns the domain and the path of the cookie that a header removes.
fn place_of_removal(header: &str) -> (&str, &str) {
    assert!(header.starts_with("session=; ") && header.contains("; Max-Age=0"), "{header}");
    let attribute = |name| header.split("; ").find_map(|part| part.strip_prefix(name));
    (attribute("Domain=").unwrap_or_default(), attribute("Path=").unwrap())
}

#[tokio::test]
async fn host_cookie_has_no_others_to_remove() {
    let app = App::with(|config| {
        config.cookie_name("__Host-session").former_cookie_domains(["example.com"])
    });
    let cookie = app.begin(write_user).await;
    let header = format!("__Host-session={UNKNOWN}; __Host-session={cookie}");
    let view = RequestView::builder().cookie_header(header.as_bytes()).build();
    let request = RequestSession::with_shared(app.sessions(), view, OutagePolicy::Refuse);
    request.session().await.unwrap();
    let headers = request.commit().await.into_result().unwrap();
    assert_eq!(headers.fields().count(), 1);
}

#[test]
fn former_domain_and_path_are_checked() {
    let refused = [
        SessionConfig::builder().former_cookie_domains(["https://example.com"]).build(),
        SessionConfig::builder().former_cookie_paths(["shop"]).build(),
    ];
    for refused in refused {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Configuration);
    }
}
