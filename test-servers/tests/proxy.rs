//! The proxy forwards everything. On request it hangs, loses replies and switches to another
//! server.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use test_servers::{LostReply, proxy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// A server that replies to each request with the request and its own name of one letter.
struct Echo {
    port: u16,
    requests: Arc<AtomicUsize>,
}

impl Echo {
    async fn start(name: u8) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(echo(stream, name, Arc::clone(&counter)));
            }
        });
        Self { port, requests }
    }
}

async fn echo(mut stream: TcpStream, name: u8, requests: Arc<AtomicUsize>) {
    let mut buffer = [0; 64];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        requests.fetch_add(1, Ordering::SeqCst);
        stream.write_all(&[&[name], &buffer[..length]].concat()).await.unwrap();
    }
}

async fn connect(port: u16) -> TcpStream {
    TcpStream::connect(("127.0.0.1", port)).await.unwrap()
}

/// Returns the bytes received within a short time; empty if the connection was closed.
async fn ask(stream: &mut TcpStream, request: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(request).await?;
    let mut buffer = [0; 64];
    let length = timeout(Duration::from_millis(300), stream.read(&mut buffer)).await??;
    Ok(buffer[..length].to_vec())
}

#[tokio::test]
async fn proxy_forwards_both_directions_and_counts_connections() {
    let server = Echo::start(b'a').await;
    let proxy = proxy(server.port).await;
    let (mut one, mut other) = (connect(proxy.port()).await, connect(proxy.port()).await);
    assert_eq!(ask(&mut one, b"1").await.unwrap(), b"a1");
    assert_eq!(ask(&mut other, b"2").await.unwrap(), b"a2");
    assert_eq!(ask(&mut one, b"3").await.unwrap(), b"a3");
    assert_eq!((proxy.connections(), proxy.lost()), (2, 0));
    let address = proxy.before("postgres://user:word@localhost:1234/shop?x=y");
    assert_eq!(address, format!("postgres://user:word@127.0.0.1:{}/shop?x=y", proxy.port()));
}

#[tokio::test]
async fn server_receives_request_of_lost_reply() {
    let server = Echo::start(b'a').await;
    let proxy = proxy(server.port).await;
    let mut stream = connect(proxy.port()).await;
    proxy.lose_replies(b"write", 2, LostReply::Closes);
    assert_eq!(ask(&mut stream, b"a write").await.unwrap(), b"aa write");
    assert_eq!(ask(&mut stream, b"a read").await.unwrap(), b"aa read");
    assert!(ask(&mut stream, b"a write").await.unwrap_or_default().is_empty());
    assert_eq!(server.requests.load(Ordering::SeqCst), 3);
    let mut stream = connect(proxy.port()).await;
    proxy.keep_replies();
    for _ in 0..4 {
        assert_eq!(ask(&mut stream, b"write").await.unwrap(), b"awrite");
    }
    assert_eq!(proxy.lost(), 1);
}

#[tokio::test]
async fn lose_next_reply_loses_only_one_reply() {
    let server = Echo::start(b'a').await;
    let proxy = proxy(server.port).await;
    let mut stream = connect(proxy.port()).await;
    proxy.lose_next_reply(b"write", LostReply::Closes);
    assert_eq!(ask(&mut stream, b"read").await.unwrap(), b"aread");
    assert!(ask(&mut stream, b"write").await.unwrap_or_default().is_empty());
    assert_eq!(ask(&mut connect(proxy.port()).await, b"write").await.unwrap(), b"awrite");
    assert_eq!((server.requests.load(Ordering::SeqCst), proxy.lost()), (3, 1));
}

#[tokio::test]
async fn connection_with_lost_reply_can_stay_open() {
    let server = Echo::start(b'a').await;
    let proxy = proxy(server.port).await;
    let mut stream = connect(proxy.port()).await;
    proxy.lose_replies(b"write", 1, LostReply::Hangs);
    assert_eq!(ask(&mut stream, b"write").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    proxy.keep_replies();
    assert_eq!(ask(&mut stream, b"read").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(ask(&mut connect(proxy.port()).await, b"read").await.unwrap(), b"aread");
    assert_eq!((server.requests.load(Ordering::SeqCst), proxy.lost()), (3, 1));
}

#[tokio::test]
async fn hanging_proxy_forwards_data_after_resume() {
    let server = Echo::start(b'a').await;
    let proxy = proxy(server.port).await;
    let mut stream = connect(proxy.port()).await;
    assert_eq!(ask(&mut stream, b"1").await.unwrap(), b"a1");
    proxy.hang();
    let mut new = connect(proxy.port()).await;
    assert_eq!(ask(&mut stream, b"2").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(ask(&mut new, b"3").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(server.requests.load(Ordering::SeqCst), 1);
    proxy.resume();
    let (mut of_two, mut of_three) = ([0; 2], [0; 2]);
    stream.read_exact(&mut of_two).await.unwrap();
    new.read_exact(&mut of_three).await.unwrap();
    assert_eq!((&of_two, &of_three), (b"a2", b"a3"));
}

#[tokio::test]
async fn delaying_proxy_forwards_request_late() {
    let server = Echo::start(b'a').await;
    let proxy = proxy(server.port).await;
    let mut stream = connect(proxy.port()).await;
    let delay = Duration::from_millis(100);
    proxy.delay_requests(delay);
    let begin = Instant::now();
    assert_eq!(ask(&mut stream, b"late").await.unwrap(), b"alate");
    assert!(begin.elapsed() >= delay, "{:?}", begin.elapsed());

    proxy.delay_requests(Duration::from_mins(1));
    assert!(ask(&mut stream, b"never").await.is_err());
}

#[tokio::test]
async fn proxy_switches_server_and_closes_connections_on_drop() {
    let (one, other) = (Echo::start(b'a').await, Echo::start(b'b').await);
    let proxy = proxy(one.port).await;
    let mut old = connect(proxy.port()).await;
    assert_eq!(ask(&mut old, b"1").await.unwrap(), b"a1");
    proxy.lead_to(other.port);
    assert_eq!(ask(&mut old, b"2").await.unwrap(), b"a2");
    assert_eq!(ask(&mut connect(proxy.port()).await, b"3").await.unwrap(), b"b3");
    let port = proxy.port();
    drop(proxy);
    assert!(ask(&mut old, b"4").await.unwrap_or_default().is_empty());
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}
