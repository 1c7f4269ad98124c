//! The events that the crates emit are those in the table of `session_core::events`, and none of them tells a secret.

#![cfg(feature = "axum")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "events/recorder.rs"]
mod recorder;
#[path = "events/sources.rs"]
mod sources;
#[path = "events/store.rs"]
mod store;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::routing::get;
use session_cookie::{Compression, SealedCookieSessions, SignedCookieSessions};
use session_core::{
    ManualClock, OnOutage, Refresh, SecretKey, ServerSideSessions, SessionConfig, SessionConfigBuilder,
    SessionInterface,
};
use session_tower::testing::TestClient;
use session_tower::{Session, SessionLayer};
use store::{Defect, Defective};

const TABLE: &str = include_str!("../../session-core/EVENTS.md");
const VALUE: &str = "a-value-of-the-session";
const OWNER: &str = "an-owner-of-the-session";
const KEY: &str = "a-secret-key-0123456789-abcdefghijk";
const MONTH: Duration = Duration::from_hours(31 * 24);

/// One row of the table, or one place in the code: crate, level, message, and the names of the fields in order.
pub(crate) type Row = (String, String, String, Vec<String>);

fn table() -> BTreeSet<Row> {
    let rows = TABLE.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let mut fields: Vec<_> = cells[4].split(", ").map(|field| field.trim_matches('`').to_owned()).collect();
        fields.retain(|field| !field.is_empty());
        fields.sort();
        (cells[1].trim_matches('`').to_owned(), cells[2].to_owned(), cells[3].to_owned(), fields)
    });
    rows.collect()
}

#[test]
fn the_table_names_every_place_in_the_code_and_no_other() {
    assert_eq!(sources::places(), table());
}

#[tokio::test]
async fn the_events_of_core_cookie_and_tower_are_emitted_and_tell_no_secret() {
    recorder::install();
    let mut secrets = vec![VALUE.to_owned(), OWNER.to_owned(), KEY.to_owned()];
    on_server(&mut secrets).await;
    on_client(&mut secrets).await;
    let emitted = recorder::take();

    let rows: BTreeSet<Row> = emitted.iter().map(|emitted| emitted.row.clone()).collect();
    let here = ["session_core", "session_cookie", "session_tower"];
    let expected = table().into_iter().filter(|(name, ..)| here.contains(&name.as_str())).collect();
    assert_eq!(rows, expected);
    for (secret, emitted) in secrets.iter().flat_map(|secret| emitted.iter().map(move |emitted| (secret, emitted))) {
        assert!(!emitted.text.contains(secret.as_str()), "{secret:?} in {emitted:?}");
    }
}

/// An application before a clock, whose handlers write, read and leave the session alone.
struct Shop {
    client: TestClient<Router>,
    clock: ManualClock,
}

impl Shop {
    fn open<I: SessionInterface>(
        on_outage: OnOutage,
        settings: SessionConfigBuilder,
        sessions: impl FnOnce(SessionConfig) -> I,
    ) -> Self {
        let clock = ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let sessions: Arc<dyn SessionInterface> = Arc::new(sessions(settings.clock(clock.clone()).build().unwrap()));
        let write = async |session: Session| session.insert("user", VALUE).unwrap();
        let read = async |session: Session| session.len().to_string();
        let app = Router::new()
            .route("/write", get(write))
            .route("/read", get(read))
            .route("/untouched", get(async || ()))
            .layer(SessionLayer::new(Arc::clone(&sessions)).on_outage(on_outage));
        Self { client: TestClient::new(app, sessions), clock }
    }

    async fn get(&mut self, path: &str) {
        self.client.get(path).await.unwrap();
    }

    /// A permanent session of an owner; its cookie is a secret, and so is the key of its record.
    async fn log_in(&mut self, secrets: &mut Vec<String>) {
        let login = self.client.browser_mut().session_transaction(|session| {
            session.set_owner(OWNER)?;
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
    let mut shop = Shop::open(OnOutage::Anonymous, SessionConfig::builder(), sessions);
    shop.log_in(secrets).await;
    let [foreign, no_session] = [Defect::Foreign, Defect::NoSession].map(|defect| (defect, "/read"));
    for (defect, path) in [foreign, foreign, no_session, (Defect::Unreachable, "/read")] {
        store.has(defect);
        shop.get(path).await;
    }
    shop.clock.advance(MONTH / 2);
    store.has(Defect::Unwritable);
    shop.get("/read").await;
    secrets.extend(store.keys());

    let names = recorder::names();
    assert!(names.len() >= 4 && names.iter().all(|name| *name == names[0] && name.len() == 8), "{names:?}");

    store.has(Defect::EndsMeanwhile);
    shop.get("/write").await;

    let mut eager = Shop::open(OnOutage::Refuse, SessionConfig::builder().refresh(Refresh::EachRequest), sessions);
    store.has(Defect::None);
    eager.log_in(secrets).await;
    store.has(Defect::Unreachable);
    eager.get("/untouched").await;
    eager.get("/read").await;
    secrets.extend(store.keys());
}

async fn on_client(secrets: &mut Vec<String>) {
    let key = SecretKey::new(KEY).unwrap();
    let signed =
        |config| SignedCookieSessions::builder(config, &key).compression(Compression::WheneverShorter).build().unwrap();
    let sealed =
        |config| SealedCookieSessions::builder(config, &key).compression(Compression::WheneverShorter).build().unwrap();
    let shops = [
        Shop::open(OnOutage::Refuse, SessionConfig::builder().max_cookie_size(80), signed),
        Shop::open(OnOutage::Refuse, SessionConfig::builder().max_cookie_size(80), sealed),
    ];
    for mut shop in shops {
        shop.log_in(secrets).await;
        let genuine = secrets.last().unwrap().clone();
        shop.client.browser_mut().receive("/", &format!("session=x{genuine}; Path=/")).unwrap();
        shop.get("/read").await;
        shop.client.browser_mut().receive("/", &format!("session={genuine}; Path=/")).unwrap();
        shop.clock.advance(MONTH + Duration::from_secs(1));
        shop.get("/read").await;
        // Larger than what is unfolded when it comes back.
        let huge = VALUE.repeat(40_000);
        shop.client.browser_mut().session_transaction(|session| session.insert("huge", huge)).await.unwrap();
        shop.get("/read").await;
    }
}
