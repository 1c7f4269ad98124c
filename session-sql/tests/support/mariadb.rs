//! A MariaDB server.

use std::fs;
use std::io::Read as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use super::{Guarded, PASSWORD, USER, command, find, folder, free_port, other_user, run, wait_until};

const ADMINISTRATOR: &str = "administrator";

pub struct MariaDb {
    folder: PathBuf,
    pub port: u16,
    user: Option<&'static str>,
    server: Guarded,
}

impl MariaDb {
    pub fn start() -> Self {
        let user = other_user("mysql");
        let folder = folder("mariadb", user);
        let mut install = command(&find("mariadb-install-db", &[], "mariadb-server"), user);
        install.arg("--no-defaults").arg(format!("--datadir={}", folder.join("data").display()));
        // In a folder that several servers share, each deletes the temporary files of the others when it starts.
        install.arg(format!("--tmpdir={}", folder.display()));
        run(install.args(["--auth-root-authentication-method=normal", "--skip-test-db"]));
        let setup = format!(
            "CREATE DATABASE IF NOT EXISTS shop;\n\
             CREATE USER IF NOT EXISTS '{USER}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n\
             GRANT ALL ON shop.* TO '{USER}'@'127.0.0.1';\n\
             CREATE USER IF NOT EXISTS '{ADMINISTRATOR}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n\
             GRANT ALL ON *.* TO '{ADMINISTRATOR}'@'127.0.0.1';\n"
        );
        fs::write(folder.join("setup.sql"), setup).unwrap();
        let port = free_port();
        let server = serve(&folder, port, user);
        Self { folder, port, user, server }
    }

    pub fn url(&self) -> String {
        format!("mysql://{USER}:{PASSWORD}@127.0.0.1:{}/shop?ssl-mode=disabled", self.port)
    }

    /// For what the shop's user may not do.
    pub fn administrators_url(&self) -> String {
        self.url().replacen(USER, ADMINISTRATOR, 1)
    }

    pub fn url_with_password(&self, password: &str) -> String {
        self.url().replace(PASSWORD, password)
    }

    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again after `kill`.
    pub fn restart(&mut self) {
        self.server = serve(&self.folder, self.port, self.user);
    }

    pub fn hang(&self) {
        self.server.hang();
    }

    pub fn go_on(&self) {
        self.server.go_on();
    }

    /// The statements that it ran, as it logged them.
    pub fn statements(&self) -> Vec<String> {
        let log = fs::read(self.folder.join("statements")).unwrap();
        let log = String::from_utf8_lossy(&log);
        let ran = |line: &&str| line.contains(" Execute\t") || line.contains(" Query\t");
        log.lines().filter(ran).map(str::to_owned).collect()
    }
}

fn serve(folder: &Path, port: u16, user: Option<&str>) -> Guarded {
    let mut mariadbd = command(&find("mariadbd", &[], "mariadb-server"), user);
    mariadbd.arg("--no-defaults").arg(format!("--datadir={}", folder.join("data").display()));
    mariadbd.arg(format!("--socket={}", folder.join("socket").display())).arg(format!("--port={port}"));
    mariadbd.arg(format!("--tmpdir={}", folder.display()));
    mariadbd.arg(format!("--init-file={}", folder.join("setup.sql").display()));
    mariadbd.arg(format!("--general-log-file={}", folder.join("statements").display()));
    mariadbd.args([
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--general-log",
        "--innodb-flush-log-at-trx-commit=2",
    ]);
    let server = Guarded::start(folder, &mariadbd);
    wait_until("MariaDB accepts connections", || {
        // It greets whoever it serves.
        TcpStream::connect(("127.0.0.1", port)).is_ok_and(|mut stream| stream.read(&mut [0]).is_ok_and(|read| read > 0))
    });
    server
}
