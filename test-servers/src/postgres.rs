//! PostgreSQL servers.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::Certificates;
use crate::container::Image;
use crate::keeper::Program;
use crate::private::{Description, PrivateServer, in_background, wait_until};
use crate::probe::Protocol;
use crate::program::{installed, run};
use crate::shared::{Kind, SharedServer};
use crate::{port, template};

pub(crate) const PACKAGE: &str = "postgresql";
pub(crate) const PASSWORD: &str = "postgres-test-password";

const KIND: Kind = Kind {
    variable: "TEST_POSTGRES_URL",
    image: Image {
        name: "postgres",
        tag: "15",
        port: 5432,
        environment: &[("POSTGRES_PASSWORD", PASSWORD)],
        protocol: Protocol::Postgres,
    },
    url,
    start: || start(&["fsync=off".to_owned()]),
};

/// Returns the PostgreSQL that the tests of this process share. `TEST_POSTGRES_URL` selects another
/// server. The installed server does not wait for the disk.
pub async fn postgres() -> &'static SharedServer {
    static SHARED: OnceCell<SharedServer> = OnceCell::const_new();
    SHARED.get_or_init(|| SharedServer::find(&KIND)).await
}

/// Starts a private PostgreSQL with settings as in `postgresql.conf`, such as
/// `("synchronous_commit", "off")`.
///
/// The user in its address is the superuser.
pub async fn postgres_with(settings: &[(&str, &str)]) -> PrivateServer {
    let settings: Vec<String> =
        settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    in_background(move || start(&settings)).await
}

/// Starts a standby of a PostgreSQL, with a copy of its data, and waits until it receives each
/// change. `SELECT pg_promote()` makes it a primary.
pub async fn postgres_standby(primary: &PrivateServer, settings: &[(&str, &str)]) -> PrivateServer {
    let settings: Vec<String> =
        settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let primary_url = primary.url().to_owned();
    let standby =
        in_background(move || start_in(&settings, None, |data| copy_primary(&primary_url, data)))
            .await;
    let client = primary.client();
    in_background(move || {
        wait_until("the standby receives changes", || {
            let question = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'";
            let mut command = Command::new(&client[0]);
            run(command.args(&client[1..]).arg(question)).trim() != "0"
        });
    })
    .await;
    standby
}

/// Starts a PostgreSQL that offers TLS with new [certificates](PrivateServer::certificates).
/// Clients may connect without TLS.
pub async fn postgres_with_tls() -> PrivateServer {
    in_background(|| start_with(&["ssl=on".to_owned()], Some(Certificates::new()))).await
}

pub(crate) fn url(port: u16) -> String {
    format!("postgres://postgres:{PASSWORD}@127.0.0.1:{port}/postgres")
}

/// Returns the command that runs a program which refuses to run as root.
pub(crate) fn not_as_root(program: &Path) -> Vec<String> {
    let mut command = Vec::new();
    if port::user() == 0 {
        let setpriv = installed("setpriv", "util-linux").display().to_string();
        command.extend([
            setpriv,
            "--reuid=postgres".into(),
            "--regid=postgres".into(),
            "--clear-groups".into(),
        ]);
    }
    command.push(program.display().to_string());
    command
}

pub(crate) fn start(settings: &[String]) -> PrivateServer {
    start_with(settings, None)
}

fn start_with(settings: &[String], certificates: Option<Certificates>) -> PrivateServer {
    start_in(settings, certificates, copy_template)
}

/// `fill` creates the data folder.
fn start_in(
    settings: &[String],
    certificates: Option<Certificates>,
    fill: impl FnOnce(&Path),
) -> PrivateServer {
    PrivateServer::start(
        "postgres",
        |folder, port| {
            let mut command = not_as_root(&installed("postgres", PACKAGE)).into_iter();
            let path = command.next().expect("a command has a program").into();
            let mut arguments: Vec<String> = command.collect();
            arguments.extend([
                "-D".into(),
                folder.join("data").display().to_string(),
                "-p".into(),
                port.to_string(),
            ]);
            let own =
                ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300"];
            let settings = own.into_iter().chain(settings.iter().map(String::as_str));
            arguments.extend(settings.flat_map(|setting| ["-c".to_owned(), setting.to_owned()]));
            Program { path, arguments, last_signal: "KILL" }
        },
        |folder, port| {
            fill(&folder.join("data"));
            if let Some(certificates) = &certificates {
                copy_certificate(certificates, &folder.join("data"));
            }
            Description { certificates: certificates.map(Arc::new), ..describe(url(port)) }
        },
    )
}

pub(crate) fn describe(url: String) -> Description {
    let client = installed("psql", "postgresql-client").display().to_string();
    Description {
        client: vec![client, "-X".into(), "-At".into(), "-d".into(), url.clone(), "-c".into()],
        url,
        protocol: Some(Protocol::Postgres),
        stop_signal: "INT",
        certificates: None,
    }
}

/// Copies the certificate and its key to the data folder. PostgreSQL refuses a key that other users
/// can read.
fn copy_certificate(certificates: &Certificates, data: &Path) {
    for (file, name) in
        [(certificates.certificate(), "server.crt"), (certificates.key(), "server.key")]
    {
        let mut install = Command::new("install");
        install.arg("--mode=600");
        if port::user() == 0 {
            install.arg("--owner=postgres");
        }
        run(install.arg(file).arg(data.join(name)));
    }
}

fn copy_primary(url: &str, data: &Path) {
    let mut install = Command::new("install");
    install.args(["-d", "--mode=700"]);
    if port::user() == 0 {
        install.arg("--owner=postgres");
    }
    run(install.arg(data));
    let command = not_as_root(&installed("pg_basebackup", PACKAGE));
    run(Command::new(&command[0])
        .args(&command[1..])
        .args(["--checkpoint=fast", "--write-recovery-conf", "--dbname", url, "--pgdata"])
        .arg(data)
        .current_dir("/"));
}

fn copy_template(data: &Path) {
    let program = installed("initdb", PACKAGE);
    let version = run(Command::new(&program).arg("--version"));
    let version = version.split_whitespace().nth(2).unwrap_or("unknown");
    template::copy(&format!("postgres-{version}-md5-user-{}", port::user()), data, |template| {
        let password = template.with_file_name("password");
        std::fs::write(&password, PASSWORD).expect("a new folder is writable");
        if port::user() == 0 {
            run(Command::new("chown").arg("postgres").arg(template));
        }
        let command = not_as_root(&program);
        // With the default, SCRAM, each connection of a debug build takes a tenth of a second.
        run(Command::new(&command[0])
            .args(&command[1..])
            .arg(format!("--pwfile={}", password.display()))
            .args([
                "--username=postgres",
                "--auth=md5",
                "--encoding=UTF8",
                "--locale=C",
                "--pgdata",
            ])
            .arg(template)
            .current_dir("/"));
    });
}
