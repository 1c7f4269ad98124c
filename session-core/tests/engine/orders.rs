//! Sessions that a save may leave empty, beside another request: every order of their store calls.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use session_core::config::SecretKey;
use session_core::request::{RequestSession, RequestView, SessionHeaders};
use session_core::{Error, Flash, Outcome, ServerSideSessions, Session, SessionConfig};

use crate::limits::{Taking, in_order};
use crate::store::TestStore;
use crate::support::cookie;

/// The bits of an order say which request takes each of the first steps.
const ORDERS: u32 = 1 << 10;
const FLASHES: &str = "session_flash=";

/// Changes a session, and returns the messages that it took.
type Handler = fn(&Session) -> Result<Vec<String>, Error>;

/// Two processes, or one, on one store.
struct Processes {
    store: TestStore,
    engines: [Arc<ServerSideSessions<Taking>>; 2],
}

/// A request that was served.
#[derive(Debug)]
struct Served {
    headers: SessionHeaders,
    outcome: Outcome,
    was_new: bool,
    taken: Vec<String>,
}

impl Processes {
    fn new(count: usize) -> Self {
        let store = TestStore::default();
        let key = SecretKey::new("a-key-for-tests-0123456789abcdef").unwrap();
        let config = SessionConfig::builder().flash_cookie(&key).build().unwrap();
        let engine = || Arc::new(ServerSideSessions::new(Taking(store.clone()), config.clone()));
        let first = engine();
        let second = if count == 1 { Arc::clone(&first) } else { engine() };
        Self { store, engines: [first, second] }
    }

    fn request(
        &self,
        process: usize,
        cookies: &str,
        handler: Handler,
    ) -> impl Future<Output = Served> + use<> {
        let view = RequestView::builder().cookie_header(cookies.as_bytes()).build();
        let request = RequestSession::new(Arc::clone(&self.engines[process]), view);
        async move {
            let session = request.session().await.unwrap();
            let was_new = session.is_new();
            let taken = handler(&session).unwrap();
            let headers = request.commit().await.into_result().unwrap();
            Served { headers, outcome: session.outcome().unwrap(), was_new, taken }
        }
    }

    /// Begins a session by these requests, and returns its cookie.
    fn begin(&self, handlers: &[Handler]) -> String {
        let begun = alone(self.request(0, "", handlers[0]));
        let cookies = format!("session={}", cookie(&begun.headers).unwrap());
        for handler in &handlers[1..] {
            alone(self.request(0, &cookies, *handler));
        }
        cookies
    }

    /// Runs two requests with these cookies.
    fn serve(&self, order: u32, cookies: &str, one: Handler, other: Handler) -> [Served; 2] {
        in_order(order, self.request(0, cookies, one), self.request(1, cookies, other))
    }

    fn keys(&self, cookies: &str) -> Vec<String> {
        let view = RequestView::builder().cookie_header(cookies.as_bytes()).build();
        let request = RequestSession::new(Arc::clone(&self.engines[0]), view);
        alone(request.session()).unwrap().keys()
    }

    /// Returns the number of sessions, without tombstones.
    fn count(&self) -> usize {
        self.store.records().values().filter(|record| record.payload()[0] == 1).count()
    }
}

impl Served {
    fn removes_session(&self) -> bool {
        self.headers.set_cookie().is_some() && cookie(&self.headers).is_none()
    }

    /// Returns the cookie with flash messages that the response sets.
    fn flashes(&self) -> Option<&str> {
        let mut values = self.headers.fields().filter_map(|(_, value)| value.split(';').next());
        values.find(|value| value.starts_with(FLASHES) && *value != FLASHES)
    }

    /// Returns the session cookie of the browser after this response alone.
    fn cookie_after(&self, before: &str) -> String {
        match cookie(&self.headers) {
            Some(cookie) => format!("session={cookie}"),
            None if self.removes_session() => String::new(),
            None => before.to_owned(),
        }
    }
}

fn alone<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return result;
        }
    }
}

fn write_user(session: &Session) -> Result<Vec<String>, Error> {
    session.insert("user", "ada").map(|()| Vec::new())
}

fn insert(session: &Session) -> Result<Vec<String>, Error> {
    session.insert("late", 1).map(|()| Vec::new())
}

fn discard_user(session: &Session) -> Result<Vec<String>, Error> {
    session.discard("user").map(|_| Vec::new())
}

fn flash(session: &Session) -> Result<Vec<String>, Error> {
    session.flash("late").map(|()| Vec::new())
}

fn take(session: &Session) -> Result<Vec<String>, Error> {
    let flashes = session.take_flashes()?;
    Ok(flashes.iter().map(Flash::text).collect())
}

/// How a session begins, and how its only content is removed.
const EMPTYING: [(&[Handler], Handler); 4] = [
    (&[write_user], discard_user),
    (&[write_user], |session| {
        session.update("user", |_: Option<String>| None).map(|()| Vec::new())
    }),
    (&[write_user], |session| session.rotate_id().and_then(|()| discard_user(session))),
    (
        &[
            |session| write_user(session).and(session.flash("early").map(|()| Vec::new())),
            discard_user,
        ],
        take,
    ),
];

#[test]
fn insert_keeps_emptied_session_or_is_dropped_in_every_order() {
    for (case, (begin, empty)) in EMPTYING.into_iter().enumerate() {
        let mut ends = BTreeSet::new();
        for order in 0..2 * ORDERS {
            let processes = Processes::new(1 + (order % 2) as usize);
            let old = processes.begin(begin);
            let [emptied, inserted] = processes.serve(order / 2, &old, empty, insert);
            let shown = format!("case {case}, order {order:b}: {emptied:?} {inserted:?}");
            let kept = processes.keys(&emptied.cookie_after(&old));
            assert_eq!(emptied.outcome, Outcome::Stored, "{shown}");
            match inserted.outcome {
                Outcome::Stored if inserted.was_new => {
                    assert!(emptied.removes_session() && kept.is_empty(), "{shown}");
                    assert_eq!(processes.keys(&inserted.cookie_after(&old)), ["late"], "{shown}");
                }
                Outcome::Stored => {
                    assert_eq!(kept, ["late"], "{shown}");
                    assert_eq!(inserted.headers.set_cookie(), None, "{shown}");
                }
                _ => {
                    assert!(emptied.removes_session() && kept.is_empty(), "{shown}");
                    assert_eq!(inserted.headers.set_cookie(), None, "{shown}");
                }
            }
            let left = usize::from(inserted.outcome == Outcome::Stored);
            assert_eq!(processes.count(), left, "{shown}");
            ends.insert(format!("{:?} {}", inserted.outcome, inserted.was_new));
        }
        // With the id before a rotation, an ended session is known as such for a while.
        let late = if case == 2 { "Dropped true" } else { "Stored true" };
        let expected = BTreeSet::from(["Dropped false", "Stored false", late].map(str::to_owned));
        assert_eq!(ends, expected, "case {case}");
    }
}

#[test]
fn two_removals_end_session_in_every_order() {
    for order in 0..2 * ORDERS {
        let processes = Processes::new(1 + (order % 2) as usize);
        let old = processes.begin(&[|session| write_user(session).and(insert(session))]);
        let [one, other] = processes.serve(order / 2, &old, discard_user, |session| {
            session.discard("late").map(|_| Vec::new())
        });
        let shown = format!("order {order:b}: {one:?} {other:?}");
        assert_eq!(processes.count(), 0, "{shown}");
        assert_eq!([&one, &other].iter().filter(|one| one.removes_session()).count(), 1, "{shown}");
    }
}

#[test]
fn flash_beside_emptying_is_in_one_place_in_every_order() {
    for (case, (begin, empty)) in EMPTYING.into_iter().enumerate() {
        let mut places = BTreeSet::new();
        for order in 0..2 * ORDERS {
            let processes = Processes::new(1 + (order % 2) as usize);
            let old = processes.begin(begin);
            let [emptied, flashed] = processes.serve(order / 2, &old, empty, flash);
            let shown = format!("case {case}, order {order:b}: {emptied:?} {flashed:?}");
            let session = emptied.cookie_after(&old);
            let mut found = Vec::new();
            found.extend(emptied.taken.iter().any(|text| text == "late").then_some("taken"));
            found.extend((flashed.outcome == Outcome::Dropped).then_some("dropped"));
            let left = alone(processes.request(1, &session, take)).taken;
            found.extend(left.iter().any(|text| text == "late").then_some("session"));
            if let Some(flashes) = flashed.flashes() {
                assert!(flashed.was_new && emptied.removes_session(), "{shown}");
                let taken = alone(processes.request(1, flashes, take)).taken;
                found.extend((taken == ["late"]).then_some("cookie"));
            }
            let [place] = found[..] else { unreachable!("{found:?} {shown}") };
            assert_eq!(processes.count(), 0, "{place} {shown}");
            places.insert(place);
        }
        let takes = case == 3;
        assert_eq!(places.len(), if takes { 4 } else { 3 }, "case {case}: {places:?}");
    }
}
