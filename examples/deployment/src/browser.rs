//! A browser, which is an HTTP client with cookies.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// The time limit of a request. It exceeds the time for which nginx waits for both shops in turn.
const PATIENCE: Duration = Duration::from_secs(30);

/// The connections of all browsers to one server.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    client: Client<HttpConnector, Full<Bytes>>,
    port: u16,
}

/// The cookies of a browser.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cookies(BTreeMap<String, String>);

/// A response with a status below 500.
#[derive(Debug)]
pub(crate) struct Response {
    status: u16,
    headers: HeaderMap,
    body: String,
}

/// The cause of a failed request: a status of 500 or more, or no response.
pub(crate) type Failure = String;

impl Server {
    /// Returns the server at a port of 127.0.0.1.
    pub(crate) fn at(port: u16) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), port }
    }

    pub(crate) async fn get(&self, path: &str, cookies: &Cookies) -> Result<Response, Failure> {
        self.send(Method::GET, path, cookies, "").await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        cookies: &Cookies,
        form: &'static str,
    ) -> Result<Response, Failure> {
        self.send(Method::POST, path, cookies, form).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        cookies: &Cookies,
        form: &'static str,
    ) -> Result<Response, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{}{path}", self.port))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(COOKIE, cookies.header())
            .header("sec-fetch-site", "same-origin")
            .body(Full::new(Bytes::from_static(form.as_bytes())))
            .map_err(|error| error.to_string())?;
        match tokio::time::timeout(PATIENCE, self.receive(request)).await {
            Ok(response) => response,
            Err(_) => Err("no response".to_owned()),
        }
    }

    async fn receive(&self, request: Request<Full<Bytes>>) -> Result<Response, Failure> {
        let closed = |_| "closed connection".to_owned();
        let response = self.client.request(request).await.map_err(|_| "closed connection")?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = response.into_body().collect().await.map_err(closed)?.to_bytes();
        if status >= 500 {
            return Err(status.to_string());
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Response { status, headers, body })
    }
}

impl Cookies {
    /// Stores the cookies of a response.
    pub(crate) fn receive(&mut self, response: &Response) {
        for line in response.headers.get_all(SET_COOKIE) {
            let line = line.to_str().unwrap_or_default();
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let Some((name, value)) = pair.split_once('=') else { continue };
            if attributes.to_ascii_lowercase().contains("max-age=0") {
                self.0.remove(name);
            } else {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    fn header(&self) -> String {
        let pairs: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }
}

impl Response {
    /// Returns the path to which a form redirects, if the form was accepted.
    pub(crate) fn next_page(&self) -> Option<&str> {
        let location = self.headers.get(LOCATION)?.to_str().ok()?;
        (self.status == 303).then_some(location)
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn body(&self) -> &str {
        &self.body
    }
}
