//! The servers on axum.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use axum::http::header::SET_COOKIE;
use axum::routing::get;
use axum_session::{DatabasePool, SessionLayer as AxumSessionLayer, SessionNullPool};
use axum_session_redispool::SessionRedisPool;
use serde_json::Value;
use session_cookie::{SealedCookieSessions, SecretKey, SignedCookieSessions};
use session_core::{ServerSideSessions, SessionInterface};
use session_memory::Cached;
use session_tower::SessionLayer;
use tower::{Layer, Service};
use tower_sessions::SessionManagerLayer;
use tower_sessions_redis_store::fred::prelude::{Client, ClientLike as _, Config, Pool};
use tower_sessions_sqlx_store::{PostgresStore, sqlx as peers_sqlx};

use crate::sessions::{map, two_digits};
use crate::stores::{peers_store, settings};

pub async fn serve(name: &str, database: &str) {
    let folder = tempfile::tempdir_in("/var/tmp").expect("a folder");
    let file = folder.path().join("sessions");
    let app = match name {
        "axum" => bare(),
        "axum, empty layer" => bare().layer(Empty),
        "ours, axum, cookie" => ours(SignedCookieSessions::new(settings(), &key()).expect("a key")),
        "ours, axum, sealed cookie" => {
            ours(SealedCookieSessions::new(settings(), &key()).expect("a key"))
        }
        "ours, axum, memory" => {
            let store = session_memory::MemoryStore::new();
            ours(session_memory::MemorySessions::new(store, settings()))
        }
        "ours, axum, redis" | "ours, axum, valkey" => {
            let store = session_redis::RedisStore::builder(database).connect().await;
            ours(session_redis::RedisSessions::new(store.expect("Redis answers"), settings()))
        }
        "ours, axum, cached redis" => {
            let store = session_redis::RedisStore::builder(database).connect().await;
            let store = store.expect("Redis answers");
            let cached = Cached::builder().build_with_invalidation(store).await;
            ours(ServerSideSessions::new(cached.expect("Redis tracks keys"), settings()))
        }
        "ours, axum, sqlite" => ours(sql(&format!("sqlite:{}", file.display())).await),
        "ours, axum, postgres" => ours(sql(database).await),
        "ours, axum, cached postgres" => {
            let cached = Cached::new(sql_store(database).await);
            ours(ServerSideSessions::new(cached, settings()))
        }
        "tower-sessions, memory" => tower(tower_sessions::MemoryStore::default()),
        "tower-sessions, moka" => tower(tower_sessions_moka_store::MokaStore::new(Some(100_000))),
        "tower-sessions, redis" | "tower-sessions, valkey" => {
            let client =
                Client::new(Config::from_url(database).expect("an address"), None, None, None);
            client.init().await.expect("Redis answers");
            tower(tower_sessions_redis_store::RedisStore::new(client))
        }
        "tower-sessions, redis pool" | "tower-sessions, valkey pool" => {
            let pool =
                Pool::new(Config::from_url(database).expect("an address"), None, None, None, 6);
            let pool = pool.expect("a pool");
            pool.init().await.expect("Redis answers");
            tower(tower_sessions_redis_store::RedisStore::new(pool))
        }
        "tower-sessions, sqlite" => tower(peers_store(&file, true).await),
        "tower-sessions, postgres" => {
            let pool = peers_sqlx::PgPool::connect(database).await.expect("PostgreSQL answers");
            let store = PostgresStore::new(pool);
            store.migrate().await.expect("a table is made");
            tower(store)
        }
        "axum_session, memory" => axum_session::<SessionNullPool>(None).await,
        "axum_session, redis" => {
            let client = session_redis::redis::Client::open(database).expect("an address");
            axum_session(Some(SessionRedisPool::from(redis_pool::SingleRedisPool::from(client))))
                .await
        }
        _ => panic!("no server is called {name}"),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    println!("{}", listener.local_addr().expect("it has an address").port());
    axum::serve(listener, app).await.expect("a server serves");
}

pub fn key() -> SecretKey {
    SecretKey::new("c81d7e02f5a946b3908fe2d41b7a65c3").expect("a key of 32 bytes")
}

/// Returns a different value for each write.
pub fn next() -> u64 {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    two_digits(WRITTEN.fetch_add(1, Ordering::Relaxed))
}

/// Returns a cookie as long as an id, for servers without sessions.
pub fn no_session() -> String {
    format!("session={}", "A".repeat(43))
}

/// Returns the values that a login writes.
pub fn contents() -> HashMap<String, Value> {
    map(42)
}

pub fn bare() -> Router {
    Router::new()
        .route("/login", get(async || ([(SET_COOKIE, no_session())], "in")))
        .route("/untouched", get(async || "hello"))
        .route("/read", get(async || "42".to_owned()))
        .route("/write", get(async || "written"))
}

async fn sql(address: &str) -> session_sql::SqlSessions {
    session_sql::SqlSessions::new(sql_store(address).await, settings())
}

async fn sql_store(address: &str) -> session_sql::SqlStore {
    let store = session_sql::SqlStore::connect(address).await.expect("a database answers");
    store.migrate().await.expect("a table is made");
    store
}

pub fn ours(sessions: impl SessionInterface) -> Router {
    use session_tower::{Error, Session};

    let login = async |session: Session| -> Result<&'static str, Error> {
        for (key, value) in contents() {
            session.insert(&key, value)?;
        }
        Ok("in")
    };
    let read = async |session: Session| -> Result<String, Error> {
        Ok(session.get::<u64>("user_id")?.unwrap_or_default().to_string())
    };
    let write = async |session: Session| -> Result<&'static str, Error> {
        session.insert("user_id", next())?;
        Ok("written")
    };
    Router::new()
        .route("/login", get(login))
        .route("/untouched", get(async || "hello"))
        .route("/read", get(read))
        .route("/write", get(write))
        .layer(SessionLayer::new(sessions))
}

pub fn tower<S: tower_sessions::SessionStore + Clone>(store: S) -> Router {
    use tower_sessions::Session;

    let login = async |session: Session| {
        for (key, value) in contents() {
            session.insert(&key, value).await.expect("a value is taken");
        }
        "in"
    };
    let read = async |session: Session| {
        let number: Option<u64> = session.get("user_id").await.expect("a session loads");
        number.unwrap_or_default().to_string()
    };
    let write = async |session: Session| {
        session.insert("user_id", next()).await.expect("a value is taken");
        "written"
    };
    Router::new()
        .route("/login", get(login))
        .route("/untouched", get(async || "hello"))
        .route("/read", get(read))
        .route("/write", get(write))
        .layer(SessionManagerLayer::new(store))
}

async fn axum_session<P: DatabasePool + Clone + std::fmt::Debug + Send + Sync + 'static>(
    pool: Option<P>,
) -> Router {
    use axum_session::{Session, SessionConfig, SessionStore};

    let store = SessionStore::new(pool, SessionConfig::default()).await.expect("a store");
    let login = async |session: Session<P>| {
        for (key, value) in contents() {
            session.set(&key, value);
        }
        "in"
    };
    let read =
        async |session: Session<P>| session.get::<u64>("user_id").unwrap_or_default().to_string();
    let write = async |session: Session<P>| {
        session.set("user_id", next());
        "written"
    };
    Router::new()
        .route("/login", get(login))
        .route("/untouched", get(async || "hello"))
        .route("/read", get(read))
        .route("/write", get(write))
        .layer(AxumSessionLayer::new(store))
}

/// A layer that does nothing.
#[derive(Clone)]
struct Empty;

#[derive(Clone)]
struct Through<S>(S);

impl<S> Layer<S> for Empty {
    type Service = Through<S>;

    fn layer(&self, inner: S) -> Through<S> {
        Through(inner)
    }
}

impl<S: Service<Request>> Service<Request> for Through<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> S::Future {
        self.0.call(request)
    }
}
