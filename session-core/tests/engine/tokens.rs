//! A session token in a header instead of the cookie.

use session_core::request::{RequestSession, RequestView, SessionHeaders, SessionStack};
use session_core::{Error, ErrorKind, Refresh, Session, SessionConfig};

use crate::support::{App, log_in, write_permanent, write_user};

const HEADER: &str = "X-Session-Token";

fn app() -> App {
    App::with(|config| config.token_header(HEADER))
}

fn bearer_app() -> App {
    App::with(|config| config.bearer_token(HEADER))
}

/// Returns a request with these tokens and this `Cookie` header.
fn view(tokens: &[&str], cookies: &str) -> RequestView {
    let view = RequestView::builder().cookie_header(cookies.as_bytes());
    tokens.iter().fold(view, |view, token| view.token_header(token.as_bytes())).build()
}

async fn respond(
    request: &RequestSession,
    handler: fn(&Session) -> Result<(), Error>,
) -> SessionHeaders {
    handler(&request.session().await.unwrap()).unwrap();
    request.commit().await.into_result().unwrap()
}

/// Returns the value of the token header.
fn token(headers: &SessionHeaders) -> Option<String> {
    assert_eq!(headers.set_cookie(), None);
    let mut fields = headers.fields();
    let (name, value) = fields.next()?;
    assert_eq!((name, fields.next()), (HEADER, None));
    Some(value.to_owned())
}

async fn begin(app: &App) -> String {
    token(&respond(&app.open_view(view(&[], "")), write_user).await).unwrap()
}

/// Returns the user in the session of a request.
async fn user(app: &App, view: RequestView) -> Option<String> {
    app.open_view(view).session().await.unwrap().get("user").unwrap()
}

#[tokio::test]
async fn token_in_header_opens_session() {
    let (app, bearer) = (app(), bearer_app());
    let token = begin(&app).await;
    assert_eq!(user(&app, view(&[&token], "")).await.as_deref(), Some("ada"));
    assert_eq!(
        user(&app, view(&[&format!(" {token}\t")], "theme=dark")).await.as_deref(),
        Some("ada")
    );

    let token = begin(&bearer).await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let header = format!("{scheme} {token}");
        assert_eq!(user(&bearer, view(&[&header], "")).await.as_deref(), Some("ada"));
    }
    for header in
        [token.clone(), format!("Basic {token}"), format!("Bearer{token}"), "Bearer".into()]
    {
        assert_eq!(user(&bearer, view(&[&header], "")).await, None, "{header}");
    }
}

#[tokio::test]
async fn cookie_alone_is_not_read() {
    for app in [app(), bearer_app()] {
        let token = begin(&app).await;
        assert_eq!(user(&app, view(&[], &format!("session={token}"))).await, None);
    }
    let app = App::new();
    let cookie = app.begin(write_user).await;
    assert_eq!(user(&app, view(&[&cookie], "")).await, None, "no header is configured");
}

#[tokio::test]
async fn token_beside_cookie_is_refused() {
    let app = app();
    let token = begin(&app).await;
    app.store.take_calls();
    let cookie = format!("session={token}");
    for (tokens, cookies) in
        [(vec![&*token], &*cookie), (vec![&*token], "session="), (vec![&*token, &token], "")]
    {
        let view = view(&tokens, cookies);
        for request in [app.open_view(view.clone()), app.open_view_in_any_case(view)] {
            let error = request.session().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AmbiguousToken);
            let headers = request.commit().await.into_result().unwrap();
            assert!(headers.vary() && headers.fields().next().is_none());
        }
    }
    assert_eq!(app.store.take_calls(), []);
    assert_eq!(user(&app, view(&[&token], "other=1")).await.as_deref(), Some("ada"));
}

#[tokio::test]
async fn accepted_cookie_beside_token_is_ignored() {
    let app = App::with(|config| config.token_header(HEADER).accept_cookie_beside_token(true));
    let (token, other) = (begin(&app).await, begin(&app).await);
    let bob = app.open_view(view(&[&other], ""));
    respond(&bob, |session| session.insert("user", "bob")).await;
    let seen = user(&app, view(&[&token], &format!("session={other}"))).await;
    assert_eq!(seen.as_deref(), Some("ada"));
    let request = app.open_view(view(&[&token, &other], ""));
    assert_eq!(request.session().await.unwrap_err().kind(), ErrorKind::AmbiguousToken);
}

#[tokio::test]
async fn ambiguous_request_renews_nothing() {
    let app = App::with(|config| config.token_header(HEADER).refresh(Refresh::EachRequest));
    let headers = respond(&app.open_view(view(&[], "")), write_permanent).await;
    let token = token(&headers).unwrap();
    app.store.take_calls();
    let request = app.open_view(view(&[&token], "session=x"));
    let headers = request.commit().await.into_result().unwrap();
    assert!(!headers.vary() && headers.fields().next().is_none());
    assert_eq!(app.store.take_calls(), []);
}

#[tokio::test]
async fn malformed_token_opens_new_session_and_no_cookie() {
    let app = app();
    let token = begin(&app).await;
    for malformed in ["", "a b", "x;session=1", "\"", "\u{e4}", &format!("{token}, {token}")] {
        let request = app.open_view(view(&[malformed], ""));
        assert!(request.session().await.unwrap().is_new(), "{malformed}");
        assert_eq!(request.request().cookie("session"), None);
    }
}

#[tokio::test]
async fn vary_and_cache_control_are_those_of_token() {
    let none = || std::iter::empty::<&[u8]>();
    for (app, name) in [(app(), HEADER), (bearer_app(), "Authorization")] {
        let headers = respond(&app.open_view(view(&[], "")), write_user).await;
        assert_eq!(headers.merged_vary(none()).as_deref(), Some(name));
        let lower = name.to_lowercase();
        assert_eq!(headers.merged_vary([lower.as_bytes()]), None);
        let merged = headers.merged_vary([&b"Accept"[..], b"Cookie"]).unwrap();
        assert_eq!(merged, format!("Accept, Cookie, {name}"));
        assert_eq!(headers.cache_control(none()), Some("no-store"));
        assert_eq!(headers.cache_control([&b"no-cache=\"set-cookie\""[..]]), Some("no-store"));
        assert_eq!(headers.cache_control([&b"private, max-age=60"[..]]), None);

        let reading = respond(&app.open_view(view(&[], "")), crate::support::read).await;
        assert_eq!(reading.merged_vary(none()).as_deref(), Some(name));
        assert_eq!(reading.cache_control(none()), Some("private, no-cache"));
        let untouched = app.open_view(view(&[], "")).commit().await.into_result().unwrap();
        assert_eq!(untouched.merged_vary(none()), None);
    }
}

#[tokio::test]
async fn new_token_is_sent_at_login_and_empty_one_at_logout() {
    let app = bearer_app();
    let visitor = begin(&app).await;
    let request = app.open_view(view(&[&format!("Bearer {visitor}")], ""));
    let user = token(&respond(&request, log_in).await).unwrap();
    assert_ne!(user, visitor);
    let header = format!("Bearer {user}");
    let request = app.open_view(view(&[&header], ""));
    assert_eq!(token(&respond(&request, crate::support::read).await), None);
    let request = app.open_view(view(&[&header], ""));
    request.session().await.unwrap().log_out().await.unwrap();
    let headers = request.commit().await.into_result().unwrap();
    assert_eq!(token(&headers).as_deref(), Some(""));
    assert!(app.open_view(view(&[&header], "")).session().await.unwrap().is_new());
}

#[tokio::test]
async fn session_with_token_can_be_reopened() {
    for app in [app(), bearer_app()] {
        let request = app.open_view(view(&[], ""));
        let session = request.session().await.unwrap();
        write_user(&session).unwrap();
        let token = token(&request.commit().await.into_result().unwrap()).unwrap();
        let reopened = session.reopen().await.unwrap();
        reopened.insert("later", 1).unwrap();
        reopened.save().await.unwrap();
        let payload = app.store.record(&token).unwrap();
        assert!(String::from_utf8_lossy(payload.payload()).contains("later"));
    }
}

#[tokio::test]
async fn layers_share_session_by_header_not_by_cookie_name() {
    let (token, cookie) = (app(), App::new());
    let named = App::with(|config| config.token_header("x-session-token").cookie_name("other"));
    let mut stack = SessionStack::default();
    assert!(stack.push::<()>(token.open_view(view(&[], ""))).is_some());
    assert!(stack.push::<()>(cookie.open("")).is_some());
    assert!(stack.push::<()>(named.open_view(view(&[], ""))).is_none());
    assert!(stack.push::<()>(cookie.open("")).is_none());
}

#[test]
fn unusable_name_of_token_header_is_refused() {
    for name in ["", "a b", "x:y", "Cookie", "set-cookie", "Vary", "Cache-Control", "Authorization"]
    {
        for config in [
            SessionConfig::builder().token_header(name),
            SessionConfig::builder().bearer_token(name),
        ] {
            assert_eq!(config.build().unwrap_err().kind(), ErrorKind::Configuration, "{name}");
        }
    }
}
