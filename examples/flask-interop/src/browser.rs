//! A minimal browser, which stores cookies and sends them back.

use std::collections::BTreeMap;

use serde_json::Value;
use ureq::config::AutoHeaderValue;
use ureq::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE, VARY};
use ureq::http::{HeaderName, HeaderValue, Response};
use ureq::{Agent, RequestBuilder};

use crate::Result;

/// A browser with one cookie jar for all applications on this host. Cookies do not depend on the
/// port.
#[derive(Clone, Debug)]
pub struct Browser {
    agent: Agent,
    cookies: BTreeMap<String, String>,
    headers: BTreeMap<&'static str, Vec<u8>>,
}

/// The response of an application.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The session cookie that the response sets or removes.
    pub set_cookie: Option<SetCookie>,
    /// The `Vary` header.
    pub vary: Option<String>,
    /// The body.
    pub body: String,
}

/// A `Set-Cookie` header.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SetCookie {
    /// The cookie's name.
    pub name: String,
    /// The cookie's value.
    pub value: String,
    /// The attributes, in any order.
    pub attributes: BTreeMap<String, String>,
}

impl Browser {
    /// Returns a browser without cookies.
    pub fn new() -> Self {
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0);
        let config = config.user_agent(AutoHeaderValue::None).build();
        Self { agent: config.into(), cookies: BTreeMap::new(), headers: BTreeMap::new() }
    }

    /// Sends this header with each later request. The name must be in lower case.
    pub fn set_header(&mut self, name: &'static str, value: impl Into<Vec<u8>>) {
        self.headers.insert(name, value.into());
    }

    /// Requests a page.
    pub fn get(&mut self, application: &str, path: &str) -> Result<Answer> {
        let request = self.agent.get(format!("{application}{path}"));
        let response = self.with_headers(request)?.call()?;
        self.receive(response)
    }

    /// Sends a POST request. Fails if the status is not 200.
    pub fn post(&mut self, application: &str, path: &str) -> Result<Answer> {
        let request = self.agent.post(format!("{application}{path}"));
        let response = self.with_headers(request)?.send_empty()?;
        let answer = self.receive(response)?;
        if answer.status == 200 {
            Ok(answer)
        } else {
            Err(format!("{path} responded with {answer:?}").into())
        }
    }

    /// Sends a form with these headers. Accepts a response with any status.
    pub fn send_form(
        &mut self,
        application: &str,
        path: &str,
        form: &str,
        headers: &[(&str, &str)],
    ) -> Result<Answer> {
        let mut request = self.with_headers(self.agent.post(format!("{application}{path}")))?;
        request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send(form)?;
        self.receive(response)
    }

    /// Returns the session as the application reads it: each key with the description of its value.
    pub fn state(&mut self, application: &str) -> Result<Value> {
        self.get(application, "/state")?.json()
    }

    /// Returns the value of the session cookie.
    pub fn session(&self) -> Option<&str> {
        self.cookie("session")
    }

    /// Returns the value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Removes the session cookie, as a browser does when it closes.
    pub fn forget_session(&mut self) {
        self.cookies.remove("session");
    }

    /// Replaces the session cookie, as an attacker would.
    pub fn forge_session(&mut self, value: &str) {
        self.cookies.insert("session".to_owned(), value.to_owned());
    }

    fn with_headers<B>(&self, mut request: RequestBuilder<B>) -> Result<RequestBuilder<B>> {
        for (name, value) in &self.headers {
            request =
                request.header(HeaderName::from_static(name), HeaderValue::from_bytes(value)?);
        }
        Ok(match self.cookie_header() {
            Some(cookies) => request.header(COOKIE, cookies),
            None => request,
        })
    }

    fn cookie_header(&self) -> Option<String> {
        let pairs: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { None } else { Some(pairs.join("; ")) }
    }

    fn receive(&mut self, mut response: Response<ureq::Body>) -> Result<Answer> {
        let mut set_cookies = BTreeMap::new();
        for header in response.headers().get_all(SET_COOKIE) {
            let cookie = SetCookie::parse(header.to_str()?)?;
            if let Some(other) = set_cookies.insert(cookie.name.clone(), cookie) {
                return Err(format!("two cookies have one name; the first is {other:?}").into());
            }
        }
        for (name, cookie) in &set_cookies {
            if cookie.is_removal() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.clone(), cookie.value.clone());
            }
        }
        let set_cookie = set_cookies.remove("session");
        let vary = response
            .headers()
            .get(VARY)
            .map(|value| value.to_str().map(str::to_owned))
            .transpose()?;
        let status = response.status().as_u16();
        Ok(Answer { status, set_cookie, vary, body: response.body_mut().read_to_string()? })
    }
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Answer {
    /// Returns the body of a successful response, as JSON.
    pub fn json(&self) -> Result<Value> {
        if self.status != 200 {
            return Err(format!("response was not successful: {self:?}").into());
        }
        Ok(serde_json::from_str(&self.body)?)
    }
}

impl SetCookie {
    fn parse(header: &str) -> Result<Self> {
        let mut parts =
            header.split(';').map(|part| part.trim().split_once('=').unwrap_or((part.trim(), "")));
        let (name, value) = parts.next().ok_or("Set-Cookie header is empty")?;
        let attributes = parts.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Self { name: name.to_owned(), value: value.to_owned(), attributes })
    }

    /// Returns whether the header removes the cookie.
    pub fn is_removal(&self) -> bool {
        self.attributes.get("Max-Age").is_some_and(|age| age == "0")
    }
}
