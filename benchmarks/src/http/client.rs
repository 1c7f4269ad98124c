//! The client side: logins, `wrk`, and the command counters of the databases.

use std::fmt::Write as _;

use session_redis::redis;
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

/// Requests that create sessions.
pub struct Login;

impl Login {
    /// Creates sessions and returns their cookies as a client sends them.
    pub async fn repeat(port: u16, sessions: usize) -> Vec<String> {
        let mut cookies = Vec::with_capacity(sessions);
        for _ in 0..sessions {
            cookies.push(Self::once(port).await);
        }
        cookies
    }

    async fn once(port: u16) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a server answers");
        let request = "GET /login HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.expect("a server listens");
        let mut response = String::new();
        stream.read_to_string(&mut response).await.expect("a server answers");
        let set = response.lines().filter_map(|line| line.split_once(": "));
        let set = set.filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
        let cookies: Vec<_> = set.filter_map(|(_, cookie)| cookie.split(';').next()).collect();
        assert!(!cookies.is_empty(), "a login set no cookie:\n{response}");
        cookies.join("; ")
    }
}

/// Clients that send these cookies in rotation.
pub struct Load {
    script: NamedTempFile,
}

/// The results of `wrk`.
pub struct Outcome {
    pub requests: f64,
    pub seconds: f64,
    /// The 99th percentile of the latency, in milliseconds.
    pub p99: f64,
    pub failed: u64,
}

impl Load {
    pub fn new(cookies: &[String]) -> Self {
        let mut text = String::from("local cookies = {\n");
        for cookie in cookies {
            let _ = writeln!(text, "[==[{cookie}]==],");
        }
        text.push_str(
            "}\nlocal requests, last = {}, 0\n\
             init = function() for i, cookie in ipairs(cookies) do\n\
             requests[i] = wrk.format('GET', nil, { Cookie = cookie }) end end\n\
             request = function() last = last % #requests + 1 return requests[last] end\n",
        );
        let script = NamedTempFile::new().expect("a file is made");
        std::fs::write(script.path(), text).expect("a file is written");
        Self { script }
    }

    /// Runs for one second, the minimum of `wrk`.
    pub async fn run(&self, port: u16, path: &str) -> Outcome {
        self.run_for(port, path, 1).await
    }

    pub async fn run_for(&self, port: u16, path: &str, seconds: u64) -> Outcome {
        let output = Command::new("wrk")
            .args(["-t1", "-c32", "--latency"])
            .arg(format!("-d{seconds}s"))
            .arg("-s")
            .arg(self.script.path())
            .arg(format!("http://127.0.0.1:{port}/{path}"))
            .output()
            .await
            .expect("wrk is installed (Debian package `wrk`)");
        let text = String::from_utf8_lossy(&output.stdout);
        let field = |start: &str| {
            text.lines().find_map(|line| line.trim().strip_prefix(start)).map(str::trim)
        };
        let done = text.lines().find_map(|line| line.trim().split_once(" requests in "));
        let (requests, rest) = done.unwrap_or_else(|| panic!("wrk said: {text}"));
        let failed = field("Non-2xx or 3xx responses:")
            .and_then(|count| count.parse().ok())
            .unwrap_or_default();
        Outcome {
            requests: requests.parse().expect("a number of requests"),
            seconds: milliseconds(rest.split(',').next().unwrap_or_default()) / 1e3,
            p99: field("99%").map(milliseconds).unwrap_or_default(),
            failed,
        }
    }
}

/// Parses `1.23ms`, `45.00us` and `1.00s`.
fn milliseconds(text: &str) -> f64 {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let factor = match &text[digits.len()..] {
        "us" => 1e-3,
        "s" => 1e3,
        _ => 1.0,
    };
    digits.parse::<f64>().unwrap_or(f64::NAN) * factor
}

/// Returns the number of times that Redis has run each command, including commands in scripts.
pub async fn commands(url: &str) -> Vec<(String, f64)> {
    let client = redis::Client::open(url).expect("an address");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis answers");
    let text: String = redis::cmd("INFO")
        .arg("commandstats")
        .query_async(&mut connection)
        .await
        .expect("it tells");
    let lines =
        text.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(":calls="));
    let ours = |name: &str| ["info", "hello", "client"].iter().any(|start| name.starts_with(start));
    lines
        .filter(|(name, _)| !ours(name))
        .filter_map(|(name, rest)| Some((name.to_owned(), rest.split(',').next()?.parse().ok()?)))
        .collect()
}

/// Returns the number of transactions that PostgreSQL has committed. Each statement is one
/// transaction.
pub async fn transactions(url: &str) -> Vec<(String, f64)> {
    let pool = sqlx::PgPool::connect(url).await.expect("PostgreSQL answers");
    // A PostgreSQL session reports its transactions after it has been idle for a while.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let select = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
    let count: i64 = sqlx::query_scalar(select).fetch_one(&pool).await.expect("it tells");
    pool.close().await;
    #[expect(clippy::cast_precision_loss)]
    let count = count as f64;
    vec![("statement".to_owned(), count)]
}

/// Returns the difference of two counts, divided by the number of requests.
pub fn per_request(before: &[(String, f64)], after: &[(String, f64)], requests: f64) -> String {
    let earlier = |name: &str| {
        before.iter().find(|(other, _)| other == name).map_or(0.0, |(_, count)| *count)
    };
    let per_request = after.iter().map(|(name, count)| (name, (count - earlier(name)) / requests));
    let lines: Vec<_> = per_request
        .filter(|(_, count)| *count > 0.01)
        .map(|(n, c)| format!("{n} {c:.2}"))
        .collect();
    lines.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_wrk_are_parsed() {
        for (text, expected) in [("1.50ms", 1.5), ("250.00us", 0.25), ("1.01s", 1010.0)] {
            assert!((milliseconds(text) - expected).abs() < 1e-9, "{text}");
        }
    }

    #[test]
    fn commands_are_counted_per_request() {
        let count = |gets: f64| vec![("get".to_owned(), gets), ("idle".to_owned(), 7.0)];
        assert_eq!(per_request(&count(100.0), &count(300.0), 200.0), "get 1.00");
    }
}
