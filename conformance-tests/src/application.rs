//! Checks a running web application by its address. The application can use any language and any
//! session library.
//!
//! The application must have the small HTTP interface that `docs/checking-applications.md`
//! describes. The program `check-application` calls [`check`] and prints the [`Report`].
//!
//! Two requests overlap in a defined order. The handler of the first request waits between its read
//! and its write until the second request has finished. Therefore one run finds a lost update or a
//! revived session.

mod browser;
mod checks;
mod client;
mod cookie;
mod exchange;
mod report;

use std::fmt;
use std::time::Duration;

use session_core::{Error, ErrorKind};

pub use report::{Finding, Outcome, Report};

use browser::{Browser, unexpected};
use checks::{Check, GROUPS, Storage, Subject, Verdict};
use client::Application;
use exchange::Request;

/// Checks the application at an address, such as `http://127.0.0.1:5000`.
///
/// # Errors
///
/// - [`ErrorKind::Configuration`] if the address is not an `http://` address.
/// - [`ErrorKind::Unavailable`] if the application does not reply.
/// - [`ErrorKind::Backend`] if the application does not follow the adapter contract.
pub fn check(url: &str, options: &Options) -> Result<Report, Error> {
    let application = Application::new(url, options)?;
    let storage = follow_contract(&application)?;
    let subject = Subject { application, storage };
    let findings = GROUPS.iter().flat_map(|group| {
        group.checks.iter().map(|check| Finding {
            group: group.name,
            check: check.name,
            promise: check.promise,
            outcome: outcome(&subject, check),
        })
    });
    Ok(Report { stored_in_cookie: storage == Storage::Cookie, findings: findings.collect() })
}

/// Returns the name and the promise of each check, in the order of a report.
pub fn checks() -> impl Iterator<Item = (&'static str, &'static str)> {
    GROUPS.iter().flat_map(|group| group.checks).map(|check| (check.name, check.promise))
}

/// The settings of the checks.
pub struct Options {
    idle_timeout: Option<Duration>,
    patience: Duration,
    headers: Vec<(String, String)>,
    advance: Option<Box<dyn Fn(Duration) + Send + Sync>>,
}

impl Options {
    /// Sets the idle timeout of the application. With the default, `None`, expiry is not checked.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.idle_timeout = timeout.into();
        self
    }

    /// Adds a header to each request, such as `X-Forwarded-Proto: https` for an application that
    /// sets `Secure` cookies only behind a proxy.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the time limit of the second of two overlapping requests. The default is two seconds.
    ///
    /// An application with a lock for each session processes the second request only after the
    /// first request. After the time limit, the first request continues.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets a function that advances the clock of the application. By default, the checks wait for
    /// the time to pass.
    #[must_use]
    pub fn advance(mut self, advance: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        self.advance = Some(Box::new(advance));
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        let patience = Duration::from_secs(2);
        Self { idle_timeout: None, patience, headers: Vec::new(), advance: None }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("idle_timeout", &self.idle_timeout).finish_non_exhaustive()
    }
}

fn outcome(subject: &Subject, check: &Check) -> Outcome {
    match (check.run)(subject) {
        Ok(Verdict::Passed) => Outcome::Passed,
        Ok(Verdict::NotApplicable(reason)) => Outcome::NotApplicable(reason.to_owned()),
        Ok(Verdict::Defect(cause)) if check.needs_server && subject.storage == Storage::Cookie => {
            Outcome::ByDesign(cause)
        }
        Ok(Verdict::Defect(cause)) => Outcome::Failed(cause),
        Err(error) => Outcome::Failed(format!("the check could not be completed: {error}")),
    }
}

/// Checks that the application follows the adapter contract, and returns the storage of its
/// sessions.
fn follow_contract(application: &Application) -> Result<Storage, Error> {
    let mut browser = Browser::new(application);
    browser.succeed(&Request::plain())?;
    require(&mut browser, &Request::value("missing"), 404, "")?;
    browser.set("color", "red")?;
    if browser.jar.is_empty() {
        let message = "POST /set sets no cookie; the adapter contract requires a session cookie";
        return Err(Error::new(ErrorKind::Backend, message));
    }
    require(&mut browser, &Request::value("color"), 200, "red")?;
    require(&mut browser, &Request::add("number"), 200, "1")?;
    require(&mut browser, &Request::add("number"), 200, "2")?;
    require(&mut browser, &Request::user(), 404, "")?;
    browser.log_in()?;
    require(&mut browser, &Request::user(), 200, "ada")?;
    browser.log_out()?;
    require(&mut browser, &Request::held("unknown"), 404, "")?;
    storage(application)
}

fn require(browser: &mut Browser, request: &Request, status: u16, body: &str) -> Result<(), Error> {
    let response = browser.send(request)?;
    if response.status != status || (status == 200 && response.body.trim() != body) {
        let expected =
            if body.is_empty() { status.to_string() } else { format!("{status} and {body}") };
        return Err(unexpected(&response, &expected));
    }
    Ok(())
}

/// Returns `Storage::Cookie` if the cookie grows with the session.
fn storage(application: &Application) -> Result<Storage, Error> {
    const ADDED: usize = 600;
    let mut browser = Browser::new(application);
    browser.set("color", "red")?;
    let before = browser.jar.size();
    browser.set("color", &checks::random_text(ADDED))?;
    let is_cookie = browser.jar.size() > before + ADDED / 2;
    Ok(if is_cookie { Storage::Cookie } else { Storage::Server })
}
