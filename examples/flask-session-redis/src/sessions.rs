//! The session interface: what happens to a session in Redis when a request opens and saves it.

use std::sync::Arc;
use std::time::Duration;

use session_core::{
    CookieAction, Error, OpenContext, Outcome, Refresh, SaveContext, Session, SessionConfig, SessionInterface,
    async_trait,
};

use crate::convert::{Format, Tree};
use crate::keys::Keys;
use crate::signer::Signer;
use crate::{FlaskSessionRedisBuilder, id};

/// Keeps each session in Redis as Flask-Session does.
///
/// ```no_run
/// use flask_session_redis::FlaskSessionRedis;
/// use session_core::{RequestSession, RequestView, SessionConfig};
///
/// # async fn serve() -> Result<(), session_core::Error> {
/// let sessions = FlaskSessionRedis::connect("redis://localhost", SessionConfig::default()).await?;
/// let request = RequestSession::new(sessions, RequestView::builder().cookie_header(b"session=...").build());
/// let user: Option<String> = request.session().await?.get("user")?; // as Flask stored it
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FlaskSessionRedis {
    config: SessionConfig,
    keys: Keys,
    format: Format,
    signer: Option<Signer>,
}

/// What a session carries from `open` to `save`: where it is stored, if it is.
type Origin = Option<Stored>;

struct Stored {
    id: String,
    tree: Tree,
}

type Saved = (CookieAction, Outcome);

impl FlaskSessionRedis {
    /// Sessions in msgpack under `session:` and the id, which the cookie holds unsigned.
    ///
    /// # Errors
    ///
    /// As the builder's [`connect`](FlaskSessionRedisBuilder::connect).
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

    /// Sessions with other settings of Flask-Session's.
    ///
    /// ```
    /// # use flask_session_redis::FlaskSessionRedis;
    /// let builder = FlaskSessionRedis::builder(Default::default());
    /// ```
    pub fn builder(config: SessionConfig) -> FlaskSessionRedisBuilder {
        FlaskSessionRedisBuilder::new(config)
    }

    pub(crate) fn new(config: SessionConfig, keys: Keys, format: Format, signer: Option<Signer>) -> Self {
        Self { config, keys, format, signer }
    }

    /// The id in a cookie, if it can be one.
    fn read_cookie<'a>(&self, cookie: &'a str) -> Option<&'a str> {
        let id = match &self.signer {
            Some(signer) => signer.verify(cookie),
            None => Some(cookie),
        };
        id.filter(|id| id::is_plausible(id))
    }

    fn cookie(&self, id: &str) -> CookieAction {
        CookieAction::Set(self.signer.as_ref().map_or_else(|| id.to_owned(), |signer| signer.sign(id)))
    }

    /// Puts off the end of a session that nothing was changed in.
    async fn renew(&self, stored: &Stored, context: &SaveContext<'_>) -> Saved {
        match self.keys.renew(&stored.id, life(context)).await {
            Ok(true) => (self.cookie(&stored.id), Outcome::Stored),
            Ok(false) => (CookieAction::Keep, Outcome::Unchanged),
            Err(error) => {
                // Nothing of the request's is lost by it: the next one tries again.
                tracing::warn!(error = %error, "session could not be renewed");
                (CookieAction::Keep, Outcome::Unchanged)
            }
        }
    }

    /// Stores a session that is new, under a new id; one that is empty ends at the client.
    async fn begin(&self, session: &Session, payload: &str, context: &SaveContext<'_>) -> Result<Saved, Error> {
        let tree = Tree::from_payload(payload)?;
        if tree.is_empty() {
            return Ok((CookieAction::Remove, Outcome::Unchanged));
        }
        let id = id::generate()?;
        self.keys.create(&id, &tree.to_stored(self.format)?, life(context)).await?;
        Ok(self.reached(session, id, tree))
    }

    /// Ends what was stored, and begins another session if something was written after that.
    async fn end(&self, stored: &Stored, session: &Session, context: &SaveContext<'_>) -> Result<Saved, Error> {
        self.keys.remove(&stored.id).await?;
        session.set_slot(Arc::new(Origin::None));
        let (action, _) = self.begin(session, &session.payload(), context).await?;
        Ok((action, Outcome::Stored))
    }

    /// Writes the whole session, unless it was ended meanwhile.
    async fn write(&self, stored: &Stored, session: &Session, context: &SaveContext<'_>) -> Result<Saved, Error> {
        let tree = Tree::from_payload(&session.payload())?.keeping(&stored.tree);
        if !self.keys.replace(&stored.id, &tree.to_stored(self.format)?, life(context)).await? {
            return Ok(dropped());
        }
        Ok(self.reached(session, stored.id.clone(), tree))
    }

    /// Moves the session to a new id. If it was ended meanwhile it stays ended, but a login begins a new one from what
    /// this request changed.
    async fn rotate(&self, stored: &Stored, session: &Session, context: &SaveContext<'_>) -> Result<Saved, Error> {
        let id = id::generate()?;
        let tree = Tree::from_payload(&session.payload())?.keeping(&stored.tree);
        if self.keys.rename(&stored.id, &id, &tree.to_stored(self.format)?, life(context)).await? {
            return Ok(self.reached(session, id, tree));
        }
        self.keys.remove(&id).await?;
        let is_login = session.changes_owner() && session.owner().is_some();
        if is_login { self.begin(session, &session.changes().replay("{}")?, context).await } else { Ok(dropped()) }
    }

    /// Remembers where the session is now, for a further save in this request.
    fn reached(&self, session: &Session, id: String, tree: Tree) -> Saved {
        let action = self.cookie(&id);
        session.set_slot(Arc::new(Some(Stored { id, tree })));
        (action, Outcome::Stored)
    }
}

#[async_trait]
impl SessionInterface for FlaskSessionRedis {
    fn config(&self) -> &SessionConfig {
        &self.config
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
        let Some(id) = context.cookie().and_then(|cookie| self.read_cookie(cookie)) else { return Ok(Session::new()) };
        let Some(bytes) = self.keys.get(id).await? else { return Ok(Session::new()) };
        let read = Tree::from_stored(&bytes).and_then(|tree| Ok((tree.to_payload()?, tree)));
        let (payload, tree) = match read {
            Ok(read) => read,
            Err(problem) => {
                tracing::warn!(error = %problem, "Redis holds no session that can be read; starting a fresh session");
                return Ok(Session::new());
            }
        };
        let session = Session::from_payload(payload)?;
        session.set_slot(Arc::new(Some(Stored { id: id.to_owned(), tree })));
        Ok(session)
    }

    async fn save(&self, session: &Session, context: &SaveContext<'_>) -> Result<CookieAction, Error> {
        let origin = session.slot::<Origin>();
        let (action, outcome) = match origin.as_deref().and_then(Option::as_ref) {
            Some(stored) if !session.is_modified() => self.renew(stored, context).await,
            Some(stored) if has_ended(session) => self.end(stored, session, context).await?,
            Some(stored) if session.rotates() => self.rotate(stored, session, context).await?,
            Some(stored) if session.changes().is_empty() => self.renew(stored, context).await,
            Some(stored) => self.write(stored, session, context).await?,
            None if session.is_modified() => self.begin(session, &session.payload(), context).await?,
            None => (CookieAction::Keep, Outcome::Unchanged),
        };
        session.set_outcome(outcome);
        Ok(action)
    }

    /// What Redis holds is renewed whether or not the session is permanent, as Flask-Session does it.
    fn should_save(&self, session: &Session) -> bool {
        let renewed = match self.config.refresh() {
            Refresh::EachRequest => true,
            Refresh::WhenAccessed => session.is_accessed(),
            Refresh::WhenModified => false,
        };
        let is_stored = session.slot::<Origin>().is_some_and(|origin| origin.is_some());
        session.is_modified() || self.should_set_cookie(session) || (renewed && is_stored)
    }
}

/// Whether what was stored is to end: by the session's own word, or because nothing is left in it that Flask-Session
/// counts.
fn has_ended(session: &Session) -> bool {
    session.ends() || session.keys().iter().all(|key| key == "_permanent")
}

fn life(context: &SaveContext<'_>) -> Duration {
    context.lifetime().unwrap_or_else(|| context.config().permanent_lifetime())
}

fn dropped() -> Saved {
    tracing::info!("session was ended meanwhile; this request's changes are dropped");
    (CookieAction::Keep, Outcome::Dropped)
}
