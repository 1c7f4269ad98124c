//! Data from Chromium's developer tools: cookies with all attributes, the console and the screen.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fantoccini::wd::WebDriverCompatibleCommand;
use http::Method;
use serde_json::{Value, json};
use url::{ParseError, Url};

use crate::browser::Browser;

/// A cookie as the browser stores it.
#[derive(Debug)]
pub(crate) struct Cookie(Value);

impl Cookie {
    pub(crate) fn value(&self) -> &str {
        self.0["value"].as_str().unwrap()
    }

    /// Returns the expiry in seconds since 1970, or `None` if the cookie ends with the browser.
    pub(crate) fn expires(&self) -> Option<f64> {
        (!self.0["session"].as_bool().unwrap()).then(|| self.0["expires"].as_f64().unwrap())
    }

    /// Returns these attributes.
    pub(crate) fn attributes<const N: usize>(&self, names: [&str; N]) -> [Value; N] {
        names.map(|name| self.0[name].clone())
    }
}

/// A resource that the browser loaded: the page, its style or its icon.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) url: String,
    /// The status of the response; `None` without a response.
    pub(crate) status: Option<u64>,
    pub(crate) is_page: bool,
    request: Value,
}

impl Load {
    fn of(event: &Value) -> Option<Self> {
        let parameters = &event["params"];
        let (url, status) = match event["method"].as_str()? {
            "Network.responseReceived" => {
                (&parameters["response"]["url"], parameters["response"]["status"].as_u64())
            }
            "Network.loadingFailed" => (&parameters["errorText"], None),
            _ => return None,
        };
        Some(Self {
            url: url.as_str().unwrap_or_default().to_owned(),
            status,
            is_page: parameters["type"] == "Document",
            request: parameters["requestId"].clone(),
        })
    }
}

/// The width of a screen, and the colour preference of its user.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Screen {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) dark: bool,
}

impl Browser {
    /// Returns the session cookie of the browser, if it has one. A visitor also has a cookie for
    /// the tokens of forms.
    pub(crate) async fn cookie(&self) -> Option<Cookie> {
        let answer = self.devtools("Storage.getCookies", json!({})).await;
        let cookies = answer["cookies"].as_array().unwrap();
        let is_session =
            |cookie: &&Value| cookie["name"] == "session" || cookie["name"] == "__Host-session";
        let cookies: Vec<_> = cookies.iter().filter(is_session).collect();
        assert!(cookies.len() <= 1, "{cookies:?}");
        cookies.first().map(|cookie| Cookie((*cookie).clone()))
    }

    /// Restores a cookie.
    pub(crate) async fn plant(&self, cookie: &Cookie) {
        self.devtools("Storage.setCookies", json!({ "cookies": [cookie.0] })).await;
    }

    pub(crate) async fn look_at(&self, screen: Screen) {
        let size = json!({ "width": screen.width, "height": screen.height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = if screen.dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Returns a screenshot as PNG.
    pub(crate) async fn screenshot(&self) -> Vec<u8> {
        let answer = self.devtools("Page.captureScreenshot", json!({ "format": "png" })).await;
        BASE64_STANDARD.decode(answer["data"].as_str().unwrap()).unwrap()
    }

    /// Returns the resources loaded since the last call.
    pub(crate) async fn loads(&self) -> Vec<Load> {
        let events = self.log("performance").await;
        let events = events.iter().map(|event| serde_json::from_str::<Value>(event).unwrap());
        events.filter_map(|event| Load::of(&event["message"])).collect()
    }

    /// Returns the response body.
    pub(crate) async fn body(&self, load: &Load) -> String {
        let answer =
            self.devtools("Network.getResponseBody", json!({ "requestId": load.request })).await;
        answer["body"].as_str().unwrap().to_owned()
    }

    /// Returns the console output since the last call, including errors of loading.
    pub(crate) async fn console(&self) -> Vec<String> {
        self.log("browser").await
    }

    /// Returns the faults of the page with this source, as sentences.
    pub(crate) async fn faults(&self, source: &str) -> Vec<String> {
        let faults =
            self.client.execute(include_str!("faults.js"), vec![source.into()]).await.unwrap();
        serde_json::from_value(faults).unwrap()
    }

    async fn log(&self, name: &str) -> Vec<String> {
        let entries = self.send("se/log", json!({ "type": name })).await;
        entries
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.send("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    async fn send(&self, path: &'static str, body: Value) -> Value {
        self.client.issue_cmd(Extension { path, body }).await.unwrap()
    }
}

/// A command that is specific to Chromium.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
