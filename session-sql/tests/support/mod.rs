//! Servers for these tests, started privately in temporary folders and gone with the test's process.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each test file uses its own part of this"
)]

mod guarded;
mod mariadb;
mod pgbouncer;
mod postgres;

pub use guarded::Guarded;
pub use mariadb::MariaDb;
pub use pgbouncer::PgBouncer;
pub use postgres::Postgres;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use session_core::{NewRecord, StoreKey};
use session_sql::SqlStore;

pub const USER: &str = "shop";
pub const PASSWORD: &str = "pass-word-of-tests";

/// A new folder that this user owns, and that goes some time after this process.
pub fn folder(name: &str, owner: Option<&str>) -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    static ALL: LazyLock<(PathBuf, Child)> = LazyLock::new(folder_of_this_process);
    let folder = ALL.0.join(format!("{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    std::fs::create_dir(&folder).unwrap();
    if let Some(owner) = owner {
        run(Command::new("chown").arg(owner).arg(&folder));
    }
    folder
}

/// With a shell that waits for the end of this process, however that comes, and of its servers, and removes the folder.
fn folder_of_this_process() -> (PathBuf, Child) {
    let folder = std::env::temp_dir().join(format!("session-sql-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let script = r#"read -r _; sleep 1; rm -rf "$1""#;
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(&folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    (folder, shell.spawn().unwrap())
}

/// The user to run a server as that refuses to be run by root; `None` if that is not who runs the tests.
pub fn other_user(name: &'static str) -> Option<&'static str> {
    let id = Command::new("id").arg("-u").output().unwrap();
    (id.stdout == b"0\n").then_some(name)
}

/// The command, run by another user.
pub fn command(program: &Path, user: Option<&str>) -> Command {
    let Some(user) = user else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={user}")).arg(format!("--regid={user}")).arg("--clear-groups").arg("--").arg(program);
    command
}

pub fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Where a program of a server is, or a failure that says how to install it.
pub fn find(program: &str, more_places: &[PathBuf], package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/sbin".into()]).chain(more_places.iter().cloned());
    let found = places.map(|place| place.join(program)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("{program} is not installed: apt-get install -y {package}"))
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A folder for files.
pub struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    pub fn new() -> Self {
        Self(folder("files", None))
    }

    /// The address of an SQLite file in it.
    pub fn sqlite(&self) -> String {
        format!("sqlite:{}", self.path("sessions.db").display())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// Some record, and keys that nobody else uses.
pub fn record(payload: &[u8]) -> NewRecord<'_> {
    let now = SystemTime::now();
    NewRecord::new(payload, now, now + Duration::from_hours(1))
}

pub fn new_key() -> StoreKey {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).unwrap();
    StoreKey::from_bytes(bytes)
}

/// The store at an address, with its table.
pub async fn migrated(url: &str) -> SqlStore {
    let store = SqlStore::connect(url).await.unwrap();
    store.migrate().await.unwrap();
    store
}

pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}: not within 30 s");
        std::thread::sleep(Duration::from_millis(20));
    }
}
