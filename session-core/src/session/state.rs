//! The state of a session while its request runs.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::changes::Change;
use super::details::SessionDetails;
use super::flash_cookie::FlashCookie;
use super::intent::{IdChange, Intent};
use super::keys::check_key;
use super::lifetime::Lifetime;
use super::login::Login;
use super::renewal::Renewal;
use super::stored::StoredData;
use super::values::Values;
use crate::error::{Error, ErrorKind};
use crate::flask::flash::Flash;
use crate::outcome::Outcome;

/// The key under which Flask stores the flag `permanent`.
const PERMANENT: &str = "_permanent";
/// The key under which a session stores its own lifetime, in seconds.
const LIFETIME: &str = "_lifetime";
/// The shortest lifetime that a cookie can express.
const SHORTEST: Duration = Duration::from_secs(1);

/// A session as an interface opens and saves it.
#[derive(Clone, Default)]
pub(crate) struct Data {
    pub(crate) stored: StoredData,
    pub(crate) is_new: bool,
    /// Whether a save of this request removed the session. Later changes belong to another session.
    pub(crate) is_removed: bool,
    /// Whether the settings make the session permanent without the flag.
    pub(crate) permanent_by_default: bool,
    pub(crate) renewal: Option<Renewal>,
    /// The lifetime with which the client's cookie was set, if it is known.
    pub(crate) lifetime: Option<Lifetime>,
    pub(crate) backend: BackendState,
    pub(crate) details: SessionDetails,
    /// The login in the store, as the last open or save found it.
    pub(crate) known_login: Option<Login>,
}

/// The identity of the session in the store, for events.
pub(crate) struct Identity {
    login: Option<Login>,
    details: SessionDetails,
}

impl Identity {
    pub(crate) fn owner(&self) -> Option<&str> {
        self.login.as_ref().map(Login::owner)
    }

    pub(crate) fn handle(&self) -> Option<String> {
        self.details.handle_for(self.owner())
    }

    pub(crate) fn has_handle(&self) -> bool {
        self.details.has_handle()
    }
}

/// The data that interfaces store with a session.
#[derive(Clone, Default)]
pub(crate) struct BackendState {
    own: Option<Arc<dyn Any + Send + Sync>>,
    /// The data that the parts of a combined interface store.
    parts: Vec<(u64, Arc<dyn Any + Send + Sync>)>,
}

/// The state of a session that changes while its request runs.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) data: Data,
    pub(crate) origin: Origin,
    pub(crate) intent: Intent,
    /// The number of changes. An update compares this number to detect a change between its read
    /// and its write.
    pub(crate) revision: u64,
    pub(crate) outcome: Option<Outcome>,
    /// The messages that were taken in this request. A second call returns them again.
    pub(crate) taken_flashes: Option<Vec<Flash>>,
    pub(crate) flash_cookie: FlashCookie,
}

/// The origin of a session.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum Origin {
    /// A request. Its commit saves the session.
    #[default]
    Requested,
    /// [`reopen`](super::Session::reopen). There is no later response that could set a new cookie.
    Reopened,
    /// [`into_session`](crate::interface::Opened::into_session).
    ByHand,
    /// The backend was down. The session is never saved.
    Anonymous,
    /// No interface that could save a session is configured. Changes fail with this message.
    Null(Cow<'static, str>),
}

impl Data {
    #[inline]
    pub(crate) fn new(values: impl Into<Arc<Values>>) -> Self {
        Self { stored: StoredData::new(values, None), ..Self::default() }
    }

    /// Returns a session for a request without a stored session.
    pub(crate) fn fresh() -> Self {
        Self { is_new: true, ..Self::default() }
    }

    pub(crate) fn values(&self) -> &Values {
        self.stored.values()
    }

    pub(crate) fn values_mut(&mut self) -> &mut Values {
        self.stored.values_mut()
    }

    /// Returns whether the session has a cookie or a record, because it was opened or an earlier
    /// save stored it.
    pub(crate) fn is_stored(&self) -> bool {
        !(self.is_new || self.is_removed) || self.details != SessionDetails::new()
    }

    pub(crate) fn identity(&self) -> Identity {
        Identity { login: self.known_login.clone(), details: self.details.clone() }
    }

    pub(crate) fn is_permanent(&self) -> bool {
        is_permanent(self.values(), self.permanent_by_default)
    }
}

impl BackendState {
    /// Returns the state of a part of a combined interface, or of the whole interface if `part` is
    /// 0.
    pub(crate) fn get<T: Any + Send + Sync>(&self, part: u64) -> Option<Arc<T>> {
        let state = if part == 0 {
            self.own.as_ref()?
        } else {
            self.parts.iter().find(|(other, _)| *other == part).map(|(_, state)| state)?
        };
        Arc::clone(state).downcast().ok()
    }

    pub(crate) fn set(&mut self, part: u64, state: Arc<dyn Any + Send + Sync>) {
        self.remove(part);
        if part == 0 {
            self.own = Some(state);
        } else {
            self.parts.push((part, state));
        }
    }

    pub(crate) fn remove(&mut self, part: u64) {
        if part == 0 {
            self.own = None;
        } else {
            self.parts.retain(|(other, _)| *other != part);
        }
    }

    /// Returns the same states for a part of a combined interface.
    pub(crate) fn nested(self, nested: impl Fn(u64) -> u64) -> Self {
        let own = self.own.map(|state| (nested(0), state));
        let parts = self.parts.into_iter().map(|(part, state)| (nested(part), state));
        Self { own: None, parts: own.into_iter().chain(parts).collect() }
    }

    /// Returns the states of one part for a whole interface. `path_in` returns the path within the
    /// part.
    pub(crate) fn in_part(self, path_in: impl Fn(u64) -> Option<u64>) -> Self {
        let mut part = Self::default();
        for (path, state) in self.parts {
            if let Some(path) = path_in(path) {
                part.set(path, state);
            }
        }
        part
    }

    pub(crate) fn extend(&mut self, other: Self) {
        if let Some(state) = other.own {
            self.set(0, state);
        }
        other.parts.into_iter().for_each(|(part, state)| self.set(part, state));
    }
}

impl State {
    /// Applies a change and records it.
    pub(crate) fn record(&mut self, change: Change) -> Result<(), Error> {
        if let Change::Insert(insertion) = &change {
            check_key(insertion.key())?;
        }
        change.apply(self.data.values_mut())?;
        self.push(change);
        Ok(())
    }

    /// Records a change that was applied already.
    pub(crate) fn push(&mut self, change: Change) {
        self.intent.changes.push(change);
        self.intent.write = true;
        self.revision += 1;
    }

    pub(crate) fn set_permanent(&mut self, permanent: bool) -> Result<(), Error> {
        let value = if permanent { "true" } else { "false" };
        self.record(Change::insert(PERMANENT, value))
    }

    /// Sets the session's own lifetime, in whole seconds, or removes it.
    pub(crate) fn set_lifetime(&mut self, lifetime: Option<Duration>) -> Result<(), Error> {
        let Some(lifetime) = lifetime else {
            return self.record(Change::Remove { key: LIFETIME.into() });
        };
        if lifetime < SHORTEST {
            let message = "session lifetime is too short; use at least one second";
            return Err(Error::new(ErrorKind::Value, message));
        }
        let rounded = u64::from(lifetime.subsec_nanos() > 0);
        let value = lifetime.as_secs().saturating_add(rounded).to_string();
        self.record(Change::insert(LIFETIME, value))
    }

    pub(crate) fn change_id(&mut self, change: IdChange) -> Result<(), Error> {
        if self.origin == Origin::Reopened {
            let message = "the response has been sent: a new session id could not reach the client";
            return Err(Error::new(ErrorKind::Committed, message));
        }
        self.intent.id = self.intent.id.max(change);
        Ok(())
    }

    /// Records the outcome of a save, and returns it. A save without changes does not replace the
    /// outcome of a dropped session. A commit without changes does not replace any outcome.
    pub(crate) fn conclude(&mut self, outcome: Outcome, last: bool) -> Outcome {
        let concluded = match self.outcome {
            Some(earlier)
                if outcome == Outcome::Unchanged && (last || earlier == Outcome::Dropped) =>
            {
                earlier
            }
            _ => outcome,
        };
        self.outcome = Some(concluded);
        concluded
    }

    /// Logs in, under a new id. `kept` has the keys of the visitor's session that the login keeps;
    /// see [`StoredData::log_in`].
    pub(crate) fn log_in(&mut self, login: Login, kept: Option<&[String]>) -> Result<(), Error> {
        self.change_id(IdChange::CutOff)?;
        if self.intent.login.is_some() && self.data.stored.owner() != Some(login.owner()) {
            // The values that were set since the earlier login belong to the owner of that login.
            self.record(Change::Clear)?;
        }
        self.intent.login = Some(self.intent.changes.mark());
        self.data.stored.log_in(login, kept);
        self.revision += 1;
        Ok(())
    }

    pub(crate) fn end(&mut self) -> Result<(), Error> {
        self.record(Change::Clear)?;
        self.data.stored.login = None;
        self.intent.end = true;
        self.intent.id = IdChange::Keep;
        self.intent.login = None;
        Ok(())
    }
}

pub(crate) fn is_permanent(values: &Values, by_default: bool) -> bool {
    values.get(PERMANENT).map_or(by_default, is_truthy)
}

/// Returns the lifetime that a handler has set for the session. An invalid value under the key is
/// ignored.
pub(crate) fn own_lifetime(values: &Values) -> Option<Duration> {
    let seconds = values.get(LIFETIME)?.parse().ok()?;
    Some(Duration::from_secs(seconds)).filter(|lifetime| *lifetime >= SHORTEST)
}

/// Returns Python's truth value of a JSON value. Null, zero and empty values are false.
fn is_truthy(raw: &str) -> bool {
    match raw {
        "true" => true,
        "false" | "null" | "\"\"" => false,
        _ if raw.starts_with(['[', '{']) => raw[1..raw.len() - 1].trim() != "",
        _ => raw.parse::<f64>() != Ok(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::is_truthy;

    #[test]
    fn truth_value_is_pythons() {
        for no in ["false", "null", "0", "-0", "0.0", "0e5", "\"\"", "[]", "{ }"] {
            assert!(!is_truthy(no), "{no}");
        }
        for yes in ["true", "1", "-1", "0.1", "NaN", "\"no\"", "[0]", "{\"a\":0}"] {
            assert!(is_truthy(yes), "{yes}");
        }
    }
}
