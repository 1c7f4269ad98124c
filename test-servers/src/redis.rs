//! Redis servers, and the parts shared by Cluster and Sentinel.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use tokio::sync::OnceCell;

use crate::Certificates;
use crate::container::Image;
use crate::keeper::Program;
use crate::private::{Description, PrivateServer, in_background};
use crate::probe::Protocol;
use crate::program::{installed, run};
use crate::shared::{Kind, SharedServer};

pub(crate) const PACKAGE: &str = "redis-server";

const KIND: Kind = Kind {
    variable: "TEST_REDIS_URL",
    image: Image {
        name: "redis",
        tag: "7.2",
        port: 6379,
        environment: &[],
        protocol: Protocol::Redis,
    },
    url,
    start: || start(&RedisOptions::default()),
};

/// Returns the Redis that the tests of this process share. `TEST_REDIS_URL` selects another server.
pub async fn redis() -> &'static SharedServer {
    static SHARED: OnceCell<SharedServer> = OnceCell::const_new();
    SHARED.get_or_init(|| SharedServer::find(&KIND)).await
}

/// The settings of a private Redis. The defaults are those of Redis, but without snapshots.
///
/// All nodes of a Cluster and all servers behind Sentinel have the same settings.
#[derive(Clone, Debug, Default)]
pub struct RedisOptions {
    pub(crate) password: Option<String>,
    pub(crate) certificates: Option<Arc<Certificates>>,
    pub(crate) settings: Vec<(String, String)>,
    is_valkey: bool,
}

impl RedisOptions {
    /// Starts Valkey 9 instead of Debian's Redis. It has `SET` with `IFEQ`.
    #[must_use]
    pub fn valkey(mut self) -> Self {
        self.is_valkey = true;
        self
    }

    /// Sets the password that clients must send. It is part of the server's address.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// Makes the server accept only TLS, with new [certificates](PrivateServer::certificates).
    /// Clients need no certificate unless `tls-auth-clients` is `yes`.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.certificates = Some(Arc::new(Certificates::new()));
        self
    }

    /// Makes acknowledged writes survive a kill of the server.
    #[must_use]
    pub fn append_only(self) -> Self {
        self.setting("appendonly", "yes")
    }

    /// Adds a line of `redis.conf`. The last line of a name applies.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns these options on top of the `defaults`.
    pub(crate) fn over(self, defaults: RedisOptions) -> RedisOptions {
        RedisOptions { settings: [defaults.settings, self.settings].concat(), ..self }
    }
}

/// Starts a private Redis.
pub async fn redis_with(options: RedisOptions) -> PrivateServer {
    in_background(move || start(&options)).await
}

pub(crate) fn start(options: &RedisOptions) -> PrivateServer {
    PrivateServer::start(
        "redis",
        |folder, port| Program {
            path: if options.is_valkey { valkey() } else { installed("redis-server", PACKAGE) },
            arguments: arguments(options, folder, port),
            last_signal: "KILL",
        },
        |_, port| describe(options.password.as_deref(), options.certificates.as_ref(), port),
    )
}

/// Returns the path of Valkey, which is installed if it is missing.
fn valkey() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let find = || {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/valkey-server");
        run(&mut Command::new(script)).trim_end().into()
    };
    PATH.get_or_init(find).clone()
}

/// Returns the description of a server or a Sentinel at a port.
pub(crate) fn describe(
    password: Option<&str>,
    certificates: Option<&Arc<Certificates>>,
    port: u16,
) -> Description {
    let program = installed("redis-cli", "redis-tools").display().to_string();
    let mut client =
        [&program, "-h", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned).to_vec();
    let scheme = if certificates.is_some() { "rediss" } else { "redis" };
    if let Some(certificates) = certificates {
        client.push("--tls".to_owned());
        let (authority, certificate, key) =
            (certificates.authority(), certificates.certificate(), certificates.key());
        for (name, file) in [("--cacert", authority), ("--cert", certificate), ("--key", key)] {
            client.extend([name.to_owned(), file.display().to_string()]);
        }
    }
    let mut user = String::new();
    if let Some(password) = password {
        client.extend(["--no-auth-warning".into(), "-a".into(), password.to_owned()]);
        user = format!(":{password}@");
    }
    Description {
        url: format!("{scheme}://{user}127.0.0.1:{port}/"),
        protocol: certificates.is_none().then_some(Protocol::Redis),
        client,
        stop_signal: "TERM",
        certificates: certificates.cloned(),
    }
}

/// Returns the lines of `redis.conf` with which a server or a Sentinel listens at a port.
pub(crate) fn listening(
    certificates: Option<&Certificates>,
    port: u16,
) -> Vec<(&'static str, String)> {
    let mut lines = vec![("bind", "127.0.0.1".to_owned())];
    let Some(certificates) = certificates else {
        lines.push(("port", port.to_string()));
        return lines;
    };
    lines.extend([("port", "0".to_owned()), ("tls-port", port.to_string())]);
    for (name, file) in [
        ("tls-ca-cert-file", certificates.authority()),
        ("tls-cert-file", certificates.certificate()),
        ("tls-key-file", certificates.key()),
    ] {
        lines.push((name, file.display().to_string()));
    }
    // The second and third lines set TLS for connections to other servers.
    lines.extend(
        ["tls-auth-clients", "tls-replication", "tls-cluster"]
            .into_iter()
            .zip(["no", "yes", "yes"].map(str::to_owned)),
    );
    lines
}

/// Returns the reply of the server; empty if it is not running.
pub(crate) fn ask(client: &[String], question: &[&str]) -> String {
    let question: Vec<String> = question.iter().map(|&word| word.to_owned()).collect();
    let output = Command::new(&client[0])
        .args(&client[1..])
        .args(words(&question))
        .output()
        .expect("redis-cli runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Returns the words of a command as arguments of redis-cli. A word may have bytes as `\xHH`.
pub(crate) fn words(question: &[String]) -> Vec<String> {
    if !question.iter().any(|word| word.contains("\\x")) {
        return question.to_vec();
    }
    let quoted = question.iter().map(|word| format!("\"{}\"", word.replace('"', "\\\"")));
    std::iter::once("--quoted-input".to_owned()).chain(quoted).collect()
}

/// Returns the address of a server without TLS and without a password.
fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/")
}

fn arguments(options: &RedisOptions, folder: &Path, port: u16) -> Vec<String> {
    let mut lines = listening(options.certificates.as_deref(), port);
    lines.extend([("dir", folder.display().to_string()), ("save", String::new())]);
    if let Some(password) = &options.password {
        lines.extend([("requirepass", password.clone()), ("masterauth", password.clone())]);
    }
    lines.extend(options.settings.iter().map(|(name, value)| (name.as_str(), value.clone())));
    lines.into_iter().flat_map(|(name, value)| [format!("--{name}"), value]).collect()
}
