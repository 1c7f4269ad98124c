//! Short histories that the rules must accept, each beside a similar one that they must reject.

mod round;

use std::time::Duration;

use session_core::ErrorKind;

use crate::history::{Effect, OwnerCallKind, SaveResult, Snapshot, Source, Token};
use round::{Round, Save, login, save_of_first, session};

const ENDED: &str = "an ended session stays ended";
const OPENS: &str = "a cookie opens its session until the id changes or the session ends";
const FAILED: SaveResult = SaveResult::Failed(ErrorKind::Unavailable);

#[test]
fn handle_on_two_pages_is_one_unknown_session() {
    let violated = |handles: &[&str]| {
        let mut round = Round::new();
        let opened_at = round.history.tick();
        let result = SaveResult::GivenUp;
        let gone = Save { request: 1, opened_at, cookie: None, opened: &[], path: &[2], result };
        round.save(gone, &[login(2, None)]);
        round.list(2, handles);
        round.violated()
    };
    assert!(violated(&["one", "one"]).is_empty());
    assert_eq!(violated(&["one", "other"]), ["a list shows no unknown session"]);
}

#[test]
fn list_may_show_record_of_failed_first_login() {
    let violated = |first: SaveResult| {
        let mut round = Round::new();
        let opened_at = round.history.tick();
        let save =
            Save { request: 1, opened_at, cookie: None, opened: &[], path: &[2], result: first };
        round.save(save, &[login(2, None)]);
        round.save(Save { result: SaveResult::Stored, ..save }, &[]);
        round.store_later(0);
        let cookie = round.cookie(&[2]);
        let (owner, handle) = (Some("ada".to_owned()), Some("known".to_owned()));
        round.look(
            2,
            Some(cookie),
            Some(Snapshot { path: vec![2], owner, handle, ..Snapshot::default() }),
        );
        round.list(3, &["known", "other"]);
        round.violated()
    };
    assert!(violated(FAILED).is_empty());
    assert_eq!(violated(SaveResult::Stored), ["a list shows no unknown session"]);
}

#[test]
fn rotation_of_unknown_outcome_may_end_session_later() {
    let violated = |first: SaveResult, seconds| {
        let mut round = Round::new();
        let old = round.begin(1, 1);
        let opened_at = round.look(2, Some(old), Some(session(&[1])));
        let save = save_of_first(2, opened_at, old, first);
        round.save(save, &[Effect::Rotate]);
        round.save(Save { result: SaveResult::Stored, ..save }, &[]);
        round.store_later(1);
        let new = round.cookie(&[1]);
        round.look(3, Some(new), Some(session(&[1])));
        round.pass(seconds);
        round.look(4, Some(new), None);
        round.violated()
    };
    assert!(violated(FAILED, 301).is_empty());
    assert_eq!(violated(FAILED, 200), [OPENS]);
    assert_eq!(violated(SaveResult::Stored, 301), [OPENS]);
}

#[test]
fn save_is_dropped_if_session_of_own_login_ended() {
    let violated = |first: SaveResult, ended: &[Token]| {
        let mut round = Round::new();
        let old = round.begin(1, 1);
        let other = round.begin(9, 9);
        let opened_at = round.look(2, Some(old), Some(session(&[1])));
        let moved = Save { path: &[1, 2], ..save_of_first(2, opened_at, old, first) };
        round.save(moved, &[login(2, Some(1))]);
        let cookie = Some(other);
        let result = SaveResult::Stored;
        let end = Save { request: 3, opened_at, cookie, opened: ended, path: &[], result };
        round.save(end, &[Effect::End]);
        round.save(save_of_first(2, opened_at, old, SaveResult::Dropped), &[Effect::Mark(5)]);
        round.violated()
    };
    for first in [FAILED, SaveResult::Stored] {
        assert!(violated(first, &[1, 2]).is_empty(), "{first:?}");
        let rule = "changes are dropped only if the session ended";
        assert_eq!(violated(first, &[9]), [rule], "{first:?}");
    }
}

#[test]
fn logout_may_miss_login_that_store_was_slow_to_write() {
    let violated = |seconds| {
        let mut round = Round::new();
        let old = round.begin(1, 1);
        let opened_at = round.look(2, Some(old), Some(session(&[1])));
        let start = round.history.tick();
        round.pass(seconds);
        let late = round.look(3, Some(old), Some(session(&[1])));
        let stored = Save { path: &[1, 2], ..save_of_first(2, opened_at, old, SaveResult::Stored) };
        round.save_from(start, stored, &[login(2, Some(1))]);
        let new = round.cookie(&[1, 2]);
        round.save(save_of_first(3, late, old, SaveResult::Stored), &[Effect::End]);
        round.look(4, Some(new), Some(session(&[1, 2])));
        round.violated()
    };
    assert!(violated(311).is_empty());
    assert_eq!(violated(300), [ENDED]);
}

#[test]
fn logout_with_unconfirmed_id_ends_rotated_session() {
    let violated = |moved_from: Token| {
        let mut round = Round::new();
        let old = round.begin(1, 1);
        let unconfirmed = round.history.add_cookie("unconfirmed~");
        round.history.cookies[unconfirmed].moved_from = Some(vec![moved_from]);
        let opened_at = round.history.tick();
        let (cookie, result) = (Some(unconfirmed), SaveResult::Stored);
        let end = Save { request: 2, opened_at, cookie, opened: &[], path: &[], result };
        round.save(end, &[Effect::End]);
        round.look(3, Some(old), None);
        round.violated()
    };
    assert!(violated(1).is_empty());
    assert_eq!(violated(9), [OPENS]);
}

#[test]
fn logout_after_own_failed_login_may_end_nothing() {
    let violated = |logs_in: bool| {
        let mut round = Round::new();
        let old = round.begin(1, 1);
        let opened_at = round.look(2, Some(old), Some(session(&[1])));
        let late = round.look(3, Some(old), Some(session(&[1])));
        let stored = Save { path: &[1, 2], ..save_of_first(2, opened_at, old, SaveResult::Stored) };
        round.save(stored, &[login(2, Some(1))]);
        let new = round.cookie(&[1, 2]);
        if logs_in {
            let failed = Save { path: &[1, 3], ..save_of_first(3, late, old, FAILED) };
            round.save(failed, &[login(3, Some(1))]);
        }
        round.save(save_of_first(3, late, old, SaveResult::Stored), &[Effect::End]);
        round.look(4, Some(new), Some(session(&[1, 2])));
        round.violated()
    };
    assert!(violated(true).is_empty());
    assert_eq!(violated(false), [ENDED]);
}

#[test]
fn record_of_failed_save_may_have_no_client() {
    let violated = |has_cookie: bool| {
        let mut round = Round::new();
        let opened_at = round.history.tick();
        let save =
            Save { request: 1, opened_at, cookie: None, opened: &[], path: &[1], result: FAILED };
        round.save(save, &[Effect::Begin(1)]);
        round.history.delivered.insert(1);
        if !has_cookie {
            round.history.without_cookie.insert(1);
        }
        let (created_at, expires_at) = (round.now, round.now + Duration::from_hours(2));
        let source = Source::Record { created_at, expires_at };
        round.observe(0, None, Some(session(&[1])), source);
        round.violated()
    };
    assert!(violated(false).is_empty());
    assert_eq!(violated(true), ["a client has the id of each session"]);
}

#[test]
fn login_after_failed_logout_may_leave_session_moved_long_ago() {
    let violated = |seconds| {
        let mut round = Round::new();
        let old = round.begin(1, 1);
        let opened_at = round.look(2, Some(old), Some(session(&[1])));
        round.save(save_of_first(3, opened_at, old, SaveResult::Stored), &[Effect::Rotate]);
        let new = round.cookie(&[1]);
        let end = round.history.changes.len();
        round.save(save_of_first(2, opened_at, old, FAILED), &[Effect::End]);
        round.pass(seconds);
        let stored = Save { path: &[4], ..save_of_first(2, opened_at, old, SaveResult::Stored) };
        round.save(stored, &[login(4, None)]);
        round.store_later(end);
        round.look(5, Some(new), Some(session(&[1])));
        round.violated()
    };
    assert!(violated(311).is_empty());
    assert_eq!(violated(300), [ENDED]);
}

#[test]
fn login_tried_again_after_end_of_all_starts_session() {
    let violated = |first: SaveResult| {
        let mut round = Round::new();
        let old = round.begin(1, 1);
        let opened_at = round.look(2, Some(old), Some(session(&[1])));
        let save = Save { path: &[1, 2], ..save_of_first(2, opened_at, old, first) };
        round.save(save, &[login(2, Some(1))]);
        // Another login has copied the session of the first one.
        round.observe(3, None, Some(session(&[1, 2])), Source::Saved(Vec::new()));
        round.call(2, OwnerCallKind::EndedAll { count: 2 });
        round.save(Save { result: SaveResult::Stored, ..save }, &[]);
        round.store_later(1);
        let new = round.cookie(&[1, 2]);
        round.look(4, Some(new), Some(session(&[1, 2])));
        round.violated()
    };
    assert!(violated(FAILED).is_empty());
    assert_eq!(violated(SaveResult::Stored), [ENDED]);
}
