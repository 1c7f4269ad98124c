//! Streamed bodies, upgraded connections and clients that disconnect.

use std::convert::Infallible;
use std::future::Future as _;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use actix_web::body::{BodySize, MessageBody};
use actix_web::test::init_service;
use actix_web::web::{Bytes, ServiceConfig, get};
use actix_web::{App, HttpRequest, HttpResponse};
use session_actix::{Session, SessionMiddleware, request_session};
use session_core::ErrorKind;
use session_memory::{MemorySessions, MemoryStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::support::server::Server;
use crate::support::{Watched, cookie, named, pair, payload, reopen, send, settings};

/// A body that produces chunks on demand until the function returns `None`.
struct Chunks<F>(F);

impl<F: FnMut() -> Option<String> + Unpin> MessageBody for Chunks<F> {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready((self.0)().map(|chunk| Ok(chunk.into())))
    }
}

#[actix_web::test]
async fn streamed_response_saves_session_and_stream_cannot_change_it() {
    let cookies = named("session");
    let sessions = Watched::new(cookies.clone());
    let kinds = Arc::new(Mutex::new(Vec::new()));
    let refused = Arc::clone(&kinds);
    let handler = move |session: Session| {
        let refused = Arc::clone(&refused);
        async move {
            session.insert("user", "ada").unwrap();
            let mut greeting = Some("hello ");
            HttpResponse::Ok().body(Chunks(move || {
                let greeting = greeting.take()?;
                let attempts =
                    [session.insert("user", "bob"), session.clear(), session.flash("too late")];
                refused.lock().unwrap().extend(attempts.map(|attempt| attempt.unwrap_err().kind()));
                Some(greeting.to_owned() + &session.get::<String>("user").unwrap().unwrap())
            }))
        }
    };
    let app =
        App::new().wrap(SessionMiddleware::new(sessions.clone())).route("/", get().to(handler));
    let response = send(&init_service(app).await, "").await;
    assert_eq!(payload(&reopen(&cookies, response.set_cookies()[0]).await), r#"{"user":"ada"}"#);
    assert_eq!(response.text, "hello ada");
    assert_eq!(*kinds.lock().unwrap(), [ErrorKind::Committed; 3]);
    assert_eq!(sessions.counts(), (1, 1));
}

#[actix_web::test]
async fn session_first_obtained_in_stream_is_refused() {
    let cookies = named("session");
    let sessions = Watched::new(cookies.clone());
    let handler = |request: HttpRequest| async move {
        let handle = request_session(&request).unwrap();
        let mut is_first = true;
        HttpResponse::Ok().body(Chunks(move || {
            if !std::mem::take(&mut is_first) {
                return None;
            }
            let opening = pin!(handle.session());
            match opening.poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(session) => Some(format!("{:?}", session.unwrap_err().kind())),
                Poll::Pending => Some("pending".to_owned()),
            }
        }))
    };
    let app =
        App::new().wrap(SessionMiddleware::new(sessions.clone())).route("/", get().to(handler));
    let ada = cookie(&cookies, |session| session.insert("user", "ada").unwrap()).await;
    let response = send(&init_service(app).await, &ada).await;
    assert_eq!(response.text, "Committed");
    assert!(response.set_cookies().is_empty() && response.all("vary").is_empty());
    assert_eq!(sessions.counts(), (0, 0));
}

/// Reads the head of the response on this connection.
async fn head(connection: &mut tokio::net::TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

fn session_cookie(head: &str) -> &str {
    pair(head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap())
}

#[actix_web::test]
async fn upgrade_response_saves_session_which_can_be_reopened() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let go = Arc::new(Semaphore::new(0));
    let wait = Arc::clone(&go);
    let routes = move |config: &mut ServiceConfig| {
        let (tell, wait) = (tell.clone(), Arc::clone(&wait));
        let socket = move |session: Session| {
            let (tell, wait) = (tell.clone(), Arc::clone(&wait));
            async move {
                session.insert("user", "ada").unwrap();
                actix_web::rt::spawn(async move {
                    wait.acquire().await.unwrap().forget();
                    let late = session.insert("user", "bob").unwrap_err().kind();
                    let now = session.reopen().await.unwrap();
                    tell.send((late, now.get::<String>("color").unwrap())).unwrap();
                });
                HttpResponse::SwitchingProtocols().upgrade("websocket").body(Chunks(|| None))
            }
        };
        config.route("/socket", get().to(socket));
        config.route(
            "/paint",
            get().to(|session: Session| async move {
                session.insert("color", "blue").unwrap();
                session.get::<String>("user").unwrap().unwrap()
            }),
        );
    };
    let sessions = MemorySessions::new(MemoryStore::new(), settings().build().unwrap());
    let server = Server::start(SessionMiddleware::new(sessions), routes);

    let mut socket = server.connect().await;
    let handshake =
        "GET /socket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    socket.write_all(handshake.as_bytes()).await.unwrap();
    let head = head(&mut socket).await;
    assert!(head.starts_with("HTTP/1.1 101 ") && head.contains("upgrade: websocket"), "{head}");
    assert!(head.contains("vary: Cookie"), "{head}");

    let cookie = session_cookie(&head);
    let paint =
        format!("GET /paint HTTP/1.1\r\nhost: a\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n");
    let painted = String::from_utf8(server.exchange(paint.as_bytes()).await).unwrap();
    assert!(painted.ends_with("\r\n\r\nada"), "{painted}");

    go.add_permits(1);
    assert_eq!(told.recv().await, Some((ErrorKind::Committed, Some("blue".to_owned()))));
}

/// Reports when it is dropped.
struct Guard(Option<oneshot::Sender<()>>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(tell) = self.0.take() {
            // The test may have ended already.
            let _ = tell.send(());
        }
    }
}

/// Controls the handler of `/`, which writes, reports its start and waits.
struct Waiting {
    begun: mpsc::UnboundedReceiver<oneshot::Receiver<()>>,
    go: Arc<Semaphore>,
}

fn waiting() -> (Waiting, impl Fn(&mut ServiceConfig) + Clone + Send + 'static) {
    let (announce, begun) = mpsc::unbounded_channel();
    let go = Arc::new(Semaphore::new(0));
    let wait = Arc::clone(&go);
    let routes = move |config: &mut ServiceConfig| {
        let (announce, wait) = (announce.clone(), Arc::clone(&wait));
        let handler = move |session: Session| {
            let (announce, wait) = (announce.clone(), Arc::clone(&wait));
            async move {
                session.insert("user", "ada").unwrap();
                let (tell, ended) = oneshot::channel();
                let _guard = Guard(Some(tell));
                announce.send(ended).unwrap();
                wait.acquire().await.unwrap().forget();
                "done"
            }
        };
        config.route("/", get().to(handler)).route("/ping", get().to(|| async { "pong" }));
    };
    (Waiting { begun, go }, routes)
}

/// Sends a request for `/` and disconnects when its handler has started. Returns the receiver that
/// reports the end of the handler.
async fn go_away(server: &Server, waiting: &mut Waiting) -> oneshot::Receiver<()> {
    let mut connection = server.connect().await;
    connection.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let ended = waiting.begun.recv().await.unwrap();
    drop(connection);
    ended
}

#[actix_web::test]
async fn strict_server_drops_handler_of_disconnected_client() {
    let sessions = Watched::new(named("session"));
    let (mut waiting, routes) = waiting();
    let server = Server::start_strict(SessionMiddleware::new(sessions.clone()), routes);
    go_away(&server, &mut waiting).await.await.unwrap();
    server.exchange(b"GET /ping HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert_eq!(sessions.counts(), (1, 0));
}

#[actix_web::test]
async fn default_server_finishes_handler_of_disconnected_client() {
    let sessions = Watched::new(named("session"));
    let (mut waiting, routes) = waiting();
    let server = Server::start(SessionMiddleware::new(sessions.clone()), routes);
    let ping = b"GET /ping HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let mut ended = go_away(&server, &mut waiting).await;
    // The only worker has seen the closed connection when it responds to this.
    server.exchange(ping).await;
    assert!(ended.try_recv().is_err());
    waiting.go.add_permits(1);
    ended.await.unwrap();
    server.exchange(ping).await;
    assert_eq!(sessions.counts(), (1, 1));
}
