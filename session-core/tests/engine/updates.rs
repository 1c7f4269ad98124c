//! User-supplied code that uses its session: functions of `update`, and the parsing of values.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Waker};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use session_core::interface::{Opened, state_of};
use session_core::{Error, ErrorKind, Outcome, Session};

use crate::store::Call;
use crate::support::{App, Handler, log_out, write_user};

/// The number of runs after which a function gives up, so that a test fails instead of running
/// forever.
const MANY: usize = 100;

fn by_hand(payload: &str) -> Session {
    Opened::from_payload(payload).unwrap().into_session()
}

/// Counts the runs of a function, and records the kinds of its errors.
#[derive(Clone, Default)]
struct Runs {
    count: Arc<AtomicUsize>,
    errors: Arc<Mutex<Vec<Option<ErrorKind>>>>,
}

impl Runs {
    /// Returns whether the function may run its change once more.
    fn enter(&self) -> bool {
        self.count.fetch_add(1, Ordering::SeqCst) < MANY
    }

    fn record<T>(&self, result: Result<T, Error>) {
        self.errors.lock().unwrap().push(result.err().map(|error| error.kind()));
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    fn errors(&self) -> Vec<Option<ErrorKind>> {
        self.errors.lock().unwrap().clone()
    }
}

/// Increments `n` with a function that also acts on its session.
fn increment(session: &Session, runs: &Runs, act: Handler) {
    let (own, runs) = (session.clone(), runs.clone());
    let increment = move |n: Option<u64>| {
        if runs.enter() {
            runs.record(act(&own));
        }
        Some(n.unwrap_or(0) + 1)
    };
    session.update("n", increment).unwrap();
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn function_of_update_can_read_its_session() {
    let session = by_hand(r#"{"a":7}"#);
    let own = session.clone();
    session
        .update("n", move |_: Option<u64>| {
            assert!(own.contains_key("a") && !own.is_new() && own.keys().len() == 1);
            own.get("a").unwrap()
        })
        .unwrap();
    assert_eq!(session.get::<u64>("n").unwrap(), Some(7));
}

#[test]
fn function_of_update_cannot_change_its_session() {
    const BEFORE: &str = r#"{"a":1,"_flashes":[{" t":["message","x"]}]}"#;
    let changes: [(&str, Handler); 12] = [
        ("insert", |session| session.insert("count", session.keys().len())),
        ("insert of the same key", |session| session.insert("n", 9)),
        ("remove", |session| session.remove::<u64>("a").map(drop)),
        ("discard", |session| session.discard("a").map(drop)),
        ("get_or_insert", |session| session.get_or_insert("b", 1).map(drop)),
        ("update", |session| session.update("b", |_: Option<u64>| Some(1))),
        ("clear", Session::clear),
        ("flash", |session| session.flash("hello")),
        ("take_flashes", |session| session.take_flashes().map(drop)),
        ("set_permanent", |session| session.set_permanent(true)),
        ("rotate_id", Session::rotate_id),
        ("log_out", log_out),
    ];
    for (name, change) in changes {
        let (session, runs) = (by_hand(BEFORE), Runs::default());
        increment(&session, &runs, change);
        assert_eq!(runs.errors(), [Some(ErrorKind::Reentrant)], "{name}");
        let expected = format!("{},\"n\":1}}", &BEFORE[..BEFORE.len() - 1]);
        assert_eq!(state_of(&session).payload(), expected, "{name}");
        session.insert("later", 1).unwrap();
    }
}

#[test]
fn function_of_update_can_change_other_session() {
    let (session, other) = (by_hand("{}"), by_hand("{}"));
    let inner = other.clone();
    session
        .update("n", move |n: Option<u64>| {
            inner.insert("seen", true).unwrap();
            Some(n.unwrap_or(0) + 1)
        })
        .unwrap();
    assert_eq!(other.get::<bool>("seen").unwrap(), Some(true));
}

#[test]
fn nested_update_of_first_session_is_refused() {
    let (first, second, runs) = (by_hand("{}"), by_hand("{}"), Runs::default());
    let (outer, inner, seen) = (first.clone(), second.clone(), runs.clone());
    first
        .update("n", move |_: Option<u64>| {
            let (outer, seen) = (outer.clone(), seen.clone());
            let act = move |_: Option<u64>| {
                if seen.enter() {
                    seen.record(outer.insert("x", 1));
                }
                Some(2)
            };
            inner.update("n", act).unwrap();
            Some(1)
        })
        .unwrap();
    assert_eq!(runs.errors(), [Some(ErrorKind::Reentrant)]);
    assert_eq!(first.get::<u64>("n").unwrap(), Some(1));
    assert_eq!(second.get::<u64>("n").unwrap(), Some(2));
}

#[test]
fn function_of_update_that_panics_leaves_session_usable() {
    let session = by_hand("{}");
    let own = session.clone();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        own.update("n", |_: Option<u64>| panic!("on purpose"))
    }));
    assert!(panicked.is_err());
    session.insert("n", 1).unwrap();
}

#[test]
fn other_thread_can_change_session_during_update() {
    let session = by_hand("{}");
    let (running, changed) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let first = AtomicUsize::new(0);
    let waits = (Arc::clone(&running), Arc::clone(&changed));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            running.wait();
            session.insert("other", 1).unwrap();
            session.insert("n", 10).unwrap();
            changed.wait();
        });
        session
            .update("n", move |n: Option<u64>| {
                if first.fetch_add(1, Ordering::SeqCst) == 0 {
                    waits.0.wait();
                    waits.1.wait();
                }
                Some(n.unwrap_or(0) + 1)
            })
            .unwrap();
    });
    assert_eq!(state_of(&session).payload(), r#"{"other":1,"n":11}"#);
}

#[tokio::test]
async fn function_of_update_cannot_change_session_while_saved() {
    let app = App::new();
    let cookie = app.begin(|session| session.insert("n", 5)).await;
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    let runs = Runs::default();
    increment(&session, &runs, |session| session.insert("x", session.keys().len()));
    app.request_elsewhere(&cookie, |session| session.insert("n", 50)).await;
    assert_eq!(session.save().await.unwrap(), Outcome::Stored);
    request.commit().await.into_result().unwrap();
    assert_eq!(runs.errors(), [Some(ErrorKind::Reentrant); 2]);
    assert_eq!(app.payload(&cookie).await, r#"{"n":51}"#);
}

#[tokio::test]
async fn update_made_during_save_cannot_change_session_at_merge() {
    let app = App::new();
    let cookie = app.begin(|session| session.insert("n", 5)).await;
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    let runs = Runs::default();
    session.insert("a", 1).unwrap();
    app.store.hold_next(Call::Replace);
    let mut save = pin!(session.save());
    assert!(poll(save.as_mut()).is_pending());
    increment(&session, &runs, |session| session.insert("x", session.keys().len()));
    app.request_elsewhere(&cookie, |session| session.insert("n", 50)).await;
    app.store.recover();
    let Poll::Ready(saved) = poll(save.as_mut()) else { panic!("still waiting") };
    assert_eq!(saved.unwrap(), Outcome::Stored);
    assert_eq!(session.get::<u64>("n").unwrap(), Some(51));
    request.commit().await.into_result().unwrap();
    assert!(runs.errors().iter().all(|kind| *kind == Some(ErrorKind::Reentrant)));
    assert!((2..MANY).contains(&runs.count()), "{} runs", runs.count());
    assert_eq!(app.payload(&cookie).await, r#"{"n":51,"a":1}"#);
}

#[tokio::test]
async fn function_of_update_cannot_save_its_session() {
    let app = App::new();
    let request = app.open("");
    let session = request.session().await.unwrap();
    write_user(&session).unwrap();
    let runs = Runs::default();
    increment(&session, &runs, |session| match poll(pin!(session.save())) {
        Poll::Ready(saved) => saved.map(drop),
        Poll::Pending => panic!("the save waits"),
    });
    assert_eq!(runs.errors(), [Some(ErrorKind::Reentrant)]);
    assert_eq!(session.save().await.unwrap(), Outcome::Stored);
}

thread_local! {
    /// The session that [`Meddling`] changes when it is parsed or written.
    static MEDDLED: Mutex<Option<(Session, Runs)>> = const { Mutex::new(None) };
}

/// A value that changes its session when it is parsed or written.
struct Meddling;

impl Meddling {
    fn meddle() {
        let meddled = MEDDLED.with(|meddled| meddled.lock().unwrap().clone());
        let (session, runs) = meddled.unwrap();
        if runs.enter() {
            runs.record(session.insert("x", runs.count()));
        }
    }
}

impl<'de> Deserialize<'de> for Meddling {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer)?;
        Self::meddle();
        Ok(Self)
    }
}

impl Serialize for Meddling {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::meddle();
        serializer.serialize_u64(1)
    }
}

#[test]
fn value_that_changes_session_when_parsed_can_be_removed() {
    let (session, runs) = (by_hand(r#"{"m":1}"#), Runs::default());
    MEDDLED.with(|meddled| *meddled.lock().unwrap() = Some((session.clone(), runs.clone())));
    assert!(session.remove::<Meddling>("m").unwrap().is_some());
    assert_eq!(runs.errors(), [Some(ErrorKind::Reentrant)]);
    assert_eq!(state_of(&session).payload(), "{}");
}

#[test]
fn get_or_insert_returns_value_that_was_set_meanwhile() {
    struct Late(u64);
    impl Serialize for Late {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let (session, runs) = MEDDLED.with(|meddled| meddled.lock().unwrap().clone()).unwrap();
            if runs.enter() {
                runs.record(session.get_or_insert("m", 7_u64));
            }
            serializer.serialize_u64(self.0)
        }
    }
    impl<'de> Deserialize<'de> for Late {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            u64::deserialize(deserializer).map(Self)
        }
    }
    let (session, runs) = (by_hand("{}"), Runs::default());
    MEDDLED.with(|meddled| *meddled.lock().unwrap() = Some((session.clone(), runs.clone())));
    assert_eq!(session.get_or_insert("m", Late(1)).unwrap().0, 7);
    assert_eq!(session.get::<u64>("m").unwrap(), Some(7));
}
