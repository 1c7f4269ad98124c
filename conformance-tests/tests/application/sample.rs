//! A small application that follows the adapter contract, with at most one defect.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::defects::Defect::{self, *};

pub const IDLE_TIMEOUT: Duration = Duration::from_mins(10);

type Values = BTreeMap<String, String>;
type Answer = (StatusCode, String);
type Parameters = HashMap<String, String>;

#[derive(Clone)]
struct Record {
    values: Values,
    used: Duration,
}

#[derive(Default)]
struct Data {
    records: HashMap<String, Record>,
    ended: BTreeSet<String>,
    held: BTreeSet<String>,
    now: Duration,
    ids: u64,
}

/// The application.
pub struct Sample {
    defect: Option<Defect>,
    data: Mutex<Data>,
    released: Notify,
    lock: tokio::sync::Mutex<()>,
}

/// The session of a request, as it was when the request began.
struct Visit {
    /// The id of the cookie.
    sent: Option<String>,
    /// The session that the request has opened.
    opened: Option<(String, Values)>,
    cookie: Option<String>,
}

impl Visit {
    fn value(&self, key: &str) -> Option<String> {
        self.opened.as_ref().and_then(|(_, values)| values.get(key).cloned())
    }
}

impl Sample {
    pub fn new(defect: Option<Defect>) -> Arc<Self> {
        Arc::new(Self {
            defect,
            data: Mutex::default(),
            released: Notify::new(),
            lock: tokio::sync::Mutex::default(),
        })
    }

    /// Serves the application and returns its address.
    pub async fn serve(self: &Arc<Self>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().fallback(handle).with_state(Arc::clone(self));
        tokio::spawn(async { axum::serve(listener, app).await });
        format!("http://{address}")
    }

    pub fn advance(&self, by: Duration) {
        self.data.lock().unwrap().now += by;
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn open(&self, headers: &HeaderMap, is_read: bool) -> Visit {
        let data = &mut *self.data.lock().unwrap();
        let cookie = headers.get("cookie").and_then(|value| value.to_str().ok());
        let pairs = cookie.into_iter().flat_map(|cookies| cookies.split("; "));
        let sent: Option<String> =
            pairs.filter_map(|pair| pair.strip_prefix("session=")).map(str::to_owned).next();
        let now = data.now;
        let record = sent
            .as_ref()
            .and_then(|id| data.records.get_mut(id))
            .filter(|record| self.has(NeverExpires) || now < record.used + IDLE_TIMEOUT);
        let opened = record.map(|record| {
            if !(is_read && self.has(ReadsDoNotExtendExpiry)) {
                record.used = now;
            }
            (sent.clone().unwrap(), record.values.clone())
        });
        Visit { sent, opened, cookie: None }
    }

    /// Applies a change to the session. A session that has ended since it was opened stays ended.
    fn write(&self, visit: &mut Visit, change: impl FnOnce(&mut Values)) {
        let data = &mut *self.data.lock().unwrap();
        let now = data.now;
        let Some((id, snapshot)) = visit.opened.clone() else {
            let id = self.new_id(data, visit.sent.as_ref());
            let record = data.records.entry(id.clone());
            change(&mut record.or_insert(Record { values: Values::new(), used: now }).values);
            visit.cookie = Some(id);
            return;
        };
        let revives_in_browser = self.has(WriteRevivesSessionInBrowser);
        if revives_in_browser || self.has(WriteRevivesSession) {
            let record = Record { values: snapshot.clone(), used: now };
            data.records.entry(id.clone()).or_insert(record);
            visit.cookie = revives_in_browser.then(|| id.clone());
        }
        match data.records.get_mut(&id) {
            Some(record) => {
                if self.has(WriteReplacesSession) {
                    record.values = snapshot;
                }
                change(&mut record.values);
                record.used = now;
            }
            None if self.has(DroppedWriteSetsCookie) => visit.cookie = Some(id),
            None => {}
        }
    }

    fn new_id(&self, data: &mut Data, sent: Option<&String>) -> String {
        data.ids += 1;
        let planted = sent.filter(|id| {
            self.has(AdoptsUnknownId) || (self.has(AdoptsEndedId) && data.ended.contains(*id))
        });
        planted.cloned().unwrap_or_else(|| format!("{:032x}", data.ids << 32))
    }

    fn log_in(&self, visit: &mut Visit, user: &str) {
        if self.has(LoginKeepsId) {
            return self.write(visit, |values| drop(values.insert("user".into(), user.into())));
        }
        let data = &mut *self.data.lock().unwrap();
        let mut values = visit.opened.take().map(|(_, values)| values).unwrap_or_default();
        values.insert("user".to_owned(), user.to_owned());
        let record = Record { values, used: data.now };
        if let Some(id) = &visit.sent {
            data.records.remove(id);
            if self.has(LoginKeepsOldSession) {
                data.records.insert(id.clone(), record.clone());
            }
        }
        let id = self.new_id(data, None);
        data.records.insert(id.clone(), record);
        visit.cookie = Some(id);
    }

    fn log_out(&self, visit: &mut Visit) {
        if self.has(LogoutKeepsCookie) {
            return;
        }
        let data = &mut *self.data.lock().unwrap();
        if let Some((id, _)) = visit.opened.take() {
            if !self.has(LogoutKeepsSession) {
                data.records.remove(&id);
            }
            data.ended.insert(id);
        }
        visit.cookie = Some(String::new());
    }

    async fn hold(&self, parameters: &Parameters) {
        let Some(hold) = parameters.get("hold").filter(|_| !self.has(IgnoresHold)) else { return };
        self.data.lock().unwrap().held.insert(hold.clone());
        loop {
            let released = self.released.notified();
            if !self.data.lock().unwrap().held.contains(hold) {
                return;
            }
            released.await;
        }
    }

    /// Reads a value. Defects write the session in a request that only reads.
    fn end_read(&self, visit: &Visit) {
        let data = &mut *self.data.lock().unwrap();
        let Some((id, snapshot)) = &visit.opened else { return };
        let record = Record { values: snapshot.clone(), used: data.now };
        if data.records.contains_key(id) {
            if self.has(ReadReplacesSession) {
                data.records.insert(id.clone(), record);
            }
        } else if self.has(ReadRevivesSession) {
            data.records.insert(id.clone(), record);
        }
    }

    fn store_text(&self, visit: &mut Visit, key: &str, mut text: String) -> StatusCode {
        let is_large = text.len() > 65_536;
        if is_large && self.has(LargeValueIsCut) {
            text.truncate(65_536);
        }
        if is_large && self.has(LargeValueIsDropped) {
            return StatusCode::OK;
        }
        let erases = is_large && self.has(LargeValueErasesOthers);
        self.write(visit, |values| {
            if erases {
                values.clear();
            }
            values.insert(key.to_owned(), text);
        });
        if is_large && self.has(RefusedValueIsStored) {
            return StatusCode::PAYLOAD_TOO_LARGE;
        }
        StatusCode::OK
    }

    fn add(&self, visit: &mut Visit, key: &str) -> u64 {
        let number = |values: &Values| values.get(key).map_or(0, |text| text.parse().unwrap());
        let read = visit.opened.as_ref().map_or(0, |(_, values)| number(values));
        let mut added = 0;
        self.write(visit, |values| {
            added = 1 + if self.has(AddsToOldNumber) { read } else { number(values) };
            values.insert(key.to_owned(), added.to_string());
        });
        added
    }
}

async fn handle(
    State(sample): State<Arc<Sample>>,
    uri: Uri,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: String,
) -> Response {
    // One lock for all sessions is enough for the tests.
    let is_locked = sample.has(LocksSessions) && headers.contains_key("cookie");
    let _guard = if is_locked { Some(sample.lock.lock().await) } else { None };
    let length = body.len();
    let mut visit = sample.open(&headers, ["/get", "/user"].contains(&uri.path()));
    let (status, text) = sample.respond(uri.path(), &mut visit, &parameters, body).await;
    let uses_session = uri.path() != "/plain" || sample.has(PlainPageVaries);
    (status, AppendHeaders(sample.headers(&visit, uses_session, length)), text).into_response()
}

impl Sample {
    async fn respond(
        &self,
        path: &str,
        visit: &mut Visit,
        parameters: &Parameters,
        body: String,
    ) -> Answer {
        let parameter = |name: &str| parameters.get(name).cloned().unwrap_or_default();
        let key = parameter("key");
        if ["/set", "/get", "/add"].contains(&path) {
            self.hold(parameters).await;
        }
        match path {
            "/plain" if self.has(PlainPageSetsCookie) => visit.cookie = Some("0".repeat(32)),
            "/plain" => {}
            "/set" if self.has(RefusesValues) => {
                return (StatusCode::INTERNAL_SERVER_ERROR, String::new());
            }
            "/set" => return (self.store_text(visit, &key, body), String::new()),
            "/get" => {
                self.end_read(visit);
                return found(visit.value(&key));
            }
            "/add" => return (StatusCode::OK, self.add(visit, &key).to_string()),
            "/login" => self.log_in(visit, &parameter("user")),
            "/logout" => self.log_out(visit),
            "/user" => return found(visit.value("user")),
            "/held" => {
                return found(self.data.lock().unwrap().held.get(&parameter("hold")).cloned());
            }
            "/release" => {
                self.data.lock().unwrap().held.remove(&parameter("hold"));
                self.released.notify_waiters();
            }
            _ => return found(None),
        }
        (StatusCode::OK, String::new())
    }
}

fn found(value: Option<String>) -> Answer {
    value.map_or((StatusCode::NOT_FOUND, String::new()), |value| (StatusCode::OK, value))
}

impl Sample {
    fn headers(&self, visit: &Visit, uses_session: bool, length: usize) -> Vec<(&str, String)> {
        let mut headers = Vec::new();
        if uses_session && !self.has(ResponseDoesNotVary) {
            headers.push(("vary", "Accept-Encoding, Cookie".to_owned()));
        }
        if let Some(id) = &visit.cookie {
            let mut cookie = format!("session={id}; Path=/");
            let attributes = [
                (!self.has(NoHttpOnly), "; HttpOnly"),
                (!self.has(NoSecure), "; Secure"),
                (!self.has(NoSameSite) && !self.has(SameSiteNone), "; SameSite=Lax"),
                (self.has(SameSiteNone), "; SameSite=None"),
                (self.has(CookieExpiresEarly) && !id.is_empty(), "; Max-Age=400"),
                (self.has(HasDomain), "; Domain=example.com"),
                (id.is_empty(), "; Max-Age=0"),
            ];
            cookie.extend(attributes.iter().filter(|(is_set, _)| *is_set).map(|(_, text)| *text));
            headers.push(("set-cookie", cookie));
            if !self.has(CookieIsShared) {
                headers.push(("cache-control", "no-store".to_owned()));
            }
        }
        if length > 4096 && self.has(OversizedCookie) {
            let cookie = format!("more={}; HttpOnly; Secure; SameSite=Lax", "x".repeat(length));
            headers.push(("set-cookie", cookie));
        }
        headers
    }
}
