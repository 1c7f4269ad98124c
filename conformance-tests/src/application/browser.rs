//! A browser that stores cookies, and can send two requests at the same time.

use std::thread;
use std::time::{Duration, Instant};

use session_core::{Error, ErrorKind};

use super::client::Application;
use super::cookie::Jar;
use super::exchange::{Request, Response};

/// The time limit for a request to read the session.
const MAX_READ: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(5);

#[derive(Clone)]
pub(super) struct Browser<'a> {
    application: &'a Application<'a>,
    pub(super) jar: Jar,
}

/// The responses of two requests that overlapped.
pub(super) struct Overlap {
    /// The response to the request that read the session first and wrote it last.
    pub(super) outer: Response,
    pub(super) inner: Response,
}

impl<'a> Browser<'a> {
    pub(super) fn new(application: &'a Application<'a>) -> Self {
        Self { application, jar: Jar::default() }
    }

    /// Returns a browser with these cookies.
    pub(super) fn with(application: &'a Application<'a>, jar: Jar) -> Self {
        Self { application, jar }
    }

    /// Returns another browser with copies of the cookies.
    pub(super) fn copied(&self) -> Self {
        Self { jar: self.jar.copied(), ..*self }
    }

    /// Sends a request and stores the cookies of the response.
    pub(super) fn send(&mut self, request: &Request) -> Result<Response, Error> {
        let response = self.application.send(request, &self.jar)?;
        self.jar.receive(&response, self.application.now());
        Ok(response)
    }

    /// Sends a request that must succeed.
    pub(super) fn succeed(&mut self, request: &Request) -> Result<Response, Error> {
        let response = self.send(request)?;
        if response.is_success() { Ok(response) } else { Err(unexpected(&response, "200")) }
    }

    pub(super) fn set(&mut self, key: &str, value: &str) -> Result<(), Error> {
        self.succeed(&Request::set(key, value)).map(drop)
    }

    pub(super) fn get(&mut self, key: &str) -> Result<Option<String>, Error> {
        self.find(&Request::value(key))
    }

    /// Adds one to the number under this key and returns the new number.
    pub(super) fn add(&mut self, key: &str) -> Result<u64, Error> {
        let response = self.succeed(&Request::add(key))?;
        let number = response.body.trim().parse();
        number.map_err(|_| unexpected(&response, "200 and a number"))
    }

    pub(super) fn log_in(&mut self) -> Result<(), Error> {
        self.succeed(&Request::log_in("ada")).map(drop)
    }

    pub(super) fn log_out(&mut self) -> Result<(), Error> {
        self.succeed(&Request::log_out()).map(drop)
    }

    /// Returns the logged-in user.
    pub(super) fn user(&mut self) -> Result<Option<String>, Error> {
        self.find(&Request::user())
    }

    pub(super) fn is_logged_in(&mut self) -> Result<bool, Error> {
        Ok(self.user()?.is_some())
    }

    fn find(&mut self, request: &Request) -> Result<Option<String>, Error> {
        let response = self.send(request)?;
        match response.status {
            404 => Ok(None),
            200 => Ok(Some(response.body)),
            _ => Err(unexpected(&response, "200 or 404")),
        }
    }

    /// Sends `inner` between the read and the write of `outer`. Then stores the cookies of the
    /// responses to `inner` and to `outer`, in this order.
    pub(super) fn overlap(&mut self, outer: &Request, inner: &Request) -> Result<Overlap, Error> {
        let hold = format!("hold{:016x}", fastrand::u64(..));
        let outer = outer.clone().holding(&hold);
        let (application, jar) = (self.application, &self.jar);
        let overlap = thread::scope(|scope| {
            let first = scope.spawn(|| application.send(&outer, jar));
            let reached = self.wait_until_held(&hold, &outer, || first.is_finished());
            let second = reached.map(|()| {
                let second = scope.spawn(|| application.send(inner, jar));
                wait_for(application.options.patience, || second.is_finished());
                second
            });
            let released = application.send(&Request::release(&hold), &Jar::default());
            let (first, second) = (join(first), join(second?));
            released?;
            Ok(Overlap { outer: first?, inner: second? })
        })?;
        for response in [&overlap.inner, &overlap.outer] {
            self.jar.receive(response, self.application.now());
        }
        Ok(overlap)
    }

    fn wait_until_held(
        &self,
        hold: &str,
        request: &Request,
        is_finished: impl Fn() -> bool,
    ) -> Result<(), Error> {
        let is_held = || {
            let response = self.application.send(&Request::held(hold), &Jar::default())?;
            Ok::<_, Error>(response.is_success())
        };
        let begun = Instant::now();
        while !is_held()? {
            if is_finished() || begun.elapsed() > MAX_READ {
                let message = format!(
                    "{} with the parameter `hold` did not wait for POST /release; the adapter \
                     contract requires it",
                    request.line()
                );
                return Err(Error::new(ErrorKind::Backend, message));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }
}

/// Returns the error for a response that the adapter contract does not allow.
pub(super) fn unexpected(response: &Response, expected: &str) -> Error {
    let Response { request, status, .. } = response;
    let message =
        format!("{request} returned status {status}; the adapter contract requires {expected}");
    Error::new(ErrorKind::Backend, message)
}

fn wait_for(limit: Duration, is_done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_done() && begun.elapsed() < limit {
        thread::sleep(POLL);
    }
}

fn join<T>(thread: thread::ScopedJoinHandle<'_, Result<T, Error>>) -> Result<T, Error> {
    let stopped = |_| Error::new(ErrorKind::Backend, "thread of a request panicked");
    thread.join().map_err(stopped)?
}
