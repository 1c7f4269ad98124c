//! No log event and no `Debug` form of a public type shows a secret, a cookie or a value of a
//! session.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Debug;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use session_cookie::{
    Compression, SealedCookieSessions, SecretKey, SessionConfig, SignedCookieSessions,
};
use session_core::interface::{OpenContext, Opened, Save, Saved, state_of};
use session_core::request::{RequestSession, RequestView};
use session_core::{
    Error, ErrorKind, ManualClock, OversizePolicy, Session, SessionConfigBuilder, SessionInterface,
    async_trait,
};
use sha1::Sha1;
use tracing::Level;

const FORGED: &str = "cookie has no valid signature or seal";
const EXPIRED: &str = "cookie is of an expired session";
const NOW: u64 = 1_700_000_000;
const SECRET: &str = "kQ7zx9vTw3mPf5hRj8bNc2dLs6gYt4uXe1aHoZiV";
const RETIRED: &str = "Bn5yGr2KpW8sMx4JdC7tQf3LvE9hZa6UoT1iSbYk";
const WEAK: &str = "Pz8rWq2nXv6k";
const VALUE: &str = "Jd4wMv8sRb2yLt7pGc9q";
const FLASHED: &str = "Uf3xHn6kTz9dWq5mYe2v";
const OTHER_COOKIE: &str = "Rk7bPs4gVw9zNj2cXm6t";
/// The number of bytes of a secret that count as a leak.
const WINDOW: usize = 8;

/// Signed or sealed.
type Make = fn(SessionConfig) -> Result<Arc<dyn SessionInterface>, Error>;

/// Shows the arguments and results of each call of the inner interface.
#[derive(Debug)]
struct Watching {
    inner: Arc<dyn SessionInterface>,
    seen: Log,
}

#[async_trait]
impl SessionInterface for Watching {
    fn config(&self) -> &SessionConfig {
        self.inner.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        self.seen.show(context);
        let opened = self.inner.open(context).await;
        self.seen.show(&opened);
        opened
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        self.seen.show(save);
        self.seen.show(&save.contents());
        let saved = self.inner.save(save).await;
        self.seen.show(&saved);
        saved
    }
}

#[test]
fn opened_signed_cookie_is_not_shown_or_logged() {
    let genuine = cookie(&save(signed, config(), |session| session.insert("mood", VALUE)).unwrap());
    let (before, signature) = genuine.rsplit_once('.').unwrap();
    let unsigned = sign(&BASE64_URL_SAFE_NO_PAD.encode(format!("[\"{VALUE}\"]")));
    let odd = sign(
        &BASE64_URL_SAFE_NO_PAD
            .encode(format!("{{\"mood\":[\"{VALUE}\"],\"_flashes\":\"{FLASHED}\"}}")),
    );
    let cases = [
        ("genuine", genuine.clone(), NOW, None),
        ("forged payload", format!("x{genuine}"), NOW, Some(FORGED)),
        ("forged signature", format!("{before}.{}", reversed(signature)), NOW, Some(FORGED)),
        ("no signature", genuine.replace('.', ""), NOW, Some(FORGED)),
        ("expired", genuine.clone(), NOW + 86_400 * 32, Some(EXPIRED)),
        ("from the future", genuine, NOW - 61, Some(EXPIRED)),
        ("no session", unsigned, NOW, Some("session cookie is signed but malformed")),
        ("no base64", sign(VALUE.repeat(3).get(..21).unwrap()), NOW, Some("signed but malformed")),
        (
            "no text",
            sign(&BASE64_URL_SAFE_NO_PAD.encode([0xff; 30])),
            NOW,
            Some("signed but malformed"),
        ),
        ("compressed rubbish", sign(&format!(".{VALUE}")), NOW, Some("signed but malformed")),
        ("odd values", odd, NOW, None),
    ];
    for (name, cookie, now, expected) in cases {
        let log = Log::default();
        log.collect(|| {
            let config = config().clock(ManualClock::at(at(now)));
            drop(use_session(signed, config, Some(&cookie), &log));
        });
        let text = log.take();
        assert_eq!(leaks(&text, &[&cookie]), Vec::<String>::new(), "{name}");
        for shown in [
            "RequestSession {",
            "OpenContext {",
            "Opened {",
            "Save {",
            "Contents {",
            "SessionState {",
            "RequestView {",
            "Insert(\"mood\", ..)",
        ] {
            assert!(text.contains(shown), "{name}: {shown} is missing from {text}");
        }
        match expected {
            Some(message) => assert!(text.contains(message), "{name}: {text}"),
            None => {
                for message in [FORGED, EXPIRED, "starting a fresh session"] {
                    assert!(!text.contains(message), "{name}: {text}");
                }
            }
        }
    }
}

#[test]
fn sealed_cookie_is_not_shown_or_logged() {
    let genuine = cookie(&save(sealed, config(), |session| session.insert("mood", VALUE)).unwrap());
    let of_signed =
        cookie(&save(signed, config(), |session| session.insert("mood", VALUE)).unwrap());
    let cases = [
        ("genuine", genuine.clone(), NOW, None),
        ("forged", reversed(&genuine), NOW, Some(FORGED)),
        ("signed", of_signed, NOW, Some(FORGED)),
        ("expired", genuine, NOW + 86_400 * 32, Some(EXPIRED)),
    ];
    for (name, cookie_sent, now, expected) in cases {
        let (log, mut saved) = (Log::default(), None);
        let config = config().clock(ManualClock::at(at(now)));
        log.collect(|| saved = use_session(sealed, config, Some(&cookie_sent), &log).unwrap());
        let text = log.take();
        assert_eq!(
            leaks(&text, &[&cookie_sent, &cookie(&saved.unwrap())]),
            Vec::<String>::new(),
            "{name}"
        );
        match expected {
            Some(message) => assert!(text.contains(message), "{name}: {text}"),
            None => {
                for message in [FORGED, EXPIRED, "starting a fresh session"] {
                    assert!(!text.contains(message), "{name}: {text}");
                }
            }
        }
    }
}

#[test]
fn saved_signed_cookie_is_not_shown_or_logged() {
    let (small, refusing) = (
        config().max_cookie_size(100).oversize(OversizePolicy::Warn),
        config().max_cookie_size(100).oversize(OversizePolicy::Refuse),
    );
    let cases = [
        ("saved", config(), "Set { expires: None, .. }", false),
        ("oversize", small, "session cookie is larger than the limit", false),
        ("refused", refusing, "exceeds the limit of 100 bytes", true),
    ];
    for (name, config, expected, refused) in cases {
        let (log, mut saved) = (Log::default(), None);
        log.collect(|| saved = Some(use_session(signed, config.clone(), None, &log)));
        let text = log.take();
        assert_eq!(
            saved.unwrap().is_err_and(|error| error.kind() == ErrorKind::TooLarge),
            refused,
            "{name}"
        );
        assert!(text.contains(expected), "{name}: {text}");
        let unlimited = config.max_cookie_size(0).oversize(OversizePolicy::Warn);
        let header = use_session(signed, unlimited, None, &Log::default()).unwrap().unwrap();
        assert_eq!(leaks(&text, &[&cookie(&header)]), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn debug_form_does_not_show_key() {
    let log = Log::default();
    let settings = config();
    log.show(&settings);
    let config = settings.build().unwrap();
    log.show(&config);
    log.show(&key());
    let builder = SignedCookieSessions::builder(config.clone(), &key())
        .salt("admin")
        .compression(Compression::Never);
    log.show(&builder);
    log.show(&builder.build().unwrap());
    let builder = SealedCookieSessions::builder(config, &key());
    log.show(&builder);
    log.show(&builder.build().unwrap());
    let text = log.take();
    assert_eq!(leaks(&text, &[]), Vec::<String>::new());
    let shown = [
        "SessionConfigBuilder {",
        "SecretKey { keys: 2, .. }",
        "SignedCookieSessionsBuilder {",
        "Signer {",
        "SealedCookieSessionsBuilder {",
        "Cipher {",
    ];
    for shown in shown {
        assert!(text.contains(shown), "{shown} is missing from {text}");
    }
}

#[test]
fn error_shows_no_secret_and_no_value() {
    let path = format!("{}/weak-key", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&path, WEAK).unwrap();
    let session =
        Opened::from_payload(format!("{{\"mood\":\"{VALUE}\",\"_flashes\":\"{FLASHED}\"}}"))
            .unwrap()
            .into_session();
    let errors = [
        SecretKey::new(WEAK).unwrap_err(),
        SecretKey::from_file(&path).unwrap_err(),
        Opened::from_payload(format!("[\"{VALUE}\"]")).unwrap_err(),
        state_of(&session).changes().replay(VALUE).unwrap_err(),
        Opened::null("set a key").into_session().insert("mood", VALUE).unwrap_err(),
        session.flash(VALUE).unwrap_err(),
        session.get::<u64>("mood").unwrap_err(),
        session.take_flashes().unwrap_err(),
    ];
    let log = Log::default();
    for error in &errors {
        log.show_error(error);
    }

    let text = log.take();
    assert_eq!(leaks(&text, &[]), Vec::<String>::new());
    for shown in [
        "has 12 bytes; it needs at least 32",
        "not a JSON object",
        "set a key",
        "session value \"mood\" is not",
    ] {
        assert!(text.contains(shown), "{shown} is missing from {text}");
    }
}

#[test]
fn leak_is_found() {
    let genuine = cookie(&save(signed, config(), |session| session.insert("mood", VALUE)).unwrap());
    let part = &genuine[20..20 + WINDOW];
    for leak in
        [SECRET, RETIRED, WEAK, VALUE, FLASHED, OTHER_COOKIE, &genuine, part, &SECRET[9..17]]
    {
        let log = Log::default();
        log.collect(|| tracing::trace!(leak, "an event"));
        assert!(!leaks(&log.take(), &[&genuine]).is_empty(), "{leak}");
        log.show(&leak.as_bytes());
        assert!(!leaks(&log.take(), &[&genuine]).is_empty(), "the bytes of {leak}");
    }
    assert_eq!(leaks("an event", &[&genuine]), Vec::<String>::new());
}

/// Uses the session of one request and shows every public value. Returns the `Set-Cookie`.
fn use_session(
    make: Make,
    config: SessionConfigBuilder,
    cookie: Option<&str>,
    log: &Log,
) -> Result<Option<String>, Error> {
    let inner = make(config.build()?)?;
    let header = format!("csrf={OTHER_COOKIE}; session={}", cookie.unwrap_or_default());
    let builder =
        RequestView::builder().cookie_header(header.as_bytes()).host("shop.example").path("/cart");
    log.show(&builder);
    let view = builder.build();
    log.show(&view);
    let request = RequestSession::new(Watching { inner, seen: log.clone() }, view);
    log.show(&request);
    run(async {
        let session = request.session().await?;
        session.insert("mood", VALUE)?;
        session.update("seen", |seen: Option<Vec<String>>| {
            Some([seen.unwrap_or_default(), vec![VALUE.to_owned()]].concat())
        })?;
        if let Err(error) = session.take_flashes().and_then(|_| session.flash(FLASHED)) {
            log.write_line(&error.to_string());
        }
        log.show(&session);
        log.show(&state_of(&session));
        log.show(state_of(&session).changes());
        log.show(&request);
        let headers =
            request.commit().await.into_result().inspect_err(|error| log.show_error(error))?;
        log.show(&headers);
        log.show(&request);
        log.show_error(&session.insert("late", VALUE).unwrap_err());
        Ok(headers.set_cookie().map(str::to_owned))
    })
}

/// Returns the `Set-Cookie` of a request whose handler makes one change.
fn save(
    make: Make,
    config: SessionConfigBuilder,
    change: impl FnOnce(&Session) -> Result<(), Error>,
) -> Result<String, Error> {
    let request = RequestSession::new(make(config.build()?)?, RequestView::default());
    run(async {
        change(&request.session().await?)?;
        Ok(request.commit().await.into_result()?.set_cookie().unwrap().to_owned())
    })
}

fn signed(config: SessionConfig) -> Result<Arc<dyn SessionInterface>, Error> {
    Ok(Arc::new(SignedCookieSessions::new(config, &key())?))
}

fn sealed(config: SessionConfig) -> Result<Arc<dyn SessionInterface>, Error> {
    Ok(Arc::new(SealedCookieSessions::new(config, &key())?))
}

fn config() -> SessionConfigBuilder {
    SessionConfig::builder().clock(ManualClock::at(at(NOW)))
}

fn key() -> SecretKey {
    SecretKey::new(SECRET).unwrap().with_fallback(&SecretKey::new(RETIRED).unwrap())
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Returns the value in a `Set-Cookie` header.
fn cookie(set_cookie: &str) -> String {
    let pair = set_cookie.split(';').next().unwrap();
    pair.split_once('=').unwrap().1.to_owned()
}

/// Signs an encoded payload and returns the cookie value.
fn sign(payload: &str) -> String {
    let authenticate = |key: &[u8], message: &[u8]| {
        let mut mac = Hmac::<Sha1>::new_from_slice(key).unwrap();
        mac.update(message);
        mac.finalize().into_bytes()
    };
    let signed = format!("{payload}.{}", BASE64_URL_SAFE_NO_PAD.encode(&NOW.to_be_bytes()[4..]));
    let signature =
        authenticate(&authenticate(SECRET.as_bytes(), b"cookie-session"), signed.as_bytes());
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Returns the parts of secrets and of these cookies that a text shows, as text or as a list of
/// bytes.
fn leaks(text: &str, cookies: &[&str]) -> Vec<String> {
    let secrets = [SECRET, RETIRED, WEAK, VALUE, FLASHED, OTHER_COOKIE];
    // A timestamp is not a secret, and shorter than a window.
    let parts =
        cookies.iter().flat_map(|cookie| cookie.split('.')).filter(|part| part.len() >= WINDOW);
    secrets
        .into_iter()
        .chain(parts)
        .flat_map(|secret| secret.as_bytes().windows(WINDOW))
        .flat_map(|window| {
            let bytes = format!("{window:?}");
            [
                String::from_utf8_lossy(window).into_owned(),
                bytes.trim_matches(['[', ']']).to_owned(),
            ]
        })
        .filter(|window| text.contains(window.as_str()))
        .collect()
}

/// Collects events and `Debug` forms.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Collects the events of every level while `work` runs.
    fn collect(&self, work: impl FnOnce()) {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_ansi(false)
            .with_writer(move || log.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, work);
    }

    /// Writes both `Debug` forms.
    fn show(&self, value: &impl Debug) {
        self.write_line(&format!("{value:?} {value:#?}"));
    }

    /// Writes an error and its sources.
    fn show_error(&self, error: &Error) {
        self.show(error);
        let mut beneath: Option<&dyn std::error::Error> = Some(error);
        while let Some(error) = beneath {
            self.write_line(&format!("{error} {error:?}"));
            beneath = error.source();
        }
    }

    fn write_line(&self, line: &str) {
        writeln!(self.0.lock().unwrap(), "{line}").unwrap();
    }

    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Log")
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
