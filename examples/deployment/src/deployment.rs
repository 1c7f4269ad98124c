//! Starts all programs. The programs stop when the deployment is dropped, and when this process
//! ends for any reason.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use test_servers::{HttpProgram, PrivateServer, http_program};
use tokio::time::sleep;

use crate::browser::{Cookies, Server};
use crate::configuration;
use crate::store::{Kind, Store};

pub(crate) struct Deployment {
    pub(crate) kind: Kind,
    pub(crate) store: Store,
    pub(crate) shops: Vec<PrivateServer>,
    pub(crate) nginx: PrivateServer,
    pub(crate) prometheus: PrivateServer,
}

impl Deployment {
    pub(crate) async fn start(kind: Kind) -> Self {
        let store = Store::start(kind).await;
        let key = secret_key();
        let shops = vec![shop(store.url(), &key).await, shop(store.url(), &key).await];
        let ports: Vec<u16> = shops.iter().map(PrivateServer::port).collect();
        let nginx = nginx(ports.clone()).await;
        let prometheus = prometheus(ports).await;
        Self { kind, store, shops, nginx, prometheus }
    }

    /// Sets the clock of a shop, as an offset in seconds from the correct time.
    ///
    /// # Errors
    ///
    /// Fails if the file of the clock cannot be written.
    pub(crate) fn set_clock(&self, shop: usize, seconds: i32) -> Result<(), String> {
        write_clock(self.shops[shop].folder(), seconds).map_err(|error| error.to_string())
    }

    /// Waits up to 30 seconds for Prometheus to read the metrics of both shops. Returns whether
    /// Prometheus reads the metrics.
    pub(crate) async fn is_watched(&self) -> bool {
        let server = Server::at(self.prometheus.port());
        for _ in 0..100 {
            let reply = server.get("/api/v1/query?query=sum(up)", &Cookies::default()).await;
            if reply.is_ok_and(|reply| reply.body().contains(",\"2\"]")) {
                return true;
            }
            sleep(Duration::from_millis(300)).await;
        }
        false
    }
}

/// Returns a new key, which both shops use.
fn secret_key() -> String {
    let mut key = [0; 16];
    getrandom::fill(&mut key).expect("the system has random numbers");
    format!("{:032x}", u128::from_be_bytes(key))
}

/// Starts a shop, whose clock can be set with Debian's libfaketime.
async fn shop(store: String, key: &str) -> PrivateServer {
    let program = std::env::current_exe().expect("a running program has a path");
    let program = program.with_file_name("shop").display().to_string();
    let (library, key) = (faketime(), format!("SECRET_KEY={key}"));
    http_program(
        HttpProgram::installed("env", "coreutils"),
        move |folder, port| {
            let (clock, port) = (clock(folder).display().to_string(), port.to_string());
            let mut arguments = vec![
                key,
                format!("LD_PRELOAD={}", library.display()),
                format!("FAKETIME_TIMESTAMP_FILE={clock}"),
                "FAKETIME_CACHE_DURATION=1".to_owned(),
                // Timeouts use the monotonic clock, which never steps.
                "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
                program,
            ];
            arguments.extend(["--port", &port, "--store", &store].map(str::to_owned));
            arguments
        },
        |folder, _| write_clock(folder, 0).expect("a new folder is writable"),
    )
    .await
}

async fn nginx(shops: Vec<u16>) -> PrivateServer {
    http_program(
        HttpProgram::installed("nginx", "nginx"),
        |folder, _| {
            let file = folder.join("nginx.conf").display().to_string();
            ["-e", "stderr", "-c", &file].map(str::to_owned).to_vec()
        },
        move |folder, port| {
            write(&folder.join("nginx.conf"), &configuration::nginx(folder, port, &shops));
        },
    )
    .await
}

async fn prometheus(shops: Vec<u16>) -> PrivateServer {
    http_program(
        HttpProgram::installed("prometheus", "prometheus"),
        |folder, port| {
            vec![
                format!("--config.file={}", folder.join("prometheus.yml").display()),
                format!("--storage.tsdb.path={}", folder.join("data").display()),
                format!("--web.listen-address=127.0.0.1:{port}"),
            ]
        },
        move |folder, _| write(&folder.join("prometheus.yml"), &configuration::prometheus(&shops)),
    )
    .await
}

fn write(file: &Path, text: &str) {
    fs::write(file, text).expect("a new folder is writable");
}

fn clock(folder: &Path) -> PathBuf {
    folder.join("clock")
}

/// Replaces the file, because libfaketime must not read a part of it.
fn write_clock(folder: &Path, seconds: i32) -> std::io::Result<()> {
    let new = folder.join("new-clock");
    fs::write(&new, format!("{seconds:+}"))?;
    fs::rename(new, clock(folder))
}

fn faketime() -> PathBuf {
    let architectures = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    architectures
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.is_file())
        .expect("libfaketime is not installed; run `sudo apt-get install -y libfaketime`")
}
