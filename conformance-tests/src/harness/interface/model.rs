//! Requests with any actions, and a model of the resulting session.

use std::time::{Duration, SystemTime};

use fastrand::Rng;
use session_core::interface::{Opened, state_of};
use session_core::login::{Login, check_stamp};
use session_core::{Error, Flash, Session};

use crate::harness::interface::InterfaceUnderTest;
use crate::harness::interface::browser::Browser;
use crate::report::{Checked, Failure};

/// An action of a handler.
#[derive(Clone, Copy, Debug)]
enum Act {
    Insert(&'static str, &'static str),
    Count,
    Discard(&'static str),
    Clear,
    Permanent(bool),
    Lifetime(Option<u64>),
    Flash(&'static str),
    TakeFlashes,
    RotateId,
    Save,
    Modified,
    LogIn(&'static str, &'static str),
    LogOut,
}

const KEYS: [&str; 8] = ["a", "A", "ab", "a.b", "", "ключ", "n", "_id"];

const TEXTS: [&str; 5] = ["", "one", "Zoë \"½\"\\\n日本語", "{\"a\":1}", "null"];

const STAMPS: [&str; 2] = ["first", "second"];

/// The expected session of a visitor after the requests so far.
#[derive(Default)]
pub(crate) struct Model {
    payload: Option<String>,
    login: Option<(String, SystemTime, &'static str)>,
}

/// The observable state of a session.
#[derive(Debug, PartialEq)]
struct Observation {
    is_new: bool,
    is_permanent: bool,
    keys: Vec<String>,
    values: Vec<(&'static str, Option<String>)>,
    count: Option<u64>,
    owner: Option<String>,
    stamp: Option<&'static str>,
}

impl Act {
    fn any(rng: &mut Rng) -> Self {
        let key = KEYS[rng.usize(..KEYS.len())];
        let text = TEXTS[rng.usize(..TEXTS.len())];
        match rng.u8(..20) {
            0..=5 => Self::Insert(key, text),
            6..=7 => Self::Count,
            8..=9 => Self::Discard(key),
            10 => Self::Clear,
            11 => Self::Permanent(rng.bool()),
            12 => Self::Lifetime(rng.bool().then_some(7200)),
            13 => Self::Flash(text),
            14 => Self::TakeFlashes,
            15 => Self::RotateId,
            16 => Self::Save,
            17 => Self::Modified,
            18 => Self::LogIn(["ada", "eve"][rng.usize(..2)], STAMPS[rng.usize(..2)]),
            _ => Self::LogOut,
        }
    }

    /// Performs the action. Returns the flash messages that the action removes.
    async fn perform(self, session: &Session, is_model: bool) -> Result<Vec<String>, Error> {
        match self {
            Self::Insert(key, text) => session.insert(key, text)?,
            Self::Count => session.update("count", |n: Option<u64>| Some(n.unwrap_or(0) + 1))?,
            Self::Discard(key) => drop(session.discard(key)?),
            Self::Clear => session.clear()?,
            Self::Permanent(is_permanent) => session.set_permanent(is_permanent)?,
            Self::Lifetime(seconds) => session.set_lifetime(seconds.map(Duration::from_secs))?,
            Self::Flash(text) => session.flash(text)?,
            Self::TakeFlashes => {
                return Ok(session.take_flashes()?.iter().map(Flash::text).collect());
            }
            Self::RotateId => session.rotate_id()?,
            Self::Save if is_model => (),
            Self::Save => drop(session.save().await?),
            Self::Modified => session.set_modified(true)?,
            Self::LogIn(owner, stamp) => session.log_in(owner, Some(stamp)).await?,
            Self::LogOut => drop(session.log_out().await?),
        }
        Ok(Vec::new())
    }
}

impl Model {
    fn session(&self) -> Result<Session, Error> {
        let login = self
            .login
            .as_ref()
            .map(|(owner, time, stamp)| Login::new(owner, *time).with_stamp(*stamp));
        Ok(match &self.payload {
            Some(payload) => {
                Opened::from_payload(payload.clone())?.with_login(login).into_session()
            }
            None => Opened::new().into_session(),
        })
    }

    /// Performs the actions of a request. Returns the flash messages that the actions remove.
    async fn perform(&mut self, acts: &[Act], now: SystemTime) -> Result<Vec<String>, Error> {
        let session = self.session()?;
        let mut taken = Vec::new();
        for act in acts {
            taken.extend(act.perform(&session, true).await?);
            match act {
                Act::LogIn(owner, stamp) => self.login = Some(((*owner).to_owned(), now, stamp)),
                Act::LogOut => self.login = None,
                _ => (),
            }
        }
        clear_if_bare(&session)?;
        let payload = state_of(&session).payload();
        self.payload = Some(payload).filter(|payload| payload != "{}" || self.login.is_some());
        Ok(taken)
    }
}

fn observe(session: &Session) -> Result<Observation, Error> {
    let mut keys = session.keys();
    // Some formats store this key in every session.
    keys.retain(|key| key != "_permanent");
    keys.sort();
    let values = KEYS.map(|key| session.get::<String>(key).map(|value| (key, value)));
    let stamp = STAMPS.into_iter().find(|stamp| check_stamp(session, stamp));
    Ok(Observation {
        is_new: session.is_new(),
        is_permanent: session.is_permanent(),
        keys,
        values: values.into_iter().collect::<Result<_, _>>()?,
        count: session.get("count")?,
        owner: session.owner(),
        stamp: stamp.filter(|_| session.owner().is_some()),
    })
}

/// Clears a session that has no value and no owner, because some formats do not store such a
/// session even if it is permanent.
fn clear_if_bare(session: &Session) -> Result<(), Error> {
    let is_bare = session.keys().iter().all(|key| key == "_permanent");
    if is_bare && session.owner().is_none() { session.clear() } else { Ok(()) }
}

impl InterfaceUnderTest {
    /// Sends a request with a few actions, and then a request that only reads. Fails unless the
    /// second request reads the state that the first request wrote.
    pub(crate) async fn request_in_any_order(
        &self,
        visitor: &mut Browser,
        model: &mut Model,
        rng: &mut Rng,
    ) -> Checked {
        let acts: Vec<_> = (0..rng.usize(1..4)).map(|_| Act::any(rng)).collect();
        let what = format!("{acts:?}");
        let request = visitor.request();
        let session = visitor.told("open", request.session().await)?;
        let mut taken = Vec::new();
        for act in &acts {
            taken.extend(visitor.told(&what, act.perform(&session, false).await)?);
        }
        visitor.told(&what, clear_if_bare(&session))?;
        visitor.finish(&what, &request).await?;
        let expected = self.modelled(model.perform(&acts, self.now()).await)?;
        self.equal(expected, taken)?;
        self.compare(visitor, model).await
    }

    async fn compare(&self, visitor: &mut Browser, model: &Model) -> Checked {
        let expected = self.modelled(model.session().and_then(|session| observe(&session)))?;
        let mut found = None;
        let read = |session: &Session| {
            found = Some((observe(session)?, session.authenticated_at()));
            Ok(())
        };
        visitor.visit("read everything", read).await?;
        let Some((seen, logged_in_at)) = found else { return Ok(()) };
        self.equal(expected, seen)?;
        let expected = model.login.as_ref().map(|(_, time, _)| *time);
        let apart = expected
            .zip(logged_in_at)
            .map(|(one, other)| one.duration_since(other).unwrap_or_else(|error| error.duration()));
        let is_near = apart.is_none_or(|apart| apart <= Duration::from_millis(1));
        if is_near && expected.is_some() == logged_in_at.is_some() {
            return Ok(());
        }
        Err(self.failure("the time of the login", format!("a time that differs by {apart:?}")))
    }

    fn modelled<T>(&self, result: Result<T, Error>) -> Result<T, Failure> {
        result.map_err(|error| self.failure("a session made by hand", error.to_string()))
    }
}
