//! The first program of the README is that of this crate, and its terminal shows the output of the
//! program.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

const README: &str = include_str!("../../../README.md");
const PROGRAM: &str = include_str!("../src/main.rs");

#[test]
fn readme_shows_this_program() {
    let (_, program) = PROGRAM.split_once('\n').unwrap();
    assert!(
        README.contains(&format!("```rust,no_run\n{program}```")),
        "README.md shows another program"
    );
}

#[test]
fn readme_shows_output_of_program() {
    let server = Server::start();
    let first = server.get(None);
    let (_, shown) = README.split_once("$ curl -si -c jar http://127.0.0.1:3000/\n").unwrap();
    let (shown, rest) = shown.split_once("$ curl").unwrap();
    let without_date = |line: &&str| !line.starts_with("date:");
    for (shown, seen) in shown.lines().zip(first.lines().filter(without_date)) {
        // Signature and time differ from run to run.
        let stable = |line: &str| {
            line.split_once("session=eyJ2aXNpdHMiOjF9.").map_or(line.to_owned(), |(head, tail)| {
                format!("{head}{}", tail.split_once(';').unwrap().1)
            })
        };
        assert_eq!(stable(shown), stable(seen));
    }
    assert_eq!(shown.lines().count(), first.lines().filter(without_date).count());

    let cookie = first.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let second = server.get(cookie.split(';').next());
    assert!(second.ends_with("\r\n\r\nVisit number 2\n"), "{second}");
    assert!(rest.contains("\nVisit number 2\n"), "{rest}");
}

struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_visits"));
        let mut process = command.arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("Listening on http://").unwrap().to_owned();
        Self { process, address }
    }

    /// Returns the response, head and body, to one request.
    fn get(&self, cookie: Option<&str>) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let cookie = cookie.map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        write!(
            stream,
            "GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{cookie}\r\n",
            self.address
        )
        .unwrap();
        let mut response = BufReader::new(stream);
        let mut text = String::new();
        response.read_line(&mut text).unwrap();
        response.read_to_string(&mut text).unwrap();
        text.replace("connection: close\r\n", "")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process may already have exited.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
