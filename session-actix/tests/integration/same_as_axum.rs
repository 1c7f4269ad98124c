//! The same application in axum and in actix-web sends the same responses, header for header.

use std::time::{Duration, SystemTime};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::test::init_service;
use session_core::request::SessionHeaders;
use session_core::{Error, ManualClock, Session, SessionConfig, SessionInterface};
use session_memory::{MemorySessions, MemoryStore};

use crate::support::{TestResponse, pair, send_to};

/// The response of a page, independent of the framework.
struct Page {
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    text: String,
}

impl Page {
    fn ok(text: impl Into<String>) -> Self {
        Self { status: 200, headers: &[], text: text.into() }
    }
}

/// Returns the pages of both applications.
async fn page(session: &Session, path: &str) -> Result<Page, Error> {
    match path {
        "/login" => {
            session.log_in("ada", None).await?;
            session.insert("user", "ada")?;
            session.flash_in("info", "Welcome, Ada")?;
            Ok(Page { status: 303, headers: &[("location", "/")], text: String::new() })
        }
        "/remember" => session.set_permanent(true).map(|()| Page::ok("remembered")),
        "/flashes" => {
            let flashes = session.take_flashes()?;
            let lines =
                flashes.iter().map(|flash| format!("{}: {}\n", flash.category(), flash.text()));
            Ok(Page::ok(lines.collect::<String>()))
        }
        "/rotate" => session.rotate_id().map(|()| Page::ok("rotated")),
        "/broken" => {
            session.insert("basket", "no list")?;
            let basket = session.get::<Vec<u64>>("basket")?;
            Ok(Page::ok(format!("{basket:?}")))
        }
        "/lost" => {
            session.insert("lost", true)?;
            Ok(Page { status: 404, headers: &[], text: "no such book".to_owned() })
        }
        "/headers" => {
            let headers = &[
                ("vary", "Accept"),
                ("vary", "Origin"),
                ("set-cookie", "theme=dark; Path=/"),
                ("cache-control", "private, max-age=60"),
            ];
            session.insert("painted", true)?;
            Ok(Page { status: 200, headers, text: "painted".to_owned() })
        }
        "/public" => {
            let headers = &[
                ("cache-control", "public"),
                ("cdn-cache-control", "max-age=60"),
                ("surrogate-control", "max-age=60"),
            ];
            session.rotate_id()?;
            Ok(Page { status: 200, headers, text: "public".to_owned() })
        }
        "/logout" => session.log_out().await.map(|_| Page::ok("logged out")),
        _ => Ok(Page::ok(format!("user: {:?}", session.get::<String>("user")?))),
    }
}

mod in_axum {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use http::{HeaderName, HeaderValue, StatusCode, Uri};
    use session_core::SessionInterface;
    use session_tower::{Error, Session, SessionLayer};

    async fn page(session: Session, uri: Uri) -> Result<http::Response<Body>, Error> {
        let page = super::page(&session, uri.path()).await?;
        let mut response = http::Response::new(Body::from(page.text));
        *response.status_mut() = StatusCode::from_u16(page.status).unwrap();
        for (name, value) in page.headers {
            response
                .headers_mut()
                .append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        Ok(response)
    }

    pub(crate) fn app(sessions: impl SessionInterface) -> Router {
        let pages =
            super::PAGES.iter().fold(Router::new(), |router, path| router.route(path, get(page)));
        pages.route("/untouched", get(async || "untouched")).layer(SessionLayer::new(sessions))
    }
}

mod in_actix {
    use actix_web::http::StatusCode;
    use actix_web::web::{ServiceConfig, get};
    use actix_web::{HttpRequest, HttpResponse};
    use session_actix::{Error, Session};

    async fn page(session: Session, request: HttpRequest) -> Result<HttpResponse, Error> {
        let page = super::page(&session, request.path()).await?;
        let mut response = HttpResponse::build(StatusCode::from_u16(page.status).unwrap());
        for header in page.headers {
            response.append_header(*header);
        }
        Ok(response.body(page.text))
    }

    pub(crate) fn routes(config: &mut ServiceConfig) {
        for path in super::PAGES {
            config.route(path, get().to(page));
        }
        config.route("/untouched", get().to(async || "untouched"));
    }
}

const PAGES: [&str; 10] = [
    "/",
    "/login",
    "/remember",
    "/flashes",
    "/rotate",
    "/broken",
    "/lost",
    "/headers",
    "/public",
    "/logout",
];

enum Step {
    /// A request with the newest cookie.
    Visit(&'static str),
    /// A request with the cookie of the login.
    Replay(&'static str),
    Forged(&'static str),
    Days(u64),
}

const SCRIPT: [Step; 26] = {
    use Step::{Days, Forged, Replay, Visit};
    [
        Visit("/untouched"),
        Visit("/no-such-page"),
        Visit("/"),
        Visit("/flashes"),
        Visit("/login"),
        Visit("/untouched"),
        Visit("/flashes"),
        Visit("/flashes"),
        Visit("/remember"),
        Days(16),
        Visit("/"),
        Visit("/untouched"),
        Visit("/no-such-page"),
        Visit("/broken"),
        Visit("/lost"),
        Visit("/headers"),
        Visit("/public"),
        Visit("/rotate"),
        Replay("/"),
        Visit("/logout"),
        Visit("/"),
        Replay("/"),
        Replay("/remember"),
        Forged("/"),
        Forged("/login"),
        Visit("/"),
    ]
};

/// Runs the script and returns a paragraph for each response. Random cookie values are replaced by
/// the order of their appearance.
async fn transcript(
    clock: &ManualClock,
    random: bool,
    get: impl AsyncFn(&str, &str) -> TestResponse,
) -> Vec<String> {
    let (mut newest, mut login) = (String::new(), String::new());
    let mut seen: Vec<String> = Vec::new();
    let mut paragraphs = Vec::new();
    for step in &SCRIPT {
        let (path, cookie) = match step {
            Step::Visit(path) => (path, newest.as_str()),
            Step::Replay(path) => (path, login.as_str()),
            Step::Forged(path) => (path, "session=forged"),
            Step::Days(days) => {
                clock.advance(Duration::from_secs(days * 24 * 3600));
                continue;
            }
        };
        let response = get(path, cookie).await;
        let mut paragraph = show(path, &response);
        for set in response.set_cookies().iter().filter(|set| set.starts_with("session=")) {
            pair(set).clone_into(&mut newest);
            if *path == "/login" && login.is_empty() {
                login.clone_from(&newest);
            }
            if !seen.contains(&newest) {
                seen.push(newest.clone());
            }
        }
        if random {
            for (number, pair) in seen.iter().enumerate().filter(|(_, pair)| *pair != "session=") {
                paragraph = paragraph.replace(pair.as_str(), &format!("session=<{number}>"));
            }
        }
        paragraphs.push(paragraph);
    }
    paragraphs
}

fn show(path: &str, response: &TestResponse) -> String {
    let mut lines = vec![format!("GET {path} = {}\n", response.status)];
    let [cdn, surrogate] = SessionHeaders::TARGETED;
    for name in ["set-cookie", "vary", "cache-control", cdn, surrogate, "location", "content-type"]
    {
        lines.extend(response.all(name).iter().map(|value| format!("{name}: {value}\n")));
    }
    lines.concat() + &response.text
}

async fn send_to_axum(app: &axum::Router, path: &str, cookie: &str) -> TestResponse {
    use tower::ServiceExt as _;
    let mut request = http::Request::get(path);
    if !cookie.is_empty() {
        request = request.header("cookie", cookie);
    }
    let response =
        app.clone().oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    let mut headers = HeaderMap::new();
    for (name, value) in &head.headers {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        headers.append(HeaderName::from_bytes(name.as_str().as_bytes()).unwrap(), value);
    }
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    TestResponse {
        status: head.status.as_u16(),
        headers,
        text: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// Returns the transcripts of both applications. Each has its own sessions and clock.
async fn transcripts<I: SessionInterface>(
    random: bool,
    sessions: fn(SessionConfig) -> I,
) -> [Vec<String>; 2] {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let clocks = [ManualClock::at(now), ManualClock::at(now)];
    let [one, other] = clocks.each_ref().map(|clock| {
        let config = SessionConfig::builder().clock(clock.clone()).build().unwrap();
        sessions(config)
    });
    let axum = in_axum::app(one);
    let app = actix_web::App::new()
        .wrap(session_actix::SessionMiddleware::new(other))
        .configure(in_actix::routes);
    let actix = init_service(app).await;
    [
        transcript(&clocks[0], random, async |path, cookie| {
            send_to_axum(&axum, path, cookie).await
        })
        .await,
        transcript(&clocks[1], random, async |path, cookie| send_to(&actix, path, cookie).await)
            .await,
    ]
}

fn visit<'a>(transcript: &'a [String], path: &str) -> &'a str {
    transcript.iter().find(|visit| visit.starts_with(&format!("GET {path} = "))).unwrap()
}

#[actix_web::test]
async fn signed_cookies_are_equal_byte_for_byte() {
    let [axum, actix] = transcripts(false, |config| {
        session_cookie::SignedCookieSessions::new(config, &crate::support::key()).unwrap()
    })
    .await;
    assert_eq!(actix, axum);
    assert!(visit(&actix, "/login").contains("set-cookie: session=eyJ"), "{actix:#?}");
    assert!(actix.iter().any(|visit| visit.contains("user: Some(\"ada\")")), "{actix:#?}");
}

#[actix_web::test]
async fn memory_sessions_are_equal_except_ids() {
    let [axum, actix] =
        transcripts(true, |config| MemorySessions::new(MemoryStore::new(), config)).await;
    assert_eq!(actix, axum);
    assert_eq!(
        visit(&actix, "/login"),
        "GET /login = 303\nset-cookie: session=<0>; Secure; HttpOnly; Path=/; SameSite=Lax\nvary: Cookie\n\
         cache-control: no-store\nlocation: /\n"
    );
    // The id stays, so a write sets no cookie.
    let expected = "GET /flashes = 200\nvary: Cookie\n";
    assert!(
        actix[6].starts_with(expected) && actix[6].ends_with("info: Welcome, Ada\n"),
        "{}",
        actix[6]
    );
    let public = visit(&actix, "/public");
    for name in ["cache-control", "cdn-cache-control", "surrogate-control"] {
        assert!(public.contains(&format!("\n{name}: no-store\n")), "{public}");
    }
    assert_eq!(
        visit(&actix, "/untouched"),
        "GET /untouched = 200\ncontent-type: text/plain; charset=utf-8\nuntouched"
    );
}
