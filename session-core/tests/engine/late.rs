//! Sessions that are obtained after the commit, when `Vary` can no longer be added to the response.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use session_core::{ErrorKind, Refresh};

use crate::store::Call;
use crate::support::{App, write_permanent, write_user};

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn session_first_obtained_after_commit_is_refused() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let request = app.open(&cookie);
    let headers = request.commit().await.into_result().unwrap();
    assert!(!headers.vary());
    for _ in 0..2 {
        let refused = request.session().await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Committed);
        assert!(refused.to_string().contains("before the response"), "{refused}");
    }
    assert_eq!(app.store.take_calls(), []);
}

#[tokio::test]
async fn session_obtained_before_commit_can_be_obtained_again() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let request = app.open(&cookie);
    request.session().await.unwrap();
    assert!(request.commit().await.into_result().unwrap().vary());
    let session = request.session().await.unwrap();
    assert_eq!(session.get::<String>("user").unwrap().as_deref(), Some("ada"));
    assert!(session.reopen().await.unwrap().contains_key("user"));
}

#[tokio::test]
async fn session_that_is_opening_during_commit_is_refused() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let request = app.open(&cookie);
    app.store.hold_next(Call::Load);
    let mut opening = pin!(request.session());
    assert!(poll(opening.as_mut()).is_pending());
    assert!(!request.finish_if_unchanged().unwrap().vary());
    app.store.recover();
    let Poll::Ready(late) = poll(opening.as_mut()) else { panic!("still waiting") };
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Committed);
    assert_eq!(request.session().await.unwrap_err().kind(), ErrorKind::Committed);
}

#[tokio::test]
async fn session_opened_only_to_renew_it_is_refused_afterwards() {
    let app = App::with(|config| config.refresh(Refresh::EachRequest));
    let cookie = app.begin(write_permanent).await;
    let request = app.open(&cookie);
    assert!(!request.commit().await.into_result().unwrap().vary());
    assert_eq!(request.session().await.unwrap_err().kind(), ErrorKind::Committed);
}
