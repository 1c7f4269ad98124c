//! The signed cookie beside `cookie`'s `SignedJar`, and the sealed one beside its `PrivateJar`, each with `serde_json`, doing the
//! same job in the same run.
//!
//! *open*: from the bytes of a `Cookie` header to one value of the verified session.
//! *save*: from an opened session, one value set, to the bytes of a `Set-Cookie` header.

#![expect(clippy::unwrap_used, reason = "a benchmark that fails has nothing to measure")]

use std::hint::black_box;
use std::sync::Arc;

use benchmarks::{LARGE, SMALL, ready};
use cookie::{Cookie, CookieJar, Key, SameSite};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use serde_json::{Map, Value};
use session_cookie::{SealedCookieSessions, SecretKey, SessionConfig, SignedCookieSessions};
use session_core::{OnOutage, RequestSession, RequestView, SessionInterface};

const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

criterion_group!(benches, open, save);
criterion_main!(benches);

fn open(criterion: &mut Criterion) {
    for (size, payload) in [(70, SMALL), (300, LARGE)] {
        let mut group = criterion.benchmark_group(format!("open/{size}"));
        for kind in [Kind::Signed, Kind::Sealed] {
            let (ours, theirs) = (Ours::new(kind, payload), Theirs::new(kind, payload));
            group.bench_function(kind.ours(), |bencher| bencher.iter(|| ours.open(black_box(&ours.header))));
            group.bench_function(kind.theirs(), |bencher| bencher.iter(|| theirs.open(black_box(&theirs.header))));
        }
        group.finish();
    }
}

fn save(criterion: &mut Criterion) {
    for (size, payload) in [(70, SMALL), (300, LARGE)] {
        let mut group = criterion.benchmark_group(format!("save/{size}"));
        for kind in [Kind::Signed, Kind::Sealed] {
            let (ours, theirs) = (Ours::new(kind, payload), Theirs::new(kind, payload));
            group.bench_function(kind.ours(), |bencher| {
                bencher.iter_batched(|| ours.opened(), |request| ours.save(&request), BatchSize::SmallInput);
            });
            group.bench_function(kind.theirs(), |bencher| {
                bencher.iter_batched(|| theirs.opened(), |session| theirs.save(session), BatchSize::SmallInput);
            });
        }
        group.finish();
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Signed,
    Sealed,
}

impl Kind {
    fn ours(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Sealed => "sealed",
        }
    }

    fn theirs(self) -> &'static str {
        match self {
            Self::Signed => "SignedJar",
            Self::Sealed => "PrivateJar",
        }
    }
}

struct Ours {
    interface: Arc<dyn SessionInterface>,
    header: String,
}

impl Ours {
    fn new(kind: Kind, payload: &str) -> Self {
        let (config, key) = (SessionConfig::default(), SecretKey::new(SECRET).unwrap());
        let interface: Arc<dyn SessionInterface> = match kind {
            Kind::Signed => Arc::new(SignedCookieSessions::new(config, &key).unwrap()),
            Kind::Sealed => Arc::new(SealedCookieSessions::new(config, &key).unwrap()),
        };
        let mut ours = Self { interface, header: String::new() };
        let request = ours.request("");
        let session = ready(request.session()).unwrap().unwrap();
        for (key, value) in serde_json::from_str::<Map<String, Value>>(payload).unwrap() {
            session.insert(&key, value).unwrap();
        }
        let headers = ready(request.commit()).unwrap().unwrap();
        let cookie = headers.set_cookie().unwrap().split(';').next().unwrap();
        ours.header = format!("theme=dark; {cookie}");
        assert_eq!(ours.open(&ours.header), Some(42));
        ours
    }

    fn request(&self, header: &str) -> RequestSession {
        let view = RequestView::builder().cookie_header(header.as_bytes()).host("example.com").path("/").build();
        RequestSession::with_shared(Arc::clone(&self.interface), view, OnOutage::Refuse)
    }

    fn open(&self, header: &str) -> Option<u64> {
        let request = self.request(header);
        ready(request.session())?.ok()?.get::<u64>("user_id").ok()?
    }

    fn opened(&self) -> RequestSession {
        let request = self.request(&self.header);
        ready(request.session()).unwrap().unwrap();
        request
    }

    #[expect(clippy::unused_self, reason = "reads like its rival")]
    fn save(&self, request: &RequestSession) -> String {
        let session = ready(request.session()).unwrap().unwrap();
        session.insert("user_id", 43).unwrap();
        ready(request.commit()).unwrap().unwrap().set_cookie().unwrap().to_owned()
    }
}

struct Theirs {
    kind: Kind,
    key: Key,
    header: String,
}

impl Theirs {
    fn new(kind: Kind, payload: &str) -> Self {
        let mut theirs = Self { kind, key: Key::from(SECRET.as_bytes()), header: String::new() };
        let set = theirs.save(serde_json::from_str(payload).unwrap());
        theirs.header = format!("theme=dark; {}", set.split(';').next().unwrap());
        assert_eq!(theirs.open(&theirs.header), Some(43));
        theirs
    }

    fn session(&self, header: &str) -> Option<Map<String, Value>> {
        let mut jar = CookieJar::new();
        for cookie in Cookie::split_parse_encoded(header.to_owned()) {
            jar.add_original(cookie.ok()?);
        }
        let session = match self.kind {
            Kind::Signed => jar.signed(&self.key).get("session"),
            Kind::Sealed => jar.private(&self.key).get("session"),
        };
        serde_json::from_str(session?.value()).ok()
    }

    fn open(&self, header: &str) -> Option<u64> {
        self.session(header)?.get("user_id")?.as_u64()
    }

    fn opened(&self) -> Map<String, Value> {
        self.session(&self.header).unwrap()
    }

    fn save(&self, mut session: Map<String, Value>) -> String {
        session.insert("user_id".to_owned(), 43.into());
        let mut jar = CookieJar::new();
        let cookie = Cookie::build(("session", serde_json::to_string(&session).unwrap()))
            .path("/")
            .secure(true)
            .http_only(true)
            .same_site(SameSite::Lax)
            .expires(cookie::time::OffsetDateTime::now_utc() + cookie::time::Duration::days(31));
        match self.kind {
            Kind::Signed => jar.signed_mut(&self.key).add(cookie),
            Kind::Sealed => jar.private_mut(&self.key).add(cookie),
        }
        jar.delta().map(|cookie| cookie.encoded().to_string()).collect()
    }
}
