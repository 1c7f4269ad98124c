//! Servers of one's own: redis-server on a free port in a temporary folder, gone with the test.

#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod cluster;
pub(crate) mod proxy;
pub(crate) mod requests;
pub(crate) mod sentinel;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use session_core::{NewRecord, StoreKey};
use session_redis::{RedisStore, RedisStoreBuilder};
use sha2::{Digest as _, Sha256};

/// Kills the server and clears its folder when whoever started it is gone, however that happened.
const KEEPER: &str = r#"
folder=$1; shift
"$@" >>"$folder/log" 2>&1 &
echo $!
read -r _
kill -9 $! 2>/dev/null
wait $! 2>/dev/null
[ -e "$folder/keep" ] || rm -rf "$folder"
"#;

/// A grace for suites that wait to see records go.
pub(crate) const SHORT_GRACE: Duration = Duration::from_secs(1);

/// A server process.
pub(crate) struct Redis {
    keeper: Child,
    pid: u32,
    port: u16,
    folder: PathBuf,
    arguments: Vec<String>,
}

impl Redis {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With arguments as on the command line.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let port = free_port();
        let arguments = arguments.iter().map(ToString::to_string).collect();
        Self::start_in(temporary_folder(), port, arguments)
    }

    /// In a folder that is cleared afterwards, on a port.
    pub(crate) fn start_in(folder: PathBuf, port: u16, arguments: Vec<String>) -> Self {
        let mut command = vec!["redis-server".to_owned()];
        let folder_name = folder.to_str().unwrap().to_owned();
        // Sentinel wants its configuration in a file, first.
        let (first, rest) = match arguments.split_first() {
            Some((file, rest)) if file.ends_with("/sentinel.conf") => (Some(file.clone()), rest.to_vec()),
            _ => (None, arguments.clone()),
        };
        command.extend(first);
        if !rest.iter().any(|argument| argument == "--tls-port") {
            command.extend(["--port".to_owned(), port.to_string()]);
        }
        let basics = ["--bind", "127.0.0.1", "--dir", &folder_name, "--save", "", "--loglevel", "notice"];
        command.extend(basics.map(str::to_owned));
        command.extend(rest);
        let (keeper, pid) = keep(&folder, &command);
        let server = Self { keeper, pid, port, folder, arguments };
        server.wait_until_up();
        server
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub(crate) fn builder(&self) -> RedisStoreBuilder {
        RedisStore::builder(self.url())
    }

    pub(crate) async fn store(&self) -> RedisStore {
        self.builder().connect().await.unwrap()
    }

    /// A store for a suite that waits to see records go.
    pub(crate) async fn store_for_suites(&self) -> RedisStore {
        self.builder().grace(SHORT_GRACE).connect().await.unwrap()
    }

    /// What redis-cli prints.
    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
        self.ask(arguments).unwrap()
    }

    /// What redis-cli prints, or its complaint.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// How often each command was called since the last reset, those in scripts too.
    pub(crate) fn calls(&self) -> BTreeMap<String, u64> {
        let info = self.cli(&["INFO", "commandstats"]);
        let calls = info.lines().filter_map(|line| {
            let (command, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
            Some((command.to_owned(), rest.split_once(',')?.0.parse().unwrap()))
        });
        calls.filter(|(command, _)| !command.starts_with("config") && command != "info").collect()
    }

    pub(crate) fn forget_calls(&self) {
        self.cli(&["CONFIG", "RESETSTAT"]);
    }

    /// As a crash or the kernel would.
    pub(crate) fn kill(&mut self) {
        signal("-KILL", self.pid);
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            assert!(Instant::now() < deadline, "the server did not die");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The same server again, on the same port and folder.
    pub(crate) fn restart(&mut self) {
        std::fs::write(self.folder.join("keep"), "").unwrap();
        self.release();
        std::fs::remove_file(self.folder.join("keep")).unwrap();
        let again = Self::start_in(self.folder.clone(), self.port, self.arguments.clone());
        // The folder stays for the new one.
        std::mem::forget(std::mem::replace(self, again));
    }

    pub(crate) fn hang(&self) {
        signal("-STOP", self.pid);
    }

    pub(crate) fn go_on(&self) {
        signal("-CONT", self.pid);
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn wait_until_up(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let tls = self.arguments.iter().any(|argument| argument == "--tls-port");
        while !(answers(self.port) || tls && TcpStream::connect(("127.0.0.1", self.port)).is_ok()) {
            assert!(Instant::now() < deadline, "redis-server did not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn release(&mut self) {
        drop(self.keeper.stdin.take());
        // It ends whatever it kept.
        let _ = self.keeper.wait();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.release();
    }
}

fn keep(folder: &Path, command: &[String]) -> (Child, u32) {
    let installed = Command::new("redis-server").arg("--version").output().is_ok();
    assert!(installed, "redis-server is not installed. This helps: apt-get install -y redis-server");
    let mut keeper = Command::new("sh")
        .args(["-c", KEEPER, "keeper", folder.to_str().unwrap()])
        .args(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pid = String::new();
    BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut pid).unwrap();
    (keeper, pid.trim().parse().unwrap())
}

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

/// Whether anything of Redis's comes back, be it that a password is missing.
fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut answer = [0; 5];
    stream.write_all(b"PING\r\n").is_ok() && stream.read_exact(&mut answer).is_ok() && &answer != b"-LOAD"
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn temporary_folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("session-redis-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

pub(crate) fn random_key() -> StoreKey {
    let mut bytes = [0; 32];
    fastrand::fill(&mut bytes);
    StoreKey::from_bytes(bytes)
}

/// A record that lives for an hour.
pub(crate) fn record(payload: &[u8]) -> NewRecord<'_> {
    let now = SystemTime::now();
    NewRecord::new(payload, now, now + Duration::from_hours(1))
}

/// The name of a record under the default prefix.
pub(crate) fn name_of(key: &StoreKey) -> String {
    format!("session:{}", hexadecimal(key.as_bytes()))
}

/// The name of an owner's list under the default prefix.
pub(crate) fn list_of(owner: &str) -> String {
    format!("session:owner:{}", hexadecimal(&Sha256::digest(owner)))
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let mut digits = String::new();
    for byte in bytes {
        write!(digits, "{byte:02x}").unwrap();
    }
    digits
}
