//! The steps of the rules that observe records.

use std::time::Duration;

use session_core::ErrorKind;
use session_core::store::{Replaced, StoreKey, Version};

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::Entry;
use crate::harness::store::observer::Observer;
use crate::harness::store::samples::Sample;
use crate::harness::store::values::never;
use crate::report::{Checked, Failure};

/// The number of calls in a pseudorandom order.
const CALLS: u64 = 16;

/// Makes every call that must be refused, and observes the record after each call.
pub(crate) async fn refuse(see: &Observer<'_>, sample: &Sample) -> Checked {
    let (store, key) = (see.store, see.store.key());
    let old = store.create(&key, &sample.entry(store)).await?;
    let entry = sample.later(store, 1);
    let version = store.replaced(&key, old.clone(), &entry).await?;
    let late = Entry::plain("late", store.now()).owned_by("a late owner");
    for (name, at) in [("an old", old.clone()), ("an unknown", never(&[old, version.clone()]))] {
        store.equal(false, store.remove(&key, at.clone()).await?)?;
        see.sees(&format!("remove at {name} version"), &key, Some(version.clone()), &entry).await?;
        store.equal(false, store.touch(&key, at.clone(), late.expires_at).await?)?;
        see.sees(&format!("touch at {name} version"), &key, Some(version.clone()), &entry).await?;
        store.equal(Replaced::Stale, store.replace(&key, at, &late).await?)?;
        see.sees(&format!("replace at {name} version"), &key, Some(version.clone()), &entry)
            .await?;
    }
    create_again(store, &key, &late).await?;
    see.sees("create of an existing key", &key, Some(version.clone()), &entry).await?;
    store.removed(&key, version).await
}

/// Fails unless a second `create` is refused.
async fn create_again(store: &StoreUnderTest, key: &StoreKey, entry: &Entry) -> Checked {
    let created = store.store().create(key, &entry.as_new()).await.map_err(|error| error.kind());
    store.calls().note(format!("create({}, another record) = {created:?}", store.name(key)));
    store.equal(Err(ErrorKind::Backend), created)
}

/// Makes every call that reads, and observes the record after each call.
pub(crate) async fn read(see: &Observer<'_>, sample: &Sample) -> Checked {
    let (store, key, entry) = (see.store, see.store.key(), sample.entry(see.store));
    let version = store.create(&key, &entry).await?;
    store.load(&key).await?;
    see.sees("load", &key, Some(version.clone()), &entry).await?;
    store.load_many(&[key]).await?;
    see.sees("load_many", &key, Some(version.clone()), &entry).await?;
    store.load(&store.key()).await?;
    see.sees("load of an unused key", &key, Some(version.clone()), &entry).await?;
    if store.has_index() {
        for owner in [entry.owner.as_deref().unwrap_or("an owner without keys"), "another owner"] {
            store.keys_of(owner, &[key]).await?;
            see.sees("keys_of", &key, Some(version.clone()), &entry).await?;
        }
    }
    if let Some(sweep) = store.sweeper() {
        let swept = sweep.sweep(store.now(), 1000).await;
        store.note("sweep(now, up to 1000)".to_owned(), swept, usize::to_string)?;
        see.sees("sweep", &key, Some(version.clone()), &entry).await?;
    }
    store.removed(&key, version).await
}

/// Makes calls on another record that differs only in its key, and observes the first record after
/// each call.
pub(crate) async fn neighbour(see: &Observer<'_>, sample: &Sample) -> Checked {
    let (store, entry) = (see.store, sample.entry(see.store));
    let (key, other) = (store.key(), store.key());
    let version = store.create(&key, &entry).await?;
    let see_after = async |what: &str| {
        let what = format!("{what} another record");
        see.sees(&what, &key, Some(version.clone()), &entry).await.map(|_| ())
    };
    let mut at = store.create(&other, &entry).await?;
    see_after("create of").await?;
    store.equal(false, store.remove(&other, never(&[at.clone()])).await?)?;
    see_after("a stale remove of").await?;
    store.touched(&other, at, entry.expires_at + Duration::from_mins(1)).await?;
    see_after("touch of").await?;
    at = store.expect_version(&other).await?;
    at = store.replaced(&other, at, &entry).await?;
    see_after("replace of").await?;
    let theirs = entry.clone().owned_by("another owner");
    at = store.replaced(&other, at, &theirs).await?;
    see_after("a new owner of").await?;
    at = store.replaced(&other, at, &Entry { owner: None, ..entry.clone() }).await?;
    see_after("replace without an owner of").await?;
    at = store.replaced(&other, at, &entry).await?;
    store.removed(&other, at).await?;
    see_after("remove of").await?;
    store.removed(&key, version).await
}

/// Makes successful and refused calls in an order that the number determines, and observes the
/// record after each call.
pub(crate) async fn disturb(see: &Observer<'_>, sample: &Sample, number: u64) -> Checked {
    let (store, mut random) = (see.store, fastrand::Rng::with_seed(number));
    let (key, entry) = (store.key(), sample.entry(store));
    let old = store.create(&key, &entry).await?;
    let version = store.replaced(&key, old.clone(), &entry).await?;
    let mut course = Course { key, old, version, entry };
    for call in 1..=CALLS {
        let next = sample.later(store, call);
        let what = course.step(store, random.u8(..8), next).await?;
        // A touch may change the version.
        let at = Some(course.version).filter(|_| what != "touch");
        course.version = see.sees(what, &key, at, &course.entry).await?;
    }
    store.removed(&key, course.version).await
}

/// A key, an old version, the current version and the current record.
struct Course {
    key: StoreKey,
    old: Version,
    version: Version,
    entry: Entry,
}

impl Course {
    /// Makes a call, and returns its name for messages.
    async fn step(
        &mut self,
        store: &StoreUnderTest,
        call: u8,
        next: Entry,
    ) -> Result<&'static str, Failure> {
        let (key, old, current) = (self.key, self.old.clone(), self.version.clone());
        match call {
            0 => store.equal(false, store.remove(&key, old).await?).map(|()| "a stale remove"),
            1 => {
                let touched = store.touch(&key, old, next.expires_at).await?;
                store.equal(false, touched).map(|()| "a stale touch")
            }
            2 => {
                let replaced = store.replace(&key, old, &next).await?;
                store.equal(Replaced::Stale, replaced).map(|()| "a stale replace")
            }
            3 => {
                store.touched(&key, current, next.expires_at).await?;
                self.entry.expires_at = next.expires_at;
                Ok("touch")
            }
            4 => {
                store.removed(&key, current).await?;
                let version = store.create(&key, &next).await?;
                Ok(self.wrote("remove and create", version, next))
            }
            5 => {
                let plain = Entry::plain("plain", store.now()).owned_by("another owner");
                let version = store.replaced(&key, current, &plain).await?;
                Ok(self.wrote("replace by a plain record", version, plain))
            }
            _ => {
                let version = store.replaced(&key, current, &next).await?;
                Ok(self.wrote("replace", version, next))
            }
        }
    }

    fn wrote(&mut self, what: &'static str, version: Version, entry: Entry) -> &'static str {
        (self.old, self.version, self.entry) = (self.version.clone(), version, entry);
        what
    }
}
