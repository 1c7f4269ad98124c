//! The records in the store. They contain no id and no nonce twice, and foreign records are not
//! changed.

use session_core::Session;

use crate::store::{Call, id_of, store_key};
use crate::support::{
    App, DAY, HOUR, Handler, UNKNOWN, log_in, log_in_as, log_out, read, start, write_user,
};
use crate::warnings;

/// The position of the latest nonce.
const NONCE: std::ops::Range<usize> = 2..10;

/// Returns the number of bytes before the payload of a session without a predecessor. These are the
/// kind, the nonces, the lineage, two times, and whether there is a predecessor.
fn head_length(record: &[u8]) -> usize {
    35 + 8 * usize::from(record[1])
}

const HANDLERS: &[(&str, Handler)] = &[
    ("reads", read),
    ("writes", write_user),
    ("marks it modified", |session| session.set_modified(true)),
    ("clears", Session::clear),
    ("logs out", log_out),
    ("logs out and writes", |session| log_out(session).and_then(|()| write_user(session))),
    ("rotates", Session::rotate_id),
    ("logs in", log_in),
];

/// Returns records that other programs could have written, including prefixes and modified copies
/// of the engine's records.
async fn foreign_records() -> Vec<Vec<u8>> {
    let app = App::new();
    let cookie = app.begin(|session| session.insert("name", "ä")).await;
    let session = app.store.record(&cookie).unwrap().payload().to_vec();
    app.request(&cookie, Session::rotate_id).await;
    let tombstone = app.store.record(&cookie).unwrap().payload().to_vec();
    assert_eq!((session[0], tombstone[0]), (1, 2));

    let mut foreign: Vec<Vec<u8>> =
        (0..session.len()).map(|length| session[..length].to_vec()).collect();
    foreign.extend((0..tombstone.len()).map(|length| tombstone[..length].to_vec()));
    foreign.push([&tombstone[..], b"\0"].concat());
    foreign.push([&session[..], b"}"].concat());
    for payload in ["null", "[1]", "\"text\"", "{\"a\":}", "\u{feff}{}"] {
        foreign.push([&session[..head_length(&session)], payload.as_bytes()].concat());
    }
    foreign.push([&session[..head_length(&session)], b"{\"a\":\"\xff\"}"].concat());
    for bytes in [
        &b"{}"[..],
        br#"{"user":"ada"}"#,
        b"\x80\x05}q\x00.",
        b"\x81\xa4user\xa3ada",
        &[0; 64],
        &[0xff; 64],
    ] {
        foreign.push(bytes.to_vec());
    }
    // A fixed pseudorandom sequence behind every first byte.
    let noise = (0_u32..80).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]);
    foreign.extend((0..=255).map(|first| std::iter::once(first).chain(noise.clone()).collect()));
    foreign
}

#[tokio::test]
async fn foreign_record_opens_fresh_session_and_stays() {
    for bytes in foreign_records().await {
        for (name, handler) in HANDLERS {
            let app = App::new();
            app.store.plant(UNKNOWN, &bytes, start(), start() + DAY);
            let planted = app.store.record(UNKNOWN);
            warnings::take();
            let response = app
                .request(UNKNOWN, |session| {
                    assert!(session.is_new() && session.is_empty(), "{bytes:?}");
                    handler(session)
                })
                .await;
            assert_eq!(warnings::take(), 1, "{bytes:?}: {name}");
            assert_eq!(app.store.record(UNKNOWN), planted, "{bytes:?}: {name}");
            let calls = app.store.take_calls();
            assert!(
                calls == [Call::Load] || calls == [Call::Load, Call::Create],
                "{bytes:?}: {name} {calls:?}"
            );
            assert_ne!(response.cookie().as_deref(), Some(UNKNOWN), "{bytes:?}: {name}");
        }
    }
}

#[tokio::test]
async fn ordinary_request_logs_no_warning() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    for (_, handler) in HANDLERS {
        app.request(&cookie, handler).await;
    }
    assert_eq!(warnings::take(), 0);
}

#[tokio::test]
async fn session_overwritten_by_foreign_record_is_not_written() {
    let handlers: [(&str, Handler); 4] = [
        ("write", write_user),
        ("log_out", log_out),
        ("rotate_id", Session::rotate_id),
        ("log_in", log_in),
    ];
    for (name, handler) in handlers {
        let app = App::new();
        let cookie = app.begin(write_user).await;
        app.request(&cookie, |session| {
            app.store.plant(&cookie, b"not ours", start(), start() + DAY);
            handler(session)
        })
        .await;
        assert_eq!(app.store.record(&cookie).unwrap().payload(), b"not ours", "{name}");
    }
}

#[tokio::test]
async fn stored_records_contain_no_cookie() {
    let app = App::new();
    let first = app.begin(|session| write_user(session).and_then(|()| log_in(session))).await;
    app.request(&first, |session| session.insert("n", 1)).await;
    let second = app.request(&first, Session::rotate_id).await.cookie().unwrap();
    let third = app.request(&second, log_in).await.cookie().unwrap();
    let records = app.store.records();
    assert_eq!(records.len(), 3);
    for (key, record) in &records {
        let stored =
            [key.as_bytes(), record.payload(), record.owner().unwrap_or_default().as_bytes()]
                .concat();
        for cookie in [&first, &second, &third] {
            assert!(!contains(&stored, cookie.as_bytes()), "the cookie's value is stored");
            let id = id_of(cookie);
            assert!(!contains(&stored, &id), "the id is stored");
            assert!(
                !contains(&stored, &id[..8]) && !contains(&stored, &id[24..]),
                "a part of the id is stored"
            );
        }
    }
    // The search finds data that is in the record.
    let tombstone = records[&store_key(&first)].payload();
    assert!(contains(tombstone, store_key(&second).as_bytes()));
    assert!(contains(records[&store_key(&third)].payload(), br#"{"user":"ada","n":1}"#));
}

#[tokio::test]
async fn each_save_has_new_nonce() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let mut nonces = Vec::new();
    for _ in 0..50 {
        app.request(&cookie, write_user).await;
        let record = app.store.record(&cookie).unwrap();
        let (head, payload) = record.payload().split_at(head_length(record.payload()));
        assert_eq!(payload, br#"{"user":"ada"}"#);
        nonces.push(head[NONCE].to_vec());
    }
    for _ in 0..50 {
        let other = app.begin(write_user).await;
        nonces.push(app.store.record(&other).unwrap().payload()[NONCE].to_vec());
    }
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), 100);
}

#[tokio::test]
async fn creation_time_and_owner_survive_every_write() {
    let app = App::new();
    let mut cookie = app.begin(|session| log_in_as(session, "Ünal\0x")).await;
    let writes: [Handler; 6] = [
        write_user,
        |session| session.clear().and_then(|()| write_user(session)),
        |session| session.set_modified(true),
        read,
        Session::rotate_id,
        |session| session.discard("user").map(drop),
    ];
    for write in writes {
        app.clock.advance(HOUR);
        cookie = app.request(&cookie, write).await.cookie().unwrap_or(cookie);
        let record = app.store.record(&cookie).unwrap();
        assert_eq!((record.created_at(), record.owner()), (start(), Some("Ünal\0x")));
    }
    assert_eq!(app.payload(&cookie).await, "{}");
}

#[tokio::test]
async fn every_payload_comes_back_byte_for_byte() {
    let app = App::new();
    for value in ["", "\0", "\u{1f980} é \" \\ / \u{2028}", &"x".repeat(1 << 20)] {
        let cookie = app.begin(|session| session.insert("value", value)).await;
        assert_eq!(app.peek(&cookie).await.get::<String>("value").unwrap().as_deref(), Some(value));
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
