//! Programs that serve HTTP, such as applications and proxies under test.

use std::path::{Path, PathBuf};

use crate::keeper::Program;
use crate::private::{Description, PrivateServer, in_background};
use crate::probe::Protocol;
use crate::program::installed;

/// A program that serves HTTP; see [`http_program`].
#[derive(Debug)]
pub struct HttpProgram {
    name: &'static str,
    path: PathBuf,
}

impl HttpProgram {
    /// Names a program by its path. The name is part of the name of its folder.
    pub fn at(name: &'static str, path: impl Into<PathBuf>) -> Self {
        Self { name, path: path.into() }
    }

    /// Names an installed program, and the Debian package that has it.
    ///
    /// # Panics
    ///
    /// Panics if the program is not installed.
    pub fn installed(name: &'static str, package: &str) -> Self {
        Self::at(name, installed(name, package))
    }
}

/// Starts a program that serves HTTP at a free port of 127.0.0.1, and waits until it does.
///
/// `arguments` gets the folder of the program, which does not exist yet, and the port. `prepare`
/// writes the program's files to the folder. SIGINT stops the program in an orderly way. It has no
/// command-line client, so [`PrivateServer::ask`] does not work.
pub async fn http_program(
    program: HttpProgram,
    arguments: impl FnOnce(&Path, u16) -> Vec<String> + Send + 'static,
    prepare: impl FnOnce(&Path, u16) + Send + 'static,
) -> PrivateServer {
    in_background(move || {
        let HttpProgram { name, path } = program;
        PrivateServer::start(
            name,
            |folder, port| Program {
                path,
                arguments: arguments(folder, port),
                last_signal: "KILL",
            },
            |folder, port| {
                prepare(folder, port);
                describe(port)
            },
        )
    })
    .await
}

fn describe(port: u16) -> Description {
    Description {
        url: format!("http://127.0.0.1:{port}/"),
        protocol: Some(Protocol::Http),
        client: vec!["false".to_owned()],
        stop_signal: "INT",
        certificates: None,
    }
}
