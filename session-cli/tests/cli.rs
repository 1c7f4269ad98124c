//! Runs the program, and compares its output with the expected text.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use test_servers::TemporaryFolder;

/// A cookie that Flask signed on 14 November 2023, with the value `user_id` and this key.
const FLASK: &str = "eyJ1c2VyX2lkIjo0Mn0.ZVPxAA.w8-OD2mSNaGouDpydiAUxPqksM0";
const KEY: &str = "secret-key";
const NEXT_DAY: &str = "2023-11-15T22:13:20Z";

/// A run of the program with a clean environment.
struct Run {
    command: Command,
    input: String,
}

/// Returns a run with these arguments, separated by spaces.
fn run(arguments: &str) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_session-cli"));
    command.args(arguments.split_whitespace()).env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Run { command, input: String::new() }
}

impl Run {
    fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    fn input(mut self, input: &str) -> Self {
        input.clone_into(&mut self.input);
        self
    }

    fn output(mut self) -> Output {
        let mut process = self.command.spawn().unwrap();
        // A program that does not read its input closes the pipe.
        let _ = process.stdin.take().unwrap().write_all(self.input.as_bytes());
        process.wait_with_output().unwrap()
    }

    /// Checks the exit code and the whole output, and returns the error output.
    #[track_caller]
    fn prints(self, code: i32, expected: &str) -> String {
        let output = self.output();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{error}");
        assert_eq!(output.status.code(), Some(code), "{error}");
        error
    }
}

#[test]
fn keygen_prints_new_key_that_other_commands_accept() {
    let keys: Vec<_> = (0..2)
        .map(|_| String::from_utf8(run("keygen").output().stdout).unwrap().trim().to_owned())
        .collect();
    assert_ne!(keys[0], keys[1]);
    assert!(keys.iter().all(|key| key.len() == 64 && key.bytes().all(|b| b.is_ascii_hexdigit())));
    let error = run("decode").env("SECRET_KEY", &keys[0]).input(FLASK).prints(1, FORGED);
    assert_eq!(error, "");
}

const FORGED: &str = "\
valid   false
reason  no key verifies it: the cookie was changed, or its key, salt or namespace differs
";

#[test]
fn decode_shows_keys_of_flask_cookie() {
    let expected = "\
valid    true
set      2023-11-14T22:13:20Z
expires  2023-12-15T22:13:20Z
keys     user_id
";
    let decode = |arguments: &str| run(arguments).env("SECRET_KEY", KEY);
    decode(&format!("decode --at {NEXT_DAY}")).input(FLASK).prints(0, expected);
    let header = format!("Cookie: theme=dark; session={FLASK}\n");
    decode(&format!("decode --at {NEXT_DAY}")).input(&header).prints(0, expected);
}

#[test]
fn decode_prints_values_on_request_only() {
    let expected = "\
{\"expires\":\"2023-12-15T22:13:20Z\",\"set\":\"2023-11-14T22:13:20Z\",\"valid\":true,\
\"values\":{\"user_id\":42}}
";
    run(&format!("decode --values --json --at {NEXT_DAY}"))
        .env("SECRET_KEY", KEY)
        .input(FLASK)
        .prints(0, expected);
}

#[test]
fn decode_explains_expired_cookie_and_shows_its_contents() {
    let expected = "\
valid   false
reason  it has expired, or its time is in the future
set     2023-11-14T22:13:20Z
keys    user_id
";
    run("decode --at 2024-11-15T00:00:00Z").env("SECRET_KEY", KEY).input(FLASK).prints(1, expected);
}

#[test]
fn decode_explains_changed_cookie() {
    let changed = FLASK.replace("w8-OD", "w8-OE");
    for options in ["", "--format starlette", "--format sealed"] {
        run(&format!("decode --at {NEXT_DAY} {options}"))
            .env("SECRET_KEY", KEY)
            .input(&changed)
            .prints(1, FORGED);
    }
    run(&format!("decode --salt other --at {NEXT_DAY}"))
        .env("SECRET_KEY", KEY)
        .input(FLASK)
        .prints(1, FORGED);
}

#[test]
fn missing_secret_is_usage_error_that_names_remedy() {
    let error = run("decode").input(FLASK).prints(2, "");
    assert_eq!(
        error,
        "session-cli: the environment variable SECRET_KEY has no secret key; set it, or use \
         --key-file\n"
    );
    let error = run("list ada").prints(2, "");
    assert!(error.contains("SESSION_STORE") && error.contains("--store-file"), "{error}");
    let error = run("list ada").env("SESSION_STORE", "carrier://pigeon:secret@loft").prints(2, "");
    assert!(error.contains("\"carrier\"") && !error.contains("secret"), "{error}");
}

/// Creates a store with three sessions of a user, and returns its address.
fn shop(folder: &Path) -> String {
    let address = format!("sqlite:{}?mode=rwc", folder.join("shop.db").display());
    run("migrate").env("SESSION_STORE", &address).prints(0, "table  sessions\nstate  ready\n");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(support::log_in(&address, "ada", 3));
    address
}

#[test]
fn sessions_of_user_are_listed_and_ended() {
    let folder = TemporaryFolder::new();
    let address = shop(folder.path());
    let session_cli = |arguments: &str| run(arguments).env("SESSION_STORE", &address);
    let list = session_cli("list ada").output();
    assert_eq!(list.status.code(), Some(0));
    let list = String::from_utf8(list.stdout).unwrap();
    let lines: Vec<_> = list.lines().collect();
    assert_eq!(lines.len(), 4, "{list}");
    let heading: Vec<_> = lines[0].split("  ").filter(|cell| !cell.is_empty()).collect();
    let heading: Vec<_> = heading.into_iter().map(str::trim).collect();
    assert_eq!(heading, ["handle", "created", "last seen", "logged in", "label"]);
    assert!(lines[1..].iter().all(|line| line.ends_with("a browser")), "{list}");
    let handle = lines[1].split_whitespace().next().unwrap();

    session_cli(&format!("end ada {handle}")).prints(0, "ended  1\n");
    session_cli(&format!("end ada {handle}")).prints(1, "ended  0\n");
    session_cli("end bob --all").prints(0, "ended  0\n");
    for handle in ["-qLPAbcdefghijklmnopqr", "--Abcdefghijklmnopqrst", "-hVAbcdefghijklmnopqrs"] {
        session_cli(&format!("end ada {handle}")).prints(1, "ended  0\n");
        session_cli(&format!("end {handle} --all")).prints(0, "ended  0\n");
    }
    session_cli("end ada --all --json").prints(0, "{\"ended\":2}\n");
    session_cli("list ada --json").prints(1, "[]\n");
    session_cli("sweep").prints(0, "removed  0\n");
}

/// Creates a store with three sessions of a user and two of visitors, and returns its address.
fn busy_shop(folder: &Path) -> String {
    let address = shop(folder);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(support::visit(&address, 2));
    address
}

#[test]
fn count_shows_records_or_exact_sessions() {
    let folder = TemporaryFolder::new();
    let address = busy_shop(folder.path());
    let session_cli = |arguments: &str| run(arguments).env("SESSION_STORE", &address);
    session_cli("count").prints(0, "records  5\n");
    session_cli("count --json").prints(0, "{\"records\":5}\n");
    let expected = "\
sessions     5
of users     3
of visitors  2
";
    assert_eq!(session_cli("count --exact").prints(0, expected), "");
}

#[test]
fn list_of_everyone_shows_owners_and_visitors() {
    let folder = TemporaryFolder::new();
    let address = busy_shop(folder.path());
    let session_cli = |arguments: &str| run(arguments).env("SESSION_STORE", &address);
    let list = String::from_utf8(session_cli("list --everyone").output().stdout).unwrap();
    let heading = "handle                  created               last seen             \
                   expires               owner";
    assert_eq!(list.lines().next(), Some(heading));
    let mut owners: Vec<_> = list.lines().skip(1).map(|line| line.rsplit("  ").next()).collect();
    owners.sort_unstable();
    let ada = Some("ada");
    assert_eq!(owners, [Some("-"), Some("-"), ada, ada, ada]);
    let list = String::from_utf8(session_cli("list --everyone --json").output().stdout).unwrap();
    let rows: Vec<std::collections::BTreeMap<String, String>> =
        serde_json::from_str(&list).unwrap();
    assert_eq!(rows.iter().filter(|row| row.contains_key("owner")).count(), 3);
    session_cli("end --everyone").prints(0, "ended  5\n");
    session_cli("list --everyone --json").prints(1, "[]\n");
}

#[test]
fn show_prints_values_on_request_only() {
    let folder = TemporaryFolder::new();
    let address = shop(folder.path());
    let session_cli = |arguments: &str| run(arguments).env("SESSION_STORE", &address);
    let list = String::from_utf8(session_cli("list ada").output().stdout).unwrap();
    let handle = list.lines().nth(1).unwrap().split_whitespace().next().unwrap();
    let shown = session_cli(&format!("show ada {handle}")).output();
    let text = String::from_utf8(shown.stdout).unwrap();
    let fields: Vec<_> = text.lines().map(|line| line.split("  ").next().unwrap()).collect();
    assert_eq!(fields, ["expires", "created", "owner", "logged in", "handle", "keys"]);
    assert!(text.ends_with("keys       _label, cart\n") && !text.contains("tulips"), "{text}");
    let shown = session_cli(&format!("show ada {handle} --values --json")).output();
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(text.contains(r#""values":{"_label":"a browser","cart":["tulips"]}"#), "{text}");
    session_cli(&format!("show eve {handle}")).prints(1, "found  false\n");
}

#[test]
fn old_and_idle_sessions_are_ended() {
    let folder = TemporaryFolder::new();
    let address = busy_shop(folder.path());
    let session_cli = |arguments: &str| run(arguments).env("SESSION_STORE", &address);
    session_cli("end --older-than 1h").prints(0, "ended  0\n");
    session_cli("end --idle-for 90d --json").prints(0, "{\"ended\":0}\n");
    session_cli("end --idle-for 0s").prints(0, "ended  5\n");
    shop(folder.path());
    session_cli("end --older-than 0s").prints(0, "ended  3\n");
}

#[test]
fn end_without_or_with_two_selections_is_usage_error() {
    for arguments in [
        "end",
        "end ada",
        "end ada handle --all",
        "end ada --everyone",
        "end --all",
        "end --everyone --idle-for 1d",
        "end --older-than soon",
        "list",
        "list ada --everyone",
        "show ada",
    ] {
        run(arguments).env("SESSION_STORE", "sqlite::memory:").prints(2, "");
    }
}

#[test]
fn cookie_of_stored_session_is_decoded_and_explained() {
    let folder = TemporaryFolder::new();
    let address = format!("sqlite:{}?mode=rwc", folder.path().join("shop.db").display());
    run("migrate").env("SESSION_STORE", &address).output();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cookies = runtime.block_on(support::log_in(&address, "ada", 1));
    let decode = || run("decode --format server").env("SESSION_STORE", &address);
    let output = decode().input(&cookies[0]).output();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.starts_with("valid      true\n") && text.contains("owner      ada\n"), "{text}");
    assert!(text.contains("keys       _label, cart\n"), "{text}");
    run("end ada --all").env("SESSION_STORE", &address).prints(0, "ended  1\n");
    let expected = "\
valid   false
reason  no session has this id: it has ended, expired long ago, or never existed
";
    decode().input(&cookies[0]).prints(1, expected);
}

#[test]
fn bench_measures_each_call_and_removes_its_records() {
    let folder = TemporaryFolder::new();
    let address = busy_shop(folder.path());
    let session_cli = |arguments: &str| run(arguments).env("SESSION_STORE", &address);
    let table = session_cli("bench --records 20 --tasks 3 --payload 5000").output();
    let table = String::from_utf8(table.stdout).unwrap();
    let heading = "call     per second  median ms  p99 ms     max ms";
    assert_eq!(table.lines().next(), Some(heading));
    let calls: Vec<_> = table.lines().skip(1).map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(calls, ["create", "load", "replace", "remove"]);
    session_cli("count").prints(0, "records  5\n");

    let rows = session_cli("bench --records 1 --json").output().stdout;
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&rows).unwrap();
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| row["median_ms"].as_f64() > Some(0.0)), "{rows:?}");
    let error = session_cli("bench --payload 2000000").prints(2, &format!("{heading}\n"));
    assert!(error.contains("exceeds"), "{error}");
    session_cli("count").prints(0, "records  5\n");
}

#[test]
fn copy_moves_sessions_of_users_and_visitors() {
    let (folder, other) = (TemporaryFolder::new(), TemporaryFolder::new());
    let old = busy_shop(folder.path());
    let new = format!("sqlite:{}?mode=rwc", other.path().join("new.db").display());
    run("migrate").env("SESSION_STORE", &new).prints(0, "table  sessions\nstate  ready\n");
    let copy =
        |arguments: &str| run(arguments).env("SESSION_STORE", &old).env("NEW_SESSION_STORE", &new);
    assert_eq!(copy("copy").prints(0, "moved  5\n"), "");
    copy("copy --json").prints(0, "{\"moved\":0}\n");
    let counts = "\
sessions     5
of users     3
of visitors  2
";
    run("count --exact").env("SESSION_STORE", &new).prints(0, counts);
    run("list --everyone --json").env("SESSION_STORE", &old).prints(1, "[]\n");
    run("end ada --all").env("SESSION_STORE", &new).prints(0, "ended  3\n");
}

#[test]
fn copy_needs_two_different_stores() {
    let error = run("copy").env("SESSION_STORE", "sqlite::memory:").prints(2, "");
    assert!(error.contains("NEW_SESSION_STORE") && error.contains("--to-file"), "{error}");
    for arguments in ["copy", "copy --to-key-prefix other:"] {
        let address = "sqlite:/nonexistent/shop.db";
        let copy = run(arguments).env("SESSION_STORE", address).env("NEW_SESSION_STORE", address);
        let error = copy.prints(2, "");
        assert!(error.contains("the same"), "{error}");
    }
}

#[test]
fn check_accepts_migrated_store_only() {
    let folder = TemporaryFolder::new();
    let address = format!("sqlite:{}?mode=rwc", folder.path().join("shop.db").display());
    let session_cli = |arguments: &str| run(arguments).env("SESSION_STORE", &address);
    let error = session_cli("check").prints(3, "");
    assert!(error.contains("no such table"), "{error}");
    session_cli("migrate").output();
    session_cli("check").prints(0, "state  ready\n");
    session_cli("check --json").prints(0, "{\"state\":\"ready\"}\n");
}

#[test]
fn store_that_is_down_has_its_own_exit_code() {
    for address in ["redis://127.0.0.1:1/", "postgres://127.0.0.1:1/shop"] {
        for command in ["list ada", "check"] {
            let error = run(command).env("SESSION_STORE", address).prints(3, "");
            assert!(error.contains("refused"), "{error}");
        }
    }
}

#[test]
fn call_without_reply_ends_at_timeout() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    for scheme in ["redis", "postgres"] {
        let address = format!("{scheme}://127.0.0.1:{port}/0");
        let error = run("check --timeout 1").env("SESSION_STORE", &address).prints(3, "");
        assert!(error.contains("deadline"), "{error}");
    }
    run("check --timeout 0").prints(2, "");
}

#[test]
fn help_names_every_command_and_manual_and_completions_exist() {
    let help = String::from_utf8(run("--help").output().stdout).unwrap();
    let manual = String::from_utf8(run("man").output().stdout).unwrap();
    let completions = String::from_utf8(run("completions bash").output().stdout).unwrap();
    for command in [
        "keygen", "decode", "count", "list", "show", "end", "copy", "bench", "check", "migrate",
        "sweep", "man",
    ] {
        for text in [&help, &manual, &completions] {
            assert!(text.contains(command), "{command} in {text}");
        }
    }
    assert!(help.contains("Exit codes:"), "{help}");
}

mod support {
    use std::sync::Arc;

    use session_core::SessionConfig;
    use session_core::request::{OutagePolicy, RequestSession, RequestView};
    use session_sql::{SqlSessions, SqlStore};

    /// Logs a user in from several browsers, and returns the cookies.
    pub(crate) async fn log_in(address: &str, owner: &str, browsers: usize) -> Vec<String> {
        let store = SqlStore::connect(address).await.unwrap();
        let sessions = Arc::new(SqlSessions::new(store, SessionConfig::default()));
        let mut cookies = Vec::new();
        for _ in 0..browsers {
            let (sessions, view) = (Arc::clone(&sessions) as _, RequestView::default());
            let request = RequestSession::with_shared(sessions, view, OutagePolicy::Refuse);
            let session = request.session().await.unwrap();
            session.log_in(owner, None).await.unwrap();
            session.set_label("a browser").unwrap();
            session.insert("cart", ["tulips"]).unwrap();
            let headers = request.commit().await.into_result().unwrap();
            let cookie = headers.set_cookie().unwrap().split(';').next().unwrap();
            cookies.push(cookie.to_owned());
        }
        cookies
    }

    /// Creates sessions of visitors.
    pub(crate) async fn visit(address: &str, browsers: usize) {
        let store = SqlStore::connect(address).await.unwrap();
        let sessions = Arc::new(SqlSessions::new(store, SessionConfig::default()));
        for _ in 0..browsers {
            let (sessions, view) = (Arc::clone(&sessions) as _, RequestView::default());
            let request = RequestSession::with_shared(sessions, view, OutagePolicy::Refuse);
            request.session().await.unwrap().insert("cart", ["roses"]).unwrap();
            request.commit().await.into_result().unwrap();
        }
    }
}
