//! A proxy that can hang, lose replies and switch to another server. It is independent of the
//! protocol.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

/// A port on 127.0.0.1 that forwards to a server; see [`proxy`]. Dropping it closes the port and
/// all connections.
pub struct Proxy {
    port: u16,
    way: Arc<Way>,
    task: JoinHandle<()>,
}

/// The behaviour of a connection after a lost reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostReply {
    /// The proxy closes the connection instead of the reply.
    Closes,
    /// The connection stays open, and this reply and all later replies are lost.
    Hangs,
}

/// The state that all connections of a proxy share.
struct Way {
    server: AtomicU16,
    connections: AtomicUsize,
    lost: AtomicUsize,
    hangs: watch::Sender<bool>,
    delay: Mutex<Duration>,
    loss: Mutex<Option<Loss>>,
}

/// The requests whose replies are lost.
struct Loss {
    of_requests_with: Vec<u8>,
    one_in: usize,
    passed: usize,
    is_over_after_one: bool,
    reply: LostReply,
}

/// Starts a proxy in front of the server at a port of 127.0.0.1. It forwards everything until a
/// method changes its behaviour. It runs in the runtime of the caller.
pub async fn proxy(server: u16) -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("a listener has an address").port();
    let way = Arc::new(Way {
        server: AtomicU16::new(server),
        connections: AtomicUsize::new(0),
        lost: AtomicUsize::new(0),
        hangs: watch::Sender::new(false),
        delay: Mutex::new(Duration::ZERO),
        loss: Mutex::new(None),
    });
    let task = tokio::spawn(accept(listener, Arc::clone(&way)));
    Proxy { port, way, task }
}

impl Proxy {
    /// Returns the port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the address of a server with the port of the proxy.
    pub fn before(&self, server_url: &str) -> String {
        let mut url = Url::parse(server_url).expect("the address of a server is a URL");
        url.set_host(Some("127.0.0.1")).expect("the address of a server has a host");
        url.set_port(Some(self.port)).expect("the address of a server has a port");
        url.into()
    }

    /// Returns the number of connections that clients have opened so far.
    pub fn connections(&self) -> usize {
        self.way.connections.load(Ordering::SeqCst)
    }

    /// Forwards new connections to another port of 127.0.0.1.
    pub fn lead_to(&self, server: u16) {
        self.way.server.store(server, Ordering::SeqCst);
    }

    /// Stops forwarding on all connections, old and new.
    pub fn hang(&self) {
        self.way.hangs.send_replace(true);
    }

    /// Forwards again, starting with the data received meanwhile.
    pub fn resume(&self) {
        self.way.hangs.send_replace(false);
    }

    /// Delays each piece that a client sends. Pieces of one connection wait one after another.
    pub fn delay_requests(&self, delay: Duration) {
        *self.way.delay.lock().unwrap_or_else(PoisonError::into_inner) = delay;
    }

    /// Loses every `one_in`th reply to requests that contain these bytes in one piece. The requests
    /// themselves reach the server.
    pub fn lose_replies(&self, of_requests_with: &[u8], one_in: usize, reply: LostReply) {
        let of_requests_with = of_requests_with.to_vec();
        self.set_loss(Some(Loss {
            of_requests_with,
            one_in,
            passed: 0,
            is_over_after_one: false,
            reply,
        }));
    }

    /// Loses only the reply to the next request that contains these bytes in one piece.
    pub fn lose_next_reply(&self, of_requests_with: &[u8], reply: LostReply) {
        let of_requests_with = of_requests_with.to_vec();
        self.set_loss(Some(Loss {
            of_requests_with,
            one_in: 1,
            passed: 0,
            is_over_after_one: true,
            reply,
        }));
    }

    /// Loses no further reply.
    pub fn keep_replies(&self) {
        self.set_loss(None);
    }

    /// Returns the number of replies lost so far.
    pub fn lost(&self) -> usize {
        self.way.lost.load(Ordering::SeqCst)
    }

    fn set_loss(&self, loss: Option<Loss>) {
        *self.way.loss.lock().unwrap_or_else(PoisonError::into_inner) = loss;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Proxy").field("port", &self.port).finish_non_exhaustive()
    }
}

impl Way {
    async fn until_it_passes(&self) {
        // The wait cannot fail, because this value owns the sender.
        let _ = self.hangs.subscribe().wait_for(|hangs| !hangs).await;
    }

    async fn delayed(&self) {
        let delay = *self.delay.lock().unwrap_or_else(PoisonError::into_inner);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
    }

    fn loss_of(&self, request: &[u8]) -> Option<LostReply> {
        let mut slot = self.loss.lock().unwrap_or_else(PoisonError::into_inner);
        let loss = slot.as_mut()?;
        let searched = &loss.of_requests_with;
        if !searched.is_empty() && !request.windows(searched.len()).any(|part| part == searched) {
            return None;
        }
        loss.passed += 1;
        let reply = loss.passed.is_multiple_of(loss.one_in).then_some(loss.reply);
        if reply.is_some() && loss.is_over_after_one {
            *slot = None;
        }
        reply
    }
}

/// The connections are part of this task and close with it.
async fn accept(listener: TcpListener, way: Arc<Way>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        way.connections.fetch_add(1, Ordering::SeqCst);
        connections.spawn(serve(client, Arc::clone(&way)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(mut client: TcpStream, way: Arc<Way>) -> io::Result<()> {
    way.until_it_passes().await;
    let mut server = TcpStream::connect(("127.0.0.1", way.server.load(Ordering::SeqCst))).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let losing = OnceLock::new();
    let requests = pass_requests(from_client, to_server, &way, &losing);
    let replies = pass_replies(from_server, to_client, &way, &losing);
    tokio::try_join!(requests, replies).map(drop)
}

async fn pass_requests(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    way: &Way,
    losing: &OnceLock<LostReply>,
) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        let length = read(&mut from, &mut buffer).await?;
        way.delayed().await;
        way.until_it_passes().await;
        if let Some(reply) = way.loss_of(&buffer[..length]) {
            losing.get_or_init(|| reply);
        }
        to.write_all(&buffer[..length]).await?;
    }
}

async fn pass_replies(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    way: &Way,
    losing: &OnceLock<LostReply>,
) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    let mut is_silent = false;
    loop {
        let length = read(&mut from, &mut buffer).await?;
        way.until_it_passes().await;
        let Some(reply) = losing.get() else {
            to.write_all(&buffer[..length]).await?;
            continue;
        };
        way.lost.fetch_add(usize::from(!is_silent), Ordering::SeqCst);
        if *reply == LostReply::Closes {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        is_silent = true;
    }
}

/// If either side closes, the whole connection closes.
async fn read(from: &mut ReadHalf<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    match from.read(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        length => Ok(length),
    }
}
