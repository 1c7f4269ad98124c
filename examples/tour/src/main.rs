//! Small programs that show the features of a session, each for axum and for actix-web.
//!
//! `cargo run -p tour -- axum cart` starts one of them.

mod backend {
    pub(crate) mod actix;
    pub(crate) mod axum;
    mod store;
}
mod cart {
    pub(crate) mod actix;
    pub(crate) mod axum;
}
mod flash {
    pub(crate) mod actix;
    pub(crate) mod axum;
}
mod keys {
    pub(crate) mod actix;
    pub(crate) mod axum;
}
mod login {
    pub(crate) mod actix;
    pub(crate) mod axum;
}
mod null {
    pub(crate) mod actix;
    pub(crate) mod axum;
}
mod user {
    pub(crate) mod actix;
    pub(crate) mod axum;
}
mod vary {
    pub(crate) mod actix;
    pub(crate) mod axum;
}

use std::env;
use std::error::Error;
use std::net::TcpListener;

use actix_web::dev::Server;
use axum::Router;

const USAGE: &str =
    "usage: tour <axum|actix> <backend|cart|flash|keys|login|null|user|vary> [address]";

const PROGRAMS: &str = "\
The programs, each for axum and for actix-web:
  backend  a store of sessions that the program implements
  cart     a cart, changed in place
  flash    messages for the next page
  keys     a new secret key beside an old one
  login    a login with \"remember me\", and a logout
  null     an application without a secret key
  user     a user who is loaded before the handler
  vary     responses that caches may share
`cargo run -p tour -- axum cart` starts one of them.";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let mut arguments = env::args().skip(1);
    let Some(framework) = arguments.next() else {
        println!("{USAGE}\n\n{PROGRAMS}");
        return Ok(());
    };
    let name = arguments.next().unwrap_or_default();
    let listener = TcpListener::bind(arguments.next().unwrap_or("127.0.0.1:3000".to_owned()))?;
    let address = listener.local_addr()?;
    match framework.as_str() {
        "axum" => {
            let app = in_axum(&name)?;
            listener.set_nonblocking(true)?;
            println!("http://{address}");
            axum::serve(tokio::net::TcpListener::from_std(listener)?, app).await?;
        }
        "actix" => {
            let server = in_actix(&name, listener)?;
            println!("http://{address}");
            server.await?;
        }
        _ => return Err(USAGE.into()),
    }
    Ok(())
}

fn in_axum(name: &str) -> Result<Router, Box<dyn Error>> {
    Ok(match name {
        "backend" => backend::axum::app(),
        "cart" => cart::axum::app(),
        "flash" => flash::axum::app(),
        "keys" => keys::axum::app()?,
        "login" => login::axum::app(),
        "null" => null::axum::app()?,
        "user" => user::axum::app(),
        "vary" => vary::axum::app(),
        _ => return Err(USAGE.into()),
    })
}

fn in_actix(name: &str, listener: TcpListener) -> Result<Server, Box<dyn Error>> {
    Ok(match name {
        "backend" => backend::actix::serve(listener)?,
        "cart" => cart::actix::serve(listener)?,
        "flash" => flash::actix::serve(listener)?,
        "keys" => keys::actix::serve(listener)?,
        "login" => login::actix::serve(listener)?,
        "null" => null::actix::serve(listener)?,
        "user" => user::actix::serve(listener)?,
        "vary" => vary::actix::serve(listener)?,
        _ => return Err(USAGE.into()),
    })
}
