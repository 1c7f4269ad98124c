//! A store in memory that has defects on demand.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use session_core::store::{NewRecord, Record, Replaced, SessionStore, StoreKey, Version};
use session_core::{Error, ErrorKind, async_trait};
use session_memory::MemoryStore;

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Defect {
    #[default]
    None,
    /// Records were written by another program.
    Foreign,
    /// Records have an incomplete payload.
    NoSession,
    Unreachable,
    Unwritable,
    /// Another request removes the record before it is written.
    EndsMeanwhile,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Defective {
    inner: MemoryStore,
    defect: Arc<Mutex<Defect>>,
    keys: Arc<Mutex<Vec<String>>>,
}

impl Defective {
    pub(crate) fn has(&self, defect: Defect) {
        *self.defect.lock().unwrap() = defect;
    }

    /// Returns the first bytes of all loaded keys, in two notations.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.keys.lock().unwrap().clone()
    }

    fn check(&self, failing: Defect) -> Result<(), Error> {
        let down = *self.defect.lock().unwrap() == failing;
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        if down {
            Err(Error::new(ErrorKind::Unavailable, "the store is down").with_source(refused))
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl SessionStore for Defective {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.check(Defect::Unreachable)?;
        let start = &key.as_bytes()[..4];
        let hexadecimal: Vec<_> = start.iter().map(|byte| format!("{byte:02x}")).collect();
        let decimal: Vec<_> = start.iter().map(u8::to_string).collect();
        self.keys.lock().unwrap().extend([hexadecimal.concat(), decimal.join(", ")]);
        let Some(record) = self.inner.load(key).await? else { return Ok(None) };
        let payload = record.payload();
        let payload = match *self.defect.lock().unwrap() {
            Defect::Foreign => b"something else",
            Defect::NoSession => &payload[..payload.len() - 1],
            _ => payload,
        };
        let changed = NewRecord::new(payload, record.created_at(), record.expires_at())
            .owned_by(record.owner());
        Ok(Some(Record::new(record.version(), &changed)))
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.inner.create(key, record).await
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        if *self.defect.lock().unwrap() == Defect::EndsMeanwhile {
            self.inner.remove(key, expected.clone()).await?;
        }
        self.inner.replace(key, expected, record).await
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        self.check(Defect::Unwritable)?;
        self.inner.touch(key, expected, expires_at).await
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.inner.remove(key, expected).await
    }
}
