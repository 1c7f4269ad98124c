//! The crates emit the events in the table of `session_core::events`, and no event has a secret.

#![cfg(feature = "axum")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "events/recorder.rs"]
mod recorder;
#[path = "events/remembered.rs"]
mod remembered;
#[path = "events/sources.rs"]
mod sources;
#[path = "events/store.rs"]
mod store;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::routing::{get, post};
use session_cookie::{Compression, SealedCookieSessions, SignedCookieSessions};
use session_core::config::SecretKey;
use session_core::events::{Event, Events};
use session_core::{
    ManualClock, OutagePolicy, OversizePolicy, OwnerSessions as _, Refresh, ServerSideSessions,
    SessionConfig, SessionConfigBuilder, SessionInterface,
};
use session_memory::{MemorySessions, MemoryStore};
use session_tower::csrf::{CsrfConfig, CsrfLayer};
use session_tower::testing::{Request, TestClient};
use session_tower::{Session, SessionLayer};
use store::{Defect, Defective};

const TABLE: &str = include_str!("../../session-core/EVENTS.md");
const VALUE: &str = "a-value-of-the-session";
const OWNER: &str = "an-owner-of-the-session";
const OTHER_OWNER: &str = "another-owner-of-the-session";
const KEY: &str = "a-secret-key-0123456789-abcdefghijk";
const SHORT_KEY: &str = "a-short-key";
const WEAK_KEY: &str = "0123456789abcdef0123456789abcdef";
const MONTH: Duration = Duration::from_secs(31 * 24 * 3600);

/// A row of the table, or a call in the source code: crate, level, message and sorted field names.
pub(crate) type Row = (String, String, String, Vec<String>);

fn table() -> BTreeSet<Row> {
    let rows = TABLE.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let mut fields: Vec<_> =
            cells[4].split(", ").map(|field| field.trim_matches('`').to_owned()).collect();
        fields.retain(|field| !field.is_empty());
        fields.sort();
        (cells[1].trim_matches('`').to_owned(), cells[2].to_owned(), cells[3].to_owned(), fields)
    });
    rows.collect()
}

#[test]
fn event_table_matches_source_code() {
    assert_eq!(sources::places(), table());
}

#[tokio::test]
async fn core_cookie_and_tower_events_are_emitted_without_secrets() {
    recorder::install();
    let mut secrets = [VALUE, OWNER, OTHER_OWNER, KEY, SHORT_KEY].map(str::to_owned).to_vec();
    on_server(&mut secrets).await;
    on_client(&mut secrets).await;
    forged_request().await;
    remembered::stolen_token().await;
    life_of_sessions(&mut secrets).await;
    in_stores();
    let emitted = recorder::take();

    let rows: BTreeSet<Row> = emitted.iter().map(|emitted| emitted.row.clone()).collect();
    let here = ["session_core", "session_cookie", "session_tower"];
    let expected = table().into_iter().filter(|(name, ..)| here.contains(&name.as_str())).collect();
    assert_eq!(rows, expected);
    let is_of_public = |emitted: &&recorder::Emitted| emitted.row.2.contains("Cache-Control");
    assert_eq!(emitted.iter().filter(is_of_public).count(), 1, "it is logged once");
    for (secret, emitted) in
        secrets.iter().flat_map(|secret| emitted.iter().map(move |emitted| (secret, emitted)))
    {
        assert!(!emitted.text.contains(secret.as_str()), "{secret:?} in {emitted:?}");
    }
}

/// An application with a clock, whose handlers write, read or ignore the session.
struct Shop {
    client: TestClient<Router>,
    clock: ManualClock,
}

impl Shop {
    fn open<I: SessionInterface>(
        on_outage: OutagePolicy,
        settings: SessionConfigBuilder,
        sessions: impl FnOnce(SessionConfig) -> I,
    ) -> Self {
        let clock = ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let sessions: Arc<dyn SessionInterface> =
            Arc::new(sessions(settings.clock(clock.clone()).build().unwrap()));
        let write = async |session: Session| session.insert("user", VALUE).unwrap();
        let read = async |session: Session| session.keys().len().to_string();
        let public = async |session: Session| {
            ([("cache-control", "public")], session.keys().len().to_string())
        };
        let app = Router::new()
            .route("/write", get(write))
            .route("/public", get(public))
            .route("/read", get(read))
            .route("/untouched", get(async || ()))
            .layer(SessionLayer::new(Arc::clone(&sessions)).on_outage(on_outage));
        Self { client: TestClient::new(app, sessions), clock }
    }

    /// Sends the cookies of two users at once.
    async fn mix_up(&mut self, secrets: &mut Vec<String>) {
        self.log_in(secrets).await;
        let login = self
            .client
            .browser_mut()
            .session_transaction(async |session| session.log_in(OTHER_OWNER, None).await);
        login.await.unwrap();
        let first = secrets.last().unwrap();
        let other = self.client.browser().cookie("session").unwrap().to_owned();
        let cookies = format!("session={first}; session={other}");
        let request = Request::new("GET", "/read").with_header("cookie", &cookies);
        self.client.send(request).await.unwrap();
        secrets.push(other);
    }

    async fn get(&mut self, path: &str) {
        self.client.get(path).await.unwrap();
    }

    /// Starts a permanent session with an owner. Its cookie is a secret.
    async fn log_in(&mut self, secrets: &mut Vec<String>) {
        let login = self.client.browser_mut().session_transaction(async |session| {
            session.log_in(OWNER, None).await?;
            session.set_permanent(true)?;
            session.insert("user", VALUE)
        });
        login.await.unwrap();
        secrets.push(self.client.browser().cookie("session").unwrap().to_owned());
    }
}

async fn on_server(secrets: &mut Vec<String>) {
    let store = Defective::default();
    let sessions = |config| ServerSideSessions::new(store.clone(), config);
    let mut shop = Shop::open(OutagePolicy::Anonymous, SessionConfig::builder(), sessions);
    shop.log_in(secrets).await;
    let [foreign, no_session] =
        [Defect::Foreign, Defect::NoSession].map(|defect| (defect, "/read"));
    for (defect, path) in [foreign, foreign, no_session, (Defect::Unreachable, "/read")] {
        store.has(defect);
        shop.get(path).await;
    }
    shop.clock.advance(MONTH / 2);
    store.has(Defect::Unwritable);
    shop.get("/read").await;
    secrets.extend(store.keys());

    let names = recorder::names();
    assert!(
        names.len() >= 4 && names.iter().all(|name| *name == names[0] && name.len() == 8),
        "{names:?}"
    );

    store.has(Defect::EndsMeanwhile);
    shop.get("/write").await;

    let mut eager = Shop::open(
        OutagePolicy::Refuse,
        SessionConfig::builder().refresh(Refresh::EachRequest),
        sessions,
    );
    store.has(Defect::None);
    eager.log_in(secrets).await;
    store.has(Defect::Unreachable);
    eager.get("/untouched").await;
    eager.get("/read").await;
    secrets.extend(store.keys());
}

/// Logins, logouts, and cookies that open nothing.
async fn life_of_sessions(secrets: &mut Vec<String>) {
    let events = Events::new(|event: &Event<'_>| {
        assert!(!matches!(event, Event::UnknownId { .. }), "a panic of the handler");
    });
    let (store, settings) = (MemoryStore::new(), SessionConfig::builder().events(events));
    let mut shop = Shop::open(OutagePolicy::Refuse, settings, |config| {
        MemorySessions::new(store.clone(), config)
    });
    shop.get("/write").await;
    shop.log_in(secrets).await;
    let rotation =
        shop.client.browser_mut().session_transaction(async |session| session.rotate_id());
    rotation.await.unwrap();
    let old = secrets.last().unwrap().clone();
    shop.client.browser_mut().receive("/", &format!("session={old}; Path=/")).unwrap();
    shop.get("/read").await;
    shop.client.browser_mut().receive("/", "session=unknown; Path=/").unwrap();
    shop.get("/read").await;
    shop.log_in(secrets).await;
    let logout = shop
        .client
        .browser_mut()
        .session_transaction(async |session| session.log_out().await.map(drop));
    logout.await.unwrap();
    shop.log_in(secrets).await;
    let config = SessionConfig::builder().clock(shop.clock.clone()).build().unwrap();
    assert_eq!(MemorySessions::new(store, config).end_all(OWNER).await.unwrap(), 2);
}

/// Events of stores that this test does not use.
fn in_stores() {
    let events = Events::default();
    for event in [
        Event::Evicted { count: 1 },
        Event::Retried,
        Event::Swept { count: 1 },
        Event::Reconnected,
        Event::OutageBegan,
        Event::OutageEnded { failed: 1 },
    ] {
        events.report(event);
    }
}

/// A request that the CSRF protection refuses.
async fn forged_request() {
    let config = CsrfConfig::builder(&SecretKey::new(KEY).unwrap()).build().unwrap();
    let refused = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&refused);
    let events = Events::new(move |event: &Event<'_>| {
        if let Event::CsrfRefused { count } = event {
            counter.fetch_add(*count, Ordering::Relaxed);
        }
    });
    let settings = SessionConfig::builder().events(events).build().unwrap();
    let sessions: Arc<dyn SessionInterface> =
        Arc::new(ServerSideSessions::new(Defective::default(), settings));
    let app = Router::new()
        .route("/", post(async || ()))
        .layer(CsrfLayer::new(config))
        .layer(SessionLayer::new(Arc::clone(&sessions)));
    let mut client = TestClient::new(app, sessions);
    let request = Request::new("POST", "/").with_header("x-csrftoken", VALUE);
    assert_eq!(client.send(request).await.unwrap().status(), 403);
    assert_eq!(refused.load(Ordering::Relaxed), 1);
}

async fn on_client(secrets: &mut Vec<String>) {
    SecretKey::with_any_length(SHORT_KEY).unwrap();
    SecretKey::with_any_length(WEAK_KEY).unwrap();
    let key = SecretKey::new(KEY).unwrap();
    let signed = |config| {
        SignedCookieSessions::builder(config, &key)
            .compression(Compression::WheneverShorter)
            .build()
            .unwrap()
    };
    let sealed = |config| {
        SealedCookieSessions::builder(config, &key)
            .compression(Compression::WheneverShorter)
            .build()
            .unwrap()
    };
    let small = || SessionConfig::builder().max_cookie_size(80).oversize(OversizePolicy::Warn);
    let shops = [
        Shop::open(OutagePolicy::Refuse, small(), signed),
        Shop::open(OutagePolicy::Refuse, small(), sealed),
    ];
    Shop::open(OutagePolicy::Refuse, SessionConfig::builder(), sealed).mix_up(secrets).await;
    for mut shop in shops {
        shop.log_in(secrets).await;
        for _ in 0..2 {
            shop.get("/public").await;
        }
        let genuine = secrets.last().unwrap().clone();
        shop.client.browser_mut().receive("/", &format!("session=x{genuine}; Path=/")).unwrap();
        shop.get("/read").await;
        let several = format!("session={genuine}; session=x{genuine}");
        let request = Request::new("GET", "/read").with_header("cookie", several);
        shop.client.send(request).await.unwrap();
        shop.client.browser_mut().receive("/", &format!("session={genuine}; Path=/")).unwrap();
        shop.clock.advance(MONTH + Duration::from_secs(1));
        shop.get("/read").await;
        // Exceeds the limit for decompressed payloads.
        let huge = VALUE.repeat(40_000);
        shop.client
            .browser_mut()
            .session_transaction(async |session| session.insert("huge", huge))
            .await
            .unwrap();
        shop.get("/read").await;
    }
}
