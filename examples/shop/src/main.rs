//! Starts the shop. Run `cargo run -p shop`, then open <http://127.0.0.1:3000>. `--help` lists the
//! options.

use std::error::Error;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use clap::Parser;
use session_core::SessionConfig;
use session_core::events::Events;
use shop::{Metrics, Sessions};
use tokio::net::TcpListener;

/// A small shop that shows the uses of a session.
#[derive(Debug, Parser)]
struct Arguments {
    /// The port on 127.0.0.1; 0 selects a free port
    #[arg(long, default_value_t = 3000)]
    port: u16,

    /// The session store: cookie, sealed-cookie, memory, sqlite:file, postgres://.., mysql://..,
    /// redis://.., redis+cluster://host:port,host:port, or redis+sentinel://host:port,host:port/name
    /// with the name of the master
    #[arg(long, default_value = "cookie")]
    store: String,

    /// Make the cookie Secure and __Host-, as in production; browsers accept it at localhost
    /// without HTTPS
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

/// Returns the message of an error and of each underlying error, in one line.
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
    let metrics = Metrics::install()?;
    let config = config(arguments.secure, metrics.events())?;
    let sessions = shop::open_store(&arguments.store, config).await?;
    let listener = listen(arguments.port).await?;
    announce(listener.local_addr()?, &sessions, arguments.secure);
    let app = shop::app(&sessions).merge(metrics.route());
    tokio::spawn(metrics.maintain());
    axum::serve(listener, app).with_graceful_shutdown(interrupt()).await?;
    println!("The shop is closed.");
    Ok(())
}

fn config(secure: bool, events: Events) -> Result<SessionConfig, session_core::Error> {
    let config = SessionConfig::builder().events(events);
    if secure {
        config.cookie_name("__Host-session").build()
    } else {
        config.cookie_secure(false).build()
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
        // Browsers accept a Secure cookie over plain HTTP only for this host name.
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
        println!("  Cookie   without Secure, for plain HTTP on this machine; never in production");
    }
    println!("  Account  user ada, password lovelace");
    println!();
    println!("Ctrl-C closes the shop.");
}

async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        // If the signal is not available, the shop runs until it is killed.
        std::future::pending::<()>().await;
    }
}
