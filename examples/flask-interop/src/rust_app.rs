//! The Rust application: the pages of the Flask application, with session-cookie, session-tower and
//! axum.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::Value;
use session_cookie::{Compression, SecretKey, SignedCookieSessions};
use session_core::flask::{Any, Bytes, DateTime, Markup, Tuple, Uuid};
use session_core::flask_login::Protection;
use session_core::{Clock, Refresh, SessionConfig};
use session_tower::csrf::{Csrf, CsrfConfig, CsrfLayer};
use session_tower::{Error, Session, SessionLayer};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use crate::rust_login::login_router;
use crate::sample::describe_all;
use crate::{Result, Sample, Signing};

/// A Rust application on its own port. It stops on drop.
#[derive(Debug)]
pub struct RustApp {
    url: String,
    _runtime: Runtime,
}

impl RustApp {
    /// Starts the application.
    pub fn start(signing: Signing, compression: Compression) -> Result<Self> {
        let sessions = SessionLayer::new(sessions(signing, compression)?);
        Self::serve(router().merge(protected(signing)?).layer(sessions))
    }

    /// Starts the application with this clock.
    pub fn start_at(signing: Signing, clock: impl Clock) -> Result<Self> {
        let key = key(signing)?;
        let config = SessionConfig::builder().cookie_secure(false).clock(clock).build()?;
        let sessions = SignedCookieSessions::new(config, &key)?;
        Self::serve(protected(signing)?.layer(SessionLayer::new(sessions)))
    }

    /// Starts the pages with the tokens of Flask-WTF behind a proxy that serves HTTPS.
    pub fn on_https(signing: Signing) -> Result<Self> {
        let sessions = SignedCookieSessions::new(SessionConfig::default(), &key(signing)?)?;
        Self::serve(protected(signing)?.layer(SessionLayer::new(sessions)))
    }

    /// Starts the application for Flask-Login with this session protection.
    pub fn with_login(signing: Signing, protection: Option<Protection>) -> Result<Self> {
        let sessions = sessions(signing, Compression::WheneverShorter)?;
        Self::serve(login_router(protection).layer(SessionLayer::new(sessions)))
    }

    fn serve(router: Router) -> Result<Self> {
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_io().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let url = format!("http://{}", listener.local_addr()?);
        runtime.spawn(axum::serve(listener, router).into_future());
        Ok(Self { url, _runtime: runtime })
    }

    /// Returns the address.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Returns sessions with the settings of the Flask application.
pub(crate) fn sessions(signing: Signing, compression: Compression) -> Result<SignedCookieSessions> {
    let config =
        SessionConfig::builder().cookie_secure(false).refresh(Refresh::EachRequest).build()?;
    Ok(SignedCookieSessions::builder(config, &key(signing)?)
        .digest(signing.digest)
        .compression(compression)
        .build()?)
}

fn key(signing: Signing) -> Result<SecretKey> {
    let mut key = SecretKey::new(signing.key)?;
    for retired in signing.retired {
        key = key.with_fallback(&SecretKey::new(retired)?);
    }
    Ok(key)
}

/// Returns the pages with the tokens of Flask-WTF, without the session layer.
fn protected(signing: Signing) -> Result<Router> {
    let csrf = CsrfConfig::builder(&key(signing)?).flask_wtf().build()?;
    Ok(Router::new()
        .route("/csrf-token", get(csrf_token))
        .route("/protected", post(async || "done"))
        .layer(CsrfLayer::new(csrf)))
}

async fn csrf_token(csrf: Csrf) -> std::result::Result<String, Error> {
    Ok(csrf.token()?)
}

fn router() -> Router {
    Router::new()
        .route("/login", post(login))
        .route("/state", get(state))
        .route("/visit", post(visit))
        .route("/set-all", post(set_all))
        .route("/flash", post(flash))
        .route("/flashes", get(flashes))
        .route("/big", post(big))
        .route("/logout", post(logout))
}

async fn login(session: Session) -> std::result::Result<(), Error> {
    session.insert("user", "ada")?;
    Ok(session.set_permanent(true)?)
}

async fn state(session: Session) -> std::result::Result<Json<Value>, Error> {
    let mut state = BTreeMap::new();
    for key in session.keys() {
        let value = read_typed(&session, &key)?;
        state.insert(key, value);
    }
    Ok(Json(describe_all(&state)))
}

async fn visit(session: Session) -> std::result::Result<(), Error> {
    Ok(session.update("visits", |visits: Option<u64>| Some(visits.unwrap_or(0) + 1))?)
}

async fn set_all(session: Session) -> std::result::Result<(), Error> {
    for (key, value) in every_type() {
        session.insert(key, value)?;
    }
    Ok(())
}

async fn flash(session: Session) -> std::result::Result<(), Error> {
    session.flash("Saved")?;
    session.flash_in("error", "No such product: <42>")?;
    Ok(session.flash_in("info", Markup::from("<em>Sale</em>"))?)
}

async fn flashes(
    session: Session,
) -> std::result::Result<Json<Vec<(String, String, bool)>>, Error> {
    let flashes = session.take_flashes()?;
    Ok(Json(
        flashes
            .iter()
            .map(|flash| (flash.category().to_owned(), flash.text(), flash.is_markup()))
            .collect(),
    ))
}

async fn big(session: Session) -> std::result::Result<(), Error> {
    Ok(session.insert("big", "A session can hold many words. ".repeat(150))?)
}

async fn logout(session: Session) -> std::result::Result<(), Error> {
    Ok(session.clear()?)
}

/// Reads a value of [`every_type`] as its known type, and any other value as the type that it
/// appears to have.
fn read_typed(session: &Session, key: &str) -> std::result::Result<Sample, session_core::Error> {
    Ok(match key {
        "pair" => session.get::<Tuple<(i64, String)>>(key)?.into(),
        "nested" => {
            session.get::<Tuple<(i64, Tuple<(f64, Tuple<(Bytes, Vec<bool>)>)>)>>(key)?.into()
        }
        "token" | "no_bytes" => session.get::<Bytes>(key)?.into(),
        "banner" => session.get::<Markup>(key)?.into(),
        "order" => session.get::<Uuid>(key)?.into(),
        "seen" => session.get::<DateTime>(key)?.into(),
        "like_tuple" => session.get::<BTreeMap<String, Vec<i64>>>(key)?.into(),
        "like_escape" => session.get::<BTreeMap<String, BTreeMap<String, String>>>(key)?.into(),
        "like_bytes" => session.get::<BTreeMap<String, String>>(key)?.into(),
        "ratio" | "whole" => session.get::<f64>(key)?.into(),
        "large" | "visits" => session.get::<u64>(key)?.into(),
        "negative" => session.get::<i64>(key)?.into(),
        "greeting" | "user" | "big" => session.get::<String>(key)?.into(),
        "nothing" => session.get::<()>(key)?.into(),
        "yes" | "_permanent" => session.get::<bool>(key)?.into(),
        "cart" => session.get::<Vec<Vec<i64>>>(key)?.into(),
        _ => session.get::<Any>(key)?.map(Sample::from).into(),
    })
}

/// Returns one value of each type, as both applications store them at `/set-all`.
pub fn every_type() -> Vec<(&'static str, Sample)> {
    let bytes = |bytes: &[u8]| Sample::Bytes(bytes.to_vec());
    let pair = |one: Sample, other: Sample| Sample::Tuple(vec![one, other]);
    let dict = |key: &str, value: Sample| BTreeMap::from([(key.to_owned(), value)]).into();
    let branch = vec![bytes(b"x"), dict("c", Sample::Markup("<i>".to_owned()))];
    let tree = BTreeMap::from([
        ("a".to_owned(), dict("b", branch.into())),
        ("é".to_owned(), Sample::Dict(BTreeMap::new())),
    ]);
    vec![
        ("pair", pair(1_i64.into(), "two".into())),
        (
            "nested",
            pair(1_i64.into(), pair(2.5.into(), pair(bytes(b"\xff"), Sample::List(vec![])))),
        ),
        ("token", bytes(b"\x00\xff hi")),
        ("no_bytes", bytes(b"")),
        ("banner", Sample::Markup("<em>Sale & more</em>".to_owned())),
        ("order", Sample::Uuid(0x1234_5678_1234_5678_1234_5678_1234_5678_u128.to_be_bytes())),
        ("seen", Sample::DateTime(1_700_000_000)),
        ("like_tuple", dict(" t", vec![1_i64, 2].into())),
        ("like_escape", dict(" di", dict(" di", "x".into()))),
        ("like_bytes", dict(" b", "aGk=".into())),
        ("ratio", 0.1.into()),
        ("whole", 2.0.into()),
        ("large", u64::MAX.into()),
        ("negative", i64::MIN.into()),
        ("greeting", "Grüß \"dich\" 日本 😀\n\u{2028}".into()),
        ("nothing", Sample::None),
        ("yes", true.into()),
        ("cart", vec![vec![1_i64, 2], vec![], vec![3]].into()),
        ("tree", tree.into()),
    ]
}
