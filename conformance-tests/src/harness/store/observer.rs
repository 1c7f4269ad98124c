//! Checks of every observation of a record.

use session_core::store::{Record, StoreKey, Version};

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::Entry;
use crate::report::{Checked, Failure};

/// The longest payload that is loaded several times.
const LONG: usize = 100_000;

/// An observer of the records of one kind.
pub(crate) struct Observer<'a> {
    pub(crate) store: &'a StoreUnderTest,
    /// The kind of the record, for messages.
    pub(crate) kind: &'a str,
}

impl<'a> Observer<'a> {
    pub(crate) fn new(store: &'a StoreUnderTest, kind: &'a str) -> Self {
        store.calls().note(format!("-- a record with {kind} --"));
        Self { store, kind }
    }

    /// Fails unless `load`, `load_many` and `keys_of` find the record. If `at` is a version, the
    /// record must have this version. Returns the version of the record.
    pub(crate) async fn sees(
        &self,
        after: &str,
        key: &StoreKey,
        at: Option<Version>,
        entry: &Entry,
    ) -> Result<Version, Failure> {
        let loaded = self.store.load(key).await?;
        let version = self.same(&format!("load after {after}"), at, entry, loaded).await?;
        // A long record is loaded once, because some stores need much time to load it.
        if entry.payload.len() > LONG {
            self.lists(after, key, entry).await?;
            return Ok(version);
        }
        let unused = self.store.key();
        let many = self.store.load_many(&[*key, unused, *key]).await?;
        let [first, None, second] = many.as_slice() else {
            return Err(self.wrong(
                &format!("load_many after {after}"),
                "the record, None and the record".to_owned(),
                shown(&many),
            ));
        };
        for loaded in [first, second] {
            let place = format!("load_many after {after}");
            self.same(&place, Some(version.clone()), entry, loaded.clone()).await?;
        }
        self.lists(after, key, entry).await?;
        Ok(version)
    }

    /// Fails if `load` or `load_many` returns a record.
    pub(crate) async fn sees_nothing(&self, after: &str, key: &StoreKey) -> Checked {
        if let Some(record) = self.store.load(key).await? {
            let seen = format!("a record at version {}", record.version().get());
            return Err(self.wrong(&format!("load after {after}"), "None".to_owned(), seen));
        }
        let many = self.store.load_many(&[*key]).await?;
        if many != [None] {
            let place = format!("load_many after {after}");
            return Err(self.wrong(&place, "None".to_owned(), shown(&many)));
        }
        Ok(())
    }

    async fn lists(&self, after: &str, key: &StoreKey, entry: &Entry) -> Checked {
        let Some(owner) = entry.owner.as_deref().filter(|_| self.store.has_index()) else {
            return Ok(());
        };
        if self.store.keys_of(owner, &[*key]).await?.contains(key) {
            return Ok(());
        }
        let expected = format!("{} among the keys of its owner", self.store.name(key));
        Err(self.wrong(&format!("keys_of after {after}"), expected, "it is missing".to_owned()))
    }

    async fn same(
        &self,
        place: &str,
        at: Option<Version>,
        entry: &Entry,
        loaded: Option<Record>,
    ) -> Result<Version, Failure> {
        let Some(record) = loaded else {
            return Err(self.wrong(place, "the record".to_owned(), "None".to_owned()));
        };
        if let Some((expected, seen)) = self.store.difference(entry, &record).await? {
            return Err(self.wrong(place, expected, seen));
        }
        match at {
            Some(at) if at != record.version() => {
                let seen = format!("version {}", record.version().get());
                Err(self.wrong(place, format!("version {}", at.get()), seen))
            }
            _ => Ok(record.version()),
        }
    }

    fn wrong(&self, place: &str, expected: String, seen: String) -> Failure {
        let expected = format!("{expected}; in {place}, of a record with {}", self.kind);
        self.store.failure(expected, seen)
    }
}

fn shown(many: &[Option<Record>]) -> String {
    let versions = many.iter().map(|record| match record {
        Some(record) => format!("a record at version {}", record.version().get()),
        None => "None".to_owned(),
    });
    format!("[{}]", versions.collect::<Vec<_>>().join(", "))
}
