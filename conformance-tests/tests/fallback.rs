//! A simple fallback loses writes, owners and logouts. Such an interface writes to the new backend,
//! and reads from the old one if the new one has no session. The rules detect each of them.

use session_conformance::interface::{InterfaceUnderTest, server_side_rules};
use session_core::interface::{OpenContext, Opened, Save, Saved, SessionPage, state_of};
use session_core::{
    Error, OwnerSessions, ServerSideSessions, Session, SessionConfig, SessionInterface, async_trait,
};
use session_memory::MemoryStore;

const NEW: u8 = 0;
const OLD: u8 = 1;

/// Every session is created in the old backend, as those of the application before the migration.
#[derive(Debug)]
struct Fallback {
    new: ServerSideSessions<MemoryStore>,
    old: ServerSideSessions<MemoryStore>,
}

/// Whether the session of the request is created by it.
struct Begins(bool);

#[async_trait]
impl SessionInterface for Fallback {
    fn config(&self) -> &SessionConfig {
        self.new.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let opened = self.new.open(context).await?;
        let begins = Begins(context.cookie().is_none());
        if !opened.is_new() {
            return Ok(opened.nested(NEW).with_backend_state(begins));
        }
        Ok(self.old.open(context).await?.nested(OLD).with_backend_state(begins))
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        match save.backend_state::<Begins>().as_deref() {
            Some(Begins(true)) => self.old.save(&save.nested(OLD)).await,
            _ => self.new.save(&save.nested(NEW)).await,
        }
    }
}

#[async_trait]
impl OwnerSessions for Fallback {
    async fn page(
        &self,
        owner: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<SessionPage, Error> {
        self.new.page(owner, after, limit).await
    }

    fn handle_of(&self, session: &Session) -> Option<String> {
        self.new.handle_of(&state_of(session).nested(NEW).into_session())
    }

    async fn end(&self, owner: &str, handle: &str) -> Result<bool, Error> {
        self.new.end(owner, handle).await
    }

    async fn end_others(&self, session: &Session) -> Result<usize, Error> {
        self.new.end_others(&state_of(session).nested(NEW).into_session()).await
    }

    async fn end_all(&self, owner: &str) -> Result<usize, Error> {
        self.new.end_all(owner).await
    }
}

/// A part of the violated rules: of writes, of owners and of logouts.
const VIOLATED: [&str; 6] = [
    "concurrent_requests_store_their_keys",
    "late_save_revives_nothing",
    "list_has_sessions_of_owner_only",
    "end_all_returns_number_of_ended_sessions",
    "copied_cookie_opens_nothing_after_logout",
    "logout_during_rotation_ends_session",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fallback_loses_writes_owners_and_logouts() {
    let mut checks = Vec::new();
    for rule in server_side_rules() {
        checks.push(tokio::spawn(async move {
            let under_test = InterfaceUnderTest::with_owners(|config: SessionConfig| async move {
                let sessions = || ServerSideSessions::new(MemoryStore::new(), config.clone());
                Fallback { new: sessions(), old: sessions() }
            });
            rule.check(&under_test).await.is_err().then(|| rule.name())
        }));
    }
    let mut violated = Vec::new();
    for check in checks {
        violated.extend(check.await.unwrap());
    }
    let missed: Vec<_> = VIOLATED.iter().filter(|rule| !violated.contains(rule)).collect();
    assert!(missed.is_empty(), "{missed:?} are not among {violated:#?}");
}
