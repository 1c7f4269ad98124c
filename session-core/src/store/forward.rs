//! Implementations of the store traits for `Arc` and `Box`.

use std::sync::{Arc, Weak};
use std::time::SystemTime;

use async_trait::async_trait;

use super::changes::{ChangeListener, ReportChanges};
use super::record::{NewRecord, Record, Replaced, StoreKey, Version};
use super::scan::{KeyPage, Scan};
use super::traits::{OwnerIndex, SessionStore, Sweep};
use crate::error::Error;

macro_rules! forward {
    ($pointer:ident) => {
        #[deny(clippy::missing_trait_methods)]
        #[async_trait]
        impl<S: SessionStore + ?Sized> SessionStore for $pointer<S> {
            async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
                (**self).load(key).await
            }

            async fn load_recent(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
                (**self).load_recent(key).await
            }

            async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
                (**self).load_many(keys).await
            }

            async fn create(
                &self,
                key: &StoreKey,
                record: &NewRecord<'_>,
            ) -> Result<Version, Error> {
                (**self).create(key, record).await
            }

            async fn replace(
                &self,
                key: &StoreKey,
                expected: Version,
                record: &NewRecord<'_>,
            ) -> Result<Replaced, Error> {
                (**self).replace(key, expected, record).await
            }

            async fn touch(
                &self,
                key: &StoreKey,
                expected: Version,
                expires_at: SystemTime,
            ) -> Result<bool, Error> {
                (**self).touch(key, expected, expires_at).await
            }

            async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
                (**self).remove(key, expected).await
            }

            async fn check(&self) -> Result<(), Error> {
                (**self).check().await
            }

            fn owner_index(&self) -> Option<&dyn OwnerIndex> {
                (**self).owner_index()
            }
        }

        #[deny(clippy::missing_trait_methods)]
        #[async_trait]
        impl<S: OwnerIndex + ?Sized> OwnerIndex for $pointer<S> {
            async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
                (**self).keys_of(owner).await
            }
        }

        #[deny(clippy::missing_trait_methods)]
        #[async_trait]
        impl<S: Sweep + ?Sized> Sweep for $pointer<S> {
            async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
                (**self).sweep(now, limit).await
            }
        }

        #[deny(clippy::missing_trait_methods)]
        #[async_trait]
        impl<S: Scan + ?Sized> Scan for $pointer<S> {
            async fn scan(&self, after: Option<&str>, limit: usize) -> Result<KeyPage, Error> {
                (**self).scan(after, limit).await
            }

            async fn count(&self, now: SystemTime) -> Result<u64, Error> {
                (**self).count(now).await
            }
        }

        #[deny(clippy::missing_trait_methods)]
        #[async_trait]
        impl<S: ReportChanges + ?Sized> ReportChanges for $pointer<S> {
            async fn report_changes(
                &self,
                listener: Weak<dyn ChangeListener>,
            ) -> Result<(), Error> {
                (**self).report_changes(listener).await
            }
        }
    };
}

forward!(Arc);
forward!(Box);
