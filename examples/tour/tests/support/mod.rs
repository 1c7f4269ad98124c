//! A running program of the tour, and a browser for it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use ureq::Agent;
use ureq::http::Response;
use ureq::http::header::{COOKIE, LOCATION, SET_COOKIE, VARY};

/// Visits a program of this name, first in axum and then in actix-web.
pub(crate) fn in_both(name: &str, visit: impl Fn(Program, Browser)) {
    for framework in ["axum", "actix"] {
        let program = Program::start(framework, name, &[]);
        let browser = Browser::new(&program);
        visit(program, browser);
    }
}

/// A running program. It is stopped on drop.
pub(crate) struct Program {
    process: Child,
    address: String,
}

impl Program {
    /// Starts a program with these environment variables and no other secret key.
    pub(crate) fn start(framework: &str, name: &str, environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tour"));
        command
            .args([framework, name, "127.0.0.1:0"])
            .env_remove("SECRET_KEY")
            .env_remove("OLD_SECRET_KEY");
        command.envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        assert!(address.starts_with("http://127.0.0.1:"), "{framework} {name} says {address:?}");
        Self { process, address: address.trim_end().to_owned() }
    }

    /// Stops the program and returns its log.
    pub(crate) fn end(mut self) -> String {
        self.process.kill().unwrap();
        let mut log = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // The process may already have exited.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A visitor that stores the session cookie.
pub(crate) struct Browser {
    agent: Agent,
    address: String,
    pub(crate) cookie: Option<String>,
}

/// A response.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) set_cookie: Option<String>,
    pub(crate) vary: Option<String>,
    pub(crate) text: String,
}

impl Browser {
    pub(crate) fn new(program: &Program) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).build();
        Self { agent: config.into(), address: program.address.clone(), cookie: None }
    }

    pub(crate) fn get(&mut self, path: &str) -> Page {
        let mut request = self.agent.get(format!("{}{path}", self.address));
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        let response = request.call().unwrap();
        self.receive(response)
    }

    /// Sends a form with these fields.
    pub(crate) fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Page {
        let mut request = self.agent.post(format!("{}{path}", self.address));
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        let response = request.send_form(form.iter().copied()).unwrap();
        self.receive(response)
    }

    fn receive(&mut self, mut response: Response<ureq::Body>) -> Page {
        let header = |name| Some(response.headers().get(name)?.to_str().unwrap().to_owned());
        let (location, set_cookie, vary) = (header(LOCATION), header(SET_COOKIE), header(VARY));
        if let Some(set) = &set_cookie {
            let pair = set.split(';').next().unwrap();
            self.cookie = (pair != "session=").then(|| pair.to_owned());
        }
        let status = response.status().as_u16();
        Page {
            status,
            location,
            set_cookie,
            vary,
            text: response.body_mut().read_to_string().unwrap(),
        }
    }
}
