//! The stores of tower-sessions, used through its session.

use std::sync::Arc;

use time::{Duration, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::{Session, SessionStore};

use super::Contestant;
use crate::sessions::{map, two_digits};

pub struct Tower<S> {
    pub store: Arc<S>,
    pub ids: Vec<Id>,
}

/// The contents of a record.
pub struct Contents;

impl Contents {
    pub fn record() -> Record {
        Record {
            id: Id::default(),
            data: map(42),
            expiry_date: OffsetDateTime::now_utc() + Duration::days(1),
        }
    }
}

impl<S: SessionStore> Tower<S> {
    pub async fn fill(store: S, sessions: usize) -> Self {
        let store = Arc::new(store);
        let mut ids = Vec::with_capacity(sessions);
        while ids.len() < sessions {
            let some: Vec<_> = (0..64.min(sessions - ids.len()))
                .map(|_| {
                    let store = Arc::clone(&store);
                    tokio::spawn(async move {
                        let mut record = Contents::record();
                        while store.create(&mut record).await.is_err() {}
                        record.id
                    })
                })
                .collect();
            for one in some {
                ids.push(one.await.expect("a session is made"));
            }
        }
        Self { store, ids }
    }
}

impl<S: SessionStore> Contestant for Tower<S> {
    type Scratch = Record;

    fn len(&self) -> usize {
        self.ids.len()
    }

    fn scratch(&self) -> Record {
        Contents::record()
    }

    async fn load(&self, index: usize) -> Option<u64> {
        self.store.load(&self.ids[index]).await.ok()??.data.get("user_id")?.as_u64()
    }

    async fn open(&self, index: usize) -> Option<u64> {
        Session::new(Some(self.ids[index]), Arc::clone(&self.store), None)
            .get("user_id")
            .await
            .ok()?
    }

    async fn save(&self, record: &mut Record, index: usize, number: u64) -> bool {
        record.id = self.ids[index];
        if let Some(value) = record.data.get_mut("user_id") {
            *value = two_digits(number).into();
        }
        self.store.save(record).await.is_ok()
    }

    async fn update(&self, index: usize) -> bool {
        let session = Session::new(Some(self.ids[index]), Arc::clone(&self.store), None);
        let Ok(Some(number)) = session.get::<u64>("user_id").await else { return false };
        session.insert("user_id", two_digits(number + 1)).await.is_ok()
            && session.save().await.is_ok()
    }
}
