//! Two shops on two ports with one session server. They share a login, which survives a restart of
//! both.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The secret key of all shops in this file. Only cookies need it.
const KEY: &str = "c81d7e02f5a946b3908fe2d41b7a65c3";

/// A shop in a separate process.
struct Shop {
    process: Child,
    address: String,
}

impl Shop {
    fn open(store: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
        command
            .args(["--port", "0", "--store", store])
            .env("SECRET_KEY", KEY)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let address =
            lines.find_map(|line| Some(line.split_once("http://")?.1.to_owned())).unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address }
    }

    fn ask(&self, request: &str, cookie: &str, form: &str) -> String {
        let mut connection = TcpStream::connect(&self.address).unwrap();
        write!(
            connection,
            "{request} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nCookie: {cookie}\r\n\
             Sec-Fetch-Site: same-origin\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            self.address,
            form.len()
        )
        .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Logs in and returns the cookie.
    fn log_in(&self) -> String {
        set_cookie(&self.ask("POST /login", "", "user=ada&password=lovelace&remember=yes"))
    }

    fn knows(&self, cookie: &str) -> bool {
        self.ask("GET /", cookie, "").contains("Log out")
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // The process may already have exited.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the cookie that a response sets.
fn set_cookie(answer: &str) -> String {
    let mut lines = answer.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
    let set = lines.find(|line| line.starts_with("session="));
    set.unwrap().split(';').next().unwrap().to_owned()
}

fn share_a_login(store: &str) {
    let (one, other) = (Shop::open(store), Shop::open(store));
    let cookie = one.log_in();
    assert!(one.knows(&cookie) && other.knows(&cookie));
    assert!(!other.knows(""));
    drop((one, other));

    let again = Shop::open(store);
    assert!(again.knows(&cookie));
    again.ask("POST /logout", &cookie, "");
    assert!(!Shop::open(store).knows(&cookie));
}

/// A logout removes the cookie from the browser. Copies stay valid, as for every session in a
/// cookie.
#[test]
fn shops_share_login_in_opaque_sealed_cookie() {
    let (one, other) = (Shop::open("sealed-cookie"), Shop::open("sealed-cookie"));
    let cookie = one.log_in();
    assert!(one.knows(&cookie) && other.knows(&cookie));
    assert!(!other.knows(&cookie[..cookie.len() - 2]));
    assert!(!Shop::open("cookie").knows(&cookie));
    drop((one, other));

    let again = Shop::open("sealed-cookie");
    assert!(again.knows(&cookie));
    assert!(!again.knows(&set_cookie(&again.ask("POST /logout", &cookie, ""))));
    let (_, value) = cookie.split_once('=').unwrap();
    let payload = value.split('.').next().unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(payload).unwrap();
    assert!(!bytes.windows(3).any(|part| part == b"ada") && !value.contains("ada"));
}

#[tokio::test]
async fn shops_share_login_in_redis() {
    share_a_login(test_servers::redis().await.url());
}

#[test]
fn shops_share_login_in_file() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("shop-{}.db", std::process::id()));
    share_a_login(&format!("sqlite:{}", file.display()));
}

#[tokio::test]
async fn shops_share_login_in_postgresql() {
    share_a_login(test_servers::postgres().await.url());
}

#[tokio::test]
async fn shops_share_login_in_mariadb() {
    share_a_login(test_servers::mysql().await.url());
}

#[tokio::test]
async fn shops_share_login_behind_sentinel() {
    let redis = test_servers::redis_sentinel().await;
    let sentinels =
        redis.sentinels().iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port()));
    let sentinels = sentinels.collect::<Vec<_>>().join(",");
    share_a_login(&format!("redis+sentinel://{sentinels}/{}", redis.master_name()));
}

#[tokio::test]
async fn shops_share_login_in_cluster() {
    let cluster = test_servers::redis_cluster().await;
    let nodes = cluster
        .urls()
        .into_iter()
        .map(|url| url.trim_start_matches("redis://").trim_end_matches('/').to_owned());
    share_a_login(&format!("redis+cluster://{}", nodes.collect::<Vec<_>>().join(",")));
}
