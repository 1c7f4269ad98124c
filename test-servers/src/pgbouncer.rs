//! `PgBouncer` in transaction mode in front of a PostgreSQL server.

use std::fs;

use url::Url;

use crate::keeper::Program;
use crate::postgres;
use crate::private::{Description, PrivateServer, in_background};
use crate::program::installed;

/// Starts a `PgBouncer` in front of the PostgreSQL server at an address. Its user, password and
/// database are those of that server.
///
/// Each transaction of a client can run on another server connection. Up to 500 clients share 20
/// server connections.
pub async fn pgbouncer(postgres_url: &str) -> PrivateServer {
    let server = Url::parse(postgres_url).expect("the address of a PostgreSQL is a URL");
    in_background(move || start(&server)).await
}

fn start(server: &Url) -> PrivateServer {
    PrivateServer::start(
        "pgbouncer",
        |folder, _| {
            let mut command =
                postgres::not_as_root(&installed("pgbouncer", "pgbouncer")).into_iter();
            let path = command.next().expect("a command has a program").into();
            let settings = folder.join("pgbouncer.ini").display().to_string();
            Program { path, arguments: command.chain([settings]).collect(), last_signal: "KILL" }
        },
        |folder, port| {
            let users = folder.join("users.txt");
            let user = format!(
                "\"{}\" \"{}\"\n",
                server.username(),
                server.password().unwrap_or_default()
            );
            fs::write(&users, user).expect("a new folder is writable");
            let settings = settings(server, port, &users.display().to_string());
            fs::write(folder.join("pgbouncer.ini"), settings).expect("a new folder is writable");
            describe(server, port)
        },
    )
}

fn settings(server: &Url, port: u16, users: &str) -> String {
    let (host, server_port) =
        (server.host_str().unwrap_or("127.0.0.1"), server.port().unwrap_or(5432));
    let user = server.username();
    format!(
        "[databases]\n\
         * = host={host} port={server_port}\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\n\
         listen_port = {port}\n\
         unix_socket_dir =\n\
         auth_type = md5\n\
         auth_file = {users}\n\
         admin_users = {user}\n\
         pool_mode = transaction\n\
         default_pool_size = 20\n\
         max_client_conn = 500\n\
         ignore_startup_parameters = extra_float_digits\n"
    )
}

fn describe(server: &Url, port: u16) -> Description {
    let mut url = server.clone();
    let _ = url.set_host(Some("127.0.0.1"));
    let _ = url.set_port(Some(port));
    postgres::describe(url.into())
}
