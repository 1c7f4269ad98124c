//! An application behind a socket, and a client that sends raw bytes.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::mpsc::channel;
use std::thread;

use actix_web::dev::ServerHandle;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use session_actix::SessionMiddleware;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A server with one worker, in its own thread. Dropping it stops the server.
pub struct Server {
    address: SocketAddr,
    handle: ServerHandle,
}

impl Server {
    /// Serves these routes with this middleware.
    pub fn start(
        middleware: SessionMiddleware,
        routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> Self {
        Self::run(middleware, routes, true)
    }

    /// Serves these routes, and drops a request when its client closes its side of the connection.
    pub fn start_strict(
        middleware: SessionMiddleware,
        routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> Self {
        Self::run(middleware, routes, false)
    }

    fn run(
        middleware: SessionMiddleware,
        routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
        half_closed: bool,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = channel();
        thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let app = move || App::new().wrap(middleware.clone()).configure(routes.clone());
                let server = HttpServer::new(app)
                    .h1_allow_half_closed(half_closed)
                    .workers(1)
                    .disable_signals();
                let server = server.listen(listener).unwrap().run();
                tell.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Self { address, handle: told.recv().unwrap() }
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends a request that closes the connection, and returns all bytes of the response.
    pub async fn exchange(&self, request: &[u8]) -> Vec<u8> {
        let mut connection = self.connect().await;
        connection.write_all(request).await.unwrap();
        let mut response = Vec::new();
        connection.read_to_end(&mut response).await.unwrap();
        response
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The call itself stops the server. The future would only wait for the end.
        drop(self.handle.stop(false));
    }
}
