//! MariaDB servers, which use the protocol of MySQL.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::Certificates;
use crate::container::Image;
use crate::keeper::Program;
use crate::private::{Description, PrivateServer, in_background};
use crate::probe::Protocol;
use crate::program::{installed, run};
use crate::shared::{Kind, SharedServer};
use crate::{port, template};

pub(crate) const PACKAGE: &str = "mariadb-server";
pub(crate) const PASSWORD: &str = "mysql-test-password";

const KIND: Kind = Kind {
    variable: "TEST_MYSQL_URL",
    image: Image {
        name: "mariadb",
        tag: "10.11",
        port: 3306,
        environment: &[("MARIADB_ROOT_PASSWORD", PASSWORD), ("MARIADB_DATABASE", "test")],
        protocol: Protocol::MySql,
    },
    url,
    start: || start(&["--innodb-flush-log-at-trx-commit=2".to_owned()]),
};

/// Returns the MariaDB that the tests of this process share. `TEST_MYSQL_URL` selects another
/// server. The installed server does not wait for the disk.
pub async fn mysql() -> &'static SharedServer {
    static SHARED: OnceCell<SharedServer> = OnceCell::const_new();
    SHARED.get_or_init(|| SharedServer::find(&KIND)).await
}

/// Starts a private MariaDB with settings as in `my.cnf`, such as
/// `("innodb_flush_log_at_trx_commit", "2")`.
///
/// The user in its address is root.
pub async fn mysql_with(settings: &[(&str, &str)]) -> PrivateServer {
    let settings: Vec<String> =
        settings.iter().map(|(name, value)| format!("--{name}={value}")).collect();
    in_background(move || start(&settings)).await
}

/// Starts a MariaDB that offers TLS with new [certificates](PrivateServer::certificates).
/// Clients may connect without TLS.
pub async fn mysql_with_tls() -> PrivateServer {
    in_background(|| {
        let certificates = Certificates::new();
        let files = [
            ("ssl-ca", certificates.authority()),
            ("ssl-cert", certificates.certificate()),
            ("ssl-key", certificates.key()),
        ];
        let settings = files.map(|(name, file)| format!("--{name}={}", file.display()));
        start_with(&settings, Some(certificates))
    })
    .await
}

pub(crate) fn url(port: u16) -> String {
    format!("mysql://root:{PASSWORD}@127.0.0.1:{port}/test")
}

pub(crate) fn start(settings: &[String]) -> PrivateServer {
    start_with(settings, None)
}

fn start_with(settings: &[String], certificates: Option<Certificates>) -> PrivateServer {
    PrivateServer::start(
        "mysql",
        |folder, port| Program {
            path: installed("mariadbd", PACKAGE),
            arguments: arguments(settings, folder, port),
            last_signal: "KILL",
        },
        |folder, port| {
            copy_template(&folder.join("data"));
            let user = format!("'root'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'");
            let statements = [
                format!("CREATE OR REPLACE USER {user};"),
                "GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;".to_owned(),
                "CREATE DATABASE IF NOT EXISTS test;\n".to_owned(),
            ];
            fs::write(folder.join("init.sql"), statements.join("\n"))
                .expect("a new folder is writable");
            Description { certificates: certificates.map(Arc::new), ..describe(port) }
        },
    )
}

fn arguments(settings: &[String], folder: &Path, port: u16) -> Vec<String> {
    let path = |name: &str| folder.join(name).display().to_string();
    let mut arguments = vec![
        "--no-defaults".into(),
        format!("--datadir={}", path("data")),
        format!("--socket={}", path("socket")),
        format!("--pid-file={}", path("pid")),
        format!("--init-file={}", path("init.sql")),
        // Servers that share this folder delete each other's temporary files at the start.
        format!("--tmpdir={}", folder.display()),
        format!("--port={port}"),
        "--bind-address=127.0.0.1".into(),
        "--skip-networking=0".into(),
        "--skip-name-resolve".into(),
        "--max-connections=300".into(),
        "--innodb-buffer-pool-size=32M".into(),
        "--innodb-log-file-size=16M".into(),
    ];
    arguments.extend(as_root());
    arguments.extend_from_slice(settings);
    arguments
}

fn as_root() -> Option<String> {
    (port::user() == 0).then(|| "--user=root".to_owned())
}

fn describe(port: u16) -> Description {
    let client = installed("mariadb", "mariadb-client").display().to_string();
    let (port_argument, password) = (format!("--port={port}"), format!("--password={PASSWORD}"));
    let arguments =
        ["--no-defaults", "--host=127.0.0.1", &port_argument, "--user=root", &password, "-NBe"];
    Description {
        url: url(port),
        protocol: Some(Protocol::MySql),
        client: std::iter::once(client).chain(arguments.map(str::to_owned)).collect(),
        stop_signal: "TERM",
        certificates: None,
    }
}

fn copy_template(data: &Path) {
    let program = installed("mariadb-install-db", PACKAGE);
    let version =
        run(Command::new(installed("mariadbd", PACKAGE)).args(["--no-defaults", "--version"]));
    let version = version.split_whitespace().nth(2).unwrap_or("unknown");
    template::copy(&format!("mysql-{version}-user-{}", port::user()), data, |template| {
        run(Command::new(&program)
            .arg("--no-defaults")
            .arg(format!("--datadir={}", template.display()))
            .arg(format!("--tmpdir={}", template.with_file_name("").display()))
            .args([
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
            ])
            .arg("--innodb-log-file-size=16M")
            .args(as_root()));
    });
}
