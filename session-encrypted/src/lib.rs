#![doc = include_str!("../README.md")]

mod cipher;

use std::fmt;
use std::sync::Weak;
use std::time::SystemTime;

use session_core::config::SecretKey;
use session_core::store::{
    ChangeListener, KeyPage, NewRecord, OwnerIndex, Record, Replaced, ReportChanges, Scan,
    SessionStore, StoreKey, Sweep, Version,
};
use session_core::{Error, async_trait};

use cipher::Cipher;

/// A store that encrypts the payload of each record for another store.
///
/// It has the same limits and guarantees as the other store.
///
/// # Examples
///
/// ```
/// use session_core::config::SecretKey;
/// use session_encrypted::EncryptedStore;
/// use session_memory::MemoryStore;
///
/// let (old, new) = (SecretKey::generate()?, SecretKey::generate()?);
/// let store = EncryptedStore::new(MemoryStore::new(), &new.with_fallback(&old))?;
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone)]
pub struct EncryptedStore<S> {
    store: S,
    cipher: Cipher,
}

impl<S> EncryptedStore<S> {
    /// The number of bytes that the encryption adds to a payload.
    pub const OVERHEAD: usize = cipher::OVERHEAD;

    /// Returns a store that encrypts with the key and decrypts with the key and its fallbacks.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](session_core::ErrorKind::Configuration) if no key can be
    /// derived from the secret key.
    pub fn new(store: S, key: &SecretKey) -> Result<Self, Error> {
        Ok(Self { store, cipher: Cipher::new(key)? })
    }

    /// Returns the other store, for example to sweep it. Its records are encrypted.
    pub fn inner(&self) -> &S {
        &self.store
    }

    fn sealed(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Vec<u8>, Error> {
        self.cipher.seal(record.payload(), key, record.owner())
    }

    /// Decrypts a record. Returns `None` if no secret key decrypts it.
    fn opened(&self, key: &StoreKey, record: Option<Record>) -> Result<Option<Record>, Error> {
        let Some(record) = record else { return Ok(None) };
        Cipher::check_version(record.payload())?;
        let payload = self.cipher.open(record.payload(), key, record.owner());
        let Some(payload) = payload else {
            tracing::warn!(
                session = %key.log_name(),
                "session record cannot be decrypted with any key; treating it as absent"
            );
            return Ok(None);
        };
        let opened = NewRecord::new(&payload, record.created_at(), record.expires_at());
        Ok(Some(Record::new(record.version(), &opened.owned_by(record.owner()))))
    }
}

#[async_trait]
impl<S: SessionStore> SessionStore for EncryptedStore<S> {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.opened(key, self.store.load(key).await?)
    }

    async fn load_recent(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.opened(key, self.store.load_recent(key).await?)
    }

    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        let records = self.store.load_many(keys).await?;
        let opened = |(record, key): (Option<Record>, &StoreKey)| self.opened(key, record);
        records.into_iter().zip(keys).map(opened).collect()
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let sealed = self.sealed(key, record)?;
        self.store.create(key, &with_payload(record, &sealed)).await
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        let sealed = self.sealed(key, record)?;
        self.store.replace(key, expected, &with_payload(record, &sealed)).await
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        self.store.touch(key, expected, expires_at).await
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.store.remove(key, expected).await
    }

    async fn check(&self) -> Result<(), Error> {
        self.store.check().await
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        self.store.owner_index()
    }
}

#[async_trait]
impl<S: OwnerIndex> OwnerIndex for EncryptedStore<S> {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        self.store.keys_of(owner).await
    }
}

#[async_trait]
impl<S: Sweep> Sweep for EncryptedStore<S> {
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        self.store.sweep(now, limit).await
    }
}

#[async_trait]
impl<S: Scan> Scan for EncryptedStore<S> {
    async fn scan(&self, after: Option<&str>, limit: usize) -> Result<KeyPage, Error> {
        self.store.scan(after, limit).await
    }

    async fn count(&self, now: SystemTime) -> Result<u64, Error> {
        self.store.count(now).await
    }
}

#[async_trait]
impl<S: ReportChanges> ReportChanges for EncryptedStore<S> {
    async fn report_changes(&self, listener: Weak<dyn ChangeListener>) -> Result<(), Error> {
        self.store.report_changes(listener).await
    }
}

impl<S: fmt::Debug> fmt::Debug for EncryptedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedStore").field("store", &self.store).finish_non_exhaustive()
    }
}

fn with_payload<'a>(record: &NewRecord<'a>, payload: &'a [u8]) -> NewRecord<'a> {
    NewRecord::new(payload, record.created_at(), record.expires_at()).owned_by(record.owner())
}
