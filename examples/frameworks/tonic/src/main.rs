//! A gRPC service with a cart per session. The client sends the cookie as metadata, and stores the
//! cookie of the response.

use std::error::Error as _;

use session_kit::memory::{MemorySessions, MemoryStore};
use session_kit::tower::{SessionLayer, request_session};
use session_kit::{Error, ErrorKind, Session, SessionConfig};
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use shop::shop_server::{Shop, ShopServer};

mod shop {
    #![allow(clippy::pedantic)]
    include!(concat!(env!("OUT_DIR"), "/shop.Shop.rs"));
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Product {
    #[prost(uint64, tag = "1")]
    id: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Cart {
    #[prost(uint64, repeated, tag = "1")]
    products: Vec<u64>,
}

struct Carts;

#[tonic::async_trait]
impl Shop for Carts {
    async fn add(&self, request: Request<Product>) -> Result<Response<Cart>, Status> {
        let session = session(&request).await?;
        let product = request.into_inner().id;
        let products = add(&session, product).map_err(|error| status(&error))?;
        Ok(Response::new(Cart { products }))
    }
}

fn add(session: &Session, product: u64) -> Result<Vec<u64>, Error> {
    session.update("cart", move |cart: Option<Vec<u64>>| {
        let mut cart = cart.unwrap_or_default();
        cart.push(product);
        Some(cart)
    })?;
    Ok(session.get("cart")?.unwrap_or_default())
}

/// Returns the session of a request. tonic preserves the extensions of the HTTP request.
async fn session<T>(request: &Request<T>) -> Result<Session, Status> {
    let Some(session) = request_session(request.extensions()) else {
        return Err(Status::internal("no session layer serves this request"));
    };
    session.session().await.map_err(|error| status(&error))
}

/// Returns the status for an error. The response does not contain the message of the error, because
/// the message may name the store.
fn status(error: &Error) -> Status {
    tracing::error!(%error, source = error.source(), "session failed");
    match error.kind() {
        ErrorKind::Unavailable => Status::unavailable("session store is down"),
        _ => Status::internal("session failed"),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::development());
    println!("Listening on http://127.0.0.1:3000");
    Server::builder()
        .layer(SessionLayer::new(sessions))
        .add_service(ShopServer::new(Carts))
        .serve("127.0.0.1:3000".parse()?)
        .await?;
    Ok(())
}
