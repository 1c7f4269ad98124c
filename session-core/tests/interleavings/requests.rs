//! What a request does, what came of it, and what is alive afterwards.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use session_core::{
    Error, ManualClock, OnOutage, Outcome, OwnerSessions as _, RequestSession, RequestView, ServerSideSessions,
    Session, SessionConfig, SessionInterface as _, StoreKey,
};
use sha2::{Digest as _, Sha256};

use crate::schedule::{Running, alone};
use crate::stage::Stage;

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Op {
    Write(&'static str),
    Update,
    Logout,
    Rotate,
    Login(&'static str),
    EndAll,
    Flash(&'static str),
    Take,
    Read,
    /// Reads a session whose renewal is due.
    Renew,
    /// Removes a key.
    Empty,
}

impl Op {
    pub fn is_login(self) -> bool {
        matches!(self, Self::Login(_))
    }

    fn run(self, session: &Session) -> Result<Vec<String>, Error> {
        match self {
            Self::Write(key) => session.insert(key, 1)?,
            Self::Update => session.update("count", |count: Option<u64>| Some(count.unwrap_or(0) + 1))?,
            Self::Logout => session.destroy()?,
            Self::Rotate => session.rotate_id()?,
            Self::Login(user) => {
                session.insert("user", user)?;
                session.set_owner(user)?;
            }
            Self::Flash(message) => session.flash(message)?,
            Self::Take => return Ok(session.take_flashes()?.iter().map(session_core::Flash::text).collect()),
            Self::Empty => drop(session.discard("last")?),
            Self::Read | Self::Renew | Self::EndAll => {
                session.contains_key("base");
            }
        }
        Ok(Vec::new())
    }
}

/// One session, some requests on it, and the processes that serve them.
pub struct World {
    pub stage: Stage,
    engines: Vec<Arc<ServerSideSessions<Stage>>>,
    ops: Vec<Op>,
    cookie: String,
}

impl World {
    pub fn new(processes: usize, ops: &[Op]) -> Self {
        let (stage, clock) = (Stage::default(), ManualClock::at(NOW));
        let config = SessionConfig::builder().clock(clock.clone()).build().unwrap();
        let engine = || Arc::new(ServerSideSessions::new(stage.clone(), config.clone()));
        let engines: Vec<_> = (0..processes).map(|_| engine()).collect();
        let first = RequestSession::with_shared(engines[0].clone(), RequestView::default(), OnOutage::Refuse);
        let cookie = alone(Box::pin(async move {
            let session = first.session().await.unwrap();
            session.insert("base", 1).unwrap();
            session.insert("last", 1).unwrap();
            session.set_permanent(true).unwrap();
            session.flash("early").unwrap();
            session.set_owner("owner").unwrap();
            let headers = first.commit().await.unwrap();
            let Cookie::Set(cookie) = cookie(headers.set_cookie()) else { panic!("no session was begun") };
            cookie
        }));
        if ops.contains(&Op::Renew) {
            clock.advance(Duration::from_hours(1));
        }
        Self { stage, engines, ops: ops.to_vec(), cookie }
    }

    pub fn request(&self, index: usize) -> Running<Response> {
        let (op, engine) = (self.ops[index], Arc::clone(&self.engines[index % self.engines.len()]));
        if op == Op::EndAll {
            return Box::pin(async move {
                let result = engine.end_all("owner").await;
                Response {
                    result: result.map(|_| (Cookie::None, Outcome::Stored)),
                    found: true,
                    dead_cookie: false,
                    taken: Vec::new(),
                }
            });
        }
        let (request, stage) = (Self::open(&engine, &self.cookie), self.stage.clone());
        Box::pin(async move {
            let (mut found, mut taken) = (false, Vec::new());
            let result = respond(op, request, &mut found, &mut taken).await;
            // Nothing steps between the last store call and this: what is handed out must be alive now.
            let dead_cookie = match &result {
                Ok((Cookie::Set(cookie), _)) => !stage.holds_session(&store_key(cookie)),
                _ => false,
            };
            Response { result, found, dead_cookie, taken }
        })
    }

    /// The sessions that the first id, or an id from some response, opens.
    pub fn live(&self, responses: &[Option<Response>]) -> Vec<Live> {
        let mut cookies = vec![self.cookie.clone()];
        for response in responses.iter().flatten() {
            if let Some(cookie) = response.set_cookie()
                && !cookies.iter().any(|known| known == cookie)
            {
                cookies.push(cookie.to_owned());
            }
        }
        cookies.iter().filter_map(|cookie| self.look(cookie)).collect()
    }

    fn look(&self, cookie: &str) -> Option<Live> {
        let request = Self::open(&self.engines[0], cookie);
        let session = alone(Box::pin(async move { request.session().await.unwrap() }));
        if session.is_new() {
            return None;
        }
        Some(Live {
            is_first: cookie == self.cookie,
            keys: session.keys(),
            count: session.get("count").unwrap().unwrap_or(0),
            flashes: session.take_flashes().unwrap().iter().map(session_core::Flash::text).collect(),
        })
    }

    fn open(engine: &Arc<ServerSideSessions<Stage>>, cookie: &str) -> RequestSession {
        let header = format!("{}={cookie}", engine.config().cookie_name());
        let view = RequestView::builder().cookie_header(header.as_bytes()).build();
        RequestSession::with_shared(Arc::clone(engine) as _, view, OnOutage::Refuse)
    }
}

async fn respond(
    op: Op,
    request: RequestSession,
    found: &mut bool,
    taken: &mut Vec<String>,
) -> Result<(Cookie, Outcome), Error> {
    let session = request.session().await?;
    *found = session.contains_key("base");
    *taken = op.run(&session)?;
    let headers = request.commit().await?;
    Ok((cookie(headers.set_cookie()), session.outcome().unwrap_or(Outcome::Unchanged)))
}

/// What a `Set-Cookie` header says.
#[derive(Debug)]
pub enum Cookie {
    None,
    Set(String),
    Removed,
}

fn cookie(header: Option<&str>) -> Cookie {
    match header.and_then(|header| header.split(';').next()?.split_once('=')) {
        None => Cookie::None,
        Some((_, "")) => Cookie::Removed,
        Some((_, value)) => Cookie::Set(value.to_owned()),
    }
}

/// Where the engine keeps the session of a cookie.
fn store_key(cookie: &str) -> StoreKey {
    StoreKey::from_bytes(Sha256::digest(URL_SAFE_NO_PAD.decode(cookie).unwrap()).into())
}

/// A session that is alive after an order.
#[derive(Debug)]
pub struct Live {
    pub is_first: bool,
    keys: Vec<String>,
    pub count: usize,
    pub flashes: Vec<String>,
}

impl Live {
    pub fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|known| known == key)
    }
}

/// What a client got.
#[derive(Debug)]
pub struct Response {
    result: Result<(Cookie, Outcome), Error>,
    /// Whether the session was there when the request opened it.
    pub found: bool,
    /// Whether it set a cookie that opened nothing at that moment.
    pub dead_cookie: bool,
    taken: Vec<String>,
}

impl Response {
    pub fn is_ok(&self) -> bool {
        self.result.is_ok()
    }

    pub fn outcome(&self) -> Outcome {
        self.result.as_ref().map_or(Outcome::Unchanged, |(_, outcome)| *outcome)
    }

    pub fn set_cookie(&self) -> Option<&str> {
        match &self.result.as_ref().ok()?.0 {
            Cookie::Set(cookie) => Some(cookie),
            _ => None,
        }
    }

    pub fn leaves_cookie_alone(&self) -> bool {
        matches!(self.result, Err(_) | Ok((Cookie::None, _)))
    }

    /// What the handler took and was told is stored.
    pub fn taken(&self) -> Vec<String> {
        if self.outcome() == Outcome::Stored { self.taken.clone() } else { Vec::new() }
    }
}
