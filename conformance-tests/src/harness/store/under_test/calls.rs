//! Calls of the store, each recorded with its result. An error of the store violates the rule.

use std::time::{Duration, SystemTime};

use session_core::store::{Record, Replaced, StoreKey, Version};

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::{Entry, describe, time};
use crate::harness::store::values::{random_key, whole_second};
use crate::report::{Checked, Failure};

impl StoreUnderTest {
    pub(crate) async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Failure> {
        let record = self.note(
            format!("load({})", self.name(key)),
            self.store().load(key).await,
            show_record,
        )?;
        Ok(record)
    }

    pub(crate) async fn load_many(
        &self,
        keys: &[StoreKey],
    ) -> Result<Vec<Option<Record>>, Failure> {
        let names: Vec<_> = keys.iter().map(|key| self.name(key)).collect();
        let show = |found: &Vec<Option<Record>>| {
            format!("{} results, {} of them records", found.len(), found.iter().flatten().count())
        };
        let found = self.store().load_many(keys).await;
        self.note(format!("load_many({})", names.join(", ")), found, show)
    }

    /// Returns the keys of an owner, and records the expected keys among them.
    pub(crate) async fn keys_of(
        &self,
        owner: &str,
        expected: &[StoreKey],
    ) -> Result<Vec<StoreKey>, Failure> {
        let listed = self.index()?.keys_of(owner).await;
        self.note(format!("keys_of({})", show_owner(owner)), listed, |listed| {
            let there = expected.iter().filter(|key| listed.contains(key));
            let there: Vec<_> = there.map(|key| self.name(key)).collect();
            let among = if there.is_empty() {
                String::new()
            } else {
                format!(", {} among them", there.join(", "))
            };
            format!("{} keys{among}", listed.len())
        })
    }

    pub(crate) async fn create(&self, key: &StoreKey, entry: &Entry) -> Result<Version, Failure> {
        let call = format!("create({}, {})", self.name(key), show_entry(entry));
        self.note(call, self.store().create(key, &entry.as_new()).await, |version| {
            show_version(version.clone())
        })
    }

    pub(crate) async fn replace(
        &self,
        key: &StoreKey,
        at: Version,
        entry: &Entry,
    ) -> Result<Replaced, Failure> {
        let call = format!("replace({}, at {}, {})", self.name(key), at.get(), show_entry(entry));
        self.note(call, self.store().replace(key, at, &entry.as_new()).await, show_replaced)
    }

    pub(crate) async fn touch(
        &self,
        key: &StoreKey,
        at: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Failure> {
        let call = format!(
            "touch({}, at {}, {})",
            self.name(key),
            at.get(),
            time("to expire at", expires_at)
        );
        self.note(call, self.store().touch(key, at, expires_at).await, bool::to_string)
    }

    pub(crate) async fn remove(&self, key: &StoreKey, at: Version) -> Result<bool, Failure> {
        let call = format!("remove({}, at {})", self.name(key), at.get());
        self.note(call, self.store().remove(key, at).await, bool::to_string)
    }

    /// Replaces a record at its current version.
    pub(crate) async fn replaced(
        &self,
        key: &StoreKey,
        at: Version,
        entry: &Entry,
    ) -> Result<Version, Failure> {
        match self.replace(key, at, entry).await? {
            Replaced::Done(version) => Ok(version),
            Replaced::Stale => Err(self.failure("Done, because that version is current", "Stale")),
        }
    }

    /// Touches a record at its current version.
    pub(crate) async fn touched(
        &self,
        key: &StoreKey,
        at: Version,
        expires_at: SystemTime,
    ) -> Checked {
        self.equal(true, self.touch(key, at, expires_at).await?)
    }

    /// Removes a record at its current version.
    pub(crate) async fn removed(&self, key: &StoreKey, at: Version) -> Checked {
        self.equal(true, self.remove(key, at).await?)
    }

    /// Loads a record, which must be equal to `entry`.
    pub(crate) async fn expect(&self, key: &StoreKey, entry: &Entry) -> Result<Record, Failure> {
        let Some(record) = self.load(key).await? else {
            return Err(self.failure(format!("the record {}", show_entry(entry)), "None"));
        };
        match self.difference(entry, &record).await? {
            None => Ok(record),
            Some((expected, seen)) => Err(self.failure(expected, seen)),
        }
    }

    /// Loads a record, which must be equal to `entry`, including the fractions of seconds.
    pub(crate) async fn expect_exactly(&self, key: &StoreKey, entry: &Entry) -> Checked {
        let record = self.expect(key, entry).await?;
        match entry.difference(&record) {
            None => Ok(()),
            Some((expected, seen)) => Err(self.failure(expected, seen)),
        }
    }

    /// Returns the first field that differs. If the store loses fractions of seconds, they are not
    /// compared, because a separate rule reports this loss.
    pub(crate) async fn difference(
        &self,
        entry: &Entry,
        record: &Record,
    ) -> Result<Option<(String, String)>, Failure> {
        let difference = entry.difference(record);
        if difference.is_some() && entry.is_roughly(record) && self.is_rough().await? {
            return Ok(None);
        }
        Ok(difference)
    }

    /// Returns whether the store loses fractions of seconds of an expiry.
    pub(crate) async fn is_rough(&self) -> Result<bool, Failure> {
        let probe = async || {
            let part = Duration::from_nanos(3_600_123_456_789);
            let entry = Entry::plain("probe", whole_second(self.now()));
            let entry = Entry { expires_at: entry.created_at + part, ..entry };
            let (store, key) = (self.store(), random_key());
            let version = self.quietly("create", store.create(&key, &entry.as_new()).await)?;
            let loaded = self.quietly("load", store.load(&key).await)?;
            self.quietly("remove", store.remove(&key, version).await)?;
            let is_rough =
                |record: &Record| entry.difference(record).is_some() && entry.is_roughly(record);
            Ok(loaded.as_ref().is_some_and(is_rough))
        };
        self.rough.get_or_try_init(probe).await.copied()
    }

    /// Loads a record, which must exist, and returns its version.
    pub(crate) async fn expect_version(&self, key: &StoreKey) -> Result<Version, Failure> {
        match self.load(key).await? {
            Some(record) => Ok(record.version()),
            None => Err(self.failure("a record", "None")),
        }
    }

    /// Loads a record, which must be equal to `entry` and have this version.
    pub(crate) async fn expect_at(&self, key: &StoreKey, at: Version, entry: &Entry) -> Checked {
        let record = self.expect(key, entry).await?;
        if at == record.version() {
            return Ok(());
        }
        Err(self.failure(show_version(at), show_version(record.version())))
    }

    pub(crate) async fn expect_nothing(&self, key: &StoreKey) -> Checked {
        match self.load(key).await? {
            None => Ok(()),
            Some(record) => Err(self.failure("None", show_record(&Some(record)))),
        }
    }

    /// Fails unless these keys are listed under the owner.
    pub(crate) async fn expect_listed(&self, owner: &str, keys: &[StoreKey]) -> Checked {
        let listed = self.keys_of(owner, keys).await?;
        let names = |keys: &mut dyn Iterator<Item = &StoreKey>| {
            keys.map(|key| self.name(key)).collect::<Vec<_>>().join(", ")
        };
        let missing = names(&mut keys.iter().filter(|key| !listed.contains(key)));
        if missing.is_empty() {
            return Ok(());
        }
        let expected = format!("{} among the keys of {owner:?}", names(&mut keys.iter()));
        Err(self.failure(expected, format!("{missing} is missing")))
    }
}

fn show_entry(entry: &Entry) -> String {
    let owner = entry.owner.as_ref().map(|owner| format!(" of {}", show_owner(owner)));
    format!("{}{}", describe(&entry.payload), owner.unwrap_or_default())
}

#[expect(clippy::ref_option, reason = "it shows the result of a load")]
pub(crate) fn show_record(record: &Option<Record>) -> String {
    match record {
        None => "None".to_owned(),
        Some(record) => {
            let owner = record.owner().map(|owner| format!(" of {}", show_owner(owner)));
            let (version, payload) = (record.version().get(), describe(record.payload()));
            format!("version {version}, {payload}{}", owner.unwrap_or_default())
        }
    }
}

fn show_version(version: Version) -> String {
    format!("version {}", version.get())
}

fn show_replaced(replaced: &Replaced) -> String {
    match replaced {
        Replaced::Done(version) => format!("Done, version {}", version.get()),
        Replaced::Stale => "Stale".to_owned(),
    }
}

/// Returns an owner for messages. A long owner is shortened to its start and its length.
fn show_owner(owner: &str) -> String {
    if owner.len() <= 60 {
        return format!("{owner:?}");
    }
    let start: String = owner.chars().take(20).collect();
    format!("{start:?} … ({} bytes)", owner.len())
}
