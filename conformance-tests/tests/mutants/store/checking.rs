//! Mutants of the rules of `check`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use session_core::store::{NewRecord, Replaced, StoreKey, Version};
use session_core::{Clock as _, Error, ErrorKind};
use tokio::task::yield_now;

use super::listing::{Forgotten, all_but};
use super::mutation::{mutants, mutation};

mutants! {
    CheckNeedsARecord breaks check_of_working_store_succeeds;
    CheckCreatesItsProbe breaks check_of_working_store_succeeds;
    CheckFailsDuringAWrite breaks check_of_working_store_succeeds;
    CheckFailsAtTheSecondTime breaks check_of_working_store_succeeds;
    CheckLeavesItsProbe breaks check_changes_nothing;
    CheckRenews breaks check_changes_nothing;
    CheckDropsTheLists breaks check_changes_nothing;
    CheckRecreatesTheLast breaks check_changes_nothing;
    CheckHidesTheOutage breaks check_fails_during_outage;
    CheckRemembersItsSuccess breaks check_fails_during_outage;
    CheckRemembersTheOutage breaks check_fails_during_outage;
    CheckTakesTheOutageForAConflict breaks check_fails_during_outage;
}

const PROBE: StoreKey = StoreKey::from_bytes([0; 32]);

fn failed() -> Error {
    Error::new(ErrorKind::Backend, "the store is not ready")
}

mutation! {
    CheckNeedsARecord;
    async fn check(&self) -> Result<(), Error> {
        if self.original.records().is_empty() { Err(failed()) } else { Ok(()) }
    }
}

mutation! {
    CheckCreatesItsProbe;
    async fn check(&self) -> Result<(), Error> {
        let now = self.original.clock().now();
        let version = self.original.create(&PROBE, &NewRecord::new(b"probe", now, now))?;
        yield_now().await;
        self.original.remove(&PROBE, version);
        Ok(())
    }
}

mutation! {
    CheckFailsDuringAWrite { writing: AtomicBool };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let replaced = self.original.replace(key, expected, record);
        self.writing.store(true, Ordering::Relaxed);
        yield_now().await;
        self.writing.store(false, Ordering::Relaxed);
        Ok(replaced)
    }
    async fn check(&self) -> Result<(), Error> {
        if self.writing.load(Ordering::Relaxed) { Err(failed()) } else { Ok(()) }
    }
}

mutation! {
    /// It uses up its connection.
    CheckFailsAtTheSecondTime { used: AtomicBool };
    async fn check(&self) -> Result<(), Error> {
        if self.used.swap(true, Ordering::Relaxed) && self.original.records().is_empty() { Err(failed()) } else { Ok(()) }
    }
}

mutation! {
    CheckLeavesItsProbe;
    async fn check(&self) -> Result<(), Error> {
        let now = self.original.clock().now();
        let probe = NewRecord::new(b"probe", now, now + Duration::from_mins(1));
        let _ = self.original.create(&PROBE, &probe);
        Ok(())
    }
}

mutation! {
    CheckRenews;
    async fn check(&self) -> Result<(), Error> {
        for record in self.original.records().values_mut() {
            *record = record.touched(record.version(), record.expires_at() + Duration::from_mins(1));
        }
        Ok(())
    }
}

mutation! {
    CheckDropsTheLists { dropped: Forgotten };
    async fn check(&self) -> Result<(), Error> {
        self.dropped.lock().unwrap().extend(self.original.records().keys());
        Ok(())
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.dropped, self.original.keys_of(owner)))
    }
}

mutation! {
    CheckRecreatesTheLast { last: Mutex<Option<StoreKey>> };
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        *self.last.lock().unwrap() = Some(*key);
        Ok(self.original.remove(key, expected))
    }
    async fn check(&self) -> Result<(), Error> {
        let now = self.original.clock().now();
        let probe = NewRecord::new(b"probe", now, now + Duration::from_mins(1));
        if let Some(key) = *self.last.lock().unwrap() {
            let _ = self.original.create(&key, &probe);
        }
        Ok(())
    }
}

mutation! {
    CheckHidesTheOutage;
    fn check_in_outage(&self) -> Result<(), Error> {
        Ok(())
    }
}

mutation! {
    CheckRemembersItsSuccess { was_down: AtomicBool };
    fn check_in_outage(&self) -> Result<(), Error> {
        // The first outage is noticed.
        if self.was_down.swap(true, Ordering::Relaxed) { Ok(()) } else { Err(failed()) }
    }
}

mutation! {
    CheckRemembersTheOutage { was_down: AtomicBool };
    fn check_in_outage(&self) -> Result<(), Error> {
        self.was_down.store(true, Ordering::Relaxed);
        Err(failed())
    }
    async fn check(&self) -> Result<(), Error> {
        if self.was_down.load(Ordering::Relaxed) { Err(failed()) } else { Ok(()) }
    }
}

mutation! {
    CheckTakesTheOutageForAConflict;
    fn check_in_outage(&self) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Conflict, "the store is not there"))
    }
}
