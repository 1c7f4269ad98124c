//! The session interface, which opens and saves sessions in Redis.

use std::time::Duration;

use session_core::interface::{
    Contents, CookieAction, IdChange, Mark, OpenContext, Opened, Renewal, Save, Saved,
};
use session_core::{Error, ErrorKind, Outcome, SessionConfig, SessionInterface, async_trait};

use crate::convert::{Format, Tree};
use crate::keys::Keys;
use crate::signer::Signer;
use crate::{FlaskSessionRedisBuilder, id};

/// A session interface that stores each session in Redis as Flask-Session does.
///
/// ```no_run
/// use flask_session_redis::FlaskSessionRedis;
/// use session_core::SessionConfig;
/// use session_core::request::{RequestSession, RequestView};
///
/// # async fn serve() -> Result<(), session_core::Error> {
/// let sessions = FlaskSessionRedis::connect("redis://localhost", SessionConfig::default()).await?;
/// let view = RequestView::builder().cookie_header(b"session=...").build();
/// let request = RequestSession::new(sessions, view);
/// let user: Option<String> = request.session().await?.get("user")?; // as Flask stored it
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FlaskSessionRedis {
    config: SessionConfig,
    pub(crate) keys: Keys,
    format: Format,
    signer: Option<Signer>,
}

/// The key and the contents of a stored session, as the backend state of the session.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) id: String,
    tree: Tree,
    /// The contents as they are in Redis.
    pub(crate) bytes: Vec<u8>,
}

impl FlaskSessionRedis {
    /// Connects with the default settings. The contents are msgpack, the Redis key is `session:`
    /// and the id, and the id in the cookie is not signed.
    ///
    /// # Errors
    ///
    /// Returns the errors of the builder's [`connect`](FlaskSessionRedisBuilder::connect).
    ///
    /// ```no_run
    /// # async fn start() -> Result<(), session_core::Error> {
    /// # use flask_session_redis::FlaskSessionRedis;
    /// let sessions = FlaskSessionRedis::connect("redis://localhost", Default::default()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(url: &str, config: SessionConfig) -> Result<Self, Error> {
        Self::builder(config).connect(url).await
    }

    /// Returns a builder for other settings.
    ///
    /// ```
    /// # use flask_session_redis::FlaskSessionRedis;
    /// let builder = FlaskSessionRedis::builder(Default::default());
    /// ```
    pub fn builder(config: SessionConfig) -> FlaskSessionRedisBuilder {
        FlaskSessionRedisBuilder::new(config)
    }

    pub(crate) fn new(
        config: SessionConfig,
        keys: Keys,
        format: Format,
        signer: Option<Signer>,
    ) -> Self {
        Self { config, keys, format, signer }
    }

    /// Returns the id in a cookie, or `None` if the signature or the form of the id is invalid.
    pub(crate) fn read_cookie<'a>(&self, cookie: &'a str) -> Option<&'a str> {
        let id = match &self.signer {
            Some(signer) => signer.verify(cookie),
            None => Some(cookie),
        };
        id.filter(|id| id::is_plausible(id))
    }

    fn cookie(&self, id: &str, contents: &Contents) -> CookieAction {
        let value = self.signer.as_ref().map_or_else(|| id.to_owned(), |signer| signer.sign(id));
        CookieAction::Set { value, expires: contents.expires_at() }
    }

    /// Extends the expiry of a session whose values did not change.
    async fn renew(&self, stored: &Stored, save: &Save<'_>) -> Saved {
        let contents = save.contents();
        match self.keys.renew(&stored.id, life(&contents, save)).await {
            Ok(true) => Saved::new(self.cookie(&stored.id, &contents), Outcome::Stored),
            Ok(false) => Saved::unchanged(),
            Err(error) => {
                // The request loses no data, and the next request tries again.
                tracing::warn!(error = %error, "session could not be renewed");
                Saved::unchanged()
            }
        }
    }

    /// Stores a new session under a new id. If the session is empty, removes only the cookie.
    async fn begin(&self, contents: Contents, save: &Save<'_>) -> Result<Saved, Error> {
        let tree = Tree::from_payload(&contents.payload_with_login())?;
        if tree.is_empty() {
            return Ok(Saved::new(CookieAction::Remove, Outcome::Unchanged));
        }
        if save.is_detached() {
            let message = "session has ended and its response has been sent: \
                           the id of a new session could not reach the client";
            return Err(Error::new(ErrorKind::Committed, message));
        }
        let id = id::generate()?;
        let bytes = tree.to_stored(self.format)?;
        self.keys.create(&id, &bytes, life(&contents, save)).await?;
        Ok(self.stored(Stored { id, tree, bytes }, contents, save))
    }

    /// Removes the stored session, and starts another session if the request set values afterwards.
    async fn end(&self, stored: &Stored, save: &Save<'_>) -> Result<Saved, Error> {
        self.keys.remove(&stored.id).await?;
        save.forget();
        if save.is_empty() {
            return Ok(Saved::new(CookieAction::Remove, Outcome::Stored));
        }
        let begun = self.begin(save.contents(), save).await?;
        Ok(Saved::new(begun.cookie().clone(), Outcome::Stored))
    }

    /// Writes the whole session, unless another request ended it.
    async fn write(&self, stored: &Stored, save: &Save<'_>) -> Result<Saved, Error> {
        let contents = save.contents();
        let tree = Tree::from_payload(&contents.payload_with_login())?.keeping(&stored.tree);
        let bytes = tree.to_stored(self.format)?;
        if !self.keys.replace(&stored.id, &bytes, life(&contents, save)).await? {
            return Ok(dropped());
        }
        Ok(self.stored(Stored { id: stored.id.clone(), tree, bytes }, contents, save))
    }

    /// Moves the session to a new id. If another request ended the session, the session stays
    /// ended. A login then starts a new session from the changes of its request.
    async fn rotate(&self, stored: &Stored, save: &Save<'_>) -> Result<Saved, Error> {
        let id = id::generate()?;
        let contents = save.contents();
        let tree = Tree::from_payload(&contents.payload_with_login())?.keeping(&stored.tree);
        let bytes = tree.to_stored(self.format)?;
        if self.keys.rename(&stored.id, &id, &bytes, life(&contents, save)).await? {
            return Ok(self.stored(Stored { id, tree, bytes }, contents, save));
        }
        self.keys.remove(&id).await?;
        if save.login().is_some() {
            self.begin(save.merge("{}", None, Mark::default())?, save).await
        } else {
            Ok(dropped())
        }
    }

    /// Returns the result of a save that stored these contents.
    fn stored(&self, stored: Stored, contents: Contents, save: &Save<'_>) -> Saved {
        let cookie = self.cookie(&stored.id, &contents);
        save.remember(stored);
        Saved::new(cookie, Outcome::Stored).with_contents(contents)
    }
}

#[async_trait]
impl SessionInterface for FlaskSessionRedis {
    fn config(&self) -> &SessionConfig {
        &self.config
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let Some(id) = context.cookie().and_then(|cookie| self.read_cookie(cookie)) else {
            return Ok(Opened::new());
        };
        let Some(bytes) = self.keys.get(id).await? else { return Ok(Opened::new()) };
        let read = Tree::from_stored(&bytes).and_then(|tree| Ok((tree.to_payload()?, tree)));
        let (payload, tree) = match read {
            Ok(read) => read,
            Err(problem) => {
                tracing::warn!(error = %problem, "stored session is unreadable; starting a fresh session");
                return Ok(Opened::new());
            }
        };
        let opened = Opened::from_payload_with_login(payload)?;
        let renewal = renewal(context, &opened);
        let stored = Stored { id: id.to_owned(), tree, bytes };
        Ok(opened.with_renewal(renewal).with_backend_state(stored))
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        match save.backend_state::<Stored>().as_deref() {
            Some(stored) if !save.is_modified() => Ok(self.renew(stored, save).await),
            Some(stored) if has_ended(save)? => self.end(stored, save).await,
            Some(stored) if save.id_change() != IdChange::Keep => self.rotate(stored, save).await,
            Some(stored) if save.changes().is_empty() => Ok(self.renew(stored, save).await),
            Some(stored) => self.write(stored, save).await,
            None if save.is_modified() => self.begin(save.contents(), save).await,
            None => Ok(Saved::unchanged()),
        }
    }
}

/// Returns the renewal of a stored session. The expiry in Redis is extended whether or not the
/// session is permanent, as in Flask-Session. The cookie is set again only if it has an expiry.
fn renewal(context: &OpenContext<'_>, opened: &Opened) -> Renewal {
    let refresh = context.config().refresh();
    let cookie = context.lifetime(opened).permanent().is_some();
    Renewal { cookie, ..Renewal::flasks(refresh) }
}

/// Returns whether the stored session must end, because the request ends it or because the session
/// has no key that Flask-Session counts.
fn has_ended(save: &Save<'_>) -> Result<bool, Error> {
    Ok(save.ends() || Tree::from_payload(&save.contents().payload_with_login())?.is_empty())
}

fn life(contents: &Contents, save: &Save<'_>) -> Duration {
    contents.lifetime().unwrap_or(save.config().permanent_lifetime())
}

fn dropped() -> Saved {
    tracing::info!("session was ended in the meantime; the changes of this request are dropped");
    Saved::dropped()
}
