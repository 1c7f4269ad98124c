//! Sessions that move from a cookie, of which copies stay valid.

use session_core::interface::state_of;
use session_core::store::Sweep as _;
use session_core::{Clock as _, Outcome};

use crate::support::{App, DAY, MINUTE, Old, finish, open};

const COOKIES: [Old; 2] = [Old::Signed, Old::Sealed];

#[tokio::test]
async fn logout_of_cookie_is_browser_only() {
    for old in COOKIES {
        let app = App::new(old);
        let first = app.begin(async |session| session.log_in("ada", None).await).await;
        let response = app.request(&first, async |session| session.log_out().await.map(drop)).await;
        assert_eq!((response.outcome, response.cookie), (Some(Outcome::BrowserOnly), None));

        // A copy opens nothing at first, and then the session again, until the end date.
        assert!(app.peek(&first).await.is_new());
        app.clock.advance(20 * MINUTE);
        app.new_store.sweep(app.clock.now(), 10).await.unwrap();
        assert_eq!(app.peek(&first).await.owner().as_deref(), Some("ada"));
        app.clock.set(app.end + MINUTE);
        assert!(app.peek(&first).await.is_new());
    }
}

#[tokio::test]
async fn logout_of_moved_cookie_is_browser_only_until_end_date() {
    for old in COOKIES {
        for is_over in [false, true] {
            let app = App::new(old);
            let first = app
                .begin(async |session| {
                    session.set_lifetime(Some(100 * DAY))?;
                    session.log_in("ada", None).await
                })
                .await;
            let moved = app.request(&first, async |session| session.rotate_id()).await;
            let moved = moved.cookie.unwrap();
            if is_over {
                app.clock.set(app.end + MINUTE);
            }
            let response =
                app.request(&moved, async |session| session.log_out().await.map(drop)).await;
            let outcome = if is_over { Outcome::Stored } else { Outcome::BrowserOnly };
            assert_eq!((response.outcome, response.cookie), (Some(outcome), None), "{old:?}");
            assert!(app.peek(&moved).await.is_new());
        }
    }
}

#[tokio::test]
async fn logout_of_session_that_was_never_in_cookie_is_stored() {
    for old in COOKIES {
        let app = App::new(old);
        let first = app.begin(async |session| session.insert("n", 1)).await;
        // A login starts another session.
        let cookie = app.request(&first, async |session| session.log_in("ada", None).await).await;
        for cookie in [cookie, app.request("", async |session| session.insert("n", 1)).await] {
            let cookie = cookie.cookie.unwrap();
            let response =
                app.request(&cookie, async |session| session.log_out().await.map(drop)).await;
            assert_eq!(response.outcome, Some(Outcome::Stored));
        }
    }
}

#[tokio::test]
async fn copy_of_cookie_opens_moved_session_and_gets_its_id() {
    for old in COOKIES {
        let app = App::new(old);
        let first = app.begin(async |session| session.insert("n", 1)).await;
        let moved = app.request(&first, async |session| session.insert("n", 2)).await;
        let moved = moved.cookie.unwrap();
        assert_ne!(first, moved);
        let response = app
            .request(&first, async |session| {
                assert_eq!(session.get::<u8>("n")?, Some(2));
                Ok(())
            })
            .await;
        assert_eq!(response.cookie, Some(moved), "{old:?}");
        assert_eq!(app.new_store.len(), 1);
    }
}

#[tokio::test]
async fn two_requests_with_one_cookie_both_keep_their_changes() {
    for old in COOKIES {
        let app = App::new(old);
        let cookie = app.begin(async |session| session.insert("n", 1)).await;
        let (one, two) = (open(&app.during, &cookie), open(&app.during, &cookie));
        one.session().await.unwrap().insert("one", 1).unwrap();
        two.session().await.unwrap().insert("two", 2).unwrap();
        let moved = finish(one, &cookie).await.unwrap().cookie.unwrap();
        assert_eq!(finish(two, &cookie).await.unwrap().cookie.unwrap(), moved);
        let session = app.peek(&moved).await;
        assert_eq!(session.keys(), ["n", "one", "two"]);
    }
}

#[tokio::test]
async fn request_that_overlaps_logout_of_cookie_revives_nothing() {
    for old in COOKIES {
        for is_moved in [false, true] {
            let app = App::new(old);
            let cookie = app.begin(async |session| session.insert("n", 1)).await;
            let slow = open(&app.during, &cookie);
            slow.session().await.unwrap().insert("slow", 1).unwrap();
            if is_moved {
                app.request(&cookie, async |session| session.insert("n", 2)).await;
            }
            app.request(&cookie, async |session| session.log_out().await.map(drop)).await;
            let response = finish(slow, &cookie).await.unwrap();
            assert_eq!((response.outcome, response.sets), (Some(Outcome::Dropped), false));
            assert!(app.peek(&cookie).await.is_new(), "{old:?}");
        }
    }
}

#[tokio::test]
async fn id_is_not_computed_from_cookie_alone() {
    let apps = [App::new(Old::Signed), App::new(Old::Signed)];
    // Another key gives another id, although the cookie is the same.
    let cookie = apps[0].begin(async |session| session.insert("n", 1)).await;
    let moved = apps[0].request(&cookie, async |session| session.insert("n", 2)).await;
    let lineage = apps[0].during.lineage(&state_of(&apps[0].peek(&moved.cookie.unwrap()).await));
    assert!(lineage.is_some());
    assert!(apps[1].peek(&cookie).await.is_new(), "another key signs no cookie of this one");
}

#[tokio::test]
async fn change_after_response_cannot_move_cookie() {
    let app = App::new(Old::Sealed);
    let cookie = app.begin(async |session| session.insert("n", 1)).await;
    let request = open(&app.during, &cookie);
    let session = request.session().await.unwrap();
    let _ = request.commit().await;
    let reopened = session.reopen().await.unwrap();
    reopened.insert("n", 2).unwrap();
    let error = reopened.save().await.unwrap_err();
    assert_eq!(error.kind(), session_core::ErrorKind::Committed);
    assert!(app.new_store.is_empty());
}
