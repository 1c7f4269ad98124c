//! Checks whether a server is ready, with the first bytes of its protocol.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A protocol of a server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Protocol {
    Redis,
    Postgres,
    MySql,
    Http,
}

impl Protocol {
    /// Returns whether a server at 127.0.0.1 accepts clients now.
    pub(crate) fn is_ready(self, port: u16) -> bool {
        self.first_answer(port).is_ok_and(|answer| match self {
            // A server that requires a password is ready. While Redis loads its data, it replies
            // -LOADING.
            Protocol::Redis => answer.starts_with(b"+PONG") || answer.starts_with(b"-NOAU"),
            // `R` requests a password. A server that is starting or recovering sends an error, `E`.
            Protocol::Postgres => answer[0] == b'R',
            // Four bytes of packet header precede the protocol version, or 255 for an error.
            Protocol::MySql => answer[4] == 10,
            Protocol::Http => answer == *b"HTTP/",
        })
    }

    fn first_answer(self, port: u16) -> std::io::Result<[u8; 5]> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        match self {
            Protocol::Redis => stream.write_all(b"PING\r\n")?,
            Protocol::Postgres => stream.write_all(b"\0\0\0\x17\0\x03\0\0user\0postgres\0\0")?,
            Protocol::MySql => {}
            Protocol::Http => stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?,
        }
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    }
}
