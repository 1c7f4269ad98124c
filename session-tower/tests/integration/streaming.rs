//! Streamed bodies: the head of the response has the cookie, and the session refuses changes
//! afterwards.

#![cfg(feature = "axum")]

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::get;
use bytes::Bytes;
use http_body::Frame;
use session_core::ErrorKind;
use session_tower::{Session, SessionLayer, request_session};
use tokio::sync::oneshot;

use crate::support::{
    Watched, cookie, payload, reopen, send, set_cookies, settings, signed, text, vary,
};

/// A body that produces chunks on demand until the function returns `None`.
struct Chunks<F>(F);

impl<F: FnMut() -> Option<String> + Unpin> http_body::Body for Chunks<F> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready((self.0)().map(|chunk| Ok(Frame::data(chunk.into()))))
    }
}

#[tokio::test]
async fn cookie_is_sent_before_first_chunk() {
    let polled = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&polled);
    let handler = move |session: Session| async move {
        session.insert("user", "ada").unwrap();
        Body::new(Chunks(move || {
            let chunk = counter.fetch_add(1, Ordering::SeqCst);
            (chunk < 3).then(|| format!("chunk {chunk}\n"))
        }))
    };
    let cookies = signed(settings());
    let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(cookies.clone()));
    let response = send(&app, "").await;
    assert_eq!(polled.load(Ordering::SeqCst), 0);
    assert_eq!(payload(&reopen(&cookies, set_cookies(&response)[0]).await), r#"{"user":"ada"}"#);
    assert_eq!(text(response).await, "chunk 0\nchunk 1\nchunk 2\n");
}

#[tokio::test]
async fn stream_can_read_session_but_not_change_it() {
    let sessions = Watched::new(signed(settings()));
    let kinds = Arc::new(Mutex::new(Vec::new()));
    let refused = Arc::clone(&kinds);
    let handler = move |session: Session| async move {
        session.insert("user", "ada").unwrap();
        let mut greeting = Some("hello ");
        Body::new(Chunks(move || {
            let greeting = greeting.take()?;
            let attempts = [
                session.insert("user", "bob"),
                session.discard("user").map(|_| ()),
                session.update("user", |_: Option<String>| None),
                session.clear(),
                session.flash("too late"),
                session.set_permanent(true),
            ];
            refused.lock().unwrap().extend(attempts.map(|attempt| attempt.unwrap_err().kind()));
            Some(greeting.to_owned() + &session.get::<String>("user").unwrap().unwrap())
        }))
    };
    let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(sessions.clone()));
    assert_eq!(text(send(&app, "").await).await, "hello ada");
    assert_eq!(*kinds.lock().unwrap(), [ErrorKind::Committed; 6]);
    assert_eq!(sessions.saves(), 1);
}

#[tokio::test]
async fn session_first_obtained_after_response_is_refused() {
    let cookies = signed(settings());
    let sessions = Watched::new(cookies.clone());
    let (go, gone) = oneshot::channel::<()>();
    let (tell, told) = oneshot::channel();
    let late = Arc::new(Mutex::new(Some((gone, tell))));
    let handler = move |request: Request| async move {
        let handle = request_session(request.extensions()).unwrap();
        let (gone, tell) = late.lock().unwrap().take().unwrap();
        tokio::spawn(async move {
            gone.await.unwrap();
            tell.send(handle.session().await.unwrap_err().kind()).unwrap();
        });
    };
    let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(sessions.clone()));
    let ada = cookie(&cookies, |session| session.insert("user", "ada").unwrap()).await;
    let response = send(&app, &ada).await;
    assert!(set_cookies(&response).is_empty() && vary(&response).is_empty());
    assert_eq!(sessions.opens(), 0);

    go.send(()).unwrap();
    assert_eq!(told.await.unwrap(), ErrorKind::Committed);
    assert_eq!((sessions.opens(), sessions.saves()), (0, 0));
}
