//! The CSRF protection of one request.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use super::config::{CsrfConfig, Settings};
use super::decision::{Decision, Facts, Header};
use super::flask_wtf::FlaskWtf;
use super::origin::Origin;
use super::refused::{CheckError, Reason};
use super::secret::{Mask, Source, random};
use super::visitor::{self, Visitor};
use super::{FIELD, HEADERS};
use crate::config::SessionConfig;
use crate::error::{Error, ErrorKind};
use crate::events::Event;
use crate::interface::state_of;
use crate::request::RequestSession;
use crate::session::Session;

/// The CSRF protection of one request, for authors of adapters. Clones share their state.
///
/// An adapter creates a `CsrfRequest` for each request, inside the session layer. The adapter
/// responds to a request that [`check`](Self::check) refuses, calls [`open`](Self::open) in its
/// extractor, and applies [`finish`](Self::finish) to the response.
#[derive(Clone)]
pub struct CsrfRequest {
    shared: Arc<Shared>,
}

struct Shared {
    config: CsrfConfig,
    session: RequestSession,
    decision: Decision,
    /// The token in a header.
    token: Option<String>,
    has_form: bool,
    /// Whether Flask-WTF would accept the `Referer` header.
    has_referer: bool,
    mask: OnceLock<Mask>,
    response: Mutex<Response>,
}

/// The effects on the response.
#[derive(Default)]
struct Response {
    /// Whether the headers were sent.
    finished: bool,
    has_token: bool,
    /// The cookie of the visitor, if the response sets it.
    visitor: Option<Visitor>,
}

/// The headers that the CSRF protection adds to a response.
#[derive(Clone, Default)]
#[must_use]
pub struct CsrfHeaders {
    /// The value of a `Set-Cookie` header to append.
    pub set_cookie: Option<String>,
    /// Whether the adapter must set `Cache-Control` to `no-store`, and also each of
    /// [`SessionHeaders::TARGETED`](crate::request::SessionHeaders::TARGETED) that the response
    /// has.
    pub no_store: bool,
}

impl CsrfRequest {
    /// Returns the protection of a request. `header` returns the values of a request header, whose
    /// name is in lower case.
    pub fn new<'a, V: Iterator<Item = &'a [u8]>>(
        config: &CsrfConfig,
        session: RequestSession,
        method: &str,
        header: impl Fn(&'static str) -> V,
    ) -> Self {
        let settings = config.settings();
        let own = settings.own_origins(session.request().host(), session.interface().config());
        let facts = Facts {
            method,
            upgrades: header("upgrade").any(is_websocket),
            fetch_site: Header::of(header("sec-fetch-site")),
            origin: Header::of(header("origin")),
        };
        let decision =
            facts.decide(|origin| settings.is_trusted(origin), |origin| own.contains(origin));
        let text = |name| header(name).next().and_then(|value| std::str::from_utf8(value).ok());
        let shared = Shared {
            decision,
            token: HEADERS.iter().find_map(|name| text(name)).map(str::to_owned),
            has_form: text("content-type").is_some_and(is_form),
            has_referer: is_good_referer(text("referer"), &own),
            config: config.clone(),
            session,
            mask: OnceLock::new(),
            response: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Returns whether [`check`](Self::check) passes the request without a token. Adapters call
    /// this method first, to avoid a future.
    pub fn passes(&self) -> bool {
        self.shared.decision == Decision::Pass
    }

    /// Returns whether [`check`](Self::check) needs the body, which is a URL-encoded form that must
    /// have the token. The adapter reads the body up to [`CsrfConfig::body_limit`] and forwards it
    /// unchanged.
    pub fn needs_form(&self) -> bool {
        let shared = &*self.shared;
        shared.decision == Decision::Token && shared.token.is_none() && shared.has_form
    }

    /// Reports the refusal of a request whose form could not be read, and returns the error. The
    /// reason is [`Reason::BodyTooLarge`] or [`Reason::UnreadableBody`].
    pub fn refuse(&self, reason: Reason) -> CheckError {
        let session = self.shared.session.interface().config();
        session.events().report(Event::CsrfRefused { count: 1 });
        CheckError::Refused(self.shared.config.refused(reason))
    }

    /// Checks the request. `form` is the body if it [is needed](Self::needs_form). This method
    /// opens the session only if a token is needed.
    ///
    /// # Errors
    ///
    /// - [`CheckError::Refused`] if the request must not reach the handler.
    /// - [`CheckError::Session`] if the session could not be opened.
    pub async fn check(&self, form: Option<&[u8]>) -> Result<(), CheckError> {
        let shared = &*self.shared;
        match shared.decision {
            Decision::Pass => return Ok(()),
            Decision::Refuse(reason) => return Err(self.refuse(reason)),
            Decision::Token => {}
        }
        let token = shared.token.clone().or_else(|| token_in_form(form?));
        match token {
            Some(token) => self.open().await?.verify(&token),
            None => Err(self.refuse(Reason::MissingToken)),
        }
    }

    /// Opens the session and returns the value for handlers.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`RequestSession::session`].
    pub async fn open(&self) -> Result<Csrf, Error> {
        let session = self.shared.session.session().await?;
        Ok(Csrf { request: self.clone(), session })
    }

    /// Returns the headers of the response. Later calls of [`Csrf::token`] fail.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the attributes of the session cookie are contradictory.
    pub fn finish(&self) -> Result<CsrfHeaders, Error> {
        let shared = &*self.shared;
        let mut response = shared.response();
        response.finished = true;
        let config = shared.session_config();
        let set_cookie = if shared.session.has_owner() {
            let has_cookie = shared.session.request().cookie(&visitor::name(config)).is_some();
            has_cookie.then(|| visitor::removal(config)).transpose()?
        } else {
            let keys = &shared.settings().keys;
            let visitor = response.visitor.as_ref();
            visitor.map(|visitor| visitor.render(keys, config, config.now())).transpose()?
        };
        let no_store = response.has_token || set_cookie.is_some();
        Ok(CsrfHeaders { set_cookie, no_store })
    }
}

/// The CSRF protection of a request, for handlers. It creates and verifies tokens.
///
/// A handler obtains this value from the extractor of an adapter.
#[derive(Clone)]
pub struct Csrf {
    request: CsrfRequest,
    session: Session,
}

impl Csrf {
    /// Returns a token for the forms of this response. A token consists of letters, digits, `-`,
    /// `_` and `.`. The response is sent with `Cache-Control: no-store`, because the token belongs
    /// to one session.
    ///
    /// After a login or a logout in the same request, this method returns a token of the new
    /// session. If the session is in a cookie and has an owner, the first token writes a secret
    /// into the session.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Committed`] after the response was sent, for example in a streamed body.
    /// [`ErrorKind::Unavailable`] if the operating system provides no random bytes. Otherwise
    /// returns the errors of [`Session::insert`].
    pub fn token(&self) -> Result<String, Error> {
        let shared = &*self.request.shared;
        let mut response = shared.response();
        if response.finished {
            let message = "headers of the response have been sent; obtain CSRF tokens earlier";
            return Err(Error::new(ErrorKind::Committed, message));
        }
        response.has_token = true;
        if let Some(flask_wtf) = &shared.settings().flask_wtf {
            return Ok(flask_wtf.token(&self.secret_to_send()?, shared.session_config().now()));
        }
        let (login, mask) = (self.session.login(), shared.mask()?);
        let token = |source| shared.settings().keys.token(&source, login.as_ref(), &mask);
        Ok(match self.lineage() {
            Some(lineage) => token(Source::Lineage(lineage)),
            None if login.is_some() => token(Source::Stored(&self.secret_to_send()?)),
            None => token(Source::Visitor(shared.visitor_to_send(&mut response)?.nonce)),
        })
    }

    /// Checks the request by the [decision table](crate::csrf#decision-table) with a token from the
    /// body, for handlers of [exempt](super::CsrfConfigBuilder::exempt) routes. The token is used
    /// only if the headers of the request are not conclusive.
    ///
    /// # Errors
    ///
    /// [`CheckError::Refused`] if the request must not have an effect. The `Rejection` of the
    /// adapter converts the error into a response.
    pub fn verify(&self, token: &str) -> Result<(), CheckError> {
        let shared = &*self.request.shared;
        match shared.decision {
            Decision::Pass => Ok(()),
            Decision::Refuse(reason) => Err(self.request.refuse(reason)),
            Decision::Token => {
                self.check_token(token).map_err(|reason| self.request.refuse(reason))
            }
        }
    }

    fn check_token(&self, token: &str) -> Result<(), Reason> {
        let shared = &*self.request.shared;
        let settings = shared.settings();
        if let Some(flask_wtf) = &settings.flask_wtf {
            let secret = self.secret().ok_or(Reason::InvalidToken)?;
            flask_wtf.check(token, &secret, shared.session_config().now())?;
            return if shared.has_referer { Ok(()) } else { Err(Reason::Referer) };
        }
        let login = self.session.login();
        let is_token = |source: Source<'_>| settings.keys.is_token(token, &source, login.as_ref());
        let is_valid = match self.lineage() {
            Some(lineage) if is_token(Source::Lineage(lineage)) => true,
            None if login.is_some() => {
                self.secret().is_some_and(|secret| is_token(Source::Stored(&secret)))
            }
            // Once the session has an owner, the visitor's cookie is ignored.
            _ if login.is_none() => {
                shared.visitor().is_some_and(|visitor| is_token(Source::Visitor(visitor.nonce)))
            }
            _ => false,
        };
        if is_valid { Ok(()) } else { Err(Reason::InvalidToken) }
    }

    fn lineage(&self) -> Option<[u8; 16]> {
        self.request.shared.session.interface().lineage(&state_of(&self.session))
    }

    /// Returns the secret in the session.
    fn secret(&self) -> Option<String> {
        let secret = self.session.get::<String>(FIELD).ok().flatten();
        secret.filter(|secret| FlaskWtf::is_secret(secret))
    }

    /// Returns the secret in the session, and creates a secret if the session has none.
    fn secret_to_send(&self) -> Result<String, Error> {
        if let Some(secret) = self.secret() {
            return Ok(secret);
        }
        let secret = FlaskWtf::secret()?;
        self.session.insert(FIELD, secret.as_str())?;
        Ok(secret)
    }
}

impl Shared {
    fn settings(&self) -> &Settings {
        self.config.settings()
    }

    fn session_config(&self) -> &SessionConfig {
        self.session.interface().config()
    }

    fn response(&self) -> MutexGuard<'_, Response> {
        self.response.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mask(&self) -> Result<Mask, Error> {
        if let Some(mask) = self.mask.get() {
            return Ok(*mask);
        }
        let random = random()?;
        Ok(*self.mask.get_or_init(|| random))
    }

    /// Returns the visitor of the request's cookie.
    fn visitor(&self) -> Option<Visitor> {
        let (config, now) = (self.session_config(), self.session_config().now());
        let name = visitor::name(config);
        let value = self.session.request().cookie(&name)?;
        Visitor::read(value, &name, &self.settings().keys, now)
    }

    /// Returns the visitor whose cookie the client has after this response.
    fn visitor_to_send(&self, response: &mut Response) -> Result<Visitor, Error> {
        if let Some(visitor) = response.visitor {
            return Ok(visitor);
        }
        let now: SystemTime = self.session_config().now();
        let visitor = match self.visitor() {
            Some(visitor) if !visitor.is_old(now) => return Ok(visitor),
            Some(visitor) => visitor.renewed(now),
            None => Visitor::generate(now)?,
        };
        response.visitor = Some(visitor);
        Ok(visitor)
    }
}

/// Returns the token in a URL-encoded form.
pub(super) fn token_in_form(form: &[u8]) -> Option<String> {
    let mut fields = form_urlencoded::parse(form);
    fields.find(|(name, _)| name == FIELD).map(|(_, token)| token.into_owned())
}

fn is_websocket(upgrade: &[u8]) -> bool {
    upgrade.to_ascii_lowercase().windows(9).any(|window| window == b"websocket")
}

fn is_form(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or(content_type).trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Returns whether Flask-WTF would accept the `Referer` header. Flask-WTF checks this header only
/// on HTTPS.
fn is_good_referer(referer: Option<&str>, own: &[Origin]) -> bool {
    let is_https = !own.is_empty() && own.iter().all(Origin::is_https);
    !is_https || referer.and_then(Origin::of_address).is_some_and(|origin| own.contains(&origin))
}

impl fmt::Debug for CsrfRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsrfRequest")
            .field("decision", &self.shared.decision)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Csrf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Csrf")
            .field("decision", &self.request.shared.decision)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CsrfHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsrfHeaders")
            .field("set_cookie", &self.set_cookie.as_ref().map(|_| ".."))
            .field("no_store", &self.no_store)
            .finish()
    }
}
