//! The session for handlers: a dictionary with Flask's flags.
//!
//! A [`Session`] only refers to its [`Holder`], which is its request or a session made by hand.

pub(crate) mod by_hand;
pub(crate) mod changes;
mod details;
mod dictionary;
mod entries;
mod flags;
pub(crate) mod flash_cookie;
mod flashes;
pub(crate) mod holder;
pub(crate) mod intent;
pub(crate) mod keys;
mod lifecycle;
pub(crate) mod lifetime;
pub(crate) mod login;
pub(crate) mod renewal;
mod running;
pub(crate) mod state;
pub(crate) mod stored;
pub(crate) mod values;

use std::fmt;
use std::sync::Arc;

use crate::error::Error;
pub use changes::{Changes, Mark};
pub use details::{SessionDetails, session_handle};
pub(crate) use dictionary::decode;
use holder::{Cell, Holder};
pub use intent::IdChange;
pub use keys::{Key, SessionKey};
pub use lifetime::Lifetime;
pub use login::Login;
pub use renewal::{RenewOn, Renewal};
use state::State;

/// The session of one request: a dictionary whose changes are saved with the response.
///
/// All clones refer to the same session. Reads and changes do no I/O. The session is opened before
/// the handler runs, and is saved after the handler returns. A clone may outlive the request. The
/// clone can still be read, and [`reopen`](Self::reopen) opens the session again for changes.
///
/// A handler obtains its session from the extractor of a framework adapter, such as
/// `session-tower`. A function that accepts a `&Session` can be tested with a session made by hand,
/// by [`Opened::into_session`](crate::interface::Opened::into_session). To start a test with
/// values, use `Opened::from_payload(r#"{"cart":[1]}"#)?`. To start a test with a login, use
/// [`with_login`](crate::interface::Opened::with_login). `log_in` and `log_out` change a session
/// made by hand in memory. `save` and `reopen` fail. For functions that call `save` or `reopen`,
/// obtain a session from [`RequestSession`](crate::request::RequestSession) over the store of
/// `session-memory`. To test expiry, set a [`ManualClock`](crate::ManualClock) in the configuration
/// of the sessions.
///
/// # Saving
///
/// The session is saved with every response, regardless of its status. Nothing more is saved if the
/// handler panics, or is dropped because the client disconnected. If the save fails, the client
/// receives an error response instead of the handler's response.
///
/// A new session without values and without an owner is not stored, and its response sets no
/// cookie. The response has `Vary: Cookie` as soon as a handler has obtained the session.
///
/// # Concurrent requests
///
/// On a server-side backend, concurrent requests of one session do not lose each other's changes.
/// The changes of each request are applied to the stored changes of the other requests. The
/// exception is [`get`](Self::get) followed by [`insert`](Self::insert) of a value that depends on
/// the result, because the backend receives only the new value. Use [`update`](Self::update)
/// instead.
///
/// If two requests insert different values under one key, the request that is saved last wins. On a
/// cookie backend, the browser stores the cookie of the last response, and all changes of the other
/// request are lost.
///
/// # Reserved keys
///
/// The keys `_permanent`, `_lifetime`, `_flashes` and `_label` store the flag `permanent`, the
/// lifetime, the flash messages and the label. [`keys`](Self::keys) and
/// [`is_empty`](Self::is_empty) include these keys. Do not use these names for other values. The
/// key `_login` is refused, because cookie backends store the login under this key.
///
/// # Examples
///
/// ```
/// use session_core::{Error, Session};
///
/// fn count_visit(session: &Session) -> Result<(), Error> {
///     session.update("visits", |visits: Option<u64>| Some(visits.unwrap_or(0) + 1))
/// }
/// # let session = session_core::interface::Opened::new().into_session();
/// # count_visit(&session)?;
/// # assert_eq!(session.get::<u64>("visits")?, Some(1));
/// # Ok::<(), Error>(())
/// ```
///
/// A handler can neither read nor replace the data that a backend stores with the session:
///
/// ```compile_fail,E0599
/// fn handler(session: &session_core::Session) {
///     session.set_backend_state(std::sync::Arc::new(7));
/// }
/// ```
///
/// ```compile_fail,E0599
/// fn handler(session: &session_core::Session) {
///     session.backend_state::<u64>();
/// }
/// ```
#[derive(Clone)]
pub struct Session {
    holder: Arc<dyn Holder>,
}

impl Session {
    pub(crate) fn new(holder: Arc<dyn Holder>) -> Self {
        Self { holder }
    }

    pub(crate) fn cell(&self) -> &Cell {
        self.holder.cell()
    }

    fn holder(&self) -> Arc<dyn Holder> {
        Arc::clone(&self.holder)
    }

    pub(crate) fn login(&self) -> Option<Login> {
        self.read(|state| state.data.stored.login.clone())
    }

    fn read<R>(&self, read: impl FnOnce(&State) -> R) -> R {
        self.cell().read(read)
    }

    fn write<R>(&self, write: impl FnOnce(&mut State) -> Result<R, Error>) -> Result<R, Error> {
        running::check_not_running(&self.holder)?;
        self.cell().write(write)
    }
}

impl fmt::Debug for Session {
    /// Shows the flags and the number of keys, but no key and no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cell().fmt(f)
    }
}
