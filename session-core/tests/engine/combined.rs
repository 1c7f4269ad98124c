//! An interface that combines two others: it moves sessions from an old store to a new one.

use std::sync::Arc;

use session_core::interface::{OpenContext, Opened, Save, Saved, state_of};
use session_core::request::{RequestSession, RequestView};
use session_core::{
    Error, OutagePolicy, ServerSideSessions, Session, SessionConfig, SessionInterface, async_trait,
};

use crate::store::TestStore;
use crate::support::{Response, log_out, read, write_user};

const NEW: u8 = 0;
const OLD: u8 = 1;

/// Reads sessions from either store. A change moves a session to the new store.
#[derive(Debug)]
struct Moving {
    new: ServerSideSessions<TestStore>,
    old: ServerSideSessions<TestStore>,
}

#[async_trait]
impl SessionInterface for Moving {
    fn config(&self) -> &SessionConfig {
        self.new.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let new = self.new.open(context).await?.nested(NEW);
        if new.is_new() {
            return Ok(self.old.open(context).await?.nested(OLD));
        }
        Ok(new)
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        let old = save.nested(OLD);
        if !save.is_modified() || save.ends() {
            return self.old.save(&old).await;
        }
        let saved = self.new.save(&save.nested(NEW)).await?;
        self.old.save(&old.ending()).await?;
        Ok(saved)
    }
}

struct Stores {
    old: TestStore,
    new: TestStore,
    moving: Arc<dyn SessionInterface>,
    only_old: Arc<dyn SessionInterface>,
}

impl Stores {
    fn new() -> Self {
        let (old, new) = (TestStore::default(), TestStore::default());
        let engine =
            |store: &TestStore| ServerSideSessions::new(store.clone(), SessionConfig::default());
        let moving = Arc::new(Moving { new: engine(&new), old: engine(&old) });
        let only_old = Arc::new(engine(&old));
        Self { old, new, moving, only_old }
    }
}

async fn respond(
    sessions: &Arc<dyn SessionInterface>,
    cookie: &str,
    handler: impl FnOnce(&Session) -> Result<(), Error>,
) -> Response {
    let header = format!("session={cookie}");
    let view = RequestView::builder().cookie_header(header.as_bytes()).build();
    let request = RequestSession::with_shared(Arc::clone(sessions), view, OutagePolicy::Refuse);
    let session = request.session().await.unwrap();
    handler(&session).unwrap();
    let headers = request.commit().await.into_result().unwrap();
    Response::new(headers, session.outcome())
}

#[tokio::test]
async fn change_moves_session_to_new_store() {
    let stores = Stores::new();
    let first = respond(&stores.only_old, "", write_user).await.cookie().unwrap();
    respond(&stores.moving, &first, read).await;
    assert!(stores.old.record(&first).is_some() && stores.new.records().is_empty());

    let second = respond(&stores.moving, &first, |session| session.insert("n", 1)).await;
    let second = second.cookie().unwrap();
    assert_ne!(first, second);
    assert!(stores.old.records().is_empty(), "the old record is removed");
    assert_eq!(stores.new.records().len(), 1);
    respond(&stores.moving, &second, |session| {
        assert_eq!(session.get::<String>("user")?.as_deref(), Some("ada"));
        assert_eq!(session.get::<u64>("n")?, Some(1));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn later_change_stays_in_new_store() {
    let stores = Stores::new();
    let cookie = respond(&stores.moving, "", write_user).await.cookie().unwrap();
    respond(&stores.moving, &cookie, |session| session.insert("n", 1)).await;
    assert!(stores.old.records().is_empty());
    assert_eq!(stores.new.records().len(), 1);
    assert!(stores.new.record(&cookie).is_some());
}

#[tokio::test]
async fn logout_ends_session_of_old_store() {
    let stores = Stores::new();
    let cookie = respond(&stores.only_old, "", write_user).await.cookie().unwrap();
    assert!(respond(&stores.moving, &cookie, log_out).await.is_removal());
    assert!(stores.old.records().is_empty() && stores.new.records().is_empty());
}

#[test]
fn backend_state_of_other_type_is_none() {
    let state = state_of(&Opened::new().with_backend_state(1_u32).into_session());
    assert_eq!(state.backend_state::<u32>().as_deref(), Some(&1));
    assert!(state.backend_state::<u64>().is_none());
}
