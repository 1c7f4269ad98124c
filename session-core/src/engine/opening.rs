//! The session interface of the engine.

use super::find::{Found, Live, Moved};
use super::id::SessionId;
use super::position::Position;
use super::sessions::ServerSideSessions;
use crate::events::Event;
use crate::interface::{
    OpenContext, Opened, RenewOn, Renewal, Save, Saved, SessionState, SessionView,
};
use crate::store::SessionStore;
use crate::{Error, Outcome, OwnedSession, SessionConfig, SessionInterface, async_trait};

#[async_trait]
impl<S: SessionStore> SessionInterface for ServerSideSessions<S> {
    fn config(&self) -> &SessionConfig {
        &self.config
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let Some(cookie) = context.cookie() else { return Ok(Opened::new()) };
        if let Some(id) = SessionId::parse(cookie) {
            let key = self.key_of(id);
            let record = self.store.load_recent(&key).await?;
            let times = record.as_ref().map(|record| (record.created_at(), record.expires_at()));
            let is_expired = |(created_at, expires_at)| {
                self.config.is_expired(created_at, expires_at, context.now())
            };
            return Ok(match self.judge(&key, record, context.now())? {
                Found::Live(live) => opened_record(context, id, live),
                Found::Moved(moved) => {
                    self.report(Event::RotatedId { count: 1 });
                    opened_tombstone(moved)
                }
                Found::Gone if times.is_some_and(is_expired) => {
                    self.report(Event::Expired { count: 1 });
                    Opened::new()
                }
                Found::Gone => {
                    self.report(Event::UnknownId { count: 1 });
                    Opened::new()
                }
            });
        }
        let Some(id) = SessionId::parse_unconfirmed(cookie) else {
            if !cookie.is_empty() {
                self.report(Event::UnknownId { count: 1 });
            }
            return Ok(Opened::new());
        };
        let found = Box::pin(self.confirm(&self.key_of(id))).await?;
        let renewal = Renewal {
            at: std::time::SystemTime::UNIX_EPOCH,
            on: RenewOn::AnyRequest,
            cookie: true,
        };
        // The renewal replaces the client's cookie.
        Ok(opened(context, id, found).with_renewal(renewal))
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        let position = save.backend_state::<Position>();
        let saved = self.dispatch(position.as_deref(), save).await?;
        if saved.outcome() == Outcome::Dropped
            && let Some(position) = position
        {
            let successor = *position.key();
            // Later saves of this request must not start the session again.
            match &*position {
                Position::Live(record) => save.remember(Position::Lost(record.clone())),
                Position::Planned { .. } => {
                    save.remember(Position::Moved { successor, follow: false });
                }
                Position::Moved { .. } | Position::Lost(_) => {}
            }
            let session = successor.log_name();
            tracing::info!(%session, "session was ended in the meantime; the changes of this request are dropped");
        }
        Ok(saved)
    }

    /// Returns whether the cookie is [out of date](SessionView::is_cookie_due). The engine does not
    /// set a cookie that only repeats an id, because this cookie could replace the cookie of a
    /// concurrent login.
    fn should_set_cookie(&self, session: &SessionView<'_>) -> bool {
        session.is_cookie_due()
    }

    async fn limit_sessions(&self, owner: &str, limit: usize) -> Result<Vec<OwnedSession>, Error> {
        self.limit(owner, limit).await
    }

    async fn check(&self) -> Result<(), Error> {
        self.store.check().await
    }

    fn lineage(&self, session: &SessionState) -> Option<[u8; 16]> {
        match &*session.backend_state::<Position>()? {
            Position::Live(record) => Some(record.lineage.0),
            Position::Planned { .. } | Position::Moved { .. } | Position::Lost(_) => None,
        }
    }
}

impl<S> ServerSideSessions<S> {
    pub(super) fn report(&self, event: Event<'_>) {
        self.config.events().report(event);
    }
}

pub(super) fn opened(context: &OpenContext<'_>, id: SessionId, found: Found) -> Opened {
    match found {
        Found::Live(live) => opened_record(context, id, live),
        Found::Moved(moved) => opened_tombstone(moved),
        Found::Gone => Opened::new(),
    }
}

fn opened_tombstone(moved: Moved) -> Opened {
    let Moved { successor, follow, is_old } = moved;
    if is_old {
        return Opened::new();
    }
    Opened::new().with_backend_state(Position::Moved { successor, follow })
}

fn opened_record(context: &OpenContext<'_>, id: SessionId, mut live: Live) -> Opened {
    let last_seen = live.last_seen();
    live.record.id = Some(id);
    let Ok(opened) = Opened::from_payload(live.payload) else {
        let session = live.record.key.log_name();
        tracing::warn!(%session, "session record has an invalid payload; starting a fresh session");
        return Opened::new();
    };
    let record = &live.record;
    let opened = opened.with_login(record.login.clone());
    let (config, lifetime) = (context.config(), context.lifetime(&opened));
    // The settings may have changed since the record was written.
    let current = config.record_expiry(lifetime, record.created_at, last_seen);
    let expires_at = record.expires_at.min(current);
    if context.now() > expires_at {
        config.events().report(Event::Expired { count: 1 });
        return Opened::new();
    }
    let renewal = config.renewal(lifetime, record.created_at, expires_at);
    opened
        .with_lifetime(lifetime)
        .with_renewal(renewal)
        .with_details(record.details(expires_at))
        .with_backend_state(Position::Live(live.record))
}
