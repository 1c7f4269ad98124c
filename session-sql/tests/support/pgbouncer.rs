//! A PgBouncer in transaction mode before a PostgreSQL server of its own.

use std::fs;
use std::net::TcpStream;

use super::{Guarded, PASSWORD, Postgres, USER, command, find, folder, free_port, other_user, wait_until};

pub struct PgBouncer {
    pub postgres: Postgres,
    port: u16,
    server: Guarded,
}

impl PgBouncer {
    pub fn start() -> Self {
        let postgres = Postgres::start();
        let user = other_user("postgres");
        let folder = folder("pgbouncer", user);
        let (port, users) = (free_port(), folder.join("users"));
        fs::write(&users, format!("\"{USER}\" \"{PASSWORD}\"\n")).unwrap();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = md5\nauth_file = {}\npool_mode = transaction\n\
             default_pool_size = 4\n",
            postgres.port,
            users.display()
        );
        let file = folder.join("pgbouncer.ini");
        fs::write(&file, settings).unwrap();
        let mut pgbouncer = command(&find("pgbouncer", &[], "pgbouncer"), user);
        let server = Guarded::start(&folder, pgbouncer.arg(file));
        wait_until("PgBouncer accepts connections", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { postgres, port, server }
    }

    /// An address that tells sqlx to keep no prepared statements.
    pub fn url(&self) -> String {
        let address = format!("127.0.0.1:{}/postgres", self.port);
        format!("postgres://{USER}:{PASSWORD}@{address}?sslmode=disable&statement-cache-capacity=0")
    }
}
