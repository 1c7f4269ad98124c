//! The result of `SessionInterface::open`.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::login_key;
use crate::error::Error;
use crate::session::changes::malformed;
use crate::session::state::{Data, Origin, State};
use crate::session::values::Values;
use crate::session::{Lifetime, Login, Renewal, Session, SessionDetails, by_hand};

/// A session that an interface has opened, before a handler obtains it.
///
/// Only the interface can access this data. The core converts it into a [`Session`].
#[derive(Clone)]
pub struct Opened {
    pub(crate) data: Data,
    pub(crate) null: Option<Cow<'static, str>>,
}

impl Opened {
    /// Returns an empty session, for a request that sent no valid session.
    #[expect(clippy::new_without_default, reason = "which session is the default is not obvious")]
    #[must_use]
    pub fn new() -> Self {
        Self { data: Data::fresh(), null: None }
    }

    /// Returns a stored session. The payload is a JSON object as
    /// [`Contents::payload`](super::Contents::payload) returned it, or as Flask wrote it.
    ///
    /// This function does not parse the values. Unchanged values are written back byte for byte.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if the text is not a JSON object.
    pub fn from_payload(payload: impl Into<String>) -> Result<Self, Error> {
        let values = Values::parse_shared(payload.into()).map_err(|_| malformed())?;
        Ok(Self { data: Data::new(values), null: None })
    }

    /// Returns the null session, for an application without a key or a backend. The null session is
    /// empty. Every change fails with [`ErrorKind::Unconfigured`](crate::ErrorKind::Unconfigured)
    /// and `reason` as the message. The reason should name the missing setting.
    pub fn null(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { data: Data::fresh(), null: Some(reason.into()) }
    }

    /// Returns a stored session, with the login that
    /// [`Contents::payload_with_login`](super::Contents::payload_with_login) wrote into the
    /// payload.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if the text is not a JSON object. A
    /// login that this project did not write is ignored.
    pub fn from_payload_with_login(payload: impl Into<String>) -> Result<Self, Error> {
        let mut opened = Self::from_payload(payload)?;
        login_key::take_login(&mut opened.data.stored);
        Ok(opened)
    }

    /// Sets the stored login; see [`Contents::login`](super::Contents::login).
    #[inline]
    #[must_use]
    pub fn with_login(mut self, login: impl Into<Option<Login>>) -> Self {
        self.data.stored.login = login.into();
        self
    }

    /// Sets the rule for saving an unchanged session to extend its expiry. By default, Flask's rule
    /// applies: every request that [`Refresh`](crate::Refresh) names saves a session with a
    /// lifetime.
    #[inline]
    #[must_use]
    pub fn with_renewal(mut self, renewal: Renewal) -> Self {
        self.data.renewal = Some(renewal);
        self
    }

    /// Sets the lifetime of the stored session. Pass the result of [`OpenContext::lifetime`]. With
    /// this lifetime, [`SessionView::is_cookie_due`](super::SessionView::is_cookie_due) can
    /// determine whether a change affects the expiry of the cookie.
    ///
    /// [`OpenContext::lifetime`]: super::OpenContext::lifetime
    #[inline]
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: impl Into<Lifetime>) -> Self {
        self.data.lifetime = Some(lifetime.into());
        self
    }

    /// Sets the result of [`Session::details`]: the handle, the creation time and the expiry, as
    /// far as the interface stores them.
    #[inline]
    #[must_use]
    pub fn with_details(mut self, details: SessionDetails) -> Self {
        self.data.details = details;
        self
    }

    /// Attaches data of the interface, such as a key and a version, which
    /// [`Save::backend_state`](super::Save::backend_state) returns. Handlers cannot access this
    /// data.
    #[inline]
    #[must_use]
    pub fn with_backend_state<T: Any + Send + Sync>(mut self, state: T) -> Self {
        self.data.backend.set(0, Arc::new(state));
        self
    }

    /// Assigns the backend state to a part of a combined interface. The combined interface saves
    /// the part with [`Save::nested`](super::Save::nested). Interfaces can be combined on four
    /// levels.
    ///
    /// In `open`, return `part.open(context).await?.nested(0)`. In `save`, call
    /// `part.save(&save.nested(0)).await`. To move a session to part 1, first save
    /// `save.nested(1)`. Then pass `save.nested(0).ending()` to part 0, and return the result of
    /// part 1.
    #[must_use]
    pub fn nested(mut self, part: u8) -> Self {
        self.data.backend = self.data.backend.nested(|inner| inside(part, inner));
        self
    }

    /// Adds the backend state of another part of a combined interface.
    #[must_use]
    pub fn with_state_of(mut self, other: Self) -> Self {
        self.data.backend.extend(other.data.backend);
        self
    }

    /// Returns whether this is an empty session for a request that sent no valid session.
    pub fn is_new(&self) -> bool {
        self.data.is_new
    }

    /// Creates a session without a request, for tests of functions that accept a [`Session`].
    /// [`Session::save`] and [`Session::reopen`] fail with
    /// [`ErrorKind::Unconfigured`](crate::ErrorKind::Unconfigured). [`Session::log_in`] and
    /// [`Session::log_out`] only change the session in memory.
    pub fn into_session(self) -> Session {
        let mut state = State::default();
        self.put_into(&mut state, &Origin::ByHand);
        by_hand::session(state)
    }

    /// Stores this session in the state of a request or of another origin.
    pub(crate) fn put_into(self, state: &mut State, origin: &Origin) {
        state.data = self.data;
        state.data.known_login.clone_from(&state.data.stored.login);
        state.origin = self.null.map_or_else(|| origin.clone(), Origin::Null);
    }
}

/// The number of bits of one level in a path. A level is the number of a part plus one, because 0
/// is the whole interface.
const LEVEL: u32 = 16;

/// Returns the path of `part` in the part with the path `outer`.
pub(super) fn nested_part(outer: u64, part: u8) -> u64 {
    outer << LEVEL | (u64::from(part) + 1)
}

/// Returns the new path of the part with the path `inner` if its interface becomes `part` of
/// another interface.
fn inside(part: u8, inner: u64) -> u64 {
    joined(nested_part(0, part), inner)
}

/// Returns the path of the part with the path `inner` in the part with the path `outer`.
pub(super) fn joined(outer: u64, inner: u64) -> u64 {
    outer << (LEVEL * depth(inner)) | inner
}

/// Returns the path relative to `part`, or `None` if `path` is in another part.
pub(super) fn path_in(part: u8, path: u64) -> Option<u64> {
    let inner = LEVEL * depth(path).checked_sub(1)?;
    (path >> inner == nested_part(0, part)).then(|| path & ((1 << inner) - 1))
}

fn depth(path: u64) -> u32 {
    (u64::BITS - path.leading_zeros()).div_ceil(LEVEL)
}

impl fmt::Debug for Opened {
    /// Shows the number of keys, but no key and no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("keys", &self.data.values().len())
            .field("is_new", &self.data.is_new)
            .field("renewal", &self.data.renewal)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_parts_have_same_path_in_open_and_save() {
        let mut paths = Vec::new();
        for outer in [0, 1, 255] {
            assert_eq!(inside(outer, 0), nested_part(0, outer));
            assert_eq!(path_in(outer, nested_part(0, outer)), Some(0));
            assert_eq!(path_in(outer, 0), None);
            paths.push(nested_part(0, outer));
            for inner in [0, 1, 255] {
                let path = nested_part(nested_part(0, outer), inner);
                assert_eq!(inside(outer, inside(inner, 0)), path);
                assert_eq!(path_in(outer, path), Some(nested_part(0, inner)));
                assert_eq!(path_in(outer ^ 1, path), None);
                paths.push(path);
            }
        }
        let count = paths.len();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), count, "two parts have one path");
    }
}
