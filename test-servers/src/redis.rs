//! One Redis server, and the pieces from which Cluster and Sentinel are made.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tokio::sync::OnceCell;

use crate::container::Image;
use crate::keeper::Program;
use crate::private::{Description, PrivateServer, in_background};
use crate::probe::Protocol;
use crate::program::{installed, run};
use crate::shared::{Kind, SharedServer};

pub(crate) const PACKAGE: &str = "redis-server";

const KIND: Kind = Kind {
    variable: "TEST_REDIS_URL",
    image: Image { name: "redis", tag: "7.2", port: 6379, environment: &[], protocol: Protocol::Redis },
    url,
    start: || start(RedisOptions::default()),
};

/// The Redis that the tests of this process share; `TEST_REDIS_URL` names another one.
pub async fn redis() -> &'static SharedServer {
    static SHARED: OnceCell<SharedServer> = OnceCell::const_new();
    SHARED.get_or_init(|| SharedServer::find(&KIND)).await
}

/// How a Redis of the test's own is set up: as Redis comes, but without snapshots, unless something else is asked for.
#[derive(Clone, Debug, Default)]
pub struct RedisOptions {
    password: Option<String>,
    tls: bool,
    settings: Vec<(String, String)>,
}

impl RedisOptions {
    /// Clients must give this password. It is part of the server's address.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// The server speaks TLS and nothing else; see [`PrivateServer::certificate_authority`].
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// What the server acknowledged is there after it was killed.
    #[must_use]
    pub fn append_only(self) -> Self {
        self.setting("appendonly", "yes")
    }

    /// Any line of `redis.conf`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A Redis of the test's own.
pub async fn redis_with(options: RedisOptions) -> PrivateServer {
    in_background(move || start(options)).await
}

pub(crate) fn start(options: RedisOptions) -> PrivateServer {
    PrivateServer::start(
        "redis",
        |folder, port| Program {
            path: installed("redis-server", PACKAGE),
            arguments: arguments(&options, folder, port),
            last_signal: "KILL",
        },
        |folder, port| {
            if options.tls {
                make_certificates(folder);
            }
            describe(&options, folder, port)
        },
    )
}

/// A client for the server at a port.
pub(crate) fn client(port: u16) -> Vec<String> {
    let program = installed("redis-cli", "redis-tools").display().to_string();
    [&program, "-h", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned).to_vec()
}

/// What the server says; nothing if it does not run.
pub(crate) fn ask(client: &[String], question: &[&str]) -> String {
    let output = Command::new(&client[0]).args(&client[1..]).args(question).output().expect("redis-cli runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The address of a server without TLS and without a password.
pub(crate) fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/")
}

fn arguments(options: &RedisOptions, folder: &Path, port: u16) -> Vec<String> {
    let port = port.to_string();
    let path = |name: &str| folder.join(name).display().to_string();
    let mut lines = vec![("bind", "127.0.0.1".to_owned()), ("dir", path("")), ("save", String::new())];
    if options.tls {
        lines.extend([("port", "0".to_owned()), ("tls-port", port), ("tls-auth-clients", "no".to_owned())]);
        lines.extend([("tls-cert-file", path("server.pem")), ("tls-key-file", path("server.key"))]);
        lines.push(("tls-ca-cert-file", path("authority.pem")));
    } else {
        lines.push(("port", port));
    }
    lines.extend(options.password.iter().map(|password| ("requirepass", password.clone())));
    lines.extend(options.settings.iter().map(|(name, value)| (name.as_str(), value.clone())));
    lines.into_iter().flat_map(|(name, value)| [format!("--{name}"), value]).collect()
}

fn describe(options: &RedisOptions, folder: &Path, port: u16) -> Description {
    let mut client = client(port);
    let scheme = if options.tls { "rediss" } else { "redis" };
    let certificate_authority = options.tls.then(|| folder.join("authority.pem"));
    if let Some(authority) = &certificate_authority {
        client.extend(["--tls".into(), "--cacert".into(), authority.display().to_string()]);
    }
    let mut user = String::new();
    if let Some(password) = &options.password {
        client.extend(["--no-auth-warning".into(), "-a".into(), password.clone()]);
        user = format!(":{password}@");
    }
    Description {
        url: format!("{scheme}://{user}127.0.0.1:{port}/"),
        protocol: (!options.tls).then_some(Protocol::Redis),
        client,
        stop_signal: "TERM",
        certificate_authority,
    }
}

/// An authority and a certificate that it signed: TLS clients refuse a server that is its own authority.
fn make_certificates(folder: &Path) {
    let openssl = installed("openssl", "openssl");
    let new_key = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    run(openssl_in(folder, &openssl).args(new_key).args([
        "-subj",
        "/CN=test authority",
        "-keyout",
        "authority.key",
        "-out",
        "authority.pem",
    ]));
    fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n").expect("a new folder is writable");
    run(openssl_in(folder, &openssl)
        .args(["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-subj", "/CN=localhost", "-keyout", "server.key", "-out", "request.pem"]));
    run(openssl_in(folder, &openssl)
        .args(["x509", "-req", "-in", "request.pem", "-days", "2", "-extfile", "names", "-out", "server.pem"])
        .args(["-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial"]));
}

fn openssl_in(folder: &Path, openssl: &PathBuf) -> Command {
    let mut command = Command::new(openssl);
    command.current_dir(folder);
    command
}
