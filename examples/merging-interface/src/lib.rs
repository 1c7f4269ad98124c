//! A server-side [`SessionInterface`] that fulfils the contract of the core by itself, without
//! [`ServerSideSessions`](session_core::ServerSideSessions).
//!
//! Read this example if you write an interface whose backend must control the whole session. The
//! sessions are in the memory of one process. The README lists the additional requirements of a
//! backend on a network.
//!
//! The cookie is `handle.secret`. The handle identifies the record until the session ends. Only the
//! secret changes when the session receives a new id. Therefore every save writes one record.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod owners;
mod table;

use std::fmt;
use std::time::Duration;

use session_core::interface::{
    Contents, CookieAction, IdChange, Mark, OpenContext, Opened, Save, Saved, SessionDetails,
};
use session_core::{Error, ErrorKind, Outcome, SessionConfig, SessionInterface, async_trait};

use table::{Record, Table};

/// The maximum number of attempts of a save while other requests change the session.
const MAX_ATTEMPTS: u32 = 1000;
/// The time after a rotation in which a client may send its old cookie.
const GRACE: Duration = Duration::from_secs(10);

/// Sessions in the memory of one process.
pub struct MergingSessions {
    config: SessionConfig,
    table: Table,
}

/// The record in which a request found its session. It is the backend state of the session.
struct Place {
    handle: String,
    secret: String,
    cut_offs: u32,
    /// Whether the session received a new id before the request opened the session.
    is_late: bool,
}

impl MergingSessions {
    /// Returns an interface without sessions.
    pub fn new(config: SessionConfig) -> Self {
        Self { config, table: Table::default() }
    }

    /// Removes expired sessions, and returns their number. Call this method regularly.
    pub fn sweep(&self) -> usize {
        let now = self.config.now();
        self.table.remove_where(|_, record| now > record.expires_at)
    }

    /// Starts a session if there are contents to store.
    fn begin(&self, save: &Save<'_>) -> Result<Saved, Error> {
        if save.is_empty() {
            let cookie = if save.ends() { CookieAction::Remove } else { CookieAction::Keep };
            return Ok(Saved::new(cookie, Outcome::Unchanged));
        }
        self.create(save.contents(), save)
    }

    fn create(&self, contents: Contents, save: &Save<'_>) -> Result<Saved, Error> {
        if save.is_detached() {
            let message = "session has ended and its response has been sent: \
                           the id of a new session could not reach the client";
            return Err(Error::new(ErrorKind::Committed, message));
        }
        let handle = random()?;
        let mut record = Record {
            version: 0,
            secret: random()?,
            previous: None,
            cut_offs: 0,
            payload: String::new(),
            login: None,
            created_at: save.now(),
            last_seen: save.now(),
            expires_at: save.now(),
        };
        fill(&mut record, &contents, save);
        if !self.table.swap(&handle, None, record.clone()) {
            return Err(Error::new(ErrorKind::Backend, "session table has the new handle already"));
        }
        Ok(stored(handle, record.secret.clone(), &record, contents, save))
    }

    /// Ends the session, even if other requests have changed it. Values that were set afterwards
    /// start another session.
    fn end(&self, place: &Place, save: &Save<'_>) -> Result<Saved, Error> {
        self.table.remove(&place.handle);
        let ended = ended(save);
        if save.is_empty() {
            return Ok(ended);
        }
        self.create(save.contents(), save)
    }

    /// Applies the changes of the request to the stored session, and renews it. If the result is
    /// empty, the session ends.
    fn write(&self, place: &Place, save: &Save<'_>) -> Result<Saved, Error> {
        // `Session::set_modified` has withdrawn the changes of an unmodified session.
        let after = if save.is_modified() { Mark::default() } else { save.changes().mark() };
        for _ in 0..MAX_ATTEMPTS {
            let found = self.table.load(&place.handle, save.now());
            let Some(mut record) = found.filter(|found| found.cut_offs == place.cut_offs) else {
                return self.write_nothing(save);
            };
            let expected = record.version;
            let contents = save.merge(&*record.payload, record.login.as_ref(), after)?;
            if contents.is_empty() {
                if self.table.remove_version(&place.handle, expected) {
                    return Ok(ended(save).with_contents(contents));
                }
                continue;
            }
            fill(&mut record, &contents, save);
            if save.login().is_some() {
                record.created_at = save.now();
            }
            // If two requests rotate the id, the second request uses the id of the first request.
            // The client may receive the cookies of both requests in any order. A login always
            // receives its own id.
            let mut secret = place.secret.clone();
            if save.id_change() != IdChange::Keep
                && (record.secret == secret || save.login().is_some())
            {
                secret = random()?;
                let old = std::mem::replace(&mut record.secret, secret.clone());
                record.previous = Some((old, save.now() + GRACE));
                record.cut_offs += u32::from(save.id_change() == IdChange::CutOff);
            }
            if self.table.swap(&place.handle, Some(expected), record.clone()) {
                return Ok(stored(place.handle.clone(), secret, &record, contents, save));
            }
        }
        let message = "session was changed by other requests faster than it could be saved";
        Err(Error::new(ErrorKind::Conflict, message))
    }

    /// Drops the changes, because another request has ended the session or cut off this request. A
    /// login instead starts a new session with the changes of the request.
    fn write_nothing(&self, save: &Save<'_>) -> Result<Saved, Error> {
        if save.login().is_some() {
            return self.create(save.merge("{}", None, Mark::default())?, save);
        }
        Ok(if save.is_modified() { Saved::dropped() } else { Saved::unchanged() })
    }
}

#[async_trait]
impl SessionInterface for MergingSessions {
    fn config(&self) -> &SessionConfig {
        &self.config
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let (now, cookie) = (context.now(), context.cookie().unwrap_or_default());
        let Some((handle, secret)) = cookie.split_once('.') else { return Ok(Opened::new()) };
        let Some(record) = self.table.load(handle, now) else { return Ok(Opened::new()) };
        let is_late = record
            .previous
            .as_ref()
            .is_some_and(|(previous, until)| is_equal(previous, secret) && now <= *until);
        if !is_late && !is_equal(&record.secret, secret) {
            return Ok(Opened::new());
        }
        let (handle, secret) = (handle.to_owned(), secret.to_owned());
        let details = details(&handle, &record);
        let place = Place { handle, secret, cut_offs: record.cut_offs, is_late };
        if is_late {
            return Ok(Opened::new().with_backend_state(place));
        }
        let opened = Opened::from_payload(record.payload)?.with_login(record.login.clone());
        let lifetime = context.lifetime(&opened);
        let renewal = context.config().renewal(lifetime, record.created_at, record.expires_at);
        Ok(opened.with_renewal(renewal).with_details(details).with_backend_state(place))
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        match save.backend_state::<Place>() {
            Some(place) if save.ends() => self.end(&place, save),
            Some(place) if !place.is_late => self.write(&place, save),
            // The cookie of a new session would replace the cookie that the rotation set.
            Some(_) if save.login().is_none() => Ok(Saved::dropped()),
            _ => self.begin(save),
        }
    }
}

impl fmt::Debug for MergingSessions {
    /// Shows no session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MergingSessions").finish_non_exhaustive()
    }
}

/// Returns the result of a save that has removed the session.
fn ended(save: &Save<'_>) -> Saved {
    save.forget();
    Saved::new(CookieAction::Remove, Outcome::Stored)
}

/// Writes the contents into a record, with its next version and expiry.
fn fill(record: &mut Record, contents: &Contents, save: &Save<'_>) {
    record.version += 1;
    record.payload = contents.payload();
    record.login = contents.login().cloned();
    record.last_seen = save.now();
    // The expiry is at most the absolute timeout after the creation of the session.
    record.expires_at =
        save.config().record_expiry(contents.lifetime(), record.created_at, save.now());
}

/// Returns the result of a save that stored this record. `secret` is the secret that the client
/// sent or receives with this response.
fn stored(
    handle: String,
    secret: String,
    record: &Record,
    contents: Contents,
    save: &Save<'_>,
) -> Saved {
    let cookie = if secret == record.secret {
        // A record expires a little later than promised. The cookie must not expire before the
        // record.
        let expires = contents.expires_at().map(|promised| promised.max(record.expires_at));
        CookieAction::Set { value: format!("{handle}.{secret}"), expires }
    } else {
        CookieAction::Keep
    };
    let renewal = save.config().renewal(contents.lifetime(), record.created_at, record.expires_at);
    let details = details(&handle, record);
    save.remember(Place { handle, secret, cut_offs: record.cut_offs, is_late: false });
    // From now on, the session shows the contents with the changes of other requests.
    let saved = Saved::new(cookie, Outcome::Stored).with_contents(contents);
    saved.with_renewal(renewal).with_details(details)
}

/// Returns the details of the session.
fn details(handle: &str, record: &Record) -> SessionDetails {
    let details = SessionDetails::new().with_handle(handle);
    details.with_created_at(record.created_at).with_expires_at(record.expires_at)
}

/// Compares two texts in constant time, so that response times do not reveal a secret.
fn is_equal(one: &str, other: &str) -> bool {
    let differing = one.bytes().zip(other.bytes()).fold(0, |bits, (one, other)| bits | one ^ other);
    one.len() == other.len() && std::hint::black_box(differing) == 0
}

/// Returns 128 random bits from the operating system, in hexadecimal.
fn random() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        let message = "cannot read random bytes from the operating system";
        Error::new(ErrorKind::Unavailable, message).with_source(error)
    })?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
