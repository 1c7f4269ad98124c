//! actix-session's store in Redis. Its session exists only in a request, so `open` is `load` with
//! parsed values.

use std::collections::HashMap;

use actix_session::storage::{RedisSessionStore, SessionKey, SessionStore as _};
use actix_web::cookie::time::Duration;

use super::Contestant;
use crate::sessions::{map, two_digits};

const LIFE: Duration = Duration::days(1);

pub struct Actix {
    store: RedisSessionStore,
    keys: Vec<String>,
}

impl Actix {
    pub async fn fill(store: RedisSessionStore, sessions: usize) -> Self {
        let mut keys = Vec::with_capacity(sessions);
        for _ in 0..sessions {
            keys.push(store.save(state(), &LIFE).await.expect("a session is made").into());
        }
        Self { store, keys }
    }

    fn key(&self, index: usize) -> SessionKey {
        self.keys[index].clone().try_into().expect("a key that was given is a key")
    }

    pub async fn read(&self, index: usize) -> Option<HashMap<String, String>> {
        self.store.load(&self.key(index)).await.ok()?
    }

    pub async fn write(&self, index: usize, state: HashMap<String, String>) -> bool {
        self.store.update(self.key(index), state, &LIFE).await.is_ok()
    }
}

impl Contestant for Actix {
    type Scratch = HashMap<String, String>;

    fn len(&self) -> usize {
        self.keys.len()
    }

    fn scratch(&self) -> HashMap<String, String> {
        state()
    }

    async fn load(&self, index: usize) -> Option<u64> {
        serde_json::from_str(self.read(index).await?.get("user_id")?).ok()
    }

    async fn open(&self, index: usize) -> Option<u64> {
        self.load(index).await
    }

    async fn save(&self, state: &mut HashMap<String, String>, index: usize, number: u64) -> bool {
        state.insert("user_id".to_owned(), two_digits(number).to_string());
        self.write(index, state.clone()).await
    }

    async fn update(&self, index: usize) -> bool {
        let Some(mut state) = self.read(index).await else { return false };
        let number =
            state.get("user_id").and_then(|number| serde_json::from_str::<u64>(number).ok());
        state.insert("user_id".to_owned(), two_digits(number.unwrap_or_default() + 1).to_string());
        self.write(index, state).await
    }
}

fn state() -> HashMap<String, String> {
    map(42).into_iter().map(|(key, value)| (key, value.to_string())).collect()
}
