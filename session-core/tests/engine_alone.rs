//! The engine compiled as a separate crate: it uses only the public API, as a third-party interface
//! would.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../src/engine/mod.rs"]
#[expect(unreachable_pub, reason = "it is public in its own crate")]
#[allow(dead_code, unused_imports, reason = "what only the crate itself uses")]
mod engine;
#[path = "../src/record_format.rs"]
mod record_format;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use crate::store::{NewRecord, Record, Replaced, SessionStore, StoreKey, Version};
// The items that the engine imports from `crate`.
use session_core::*;

#[derive(Debug, Default)]
struct Store(Mutex<HashMap<StoreKey, Record>>);

#[async_trait]
impl SessionStore for Store {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        Ok(self.0.lock().unwrap().get(key).cloned())
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let version = Version::new(1);
        self.0.lock().unwrap().insert(*key, Record::new(version.clone(), record));
        Ok(version)
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        let mut records = self.0.lock().unwrap();
        let Some(old) = records.get_mut(key).filter(|old| old.version() == expected) else {
            return Ok(Replaced::Stale);
        };
        let version = Version::new(expected.get() + 1);
        *old = Record::new(version.clone(), record);
        Ok(Replaced::Done(version))
    }

    async fn touch(&self, _: &StoreKey, _: Version, _: SystemTime) -> Result<bool, Error> {
        Ok(false)
    }

    async fn remove(&self, key: &StoreKey, _: Version) -> Result<bool, Error> {
        Ok(self.0.lock().unwrap().remove(key).is_some())
    }
}

async fn respond(
    sessions: &Arc<dyn SessionInterface>,
    cookie: &str,
    handler: impl AsyncFnOnce(&Session) -> Result<(), Error>,
) -> String {
    let view = request::RequestView::builder().cookie_header(cookie.as_bytes()).build();
    let sessions = Arc::clone(sessions);
    let request = request::RequestSession::with_shared(sessions, view, OutagePolicy::Refuse);
    handler(&request.session().await.unwrap()).await.unwrap();
    let headers = request.commit().await.into_result().unwrap();
    headers.set_cookie().unwrap_or(cookie).split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn engine_outside_its_crate_keeps_rotates_and_ends_sessions() {
    let engine = engine::ServerSideSessions::new(Store::default(), SessionConfig::default());
    let engine = Arc::new(engine);
    let sessions: Arc<dyn SessionInterface> = Arc::clone(&engine) as _;
    let first = respond(&sessions, "", async |session| session.insert("n", 1)).await;
    let second = respond(&sessions, &first, async |session| session.rotate_id()).await;
    assert_ne!(first, second);
    respond(&sessions, &second, async |session| {
        assert_eq!(session.get::<u64>("n")?, Some(1));
        assert_eq!(session.log_out().await?, Outcome::Stored);
        Ok(())
    })
    .await;
    respond(&sessions, &second, async |session| {
        assert!(session.is_new());
        Ok(())
    })
    .await;
    assert_eq!(engine.store().0.lock().unwrap().len(), 1, "only the tombstone is left");
}
