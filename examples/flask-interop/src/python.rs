//! The Python processes: Flask applications, and processes that run commands. Dropping a value ends
//! its process.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;
use session_cookie::Digest;
use session_core::flask_login::Protection;

use crate::{Result, Signing};

/// A Flask application on its own port.
#[derive(Debug)]
pub struct FlaskApp {
    url: String,
    _python: Python,
}

impl FlaskApp {
    /// Starts the application, and waits until it listens.
    pub fn start(signing: Signing) -> Result<Self> {
        Self::listen(Python::start("app.py", signing, &[])?)
    }

    /// Starts an application with Flask-Login and this session protection.
    pub fn with_login(signing: Signing, protection: Option<Protection>) -> Result<Self> {
        let protection = match protection {
            None => "none",
            Some(Protection::Basic) => "basic",
            Some(Protection::Strong) => "strong",
            Some(other) => return Err(format!("Flask-Login has no name for {other:?}").into()),
        };
        Self::listen(Python::start("login_app.py", signing, &["--protection", protection])?)
    }

    fn listen(mut python: Python) -> Result<Self> {
        let port: u16 = python.read_line()?.parse()?;
        Ok(Self { url: format!("http://127.0.0.1:{port}"), _python: python })
    }

    /// Returns the address.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// A process that reads and writes Flask's sessions by commands, without a server.
#[derive(Debug)]
pub struct Batch {
    python: Python,
}

impl Batch {
    /// Starts the process.
    pub fn start(signing: Signing) -> Result<Self> {
        Ok(Self { python: Python::start("batch.py", signing, &[])? })
    }

    /// Starts the applications of Starlette and FastAPI.
    pub fn starlette(key: &'static str) -> Result<Self> {
        let signing = Signing::with_key(key);
        Ok(Self { python: Python::start("starlette_batch.py", signing, &[])? })
    }

    /// Sends a command and returns its reply. Fails if the command raises a Python exception.
    pub fn ask(&mut self, command: &Value) -> Result<Value> {
        self.python.write_line(&command.to_string())?;
        let answer: Value = serde_json::from_str(&self.python.read_line()?)?;
        match answer.get("error") {
            Some(error) => Err(format!("Python replied to {command} with {error}").into()),
            None => Ok(answer),
        }
    }
}

#[derive(Debug)]
struct Python {
    process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Python {
    fn start(script: &str, signing: Signing, arguments: &[&str]) -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
        let mut command = Command::new(interpreter()?);
        command.arg("-B").arg(folder.join(script)).args(["--key", signing.key]);
        command.args(["--digest", digest_name(signing.digest)?]).args(arguments);
        for key in signing.retired {
            command.args(["--fallback", key]);
        }
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = process.stdin.take().ok_or("Python has no standard input")?;
        let stdout = process.stdout.take().ok_or("Python has no standard output")?;
        Ok(Self { process, stdin, stdout: BufReader::new(stdout) })
    }

    fn write_line(&mut self, line: &str) -> Result<()> {
        Ok(writeln!(self.stdin, "{line}")?)
    }

    fn read_line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stdout.read_line(&mut line)? == 0 {
            return Err("Python exited; its standard error has the reason".into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // The process may already have exited, and a drop cannot report an error.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the path of a Python interpreter with Flask. The first call on a machine installs Flask.
fn interpreter() -> Result<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/flask-venv");
    let output = Command::new(script).stderr(Stdio::piped()).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn digest_name(digest: Digest) -> Result<&'static str> {
    match digest {
        Digest::Sha1 => Ok("sha1"),
        Digest::Sha256 => Ok("sha256"),
        Digest::Sha512 => Ok("sha512"),
        other => Err(format!("the Flask application has no name for {other:?}").into()),
    }
}
