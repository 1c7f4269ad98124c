//! A cache in front of a store that reports changes.

use session_core::ErrorKind;
use session_core::store::SessionStore as _;
use session_memory::Cached;

use super::{Counting, KEY, TIME_TO_LIVE, World, poll_once, record};

impl World {
    /// Returns a world whose store reports changes, and has a record.
    async fn with_reports() -> Self {
        let World { store, clock, .. } = Self::new();
        let cached = Cached::builder().clock(clock.clone());
        let cached = cached.build_with_invalidation(store.clone()).await.unwrap();
        store.create(&KEY, &record(b"one")).await.unwrap();
        Self { store, clock, cached }
    }

    async fn change_elsewhere(&self) {
        let version = self.store.load(&KEY).await.unwrap().unwrap().version();
        self.store.replace(&KEY, version, &record(b"two")).await.unwrap();
    }
}

#[tokio::test]
async fn reported_change_removes_copy() {
    let world = World::with_reports().await;
    world.recent().await.unwrap();
    world.change_elsewhere().await;
    assert_eq!(world.recent().await.unwrap().payload(), b"one");
    world.store.listener().unwrap().changed(&KEY);
    assert_eq!(world.recent().await.unwrap().payload(), b"two");
    assert_eq!(world.loads_of_open().await, 0);
}

#[tokio::test]
async fn lost_reports_remove_every_copy() {
    let world = World::with_reports().await;
    world.recent().await.unwrap();
    world.store.listener().unwrap().all_changed();
    assert_eq!(world.loads_of_open().await, 1);
    assert_eq!(world.loads_of_open().await, 0);
}

#[tokio::test]
async fn load_that_began_before_report_fills_no_copy() {
    for all in [false, true] {
        let world = World::with_reports().await;
        world.store.hold_next();
        let mut load = Box::pin(world.cached.load_recent(&KEY));
        // The store has read the record, but has not replied yet.
        assert!(poll_once(&mut load).is_pending());
        world.change_elsewhere().await;
        let listener = world.store.listener().unwrap();
        if all {
            listener.all_changed();
        } else {
            listener.changed(&KEY);
        }
        world.store.resume();
        assert_eq!(load.await.unwrap().unwrap().payload(), b"one");
        assert_eq!(world.recent().await.unwrap().payload(), b"two", "all: {all}");
    }
}

#[tokio::test]
async fn load_after_lost_reports_fills_copy_beside_older_load() {
    let world = World::with_reports().await;
    world.store.hold_next();
    let mut load = Box::pin(world.cached.load_recent(&KEY));
    assert!(poll_once(&mut load).is_pending());
    world.change_elsewhere().await;
    world.store.listener().unwrap().all_changed();
    assert_eq!(world.recent().await.unwrap().payload(), b"two");
    world.store.resume();
    load.await.unwrap();
    assert_eq!(world.loads_of_open().await, 0);
    assert_eq!(world.recent().await.unwrap().payload(), b"two");
}

#[tokio::test]
async fn own_write_does_not_renew_copy_after_lost_reports() {
    let world = World::with_reports().await;
    let version = world.recent().await.unwrap().version();
    world.store.listener().unwrap().all_changed();
    world.cached.replace(&KEY, version, &record(b"two")).await.unwrap();
    assert_eq!(world.loads_of_open().await, 1);
}

#[tokio::test]
async fn write_that_began_before_lost_reports_fills_no_copy() {
    let world = World::with_reports().await;
    let version = world.store.load(&KEY).await.unwrap().unwrap().version();
    world.store.delay_next_write();
    let two = record(b"two");
    let mut write = Box::pin(world.cached.replace(&KEY, version, &two));
    assert!(poll_once(&mut write).is_pending());
    world.store.listener().unwrap().all_changed();
    // The copy is of another connection, which may not report the write.
    world.recent().await.unwrap();
    world.store.resume();
    write.await.unwrap();
    assert_eq!(world.loads_of_open().await, 1);
}

#[tokio::test]
async fn dropped_cache_frees_copies() {
    let world = World::with_reports().await;
    world.recent().await.unwrap();
    drop(world.cached);
    assert!(world.store.listener().is_none());
}

#[tokio::test]
async fn time_to_live_applies_without_report() {
    let world = World::with_reports().await;
    world.recent().await.unwrap();
    world.change_elsewhere().await;
    world.clock.advance(TIME_TO_LIVE);
    assert_eq!(world.recent().await.unwrap().payload(), b"two");
}

#[tokio::test]
async fn store_without_reports_fails_build() {
    let store = Counting::default();
    store.fail_next_write();
    let built = Cached::builder().build_with_invalidation(store).await;
    assert_eq!(built.err().unwrap().kind(), ErrorKind::Configuration);
}
