//! Starts the shop: `cargo run -p shop`, then open <http://127.0.0.1:3000>. `--help` lists the options.

use std::error::Error;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use clap::Parser;
use session_core::SessionConfig;
use shop::Sessions;
use tokio::net::TcpListener;

/// A small shop that shows what a session does.
#[derive(Debug, Parser)]
struct Arguments {
    /// The port to listen on, on this machine only; 0 for any free one
    #[arg(long, default_value_t = 3000)]
    port: u16,

    /// Where sessions are kept: cookie, sealed-cookie, memory, sqlite:file, postgres://.., mysql://.., redis://.., or
    /// redis+cluster://host:port,host:port
    #[arg(long, default_value = "cookie")]
    store: String,

    /// Mark the cookie Secure and __Host-, as in production; at localhost browsers take it without HTTPS
    #[arg(long)]
    secure: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shop: {}", with_causes(&*error));
            ExitCode::from(2)
        }
    }
}

/// Returns the message of an error and of each underlying one, in one line.
fn with_causes(error: &dyn Error) -> String {
    let mut messages = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        messages.push(cause.to_string());
        next = cause.source();
    }
    messages.join(": ")
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let sessions = shop::open_store(&arguments.store, config(arguments.secure)?).await?;
    let listener = listen(arguments.port).await?;
    announce(listener.local_addr()?, &sessions, arguments.secure);
    axum::serve(listener, shop::app(sessions.interface, sessions.owners, sessions.csrf))
        .with_graceful_shutdown(interrupt())
        .await?;
    println!("The shop is closed.");
    Ok(())
}

fn config(secure: bool) -> Result<SessionConfig, session_core::Error> {
    if secure {
        SessionConfig::builder().cookie_name("__Host-session").build()
    } else {
        Ok(SessionConfig::development())
    }
}

async fn listen(port: u16) -> Result<TcpListener, String> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => format!("port {port} is taken; choose another with --port"),
        _ => format!("cannot listen on port {port}: {error}"),
    })
}

fn announce(address: SocketAddr, sessions: &Sessions, secure: bool) {
    if secure {
        // The one name at which browsers trust plain HTTP with a Secure cookie.
        println!("Dusk Garden is open at http://localhost:{}", address.port());
    } else {
        println!("Dusk Garden is open at http://{address}");
    }
    println!();
    println!("  Store    {}", sessions.description);
    if let Some(notice) = sessions.notice {
        println!("  Notice   {notice}");
    }
    if secure {
        println!("  Cookie   __Host-session: Secure, and for this host alone");
    } else {
        println!(
            "  Cookie   SessionConfig::development(): without Secure, for plain HTTP on this machine;"
        );
        println!("           never in production");
    }
    println!("  Account  user ada, password lovelace");
    println!();
    println!("Ctrl-C closes the shop.");
}

async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without the signal the shop runs until it is killed.
        std::future::pending::<()>().await;
    }
}
