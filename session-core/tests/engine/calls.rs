//! The store calls of each kind of request.

use session_core::{Error, Refresh, Session};

use crate::store::Call::{self, Create, Load, Remove, Replace, Touch};
use crate::support::{
    App, DAY, Handler, MILLISECOND, MINUTE, SECOND, UNKNOWN, log_in, log_out, read,
    write_permanent, write_user,
};

/// The cookie of a request.
#[derive(Clone, Copy, Debug)]
enum With {
    NoCookie,
    LiveId,
    UnknownId,
}

use With::{LiveId, NoCookie, UnknownId};

/// The handler of a request, its store calls, and whether it sets or removes the cookie.
const REQUESTS: &[(&str, With, Handler, &[Call], bool)] = &[
    ("reads nothing", NoCookie, read, &[], false),
    ("begins a session", NoCookie, write_user, &[Create], true),
    ("logs in", NoCookie, log_in, &[Create], true),
    ("logs out of nothing", NoCookie, log_out, &[], true),
    ("rotates nothing", NoCookie, Session::rotate_id, &[], false),
    ("writes and reverts", NoCookie, write_and_take_back, &[], false),
    ("is modified without a change", NoCookie, mark_modified, &[], false),
    ("reads", LiveId, read, &[Load], false),
    ("writes", LiveId, write_user, &[Load, Replace], false),
    ("writes twice", LiveId, write_twice, &[Load, Replace], false),
    ("clears and writes", LiveId, clear_and_write, &[Load, Replace], false),
    (
        "removes the last key",
        LiveId,
        |session| session.discard("n").map(drop),
        &[Load, Remove],
        true,
    ),
    (
        "removes a key that is not there",
        LiveId,
        |session| session.discard("x").map(drop),
        &[Load],
        false,
    ),
    ("is modified without a change", LiveId, mark_modified, &[Load, Touch], true),
    ("is not to be saved", LiveId, write_and_mark_unmodified, &[Load], false),
    ("clears", LiveId, Session::clear, &[Load, Remove], true),
    ("logs out", LiveId, log_out, &[Load, Remove], true),
    ("logs out and writes", LiveId, log_out_and_write, &[Load, Remove, Create], true),
    ("rotates", LiveId, Session::rotate_id, &[Load, Create, Replace], true),
    ("rotates and writes", LiveId, rotate_and_write, &[Load, Create, Replace], true),
    ("logs in", LiveId, log_in, &[Load, Create, Replace], true),
    ("reads", UnknownId, read, &[Load], false),
    ("writes", UnknownId, write_user, &[Load, Create], true),
    ("logs in", UnknownId, log_in, &[Load, Create], true),
    ("rotates", UnknownId, Session::rotate_id, &[Load], false),
    ("logs out", UnknownId, log_out, &[Load], true),
];

#[tokio::test]
async fn request_makes_exactly_listed_calls() {
    for (name, with, handler, calls, sets_cookie) in REQUESTS {
        let app = App::new();
        let live = app.begin(|session| session.insert("n", 1)).await;
        let cookie = match with {
            NoCookie => "",
            LiveId => &live,
            UnknownId => UNKNOWN,
        };
        let response = app.request(cookie, handler).await;
        assert_eq!(app.store.take_calls(), *calls, "{name}, {with:?}");
        assert_eq!(response.header().is_some(), *sets_cookie, "{name}, {with:?}");
        assert!(response.vary(), "{name}, {with:?}");
    }
}

#[tokio::test]
async fn request_without_session_makes_no_calls() {
    for refresh in [Refresh::WhenAccessed, Refresh::WhenModified] {
        let app = App::with(|config| config.refresh(refresh));
        let live = app.begin(write_permanent).await;
        app.clock.advance(DAY);
        for cookie in ["", &live, UNKNOWN, "rubbish"] {
            let response = app.untouched(cookie).await;
            assert_eq!(app.store.take_calls(), [], "{refresh:?} {cookie}");
            assert!(response.header().is_none() && !response.vary(), "{refresh:?} {cookie}");
        }
    }
}

#[tokio::test]
async fn session_obtained_repeatedly_is_loaded_once() {
    let app = App::new();
    let live = app.begin(write_user).await;
    let request = app.open(&live);
    for _ in 0..3 {
        request.session().await.unwrap();
    }
    request.commit().await.into_result().unwrap();
    assert_eq!(app.store.take_calls(), [Load]);
}

#[tokio::test]
async fn renewal_adds_one_touch_only_when_due() {
    for permanent in [false, true] {
        let app = App::new();
        let live = app.begin(if permanent { write_permanent } else { write_user }).await;
        let expected: &[&[Call]] = &[&[Load], &[Load], &[Load, Touch], &[Load]];
        for (step, calls) in [SECOND, SECOND * 59, MILLISECOND, MINUTE].into_iter().zip(expected) {
            app.clock.advance(step);
            app.request(&live, read).await;
            assert_eq!(app.store.take_calls(), *calls, "permanent: {permanent}");
        }
        app.clock.advance(DAY / 2);
        app.request(&live, |session| session.insert("n", 1)).await;
        assert_eq!(app.store.take_calls(), [Load, Replace], "a write renews by itself");
    }
}

#[tokio::test]
async fn renewed_untouched_request_makes_calls_of_read() {
    let app = App::with(|config| config.refresh(Refresh::EachRequest));
    let live = app.begin(write_permanent).await;
    app.untouched(&live).await;
    assert_eq!(app.store.take_calls(), [Load]);
    app.clock.advance(DAY);
    app.untouched(&live).await;
    assert_eq!(app.store.take_calls(), [Load, Touch]);
    app.untouched("").await;
    app.untouched("rubbish").await;
    assert_eq!(app.store.take_calls(), []);
}

#[tokio::test]
async fn cookie_that_is_not_id_makes_no_calls() {
    let app = App::new();
    let live = app.begin(write_user).await;
    let (head, last) = live.split_at(42);
    let cookies = [
        live[1..].to_owned(),
        format!("{live}A"),
        format!("A{live}"),
        format!("{live}="),
        format!("{head}="),
        format!("{head}+"),
        format!("{head}/"),
        format!("{head}."),
        format!("{head}%41"),
        format!("{head} {last}"),
        format!("{}é", &live[..41]),
        "=".repeat(43),
        "é".repeat(43),
        "A".repeat(1 << 20),
        "eyJ1c2VyIjoiYWRhIn0.ZVQFgA.3Gm0m0UhoCFsrAvSAxSlSPT3Fv8".to_owned(),
        "eyJ1Ijoi.ZVQFgA.3Gm0m0UhoCFsrAvSAxSlSPT3Fv8".to_owned(),
    ];
    for cookie in cookies.iter().chain(&non_canonical(&live)) {
        let shown = &cookie[..cookie.len().min(80)];
        app.request(cookie, read).await;
        app.untouched(cookie).await;
        assert_eq!(app.store.take_calls(), [], "{shown}");
        let response = app.request(cookie, write_user).await;
        assert_eq!(app.store.take_calls(), [Create], "{shown}");
        assert!(response.cookie().is_some_and(|new| new != *cookie && new != live), "{shown}");
    }
}

/// Returns the other encodings of an id. Its last character has four significant bits and two zero
/// bits.
fn non_canonical(id: &str) -> [String; 3] {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (head, last) = id.split_at(42);
    let index = ALPHABET.find(last).unwrap();
    [1, 2, 3].map(|low_bits| format!("{head}{}", &ALPHABET[index + low_bits..=index + low_bits]))
}

fn mark_modified(session: &Session) -> Result<(), Error> {
    session.set_modified(true)
}

fn write_twice(session: &Session) -> Result<(), Error> {
    session.insert("a", 1)?;
    session.insert("b", 2)
}

fn write_and_take_back(session: &Session) -> Result<(), Error> {
    session.insert("a", 1)?;
    session.discard("a").map(drop)
}

fn write_and_mark_unmodified(session: &Session) -> Result<(), Error> {
    session.insert("a", 1)?;
    session.set_modified(false)
}

fn clear_and_write(session: &Session) -> Result<(), Error> {
    session.clear()?;
    session.insert("a", 1)
}

fn log_out_and_write(session: &Session) -> Result<(), Error> {
    log_out(session)?;
    session.insert("a", 1)
}

fn rotate_and_write(session: &Session) -> Result<(), Error> {
    session.rotate_id()?;
    session.insert("a", 1)
}
