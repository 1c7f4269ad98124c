//! The events for the application.

use std::sync::{Arc, Mutex};

use session_core::events::{Event, Events};
use session_core::{ErrorKind, Session};

use crate::store::Call;
use crate::support::{
    App, DAY, UNKNOWN, at_once, log_in, log_in_as, log_out, read, write_permanent, write_user,
};

/// The recorded events, each as a line.
#[derive(Clone, Default)]
struct Recorded(Arc<Mutex<Vec<String>>>);

impl Recorded {
    fn events(&self) -> Events {
        let recorded = self.clone();
        Events::new(move |event: &Event<'_>| {
            if let Some(line) = line(event) {
                recorded.0.lock().unwrap().push(line);
            }
        })
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// Returns the kind of an event, with the owner and the start of the handle.
fn line(event: &Event<'_>) -> Option<String> {
    let (name, session) = match event {
        Event::Created { session } => ("created", session),
        Event::LoggedIn { session, .. } => ("logged in", session),
        Event::Rotated { session } => ("rotated", session),
        Event::LoggedOut { session } => ("logged out", session),
        Event::Ended { session } => ("ended", session),
        Event::StoreCallBegan { .. }
        | Event::StoreCallEnded { .. }
        | Event::RequestEnded { .. }
        | Event::Retried => return None,
        other => return Some(format!("{other:?}")),
    };
    let handle = session.handle().unwrap_or("none");
    Some(format!("{name} {} {handle}", session.owner().unwrap_or("visitor")))
}

fn app() -> (App, Recorded) {
    let recorded = Recorded::default();
    (App::with(|config| config.events(recorded.events())), recorded)
}

async fn handle(app: &App, cookie: &str) -> String {
    app.peek(cookie).await.details().handle().unwrap()
}

#[tokio::test]
async fn life_of_session_is_reported_with_owner_and_handle() {
    let (app, recorded) = app();
    let visitor = app.begin(write_user).await;
    let visitors = handle(&app, &visitor).await;
    assert_eq!(recorded.take(), [format!("created visitor {visitors}")]);

    app.request(&visitor, write_user).await;
    app.request(&visitor, read).await;
    assert_eq!(recorded.take(), [""; 0]);

    let rotated = app.request(&visitor, Session::rotate_id).await.cookie().unwrap();
    assert_eq!(recorded.take(), [format!("rotated visitor {visitors}")]);

    let cookie = app.request(&rotated, log_in).await.cookie().unwrap();
    let users = handle(&app, &cookie).await;
    assert_eq!(recorded.take(), [format!("logged in ada {users}")]);

    app.request(&cookie, log_out).await;
    assert_eq!(recorded.take(), [format!("logged out ada {users}")]);

    let other = app.begin(write_user).await;
    recorded.take();
    app.request(&other, Session::clear).await;
    assert!(recorded.take()[0].starts_with("logged out visitor "));
}

#[tokio::test]
async fn event_of_login_names_session_before_it() {
    let previous = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&previous);
    let events = Events::new(move |event: &Event<'_>| {
        if let Event::LoggedIn { previous, .. } = event {
            let [owner, handle] = [previous.owner(), previous.handle()];
            seen.lock().unwrap().push([owner, handle].map(|text| text.map(str::to_owned)));
        }
    });
    let app = App::with(|config| config.events(events));
    let cookie = app.begin(write_user).await;
    let visitors = handle(&app, &cookie).await;
    let cookie = app.request(&cookie, log_in).await.cookie().unwrap();
    let adas = handle(&app, &cookie).await;
    app.request(&cookie, |session| log_in_as(session, "bob")).await;
    app.request("", log_in).await;
    let expected = [[None, Some(visitors)], [Some("ada".to_owned()), Some(adas)], [None, None]];
    assert_eq!(*previous.lock().unwrap(), expected);
}

#[tokio::test]
async fn session_that_another_one_ended_is_reported() {
    let (app, recorded) = app();
    let [one, two] = [app.begin(log_in).await, app.begin(log_in).await];
    let [first, second] = [handle(&app, &one).await, handle(&app, &two).await];
    recorded.take();
    app.owners.end_others(&app.peek(&one).await).await.unwrap();
    assert_eq!(recorded.take(), [format!("ended ada {second}")]);
    app.owners.end("ada", &second).await.unwrap();
    assert_eq!(recorded.take(), [""; 0]);
    app.owners.end_all("ada").await.unwrap();
    assert_eq!(recorded.take(), [format!("ended ada {first}")]);
}

#[tokio::test]
async fn cookie_that_opens_nothing_is_reported_with_its_reason() {
    let (app, recorded) = app();
    let old = app.begin(write_permanent).await;
    let new = app.request(&old, Session::rotate_id).await.cookie().unwrap();
    recorded.take();
    for (cookie, expected) in [
        (&*old, "RotatedId { count: 1 }"),
        (UNKNOWN, "UnknownId { count: 1 }"),
        ("not an id", "UnknownId { count: 1 }"),
    ] {
        app.request(cookie, read).await;
        assert_eq!(recorded.take(), [expected], "{cookie}");
    }
    app.clock.advance(62 * DAY);
    app.request(&new, read).await;
    assert_eq!(recorded.take(), ["Expired { count: 1 }"]);
    app.request("", read).await;
    assert_eq!(recorded.take(), [""; 0]);
}

#[tokio::test]
async fn event_that_clients_cause_is_limited_and_counted() {
    let (app, recorded) = app();
    for _ in 0..1_000 {
        app.request(UNKNOWN, read).await;
    }
    let reported = recorded.take();
    assert!((10..1_000).contains(&reported.len()), "{}", reported.len());
}

#[tokio::test]
async fn outage_is_reported_once_with_number_of_failed_calls() {
    let (app, recorded) = app();
    let cookie = app.begin(write_user).await;
    recorded.take();
    app.store.fail(Call::Load, ErrorKind::Unavailable);
    for _ in 0..5 {
        assert!(app.respond(&cookie, read).await.is_err());
    }
    assert_eq!(recorded.take(), ["OutageBegan"]);
    app.store.recover();
    for _ in 0..5 {
        app.request(&cookie, read).await;
    }
    assert_eq!(recorded.take(), ["OutageEnded { failed: 5 }"]);
}

#[tokio::test]
async fn each_store_call_begins_and_ends() {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let events = Events::new(move |event: &Event<'_>| match *event {
        Event::StoreCallBegan { call } => seen.lock().unwrap().push(format!("{call:?}")),
        Event::StoreCallEnded { call, error, .. } => {
            seen.lock().unwrap().push(format!("end of {call:?} {error:?}"));
        }
        _ => {}
    });
    let app = App::with(|config| config.events(events));
    let take = || std::mem::take(&mut *calls.lock().unwrap());
    let cookie = app.begin(write_user).await;
    assert_eq!(take(), ["Create", "end of Create None"]);
    app.request(&cookie, write_user).await;
    assert_eq!(take(), ["Load", "end of Load None", "Replace", "end of Replace None"]);
    app.store.fail(Call::Load, ErrorKind::Backend);
    assert!(app.respond(&cookie, read).await.is_err());
    assert_eq!(take(), ["Load", "end of Load Some(Backend)"]);
}

/// Returns an application, and the results of its requests and the retries.
fn app_with_results() -> (App, Arc<Mutex<Vec<String>>>) {
    let results = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&results);
    let events = Events::new(move |event: &Event<'_>| match *event {
        Event::RequestEnded { result } => seen.lock().unwrap().push(format!("{result:?}")),
        Event::Retried => seen.lock().unwrap().push("retried".to_owned()),
        _ => {}
    });
    (App::with(|config| config.events(events)), results)
}

#[tokio::test]
async fn result_of_request_is_reported() {
    let (app, results) = app_with_results();
    let take = || std::mem::take(&mut *results.lock().unwrap());
    let cookie = app.begin(write_user).await;
    assert_eq!(take(), ["Ok(Stored)"]);
    app.request(&cookie, read).await;
    assert_eq!(take(), ["Ok(Unchanged)"]);
    app.untouched(&cookie).await;
    assert_eq!(take(), [""; 0]);

    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    write_user(&session).unwrap();
    at_once(session.save()).unwrap();
    request.commit().await.into_result().unwrap();
    assert_eq!(take(), ["Ok(Stored)"], "the outcome of the save before the commit");

    let request = app.open(&cookie);
    write_user(&request.session().await.unwrap()).unwrap();
    app.request_elsewhere(&cookie, log_out).await;
    take();
    request.commit().await.into_result().unwrap();
    assert_eq!(take(), ["retried", "Ok(Dropped)"]);

    app.store.fail(Call::Create, ErrorKind::Backend);
    assert!(app.respond("", write_user).await.is_err());
    assert_eq!(take(), ["Err(Backend)"]);
}

#[tokio::test]
async fn failed_open_is_reported_once_per_request() {
    let (app, results) = app_with_results();
    app.store.fail(Call::Load, ErrorKind::Unavailable);
    let request = app.open(UNKNOWN);
    for _ in 0..3 {
        assert!(request.session().await.is_err());
    }
    assert_eq!(*results.lock().unwrap(), ["Err(Unavailable)"]);
}

#[tokio::test]
async fn retry_after_concurrent_write_is_reported() {
    let (app, results) = app_with_results();
    let cookie = app.begin(write_user).await;
    let request = app.open(&cookie);
    request.session().await.unwrap().insert("n", 1).unwrap();
    app.request_elsewhere(&cookie, |session| session.insert("m", 1)).await;
    results.lock().unwrap().clear();
    request.commit().await.into_result().unwrap();
    assert_eq!(*results.lock().unwrap(), ["retried", "Ok(Stored)"]);
}

#[tokio::test]
async fn panic_of_handler_does_not_reach_request() {
    let events = Events::new(|_: &Event<'_>| panic!("a handler"));
    let app = App::with(|config| config.events(events));
    let cookie = app.begin(write_user).await;
    assert!(!app.peek(&cookie).await.is_new());
}

/// A lock that is held during an event would block this test for ever.
#[tokio::test]
async fn event_handler_can_use_session_and_store() {
    type Parts = (App, Session);
    let used = Arc::new(Mutex::new((None::<Arc<Parts>>, 0)));
    let shared = Arc::clone(&used);
    let events = Events::new(move |_: &Event<'_>| {
        let parts = shared.lock().unwrap().0.clone();
        if let Some(parts) = parts {
            let (app, session) = &*parts;
            let _ = (session.owner(), session.details(), session.insert("seen", true));
            app.store.records();
            shared.lock().unwrap().1 += 1;
        }
    });
    let app = App::with(|config| config.events(events));
    let request = app.open("");
    let session = request.session().await.unwrap();
    let parts = Arc::new((app, session));
    let (app, session) = &*parts;
    used.lock().unwrap().0 = Some(Arc::clone(&parts));
    write_user(session).unwrap();
    at_once(session.save()).unwrap();
    session.rotate_id().unwrap();
    at_once(session.save()).unwrap();
    log_in(session).unwrap();
    app.owners.end_all("ada").await.unwrap();
    log_out(session).unwrap();
    request.commit().await.into_result().unwrap();
    let (_, reported) = std::mem::take(&mut *used.lock().unwrap());
    assert!(reported > 10, "{reported}");
}

#[tokio::test]
async fn saves_of_one_request_create_one_session() {
    let (app, recorded) = app();
    let request = app.open("");
    let session = request.session().await.unwrap();
    for n in 0..3 {
        session.insert("n", n).unwrap();
        at_once(session.save()).unwrap();
    }
    session.insert("n", 4).unwrap();
    request.commit().await.into_result().unwrap();
    assert_eq!(recorded.take().len(), 1);
}

#[tokio::test]
async fn session_after_logout_of_same_request_is_reported() {
    let (app, recorded) = app();
    let cookie = app.begin(write_user).await;
    recorded.take();
    let log_out_and_write = |session: &Session| {
        log_out(session)?;
        session.insert("message", "Goodbye")
    };
    let next = app.request(&cookie, log_out_and_write).await.cookie().unwrap();
    let events = recorded.take();
    assert!(events[0].starts_with("logged out visitor "), "{events:?}");
    assert_eq!(events[1..], [format!("created visitor {}", handle(&app, &next).await)]);
}

#[test]
fn debug_of_event_shows_no_owner_and_no_handle() {
    let session = session_core::events::EventSession::new(Some("ada"), Some("a-handle"));
    let text = format!("{:?}", Event::LoggedIn { session, previous: session });
    assert!(!text.contains("ada") && !text.contains("a-handle"), "{text}");
}
