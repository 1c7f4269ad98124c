//! A PostgreSQL server.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{Guarded, PASSWORD, USER, command, find, folder, free_port, other_user, run, wait_until};

pub struct Postgres {
    pub folder: PathBuf,
    pub port: u16,
    user: Option<&'static str>,
    server: Guarded,
}

impl Postgres {
    pub fn start() -> Self {
        let user = other_user("postgres");
        let folder = folder("postgres", user);
        let password_file = folder.join("password");
        fs::write(&password_file, PASSWORD).unwrap();
        let mut initdb = command(&program("initdb"), user);
        initdb.arg("-D").arg(folder.join("data")).arg("-U").arg(USER).arg("--pwfile").arg(password_file);
        run(initdb.args(["--auth=md5", "--no-sync", "--encoding=UTF8", "--locale=C"]));
        let port = free_port();
        let server = serve(&folder, port, user);
        Self { folder, port, user, server }
    }

    pub fn url(&self) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    pub fn kill(&mut self) {
        self.server.kill();
    }

    pub fn url_with_password(&self, password: &str) -> String {
        self.url().replace(PASSWORD, password)
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
        let lines = self.server.output();
        let ran = |line: &&str| line.contains("LOG:  execute ") || line.contains("LOG:  statement: ");
        lines.lines().filter(ran).map(str::to_owned).collect()
    }
}

/// Without fsync, which matters only when the machine fails, and with every statement in the log.
fn serve(folder: &std::path::Path, port: u16, user: Option<&str>) -> Guarded {
    let mut postgres = command(&program("postgres"), user);
    postgres.arg("-D").arg(folder.join("data")).arg("-k").arg(folder).arg("-p").arg(port.to_string());
    for setting in ["listen_addresses=127.0.0.1", "fsync=off", "log_statement=all", "max_connections=60"] {
        postgres.arg("-c").arg(setting);
    }
    let mut ready = Command::new(program("pg_isready"));
    ready.args(["-q", "-h", "127.0.0.1", "-p"]).arg(port.to_string()).stdout(Stdio::null());
    let mut server = Guarded::start(folder, &postgres);
    let mut rounds = 0;
    wait_until("PostgreSQL accepts connections", || {
        rounds += 1;
        // Processes of a server that was killed may linger, and stand in the way of the next.
        if rounds % 25 == 0 {
            server.kill();
            server = Guarded::start(folder, &postgres);
        }
        ready.status().unwrap().success()
    });
    server
}

fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let places: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    find(name, &places, "postgresql")
}
