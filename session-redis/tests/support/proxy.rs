//! A way to Redis that can be made to hang, to lose an answer, and to lead elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU16, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

const FORWARD: u8 = 0;
/// Connections that are there pass nothing on any more; new ones do.
const HANG: u8 = 1;
/// The next answer is lost, with its connection.
const LOSE_AN_ANSWER: u8 = 2;

pub(crate) struct Proxy {
    pub(crate) port: u16,
    mode: Arc<AtomicU8>,
    server: Arc<AtomicU16>,
}

impl Proxy {
    pub(crate) async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mode = Arc::new(AtomicU8::new(FORWARD));
        let server = Arc::new(AtomicU16::new(server));
        let this = Self { port, mode: Arc::clone(&mode), server: Arc::clone(&server) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let address = ("127.0.0.1", server.load(Ordering::SeqCst));
                let Ok(server) = TcpStream::connect(address).await else { continue };
                let _ = mode.compare_exchange(HANG, FORWARD, Ordering::SeqCst, Ordering::SeqCst);
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let requests = tokio::spawn(pass_on(from_client, to_server, Arc::clone(&mode), false));
                let answers = pass_on(from_server, to_client, Arc::clone(&mode), true);
                tokio::spawn(async move {
                    answers.await;
                    requests.abort();
                });
            }
        });
        this
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Lets new connections lead to another server.
    pub(crate) fn lead_to(&self, server: u16) {
        self.server.store(server, Ordering::SeqCst);
    }

    pub(crate) fn hang(&self) {
        self.mode.store(HANG, Ordering::SeqCst);
    }

    pub(crate) fn lose_an_answer(&self) {
        self.mode.store(LOSE_AN_ANSWER, Ordering::SeqCst);
    }
}

async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mode: Arc<AtomicU8>, answers: bool) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if mode.load(Ordering::SeqCst) == HANG {
            std::future::pending::<()>().await;
        }
        let lost =
            answers && mode.compare_exchange(LOSE_AN_ANSWER, FORWARD, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if lost || to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
}
