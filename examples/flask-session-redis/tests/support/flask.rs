//! A running Flask application with Flask-Session, and a browser for it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use ureq::Agent;
use ureq::http::header::{COOKIE, SET_COOKIE};

use super::RedisServer;

/// A Flask application on its own port. Applications that were started together share a process,
/// which ends when all of them are dropped.
#[derive(Debug)]
pub(crate) struct FlaskApp {
    _python: Arc<Python>,
    url: String,
    agent: Agent,
}

#[derive(Debug)]
struct Python(Child);

impl FlaskApp {
    /// Starts an application for each format and secret, and waits until all listen. Ids are signed
    /// if there is a secret.
    pub(crate) fn start(redis: &RedisServer, settings: &[(&str, &str)]) -> Vec<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/app.py");
        let mut command = Command::new(interpreter());
        command.args(["-B", "-W", "ignore"]).arg(script).arg(redis.url());
        command.args(settings.iter().flat_map(|(format, secret)| [format, secret]));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let python = Arc::new(Python(process));
        let app = |port: String| Self {
            _python: Arc::clone(&python),
            url: format!("http://127.0.0.1:{port}"),
            agent: Agent::config_builder().http_status_as_error(false).build().into(),
        };
        let apps: Vec<_> = lines.take(settings.len()).map(|port| app(port.unwrap())).collect();
        assert_eq!(apps.len(), settings.len(), "Python exited; its standard error has the reason");
        apps
    }

    /// Sends a POST request, and stores the cookie.
    pub(crate) fn post(&self, cookie: &mut Option<String>, path: &str) {
        let mut request = self.agent.post(format!("{}{path}", self.url));
        if let Some(cookie) = &cookie {
            request = request.header(COOKIE, format!("session={cookie}"));
        }
        let response = request.send_empty().unwrap();
        assert_eq!(response.status(), 200, "{path}");
        if let Some(set_cookie) = response.headers().get(SET_COOKIE) {
            let (_, value) =
                set_cookie.to_str().unwrap().split_once(';').unwrap().0.split_once('=').unwrap();
            *cookie = if value.is_empty() { None } else { Some(value.to_owned()) };
        }
    }

    /// Requests a page, which is JSON.
    pub(crate) fn get(&self, cookie: Option<&str>, path: &str) -> Value {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, format!("session={cookie}"));
        }
        let mut response = request.call().unwrap();
        assert_eq!(response.status(), 200, "{path}");
        serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap()
    }

    /// Returns the session as Python sees it: each key with the type and the `repr` of its value.
    pub(crate) fn state(&self, cookie: Option<&str>) -> Value {
        self.get(cookie, "/state")
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // The process may already have exited, and a drop cannot report an error.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns the path of a Python with Flask-Session. The first call on a machine installs it.
fn interpreter() -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/venv");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let output = Command::new(script).env("CARGO_TARGET_DIR", target).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
