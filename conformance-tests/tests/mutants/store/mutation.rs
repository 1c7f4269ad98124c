//! What a mutant is: the original store, with the operations that it overrides.

use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::SystemTime;

use conformance_tests::store::StoreUnderTest;
use session_core::{
    Error, ErrorKind, NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Sweep, Version, async_trait,
};

use super::original::Original;

/// A store that does as the original does, where it says nothing else.
#[async_trait]
pub trait Mutation: Debug + Send + Sync + 'static {
    fn original(&self) -> &Original;

    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        Ok(self.original().load(key))
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.check_length(record)?;
        self.original().create(key, record)
    }

    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        self.check_length(record)?;
        Ok(self.original().replace(key, expected, record))
    }

    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
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

    /// The longest payload that it declares to take, if it declares one.
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

    /// A clone, if that is not the very same store.
    fn clone_of(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }
}

/// What is checked, of a mutation.
pub fn under_test<M: Mutation + Default>() -> StoreUnderTest {
    let mutant = Mutated(Arc::new(M::default()));
    let under_test = StoreUnderTest::new(mutant.clone()).owner_index(mutant.clone()).sweep(mutant.clone());
    let under_test = under_test.clock(mutant.0.original().clock().clone());
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
    /// Lets no other call in before this one waits for something: what a mutant does in two steps, it says with an `await`.
    async fn undivided<T>(&self, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        poll_fn(|context| {
            let _alone = self.0.original().alone();
            call.as_mut().poll(context)
        })
        .await
    }
}

#[async_trait]
impl<M: Mutation> SessionStore for Mutated<M> {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.undivided(self.0.load(key)).await
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.undivided(self.0.create(key, record)).await
    }

    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        self.undivided(self.0.replace(key, expected, record)).await
    }

    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        self.undivided(self.0.touch(key, expected, expires_at)).await
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.undivided(self.0.remove(key, expected)).await
    }
}

#[async_trait]
impl<M: Mutation> OwnerIndex for Mutated<M> {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        self.undivided(self.0.keys_of(owner)).await
    }
}

#[async_trait]
impl<M: Mutation> Sweep for Mutated<M> {
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        self.undivided(self.0.sweep(now, limit)).await
    }
}

/// The mutants of a file, each with the rule that it breaks.
macro_rules! mutants {
    ($($mutant:ident breaks $rule:ident;)+) => {
        pub fn mutants() -> Vec<crate::judge::Mutant<conformance_tests::store::StoreUnderTest>> {
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

/// A mutation of the original and perhaps some notes of its own, with the operations that it changes.
macro_rules! mutation {
    ($(#[$about:meta])* $name:ident $({$($note:ident: $type:ty),+ $(,)?})?; $($operation:item)+) => {
        $(#[$about])*
        #[derive(Debug, Default)]
        struct $name {
            original: crate::store::original::Original,
            $($($note: $type),+)?
        }

        #[async_trait]
        impl crate::store::mutation::Mutation for $name {
            fn original(&self) -> &crate::store::original::Original {
                &self.original
            }

            $($operation)+
        }
    };
}

pub(crate) use {mutants, mutation};
