//! This project's stores, used through their engine.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use session_core::interface::Opened;
use session_core::store::{NewRecord, Replaced, SessionStore, StoreKey, Version};
use session_core::{ServerSideSessions, SessionConfig, SessionInterface};

use super::{Contestant, Work};
use crate::sessions::{SMALL, create, request, store_key, two_digits};

pub struct Ours<S> {
    store: S,
    pub interface: Arc<dyn SessionInterface>,
    pub cookies: Vec<String>,
    keys: Vec<StoreKey>,
    versions: Vec<Mutex<Version>>,
    /// Whether `versions` may differ from those in the store.
    outdated: AtomicBool,
    payload: Vec<u8>,
}

pub fn settings() -> SessionConfig {
    SessionConfig::default()
}

impl<S: SessionStore + Clone> Ours<S> {
    pub async fn fill(store: S, sessions: usize) -> Self {
        let interface: Arc<dyn SessionInterface> =
            Arc::new(ServerSideSessions::new(store.clone(), settings()));
        let mut cookies = Vec::with_capacity(sessions);
        while cookies.len() < sessions {
            let some: Vec<_> = (0..64.min(sessions - cookies.len()))
                .map(|_| {
                    let interface = Arc::clone(&interface);
                    tokio::spawn(async move { create(&interface).await })
                })
                .collect();
            for one in some {
                cookies.push(one.await.expect("a session is made"));
            }
        }
        let keys: Vec<_> = cookies.iter().map(|cookie| store_key(cookie)).collect();
        let versions = cookies.iter().map(|_| Mutex::new(Version::new(0))).collect();
        let record =
            store.load(&keys[0]).await.expect("a store loads").expect("a session is there");
        let (payload, outdated) = (record.payload().to_vec(), AtomicBool::new(true));
        Self { store, interface, cookies, keys, versions, outdated, payload }
    }

    /// Uses other records that are already stored. Their sessions cannot be opened, because their
    /// cookies are unknown.
    pub fn with_records(self, records: Vec<(StoreKey, Version)>) -> Self {
        let (keys, versions) =
            records.into_iter().map(|(key, version)| (key, Mutex::new(version))).unzip();
        let outdated = AtomicBool::new(false);
        Self { cookies: Vec::new(), keys, versions, outdated, ..self }
    }

    /// Returns the stored bytes of a session.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    pub fn store(&self) -> &S {
        &self.store
    }
}

impl<S: SessionStore + Clone> Contestant for Ours<S> {
    /// The stored bytes of a session (the engine's header and the text), and the offset of the
    /// number.
    type Scratch = (Vec<u8>, usize);

    fn len(&self) -> usize {
        self.keys.len()
    }

    fn scratch(&self) -> (Vec<u8>, usize) {
        let key = br#""user_id":"#;
        let start = self
            .payload
            .windows(key.len())
            .position(|text| text == key)
            .expect("the number is in the text");
        (self.payload.clone(), start + key.len())
    }

    /// A save names the version that it replaces. This loads versions that other work has changed.
    async fn prepare(&self, work: Work) {
        if work == Work::Save && self.outdated.swap(false, Ordering::Relaxed) {
            for (key, version) in self.keys.iter().zip(&self.versions) {
                let record =
                    self.store.load(key).await.expect("a store loads").expect("a session is there");
                *version.lock().expect("no task panics") = record.version();
            }
        }
    }

    async fn load(&self, index: usize) -> Option<u64> {
        let record = self.store.load(&self.keys[index]).await.ok()??;
        let payload = record.payload();
        let text =
            std::str::from_utf8(payload.get(payload.len().checked_sub(SMALL.len())?..)?).ok()?;
        Opened::from_payload(text).ok()?.into_session().get("user_id").ok()?
    }

    async fn open(&self, index: usize) -> Option<u64> {
        let request = request(&self.interface, Some(&self.cookies[index]));
        request.session().await.ok()?.get("user_id").ok()?
    }

    async fn save(
        &self,
        (payload, place): &mut (Vec<u8>, usize),
        index: usize,
        number: u64,
    ) -> bool {
        payload[*place..*place + 2].copy_from_slice(two_digits(number).to_string().as_bytes());
        let now = SystemTime::now();
        let record = NewRecord::new(payload, now, now + Duration::from_hours(24));
        let expected = self.versions[index].lock().expect("no task panics").clone();
        match self.store.replace(&self.keys[index], expected, &record).await {
            Ok(Replaced::Done(version)) => {
                *self.versions[index].lock().expect("no task panics") = version;
                true
            }
            _ => false,
        }
    }

    async fn update(&self, index: usize) -> bool {
        self.outdated.store(true, Ordering::Relaxed);
        let request = request(&self.interface, Some(&self.cookies[index]));
        let Ok(session) = request.session().await else { return false };
        let change = |number: Option<u64>| Some(two_digits(number.unwrap_or_default() + 1));
        session.update("user_id", change).is_ok() && request.commit().await.error.is_none()
    }
}
