//! The shop under test: the program itself, or a task of the test if it replaces the sessions.

use std::io::{BufRead as _, BufReader};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::Html;
use axum::routing::get;
use session_core::SessionInterface;
use session_core::config::SecretKey;
use shop::Sessions;
use tokio::net::TcpListener;

/// A shop in a separate process, which ends with the test at the latest.
pub(crate) struct Shop {
    process: Child,
    url: String,
}

impl Shop {
    /// Starts the shop on a free port.
    pub(crate) fn open(arguments: &[&str]) -> Self {
        Self::open_at("0", arguments)
    }

    /// Stops the shop and restarts it at the same address.
    pub(crate) fn restart(self, arguments: &[&str]) -> Self {
        let port = self.url.rsplit_once(':').unwrap().1.to_owned();
        drop(self);
        Self::open_at(&port, arguments)
    }

    /// Returns the address, without a trailing slash.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn open_at(port: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
        command
            .args(["--port", port])
            .args(arguments)
            .env("SECRET_KEY", "a key that every shop of these tests has");
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let url = lines.find_map(|line| Some(line.split_once(" open at ")?.1.to_owned())).unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, url }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns a value of `--store` for a new file.
pub(crate) fn sqlite() -> String {
    let name = format!("chromium-{}-{:016x}.db", std::process::id(), fastrand::u64(..));
    format!("sqlite:{}", PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name).display())
}

/// Starts a shop with these sessions as a task of this test, and returns its address.
pub(crate) async fn open_with(sessions: Arc<dyn SessionInterface>) -> String {
    let sessions = Sessions::new(sessions, &SecretKey::generate().unwrap()).unwrap();
    serve(shop::app(&sessions)).await
}

/// Serves one page and an empty icon, and returns the address.
pub(crate) async fn serve_page(page: &'static str) -> String {
    let icon = get(|| async {
        ([(CONTENT_TYPE, "image/svg+xml")], "<svg xmlns=\"http://www.w3.org/2000/svg\"/>")
    });
    serve(Router::new().route("/", get(Html(page))).route("/favicon.ico", icon)).await
}

async fn serve(app: Router) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}
