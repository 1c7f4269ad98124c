//! The health check of the shop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use session_core::config::SecretKey;
use session_core::store::{
    NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Version,
};
use session_core::{Error, ErrorKind, ServerSideSessions, SessionConfig, async_trait};
use session_tower::testing::TestClient;
use shop::Sessions;

/// A store without records that may be down.
#[derive(Clone, Debug, Default)]
struct Store {
    is_down: Arc<AtomicBool>,
}

impl Store {
    fn reply<T>(&self, reply: T) -> Result<T, Error> {
        if self.is_down.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Unavailable, "store is down"));
        }
        Ok(reply)
    }
}

#[async_trait]
impl SessionStore for Store {
    async fn load(&self, _: &StoreKey) -> Result<Option<Record>, Error> {
        self.reply(None)
    }

    async fn create(&self, _: &StoreKey, _: &NewRecord<'_>) -> Result<Version, Error> {
        self.reply(Version::new(1))
    }

    async fn replace(
        &self,
        _: &StoreKey,
        _: Version,
        _: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        self.reply(Replaced::Stale)
    }

    async fn touch(&self, _: &StoreKey, _: Version, _: SystemTime) -> Result<bool, Error> {
        self.reply(false)
    }

    async fn remove(&self, _: &StoreKey, _: Version) -> Result<bool, Error> {
        self.reply(false)
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

#[async_trait]
impl OwnerIndex for Store {
    async fn keys_of(&self, _: &str) -> Result<Vec<StoreKey>, Error> {
        self.reply(Vec::new())
    }
}

#[tokio::test]
async fn health_check_reports_outage_of_store() {
    let (store, key) = (Store::default(), SecretKey::generate().unwrap());
    let sessions = ServerSideSessions::new(store.clone(), SessionConfig::default());
    let shop = Sessions::on_server(sessions, &key).unwrap();
    let mut client = TestClient::new(shop::app(&shop), Arc::clone(&shop.interface));
    for is_down in [false, true, false] {
        store.is_down.store(is_down, Ordering::Relaxed);
        let response = client.get("/health").await.unwrap();
        let expected = if is_down { (503, Some("1")) } else { (200, None) };
        assert_eq!((response.status(), response.header("retry-after")), expected);
        assert_eq!(response.header("set-cookie"), None);
    }
}
