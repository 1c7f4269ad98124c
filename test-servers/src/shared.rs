//! The servers that all tests of a process share: from the environment, in a container or
//! installed.

use url::Url;

use crate::container::{Container, Image};
use crate::private::{PrivateServer, in_background};

/// A server that all tests of this process use. Therefore each test must use its own keys or
/// tables.
#[derive(Debug)]
pub struct SharedServer {
    url: String,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Environment,
    Container(#[expect(dead_code, reason = "keeps the server running until drop")] Container),
    Installed(#[expect(dead_code, reason = "keeps the server running until drop")] PrivateServer),
}

/// The origin of a [`SharedServer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The address was in the environment.
    Environment,
    /// Docker runs the server.
    Container,
    /// The installed server was started.
    Installed,
}

impl SharedServer {
    /// Returns the address, in the form that drivers accept.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the origin of the server.
    pub fn way(&self) -> Way {
        match self.source {
            Source::Environment => Way::Environment,
            Source::Container(_) => Way::Container,
            Source::Installed(_) => Way::Installed,
        }
    }

    pub(crate) async fn find(kind: &'static Kind) -> SharedServer {
        let containers = std::env::var("TEST_CONTAINERS").unwrap_or_default();
        assert!(
            ["", "never", "required"].contains(&containers.as_str()),
            "TEST_CONTAINERS is {containers:?}; it can be `never`, `required` or absent"
        );
        if let Ok(url) = std::env::var(kind.variable) {
            assert!(
                containers != "required",
                "TEST_CONTAINERS forbids the server that {} names",
                kind.variable
            );
            return Self::named(kind.variable, url).await;
        }
        if containers != "never" {
            match Container::start(&kind.image).await {
                Ok(container) => {
                    return SharedServer {
                        url: (kind.url)(container.port.number()),
                        source: Source::Container(container),
                    };
                }
                Err(reason) => assert!(
                    containers != "required",
                    "TEST_CONTAINERS requires a container, but {reason}"
                ),
            }
        }
        let server = in_background(kind.start).await;
        SharedServer { url: server.url().to_owned(), source: Source::Installed(server) }
    }

    /// Checks the address, because a wrong address must fail here and not in the middle of a test.
    async fn named(variable: &str, url: String) -> SharedServer {
        let parsed =
            Url::parse(&url).unwrap_or_else(|error| panic!("{variable} is not a URL: {error}"));
        let host = parsed.host_str().unwrap_or("127.0.0.1").to_owned();
        let default_port = match parsed.scheme() {
            "postgres" | "postgresql" => 5432,
            "mysql" | "mariadb" => 3306,
            _ => 6379,
        };
        let port = parsed.port().unwrap_or(default_port);
        let answer = in_background(move || std::net::TcpStream::connect((host, port))).await;
        assert!(
            answer.is_ok(),
            "{variable} names a server at port {port} that does not reply: {answer:?}"
        );
        SharedServer { url, source: Source::Environment }
    }
}

/// The properties of one kind of server.
pub(crate) struct Kind {
    pub(crate) variable: &'static str,
    pub(crate) image: Image,
    pub(crate) url: fn(u16) -> String,
    pub(crate) start: fn() -> PrivateServer,
}
