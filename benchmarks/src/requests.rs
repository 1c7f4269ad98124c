//! Whole requests without a network: the router of each server is called directly, on one thread.

use std::hint::black_box;
use std::time::{Duration, Instant};

use actix_session::SessionMiddleware as PeerMiddleware;
use actix_session::storage::CookieSessionStore;
use actix_web::App;
use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::test::{TestRequest, call_service, init_service};
use axum::Router;
use axum::body::Body;
use axum::http::header::{COOKIE, HOST, SET_COOKIE};
use session_actix::SessionMiddleware;
use session_cookie::{SealedCookieSessions, SignedCookieSessions};
use session_memory::{MemorySessions, MemoryStore};
use tower::Service as _;

use crate::http::PATHS;
use crate::http::actix_servers::{self, bare_routes, our_routes, peer_routes};
use crate::http::axum_servers::{bare, key, ours, tower};
use crate::rounds::{Figures, Plan, Target, number, order, print_targets};
use crate::stores::{block_on, settings};

const AXUM: [&str; 4] = ["axum", "ours, signed cookie", "ours, memory", "tower-sessions, memory"];
const ACTIX: [&str; 4] =
    ["actix-web", "ours, signed cookie", "ours, sealed cookie", "actix-session, cookie"];
const BLOCK: u32 = 64;

/// The requests per second of each server, by path.
type Seen = [[Figures; PATHS.len()]; 4];

pub fn run(plan: &Plan) {
    let axum = block_on(measure_axum(plan));
    let actix = actix_web::rt::System::new().block_on(measure_actix(plan));
    println!("\n## Requests in process, {} rounds of {} ms\n", plan.rounds, plan.slice.as_millis());
    println!("| server | untouched, per second | read | write |\n|---|---|---|---|");
    for (names, seen) in [(AXUM, &axum), (ACTIX, &actix)] {
        for (name, by_path) in names.iter().zip(seen) {
            let cells: Vec<_> = by_path.iter().map(|figures| number(figures.median())).collect();
            println!("| {name} | {} |", cells.join(" | "));
        }
    }
    let mut targets = Vec::new();
    for (path, at_least) in [1.7, 1.2, 1.5].into_iter().enumerate() {
        targets.push(target(&AXUM, &axum, 2, 3, path, at_least));
    }
    for ours in [1, 2] {
        for path in 0..PATHS.len() {
            targets.push(target(&ACTIX, &actix, ours, 3, path, 1.3));
        }
    }
    print_targets(&targets);
}

fn target(
    names: &[&str],
    seen: &Seen,
    ours: usize,
    rival: usize,
    path: usize,
    at_least: f64,
) -> Target {
    let what = format!("Request: {}, {} over {}", PATHS[path], names[ours], names[rival]);
    Target { what, ratio: seen[ours][path].over(&seen[rival][path]), at_least }
}

async fn measure_axum(plan: &Plan) -> Seen {
    let signed = SignedCookieSessions::new(settings(), &key()).expect("a key");
    let memory = MemorySessions::new(MemoryStore::new(), settings());
    let mut servers =
        [bare(), ours(signed), ours(memory), tower(tower_sessions::MemoryStore::default())];
    let mut cookies = Vec::new();
    for server in &mut servers {
        cookies.push(call_axum(server, "/login", "").await.expect("a login sets a cookie"));
    }
    let mut seen = Seen::default();
    for round in 0..=plan.rounds {
        for (path, name) in PATHS.iter().enumerate() {
            for one in order(round, servers.len()) {
                let (start, mut blocks) = (Instant::now(), 0u32);
                while start.elapsed() < plan.slice {
                    for _ in 0..BLOCK {
                        let uri = format!("/{name}");
                        black_box(call_axum(&mut servers[one], &uri, &cookies[one]).await);
                    }
                    blocks += 1;
                }
                record(&mut seen[one][path], round, blocks, start.elapsed());
            }
        }
    }
    seen
}

/// Returns the cookie that the response sets.
async fn call_axum(server: &mut Router, path: &str, cookie: &str) -> Option<String> {
    let request = axum::http::Request::get(path).header(HOST, "example.com").header(COOKIE, cookie);
    let request = request.body(Body::empty()).expect("a request");
    let response = server.call(request).await.expect("a router does not fail");
    assert!(response.status().is_success());
    let header = response.headers().get(SET_COOKIE)?;
    header.to_str().ok()?.split(';').next().map(str::to_owned)
}

async fn measure_actix(plan: &Plan) -> Seen {
    let signed = SignedCookieSessions::new(settings(), &key()).expect("a key");
    let sealed = SealedCookieSessions::new(settings(), &key()).expect("a key");
    let (signed, sealed): (SessionMiddleware, SessionMiddleware) =
        (SessionMiddleware::new(signed), SessionMiddleware::new(sealed));
    let peer = PeerMiddleware::new(CookieSessionStore::default(), actix_servers::secret());
    let bare = init_service(App::new().configure(bare_routes)).await;
    let signed = init_service(App::new().wrap(signed).configure(our_routes)).await;
    let sealed = init_service(App::new().wrap(sealed).configure(our_routes)).await;
    let peer = init_service(App::new().wrap(peer).configure(peer_routes)).await;
    let cookies = [
        call_actix(&bare, "/login", "").await,
        call_actix(&signed, "/login", "").await,
        call_actix(&sealed, "/login", "").await,
        call_actix(&peer, "/login", "").await,
    ]
    .map(|cookie| cookie.expect("a login sets a cookie"));
    let mut seen = Seen::default();
    for round in 0..=plan.rounds {
        for (path, name) in PATHS.iter().enumerate() {
            let uri = format!("/{name}");
            for one in order(round, cookies.len()) {
                let cookie = &cookies[one];
                let (blocks, time) = match one {
                    0 => repeat_actix(&bare, &uri, cookie, plan.slice).await,
                    1 => repeat_actix(&signed, &uri, cookie, plan.slice).await,
                    2 => repeat_actix(&sealed, &uri, cookie, plan.slice).await,
                    _ => repeat_actix(&peer, &uri, cookie, plan.slice).await,
                };
                record(&mut seen[one][path], round, blocks, time);
            }
        }
    }
    seen
}

async fn repeat_actix<S, B>(
    server: &S,
    path: &str,
    cookie: &str,
    slice: Duration,
) -> (u32, Duration)
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    let (start, mut blocks) = (Instant::now(), 0);
    while start.elapsed() < slice {
        for _ in 0..BLOCK {
            black_box(call_actix(server, path, cookie).await);
        }
        blocks += 1;
    }
    (blocks, start.elapsed())
}

/// Returns the cookie that the response sets.
async fn call_actix<S, B>(server: &S, path: &str, cookie: &str) -> Option<String>
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    let request = TestRequest::get().uri(path).insert_header(("host", "example.com"));
    let request = request.insert_header(("cookie", cookie)).to_request();
    let response = call_service(server, request).await;
    assert!(response.status().is_success());
    let header = response.headers().get("set-cookie")?;
    header.to_str().ok()?.split(';').next().map(str::to_owned)
}

/// Records the requests per second. The first round is a warm-up.
fn record(figures: &mut Figures, round: usize, blocks: u32, time: Duration) {
    if round > 0 {
        figures.0.push(f64::from(blocks * BLOCK) / time.as_secs_f64());
    }
}
