//! Loading many records at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use session_core::ErrorKind;
use session_core::store::SessionStore as _;
use session_redis::{RedisStore, redis};

use crate::support::{
    DEADLINE, assert_load_many_keeps_order, cli, name_of, new_server, random_key, record, store,
};

#[tokio::test]
async fn load_many_keeps_order_duplicates_and_missing_keys() {
    let server = new_server().await;
    assert_load_many_keeps_order(&store(&server).await).await;
}

#[tokio::test]
async fn load_many_treats_foreign_values_as_missing() {
    let server = new_server().await;
    let store = store(&server).await;
    let (text, list, key) = (random_key(), random_key(), random_key());
    cli(&server, &["SET", &name_of(&text), "{}"]).await;
    cli(&server, &["LPUSH", &name_of(&list), "x"]).await;
    store.create(&key, &record(b"mine")).await.unwrap();
    let records = store.load_many(&[text, list, key]).await.unwrap();
    assert_eq!(records[..2], [None, None]);
    assert_eq!(records[2].as_ref().unwrap().payload(), b"mine");
}

#[tokio::test]
async fn load_many_sends_all_commands_before_first_reply() {
    let server = new_server().await;
    let client = redis::Client::open(server.url()).unwrap();
    let connection = Counted {
        connection: client.get_multiplexed_async_connection().await.unwrap(),
        waiting: Arc::default(),
        most_waiting: Arc::default(),
    };
    let store = RedisStore::from_connection(connection.clone()).connect().await.unwrap();
    let keys: Vec<_> = (0..50).map(|_| random_key()).collect();
    store.load_many(&keys).await.unwrap();
    assert_eq!(connection.most_waiting.load(Ordering::SeqCst), keys.len());
}

/// The clock is simulated.
#[tokio::test(start_paused = true)]
async fn load_many_has_one_deadline_for_all_records() {
    let slow = Slow { delay: DEADLINE / 2 };
    let store = RedisStore::from_connection(slow).deadline(DEADLINE).connect().await.unwrap();
    let keys: Vec<_> = (0..1000).map(|_| random_key()).collect();
    assert_eq!(store.load_many(&keys[..100]).await.unwrap().len(), 100);
    let started = tokio::time::Instant::now();
    let error = store.load_many(&keys).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert_eq!(started.elapsed().as_millis(), DEADLINE.as_millis());
}

/// A connection to an empty server that replies after a delay.
#[derive(Clone)]
struct Slow {
    delay: Duration,
}

impl redis::aio::ConnectionLike for Slow {
    fn req_packed_command<'a>(
        &'a mut self,
        _: &'a redis::Cmd,
    ) -> redis::RedisFuture<'a, redis::Value> {
        Box::pin(async move {
            tokio::time::sleep(self.delay).await;
            Ok(redis::Value::Nil)
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        _: &'a redis::Pipeline,
        _: usize,
        _: usize,
    ) -> redis::RedisFuture<'a, Vec<redis::Value>> {
        unreachable!("the store sends no pipelines")
    }

    fn get_db(&self) -> i64 {
        0
    }
}

/// A connection that counts the commands that wait for their reply.
#[derive(Clone)]
struct Counted {
    connection: redis::aio::MultiplexedConnection,
    waiting: Arc<AtomicUsize>,
    most_waiting: Arc<AtomicUsize>,
}

impl redis::aio::ConnectionLike for Counted {
    fn req_packed_command<'a>(
        &'a mut self,
        command: &'a redis::Cmd,
    ) -> redis::RedisFuture<'a, redis::Value> {
        Box::pin(async move {
            let waiting = self.waiting.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_waiting.fetch_max(waiting, Ordering::SeqCst);
            let reply = self.connection.req_packed_command(command).await;
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            reply
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a redis::Pipeline,
        offset: usize,
        count: usize,
    ) -> redis::RedisFuture<'a, Vec<redis::Value>> {
        self.connection.req_packed_commands(commands, offset, count)
    }

    fn get_db(&self) -> i64 {
        self.connection.get_db()
    }
}
