//! Starts the shop: `cargo run -p shop`, then open <http://127.0.0.1:3000>. `--help` lists the options.

use std::error::Error;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use clap::Parser;
use shop::Sessions;
use tokio::net::TcpListener;

/// A small shop that shows what a session does.
#[derive(Debug, Parser)]
struct Arguments {
    /// The port to listen on, on this machine only; 0 for any free one
    #[arg(long, default_value_t = 3000)]
    port: u16,

    /// Where sessions are kept: cookie, memory, sqlite:file, postgres://.., mysql://.., redis://.., or
    /// redis+cluster://host:port,host:port
    #[arg(long, default_value = "cookie")]
    store: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shop: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let sessions = shop::open_store(&arguments.store).await?;
    let listener = listen(arguments.port).await?;
    announce(listener.local_addr()?, &sessions);
    axum::serve(listener, shop::app(sessions.interface)).with_graceful_shutdown(interrupt()).await?;
    println!("The shop is closed.");
    Ok(())
}

async fn listen(port: u16) -> Result<TcpListener, String> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => format!("port {port} is taken; choose another with --port"),
        _ => format!("cannot listen on port {port}: {error}"),
    })
}

fn announce(address: SocketAddr, sessions: &Sessions) {
    println!("Dusk Garden is open at http://{address}");
    println!();
    println!("  Store    {}", sessions.description);
    if let Some(notice) = sessions.notice {
        println!("  Notice   {notice}");
    }
    println!("  Cookie   SessionConfig::development(): without Secure, for plain HTTP on this machine;");
    println!("           never in production");
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
