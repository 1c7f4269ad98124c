//! What a request does, what came of it, and what is alive afterwards.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use session_core::{
    Error, ManualClock, OnOutage, Outcome, OwnerSessions, RequestSession, RequestView, ServerSideSessions, Session,
    SessionConfig, SessionInterface as _, StoreKey,
};
use sha2::{Digest as _, Sha256};

use crate::schedule::{Running, alone};
use crate::stage::Stage;

const NOW: SystemTime = SystemTime::UNIX_EPOCH;
/// Whose the session is first.
pub const OWNER: &str = "owner";

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Op {
    Write(&'static str),
    Update,
    Logout,
    Rotate,
    Login(&'static str),
    EndAll,
    /// Ends the session by its handle.
    End,
    /// Another session of the owner ends all but itself.
    EndOthers,
    /// A change of the password: the session ends all but itself, and gets a new id.
    KeepThis,
    /// Lists the owner's sessions.
    List,
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

    /// Whether the session goes on under another id.
    pub fn is_rotation(self) -> bool {
        matches!(self, Self::Rotate | Self::KeepThis)
    }

    /// Whether it ends the session while that is the owner's.
    pub fn ends_the_owners(self) -> bool {
        matches!(self, Self::EndAll | Self::End | Self::EndOthers)
    }

    fn run(self, session: &Session) -> Result<Vec<String>, Error> {
        match self {
            Self::Write(key) => session.insert(key, 1)?,
            Self::Update => session.update("count", |count: Option<u64>| Some(count.unwrap_or(0) + 1))?,
            Self::Logout => session.destroy()?,
            Self::Rotate | Self::KeepThis => session.rotate_id()?,
            Self::Login(user) => {
                session.insert("user", user)?;
                session.set_owner(user)?;
            }
            Self::Flash(message) => session.flash(message)?,
            Self::Take => return Ok(session.take_flashes()?.iter().map(session_core::Flash::text).collect()),
            Self::Empty => drop(session.discard("last")?),
            Self::Read | Self::Renew | Self::EndAll | Self::End | Self::EndOthers | Self::List => {
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
    /// Another session of the same owner, if an operation needs one.
    other: Option<String>,
    /// The first session's handle.
    handle: String,
}

impl World {
    pub fn new(processes: usize, ops: &[Op]) -> Self {
        let (stage, clock) = (Stage::default(), ManualClock::at(NOW));
        let config = SessionConfig::builder().clock(clock.clone()).build().unwrap();
        let engine = || Arc::new(ServerSideSessions::new(stage.clone(), config.clone()));
        let engines: Vec<_> = (0..processes).map(|_| engine()).collect();
        let cookie = begin(&engines[0], |session| {
            session.insert("base", 1)?;
            session.insert("last", 1)?;
            session.set_permanent(true)?;
            session.flash("early")?;
            session.set_owner(OWNER)
        });
        let needs_other = ops.iter().any(|op| matches!(op, Op::EndOthers | Op::KeepThis));
        let other = needs_other.then(|| begin(&engines[0], |session| session.set_owner(OWNER)));
        let (engine, opened) = (Arc::clone(&engines[0]), Self::open(&engines[0], &cookie));
        let handle = alone(Box::pin(async move { engine.handle_of(&opened.session().await.unwrap()).unwrap() }));
        if ops.contains(&Op::Renew) {
            clock.advance(Duration::from_hours(1));
        }
        Self { stage, engines, ops: ops.to_vec(), cookie, other, handle }
    }

    pub fn request(&self, index: usize) -> Running<Response> {
        let (op, engine) = (self.ops[index], Arc::clone(&self.engines[index % self.engines.len()]));
        if op.ends_the_owners() || op == Op::List {
            let other = self.other.as_ref().map(|cookie| Self::open(&engine, cookie));
            let handle = self.handle.clone();
            return Box::pin(async move {
                let (mut found, mut listed) = (true, 0);
                let done = act_on_owner(op, &*engine, &handle, other, &mut found, &mut listed).await;
                let result = done.map(|()| (Cookie::None, Outcome::Stored));
                Response { result, found, dead_cookie: false, taken: Vec::new(), listed }
            });
        }
        let (request, stage) = (Self::open(&engine, &self.cookie), self.stage.clone());
        Box::pin(async move {
            let (mut found, mut taken) = (false, Vec::new());
            let result = respond(op, &*engine, request, &mut found, &mut taken).await;
            // Nothing steps between the last store call and this: what is handed out must be alive now.
            let dead_cookie = match &result {
                Ok((Cookie::Set(cookie), _)) => !stage.holds_session(&store_key(cookie)),
                _ => false,
            };
            Response { result, found, dead_cookie, taken, listed: 0 }
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

    /// Whether the owner's other session is alive, if there is one.
    pub fn other(&self) -> Option<bool> {
        self.other.as_ref().map(|cookie| self.look(cookie).is_some())
    }

    /// The handles on an owner's list.
    pub fn handles_of(&self, owner: &'static str) -> Vec<String> {
        let engine = Arc::clone(&self.engines[0]);
        let listed = alone(Box::pin(async move { engine.sessions_of(owner).await.unwrap() }));
        listed.iter().map(|session| session.handle().to_owned()).collect()
    }

    pub fn end_all(&self, owner: &'static str) {
        let engine = Arc::clone(&self.engines[0]);
        alone(Box::pin(async move { engine.end_all(owner).await.unwrap() }));
    }

    fn look(&self, cookie: &str) -> Option<Live> {
        let request = Self::open(&self.engines[0], cookie);
        let session = alone(Box::pin(async move { request.session().await.unwrap() }));
        if session.is_new() {
            return None;
        }
        Some(Live {
            is_first: cookie == self.cookie,
            owner: session.owner(),
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

/// Begins a session, and gives its cookie.
fn begin(engine: &Arc<ServerSideSessions<Stage>>, act: impl Fn(&Session) -> Result<(), Error> + 'static) -> String {
    let first = RequestSession::with_shared(Arc::clone(engine) as _, RequestView::default(), OnOutage::Refuse);
    alone(Box::pin(async move {
        act(&first.session().await.unwrap()).unwrap();
        let headers = first.commit().await.unwrap();
        let Cookie::Set(cookie) = cookie(headers.set_cookie()) else { panic!("no session was begun") };
        cookie
    }))
}

/// What is no request on the session itself: whether the other session was found, and how often a list shows this one.
async fn act_on_owner(
    op: Op,
    engine: &dyn OwnerSessions,
    handle: &str,
    other: Option<RequestSession>,
    found: &mut bool,
    listed: &mut usize,
) -> Result<(), Error> {
    match (op, other) {
        (Op::List, _) => {
            let sessions = engine.sessions_of(OWNER).await?;
            *listed = sessions.iter().filter(|session| session.handle() == handle).count();
        }
        (Op::End, _) => drop(engine.end(OWNER, handle).await?),
        (Op::EndOthers, Some(other)) => {
            let session = other.session().await?;
            *found = session.owner().is_some();
            engine.end_others(&session).await?;
        }
        _ => drop(engine.end_all(OWNER).await?),
    }
    Ok(())
}

async fn respond(
    op: Op,
    engine: &dyn OwnerSessions,
    request: RequestSession,
    found: &mut bool,
    taken: &mut Vec<String>,
) -> Result<(Cookie, Outcome), Error> {
    let session = request.session().await?;
    *found = session.contains_key("base");
    *taken = op.run(&session)?;
    if op == Op::KeepThis {
        engine.end_others(&session).await?;
    }
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
    pub owner: Option<String>,
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
    /// How often a list showed the session.
    pub listed: usize,
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
