//! The definition of a mutant: the original store with some operations overridden.

use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::SystemTime;

use session_conformance::store::StoreUnderTest;
use session_core::store::{
    NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Sweep, Version,
};
use session_core::{Error, ErrorKind, async_trait};

use super::original::Original;

/// A store whose operations are those of the original by default.
#[async_trait]
pub trait Mutation: Debug + Send + Sync + 'static {
    fn original(&self) -> &Original;

    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        Ok(self.original().load(key))
    }

    async fn load_recent(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.load(key).await
    }

    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        let mut records = Vec::new();
        for key in keys {
            records.push(self.load(key).await?);
        }
        Ok(records)
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.check_length(record)?;
        self.original().create(key, record)
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        self.check_length(record)?;
        Ok(self.original().replace(key, expected, record))
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        Ok(self.original().touch(key, expected, expires_at))
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        Ok(self.original().remove(key, expected))
    }

    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(self.original().keys_of(owner))
    }

    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        Ok(self.original().sweep(now, limit))
    }

    async fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Returns the result of `check` during an outage.
    fn check_in_outage(&self) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Unavailable, "the disk cannot be read"))
    }

    /// Returns the index that the store declares.
    fn declared_index<'a>(&'a self, own: &'a dyn OwnerIndex) -> Option<&'a dyn OwnerIndex> {
        Some(own)
    }

    /// Returns the longest payload, if the store declares one.
    fn max_payload(&self) -> Option<usize> {
        None
    }

    fn check_length(&self, record: &NewRecord<'_>) -> Result<(), Error> {
        match self.max_payload() {
            Some(longest) if record.payload().len() > longest => {
                Err(Error::new(ErrorKind::TooLarge, "longer than the longest payload"))
            }
            _ => Ok(()),
        }
    }

    /// Returns whether a call blocks those on other threads until its first `await`.
    fn blocks_other_threads(&self) -> bool {
        true
    }

    /// Returns the store that is opened again, if it is not the same store.
    fn reopened(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }

    /// Returns the call that mistakes an error for an absent record or another version.
    fn hides(&self) -> &'static str {
        ""
    }

    /// Returns the kind of the errors of an outage.
    fn outage_kind(&self) -> ErrorKind {
        ErrorKind::Unavailable
    }

    /// Returns a clone, if it is not the same store.
    fn clone_of(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }
}

/// Returns the store with this mutation, under test.
pub fn under_test<M: Mutation + Default>() -> StoreUnderTest {
    let mutant = Mutated(Arc::new(M::default()));
    let under_test =
        StoreUnderTest::new(mutant.clone()).owner_index(mutant.clone()).sweep(mutant.clone());
    let under_test = under_test.clock(mutant.0.original().clock().clone());
    let (again, outage) = (mutant.clone(), mutant.clone());
    let under_test = under_test
        .reopen(move || {
            let store = match again.0.reopened() {
                Some(other) => Mutated(Arc::new(other)),
                None => again.clone(),
            };
            async move { StoreUnderTest::new(store.clone()).owner_index(store.clone()).sweep(store) }
        })
        .outage(move |down| outage.0.original().set_down(down));
    let under_test = match mutant.0.max_payload() {
        Some(longest) => under_test.max_payload(longest),
        None => under_test,
    };
    match mutant.0.clone_of() {
        Some(other) => under_test.clones(Mutated(Arc::new(other))),
        None => under_test.clones(mutant),
    }
}

#[derive(Debug)]
struct Mutated<M>(Arc<M>);

impl<M> Clone for Mutated<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M: Mutation> Mutated<M> {
    /// Runs a call without any other until its first wait. A mutant uses an `await` between two
    /// steps.
    async fn undivided<T>(
        &self,
        name: &str,
        hidden: impl FnOnce() -> T,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        if self.0.original().is_down() {
            return if self.0.hides() == name {
                Ok(hidden())
            } else {
                Err(Error::new(self.0.outage_kind(), "the disk cannot be read"))
            };
        }
        let mut call = pin!(call);
        poll_fn(|context| {
            let alone = self.0.blocks_other_threads();
            let _alone = alone.then(|| self.0.original().alone());
            call.as_mut().poll(context)
        })
        .await
    }
}

#[async_trait]
impl<M: Mutation> SessionStore for Mutated<M> {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.undivided("load", || None, self.0.load(key)).await
    }

    async fn load_recent(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.undivided("load_recent", || None, self.0.load_recent(key)).await
    }

    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        self.undivided("load_many", || vec![None; keys.len()], self.0.load_many(keys)).await
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.undivided("create", || Version::new(0), self.0.create(key, record)).await
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        self.undivided("replace", || Replaced::Stale, self.0.replace(key, expected, record)).await
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        self.undivided("touch", || false, self.0.touch(key, expected, expires_at)).await
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.undivided("remove", || false, self.0.remove(key, expected)).await
    }

    async fn check(&self) -> Result<(), Error> {
        if self.0.original().is_down() {
            return self.0.check_in_outage();
        }
        self.undivided("check", || (), self.0.check()).await
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        self.0.declared_index(self)
    }
}

#[async_trait]
impl<M: Mutation> OwnerIndex for Mutated<M> {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        self.undivided("keys_of", Vec::new, self.0.keys_of(owner)).await
    }
}

#[async_trait]
impl<M: Mutation> Sweep for Mutated<M> {
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        self.undivided("sweep", || 0, self.0.sweep(now, limit)).await
    }
}

/// The mutants of a file, each with the rule that it violates.
macro_rules! mutants {
    ($($mutant:ident breaks $rule:ident;)+) => {
        pub fn mutants() -> Vec<crate::judge::Mutant<session_conformance::store::StoreUnderTest>> {
            vec![$(
                crate::judge::Mutant::new(
                    stringify!($mutant),
                    stringify!($rule),
                    crate::store::mutation::under_test::<$mutant>,
                )
            ),+]
        }
    };
}

/// A mutation with these operations, and perhaps with fields.
macro_rules! mutation {
    ($($mutation:tt)+) => {
        crate::store::mutation::mutation_of! { crate::store::original::Original::default(); $($mutation)+ }
    };
}

/// A mutation of a store that removes records only in a sweep.
macro_rules! swept {
    ($($mutation:tt)+) => {
        crate::store::mutation::mutation_of! { crate::store::original::Original::to_be_swept(); $($mutation)+ }
    };
}

macro_rules! mutation_of {
    ($original:expr; $(#[$about:meta])* $name:ident $({$($note:ident: $type:ty),+ $(,)?})?; $($operation:item)+) => {
        $(#[$about])*
        #[derive(Debug)]
        struct $name {
            original: crate::store::original::Original,
            $($($note: $type),+)?
        }

        impl Default for $name {
            fn default() -> Self {
                Self { original: $original, $($($note: Default::default()),+)? }
            }
        }

        #[session_core::async_trait]
        impl crate::store::mutation::Mutation for $name {
            fn original(&self) -> &crate::store::original::Original {
                &self.original
            }

            $($operation)+
        }
    };
}

pub(crate) use {mutants, mutation, mutation_of, swept};
