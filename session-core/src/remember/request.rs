//! Remembering the browser of one request.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use super::series::{Series, Worth};
use super::settings::{ATTEMPTS, RememberMe, overtaken};
use super::token::{SeriesId, Token};
use crate::config::SessionConfig;
use crate::cookie::{render_removal, render_set, saturating_add};
use crate::csrf::{attributes, companion_name};
use crate::error::{Error, ErrorKind};
use crate::events::{Event, EventSession};
use crate::request::{EndsAtLogout, RequestSession};
use crate::session::Session;
use crate::session::holder::{BoxFuture, LoginDemand};
use crate::store::{NewRecord, Record};

/// The remember-me state of one request, for authors of adapters. Clones share this state.
///
/// An adapter creates a `RememberRequest` for each request, inside the layer of the session. It
/// calls [`restore`](Self::restore) before the handler, calls [`open`](Self::open) in its
/// extractor, and adds the cookie of [`finish`](Self::finish) to the response.
#[derive(Clone)]
pub struct RememberRequest {
    shared: Arc<Shared>,
}

struct Shared {
    settings: RememberMe,
    session: RequestSession,
    cookie_name: String,
    has_cookie: bool,
    response: Mutex<Response>,
}

#[derive(Clone, Copy, Default)]
enum Cookie {
    #[default]
    Keep,
    Remove,
    Set(Token),
}

#[derive(Default)]
struct Response {
    /// The series of this browser.
    series: Option<SeriesId>,
    /// The effect of the response on the cookie.
    cookie: Cookie,
    /// Whether the headers were sent.
    finished: bool,
}

impl RememberRequest {
    /// Returns the remember-me state of a request. This function does not open the session.
    pub fn new(settings: &RememberMe, session: RequestSession) -> Self {
        let cookie_name = companion_name(session.interface().config(), "remember");
        let has_cookie = session.request().cookie(&cookie_name).is_some();
        let shared = Arc::new(Shared {
            settings: settings.clone(),
            session,
            cookie_name,
            has_cookie,
            response: Mutex::default(),
        });
        if has_cookie {
            shared.response().series = shared.token().map(|token| token.series);
            shared.session.set_at_logout(Shared::weak(&shared));
        }
        Self { shared }
    }

    /// Returns whether the request has the cookie. If so, adapters must call
    /// [`restore`](Self::restore). Adapters call this method first, to avoid a future for other
    /// requests.
    pub fn has_cookie(&self) -> bool {
        self.shared.has_cookie
    }

    /// Opens the session if the cookie has a genuine token. Logs the user in if the token is valid
    /// and no user is logged in. The response removes a cookie without a genuine token.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`RequestSession::session`] and [`Session::log_in`].
    pub async fn restore(&self) -> Result<(), Error> {
        let shared = &*self.shared;
        if !shared.has_cookie {
            return Ok(());
        }
        let Some(token) = shared.token() else {
            shared.response().cookie = Cookie::Remove;
            return Ok(());
        };
        let session = shared.session.session().await?;
        if session.login().is_some() || session.is_anonymous() {
            return Ok(());
        }
        let restored = shared.use_token(token, &session).await?;
        shared.response().cookie = restored.map_or(Cookie::Remove, Cookie::Set);
        Ok(())
    }

    /// Opens the session and returns the remember-me state for handlers.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`RequestSession::session`].
    pub async fn open(&self) -> Result<Remember, Error> {
        let session = self.shared.session.session().await?;
        Ok(Remember { request: Arc::clone(&self.shared), session })
    }

    /// Returns the `Set-Cookie` header to append to the response, if any. With this header, the
    /// response must also have `Cache-Control: no-store`. Later calls of [`Remember::start`] fail.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the attributes of the session cookie are contradictory.
    pub fn finish(&self) -> Result<Option<String>, Error> {
        let shared = &*self.shared;
        let mut response = shared.response();
        response.finished = true;
        let cookie = response.cookie;
        drop(response);
        let (config, now) = (shared.config(), shared.config().now());
        let (name, attributes) = (&shared.cookie_name, attributes(config)?);
        let token = match cookie {
            Cookie::Keep => return Ok(None),
            Cookie::Remove => return Ok(Some(render_removal(name, &attributes))),
            Cookie::Set(token) => token,
        };
        let value = token.value(name, &shared.settings.keys);
        let expires = saturating_add(now, shared.settings.lifetime);
        render_set(name, &value, Some(expires), now, &attributes).map(Some)
    }
}

impl Shared {
    /// Returns a weak reference, because a strong reference in the session would be a cycle.
    fn weak(this: &Arc<Self>) -> Weak<dyn EndsAtLogout> {
        let weak: Weak<Self> = Arc::downgrade(this);
        weak
    }

    fn config(&self) -> &SessionConfig {
        self.session.interface().config()
    }

    fn response(&self) -> MutexGuard<'_, Response> {
        self.response.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn token(&self) -> Option<Token> {
        let value = self.session.request().cookie(&self.cookie_name)?;
        Token::read(value, &self.cookie_name, &self.settings.keys)
    }

    fn expires_at(&self, now: SystemTime) -> SystemTime {
        saturating_add(now, self.settings.lifetime)
    }

    /// Restores the session of a token. Returns the token of the response, or `None` if the browser
    /// is no longer remembered.
    async fn use_token(&self, token: Token, session: &Session) -> Result<Option<Token>, Error> {
        let (settings, id) = (&self.settings, token.series);
        for _ in 0..ATTEMPTS {
            let now = self.config().now();
            let Some((record, series)) = settings.load(id, now).await? else { return Ok(None) };
            let series = match series.worth(token.count, token.nonce, now) {
                Worth::Previous => series,
                Worth::Newest => {
                    let advanced = series.advanced(token.nonce, now);
                    let expires_at = self.expires_at(now);
                    if !settings.replace(id, &record, &advanced, expires_at).await? {
                        continue;
                    }
                    advanced
                }
                Worth::Stolen => {
                    self.end_stolen(id, &record, &series).await?;
                    return Ok(None);
                }
                Worth::Unknown => return Ok(None),
            };
            let owner = record.owner().unwrap_or_default();
            self.log_in(owner, &series, session).await?;
            let next = Token::generate(id, series.count)?;
            return Ok(self.adopt(id, session).await?.then_some(next));
        }
        Err(overtaken())
    }

    async fn end_stolen(
        &self,
        id: SeriesId,
        record: &Record,
        series: &Series,
    ) -> Result<(), Error> {
        self.settings.remove(id, None).await?;
        let session = EventSession::new(record.owner(), series.session.as_deref());
        self.settings.events().report(Event::Theft { session });
        if let (Some(owner), Some(handle)) = (record.owner(), &series.session) {
            self.settings.owners().end(owner, handle).await?;
        }
        Ok(())
    }

    async fn log_in(&self, owner: &str, series: &Series, session: &Session) -> Result<(), Error> {
        let login = LoginDemand {
            owner: owner.into(),
            stamp: series.stamp.as_deref().map(Into::into),
            // A restored session does not prove the identity of the user.
            authenticated_at: Some(SystemTime::UNIX_EPOCH),
            after: None,
        };
        session.save_login(login).await
    }

    /// Records the restored session, and ends the previous session. If the series has ended in the
    /// meantime, the session also ends, and the result is `false`.
    async fn adopt(&self, id: SeriesId, session: &Session) -> Result<bool, Error> {
        let owners = self.settings.owners();
        let handle = owners.handle_of(session);
        for _ in 0..ATTEMPTS {
            let Some((record, series)) = self.settings.load(id, self.config().now()).await? else {
                session.log_out().await?;
                return Ok(false);
            };
            let mut adopted = series.clone();
            adopted.session.clone_from(&handle);
            if self.settings.replace(id, &record, &adopted, record.expires_at()).await? {
                if let (Some(owner), Some(earlier)) = (record.owner(), series.session)
                    && Some(&earlier) != handle.as_ref()
                {
                    owners.end(owner, &earlier).await?;
                }
                return Ok(true);
            }
        }
        Err(overtaken())
    }
}

impl EndsAtLogout for Shared {
    fn end(self: Arc<Self>, except_of: Option<Box<str>>) -> BoxFuture<()> {
        Box::pin(async move {
            let series = self.response().series;
            let is_gone = match series {
                Some(series) => self.settings.remove(series, except_of.as_deref()).await?,
                None => true,
            };
            if is_gone {
                self.response().cookie = Cookie::Remove;
            }
            Ok(())
        })
    }
}

/// The remember-me state of a request, for handlers. A handler obtains it from the extractor of an
/// adapter.
#[derive(Clone)]
pub struct Remember {
    request: Arc<Shared>,
    session: Session,
}

impl Remember {
    /// Remembers this browser by starting a series for the user who is logged in. Call this method
    /// after [`Session::log_in`], if the user has ticked the checkbox. An earlier series of the
    /// browser ends.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Ended`] if no user is logged in.
    /// - [`ErrorKind::Committed`] if the response was sent.
    /// - [`ErrorKind::Conflict`] if other requests constantly change the earlier series.
    /// - Any error of the store.
    ///
    /// After an error, the browser is not remembered.
    pub async fn start(&self) -> Result<(), Error> {
        let shared = &*self.request;
        let Some(login) = self.session.login() else {
            let message = "no user is logged in; log in before the browser is remembered";
            return Err(Error::new(ErrorKind::Ended, message));
        };
        if shared.response().finished {
            let message = "headers of the response have been sent; call Remember::start earlier";
            return Err(Error::new(ErrorKind::Committed, message));
        }
        let earlier = shared.response().series;
        if let Some(earlier) = earlier {
            shared.settings.remove(earlier, None).await?;
        }
        let (id, now) = (SeriesId::generate()?, shared.config().now());
        let session = shared.settings.owners().handle_of(&self.session);
        let payload = Series::new(login.stamp(), session).payload();
        let record = NewRecord::new(&payload, now, shared.expires_at(now));
        shared.settings.create(id, &record.owned_by(Some(login.owner()))).await?;
        let token = Token::generate(id, 0)?;
        let mut response = shared.response();
        response.series = Some(id);
        response.cookie = Cookie::Set(token);
        drop(response);
        shared.session.set_at_logout(Shared::weak(&self.request));
        Ok(())
    }
}

impl fmt::Debug for RememberRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RememberRequest")
            .field("has_cookie", &self.shared.has_cookie)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Remember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remember").finish_non_exhaustive()
    }
}
