//! The command `decode`, which shows the contents of a cookie and the reason for a refusal.

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use session_cookie::{SealedCookieSessions, SignedCookieSessions};
use session_core::events::{Event, Events};
use session_core::interface::state_of;
use session_core::request::{RequestSession, RequestView};
use session_core::{ManualClock, OutagePolicy, Session, SessionConfig, SessionInterface};

use crate::arguments::{Decode, Format};
use crate::failure::{Failure, NOT_FOUND};
use crate::output::{self, Row};
use crate::{secrets, store};

/// A lifetime that is long enough to show the contents of an expired cookie.
const LENIENT: Duration = Duration::from_hours(100 * 365 * 24);

/// The reason why a cookie opens no session. The default applies to a cookie with a valid
/// signature.
#[derive(Clone, Default)]
struct Reason(Arc<Mutex<Option<&'static str>>>);

impl Reason {
    fn events(&self) -> Events {
        let reason = self.clone();
        Events::new(move |event: &Event<'_>| {
            let text = match event {
                Event::ForgedCookie { .. } => {
                    "no key verifies it: the cookie was changed, or its key, salt or namespace differs"
                }
                Event::Expired { .. } => "it has expired, or its time is in the future",
                Event::RotatedId { .. } => "its id was replaced by a new one",
                Event::UnknownId { .. } => {
                    "no session has this id: it has ended, expired long ago, or never existed"
                }
                _ => return,
            };
            *reason.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        })
    }

    fn text(&self) -> &'static str {
        let reason = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reason.unwrap_or("its content is not a session")
    }
}

pub(crate) async fn run(options: &Decode, json: bool) -> Result<ExitCode, Failure> {
    let cookie = secrets::cookie(options)?;
    let reason = Reason::default();
    let lifetime = Duration::from_secs(options.lifetime);
    let session = open(options, &cookie, lifetime, reason.events()).await?;
    let is_valid = !session.is_new();
    let row = Row::new().value("valid", is_valid);
    let (row, session) = if is_valid {
        (row, session)
    } else {
        let row = row.text("reason", reason.text());
        (row, open(options, &cookie, LENIENT, Events::default()).await?)
    };
    let row = if session.is_new() {
        row
    } else {
        let expires_at = session.details().expires_at().filter(|_| is_valid);
        let row = row.time("set", set_at(options.format, &cookie)).time("expires", expires_at);
        contents(row, &session, options.values)?
    };
    output::item(row, json)?;
    Ok(if is_valid { ExitCode::SUCCESS } else { ExitCode::from(NOT_FOUND) })
}

/// Opens the session of the cookie. Nothing is stored, because the session is not committed.
async fn open(
    options: &Decode,
    cookie: &str,
    lifetime: Duration,
    events: Events,
) -> Result<Session, Failure> {
    let now = options.at.map_or_else(SystemTime::now, SystemTime::from);
    let mut config = SessionConfig::builder()
        .cookie_name(&options.cookie_name)
        .permanent_lifetime(lifetime)
        .clock(ManualClock::at(now))
        .events(events);
    if let Some(namespace) = &options.namespace {
        config = config.namespace(namespace);
    }
    let interface = interface(options, config.build()?).await?;
    let header = format!("{}={cookie}", options.cookie_name);
    let view = RequestView::builder().cookie_header(header.as_bytes()).build();
    let request = RequestSession::with_shared(interface, view, OutagePolicy::Refuse);
    Ok(request.session().await?)
}

async fn interface(
    options: &Decode,
    config: SessionConfig,
) -> Result<Arc<dyn SessionInterface>, Failure> {
    let key = || secrets::key(&options.key);
    Ok(match options.format {
        Format::Flask => {
            let key = key()?;
            let builder = SignedCookieSessions::builder(config, &key);
            Arc::new(match &options.salt {
                Some(salt) => builder.salt(salt).build()?,
                None => builder.build()?,
            })
        }
        Format::Starlette => Arc::new(SignedCookieSessions::starlette(config, &key()?)?),
        Format::Sealed => Arc::new(SealedCookieSessions::new(config, &key()?)?),
        Format::Server => Arc::new(store::open(&options.store, config).await?),
    })
}

/// Returns the time at which a signed cookie was set, from the second part of the cookie. The
/// caller must have verified the signature.
fn set_at(format: Format, cookie: &str) -> Option<SystemTime> {
    if !matches!(format, Format::Flask | Format::Starlette) {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(cookie.rsplit('.').nth(1)?).ok()?;
    let seconds = bytes
        .iter()
        .try_fold(0_u64, |time, byte| Some(time.checked_mul(256)? + u64::from(*byte)))?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Adds the contents of a session: its keys, or its values if `values` is `true`.
pub(crate) fn contents(row: Row, session: &Session, values: bool) -> Result<Row, Failure> {
    let details = session.details();
    let mut row = row.time("created", details.created_at());
    if let Some(owner) = session.owner() {
        row = row.text("owner", owner);
    }
    row = row.time("logged_in", session.authenticated_at());
    if let Some(handle) = details.handle() {
        row = row.text("handle", handle);
    }
    let payload: Value = serde_json::from_str(&state_of(session).payload())
        .map_err(|error| Failure::usage(format!("the session is not JSON: {error}")))?;
    if values {
        return Ok(row.value("values", payload));
    }
    let keys = payload.as_object().into_iter().flatten().map(|(key, _)| key.clone());
    Ok(row.value("keys", keys.collect::<Vec<_>>()))
}
