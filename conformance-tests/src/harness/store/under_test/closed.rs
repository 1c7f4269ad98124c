//! A closed store, as a substitute for a store that is being opened again.

use std::time::SystemTime;

use session_core::store::{NewRecord, Record, Replaced, SessionStore, StoreKey, Version};
use session_core::{Error, ErrorKind, async_trait};

#[derive(Debug)]
pub(crate) struct Closed;

fn closed<T>() -> Result<T, Error> {
    Err(Error::new(ErrorKind::Unavailable, "the store is closed"))
}

#[async_trait]
impl SessionStore for Closed {
    async fn load(&self, _: &StoreKey) -> Result<Option<Record>, Error> {
        closed()
    }

    async fn create(&self, _: &StoreKey, _: &NewRecord<'_>) -> Result<Version, Error> {
        closed()
    }

    async fn replace(
        &self,
        _: &StoreKey,
        _: Version,
        _: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        closed()
    }

    async fn touch(&self, _: &StoreKey, _: Version, _: SystemTime) -> Result<bool, Error> {
        closed()
    }

    async fn remove(&self, _: &StoreKey, _: Version) -> Result<bool, Error> {
        closed()
    }
}
