//! Flash messages of visitors without a session, in a signed cookie.

use session_core::config::SecretKey;
use session_core::request::{RequestSession, RequestView, SessionHeaders};
use session_core::{Error, ErrorKind, Outcome, SameSite, Session, SessionConfigBuilder};

use crate::store::Call;
use crate::support::{App, HOUR, Handler, MINUTE, SECOND, cookie, log_in, read, write_user};

fn key() -> SecretKey {
    SecretKey::new("a-key-for-tests-0123456789abcdef").unwrap()
}

fn configured(config: SessionConfigBuilder) -> SessionConfigBuilder {
    config.flash_cookie(&key())
}

fn flash(session: &Session) -> Result<(), Error> {
    session.flash_in("info", "saved")
}

fn open(app: &App, cookies: &str) -> RequestSession {
    app.open_view(RequestView::builder().cookie_header(cookies.as_bytes()).build())
}

async fn respond(
    app: &App,
    cookies: &str,
    handler: impl FnOnce(&Session) -> Result<(), Error>,
) -> SessionHeaders {
    let request = open(app, cookies);
    handler(&request.session().await.unwrap()).unwrap();
    request.commit().await.into_result().unwrap()
}

/// Returns the headers of the response except that of the session.
fn others(headers: &SessionHeaders) -> Vec<&str> {
    let session = headers.set_cookie();
    let fields = headers.fields().inspect(|(name, _)| assert_eq!(*name, "set-cookie"));
    fields.map(|(_, value)| value).filter(|value| Some(*value) != session).collect()
}

/// Returns the name and value of the message cookie in the response.
fn pair(headers: &SessionHeaders) -> String {
    let others = others(headers);
    let [header] = others.as_slice() else { unreachable!("one header: {others:?}") };
    header.split(';').next().unwrap().to_owned()
}

/// Takes the messages. Returns them and the headers of the response.
async fn take(app: &App, cookies: &str) -> (Vec<String>, SessionHeaders) {
    let mut taken = Vec::new();
    let headers = respond(app, cookies, |session| {
        let flashes = session.take_flashes()?;
        taken.extend(flashes.iter().map(|flash| format!("{}: {}", flash.category(), flash.text())));
        Ok(())
    });
    let headers = headers.await;
    (taken, headers)
}

const REMOVAL: &str = "session_flash=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; \
                       Secure; HttpOnly; Path=/; SameSite=Lax";

#[tokio::test]
async fn flash_of_visitor_is_in_cookie_that_is_removed_when_read() {
    let app = App::with(configured);
    let headers = respond(&app, "", flash).await;
    assert_eq!(headers.set_cookie(), None);
    assert!(headers.vary());
    assert_eq!(headers.cache_control([]), Some("no-store"));
    let set = others(&headers)[0];
    assert!(set.starts_with("session_flash=") && set.contains("; Max-Age=300; "), "{set}");
    assert!(set.ends_with("; Secure; HttpOnly; Path=/; SameSite=Lax"), "{set}");

    let pair = pair(&headers);
    let untouched = respond(&app, &pair, read).await;
    assert!(untouched.fields().next().is_none(), "the messages were not read");
    let (taken, headers) = take(&app, &pair).await;
    assert_eq!(taken, ["info: saved"]);
    assert_eq!((headers.set_cookie(), others(&headers)), (None, vec![REMOVAL]));
    assert_eq!(headers.cache_control([]), Some("no-store"));
    assert_eq!(app.store.take_calls(), []);
}

#[tokio::test]
async fn outcome_of_flash_in_cookie_is_stored() {
    let app = App::with(configured);
    let response = app.request("", flash).await;
    assert_eq!((response.outcome, response.header()), (Some(Outcome::Stored), None));
}

#[tokio::test]
async fn later_messages_are_appended_to_cookie() {
    let app = App::with(configured);
    let first = pair(&respond(&app, "", flash).await);
    let second = pair(&respond(&app, &first, |session| session.flash("again")).await);
    assert_eq!(take(&app, &second).await.0, ["info: saved", "message: again"]);
    let mut taken = Vec::new();
    let headers = respond(&app, &second, |session| {
        taken = session.take_flashes()?;
        assert_eq!(session.take_flashes()?, taken);
        session.flash("third")
    });
    let third = pair(&headers.await);
    assert_eq!(taken.len(), 2);
    assert_eq!(take(&app, &third).await.0, ["message: third"]);
}

#[tokio::test]
async fn messages_in_cookie_and_session_are_taken_together() {
    let app = App::with(configured);
    let flashes = pair(&respond(&app, "", flash).await);
    let headers = respond(&app, &flashes, |session| {
        write_user(session)?;
        session.flash("in the session")
    });
    let headers = headers.await;
    assert!(others(&headers).is_empty(), "the messages in the cookie were not read");
    let session = cookie(&headers).unwrap();
    let both = format!("session={session}; {flashes}");
    let (taken, headers) = take(&app, &both).await;
    assert_eq!(taken, ["info: saved", "message: in the session"]);
    assert_eq!(others(&headers), [REMOVAL]);
    assert_eq!(app.payload(&session).await, r#"{"user":"ada"}"#);
}

#[tokio::test]
async fn flash_begins_session_if_cookie_does_not_suffice() {
    let handlers: [Handler; 4] = [
        |session| session.flash("x".repeat(800)),
        |session| flash(session).and_then(|()| write_user(session)),
        |session| flash(session).and_then(|()| log_in(session)),
        |session| flash(session).and_then(|()| session.set_lifetime(HOUR)),
    ];
    for handler in handlers {
        let app = App::with(configured);
        let headers = respond(&app, "", handler).await;
        assert!(others(&headers).is_empty());
        let (taken, _) = take(&app, &format!("session={}", cookie(&headers).unwrap())).await;
        assert_eq!(taken.len(), 1);
    }
    for app in [App::new(), App::with(|config| configured(config).token_header("X-Token"))] {
        let headers = respond(&app, "", flash).await;
        assert_eq!((headers.fields().count(), app.store.records().len()), (1, 1));
    }
}

#[tokio::test]
async fn cookie_has_at_most_one_kilobyte() {
    let app = App::with(configured);
    for length in 600..760 {
        let headers = respond(&app, "", |session| session.flash("x".repeat(length))).await;
        if headers.set_cookie().is_some() {
            assert!(length > 650, "{length}");
            return;
        }
        assert!(pair(&headers).len() <= 1024, "{length}");
    }
    unreachable!("no message is too large");
}

#[tokio::test]
async fn flash_in_session_and_manual_save_use_no_cookie() {
    let app = App::with(configured);
    let session = app.begin(write_user).await;
    let headers = respond(&app, &format!("session={session}"), flash).await;
    assert_eq!(headers.fields().count(), 0);
    let request = open(&app, "");
    let session = request.session().await.unwrap();
    flash(&session).unwrap();
    session.save().await.unwrap();
    let headers = request.commit().await.into_result().unwrap();
    assert!(cookie(&headers).is_some() && others(&headers).is_empty());
}

#[tokio::test]
async fn flash_beside_message_in_session_uses_no_cookie() {
    let app = App::with(|config| configured(config).permanent_by_default(true));
    let request = open(&app, "");
    let begun = request.session().await.unwrap();
    flash(&begun).unwrap();
    begun.save().await.unwrap();
    let session = cookie(&request.commit().await.into_result().unwrap()).unwrap();
    app.clock.advance(HOUR);
    let headers = respond(&app, &format!("session={session}"), flash).await;
    assert_eq!(cookie(&headers).as_deref(), Some(&*session), "it is renewed");
    assert!(others(&headers).is_empty());
    let (taken, _) = take(&app, &format!("session={session}")).await;
    assert_eq!(taken, ["info: saved", "info: saved"]);
}

#[tokio::test]
async fn forged_or_expired_messages_are_not_shown() {
    let app = App::with(configured);
    let genuine = pair(&respond(&app, "", flash).await);
    let (name, value) = genuine.split_once('=').unwrap();
    let (signed, signature) = value.rsplit_once('.').unwrap();
    let (list, time) = signed.split_once('.').unwrap();
    let later = time.parse::<u64>().unwrap() + 1;
    for forged in [
        format!("{name}=W1siaW5mbyIsImV2aWwiXV0.{time}.{signature}"),
        format!("{name}={list}.{later}.{signature}"),
        format!("{name}={signed}"),
        format!("{name}={signed}."),
        format!("{name}={}", &value[..value.len() - 1]),
        format!("session={value}"),
        format!("other_flash={value}"),
    ] {
        let (taken, headers) = take(&app, &forged).await;
        assert!(taken.is_empty() && headers.fields().next().is_none(), "{forged}");
    }
    let renamed = App::with(|config| configured(config).cookie_name("other"));
    assert!(take(&renamed, &format!("other_flash={value}")).await.0.is_empty());

    app.clock.advance(5 * MINUTE);
    assert_eq!(take(&app, &genuine).await.0.len(), 1);
    app.clock.advance(SECOND);
    assert!(take(&app, &genuine).await.0.is_empty());
}

#[tokio::test]
async fn retired_key_verifies_messages_and_other_key_does_not() {
    let app = App::with(configured);
    let genuine = pair(&respond(&app, "", flash).await);
    let other = SecretKey::new("another-key-for-tests-9876543210").unwrap();
    let rotated =
        app.reconfigured(|config| config.flash_cookie(&other.clone().with_fallback(&key())));
    assert_eq!(take(&rotated, &genuine).await.0, ["info: saved"]);
    let replaced = app.reconfigured(|config| config.flash_cookie(&other));
    assert!(take(&replaced, &genuine).await.0.is_empty());
    assert!(take(&app.reconfigured(|config| config), &genuine).await.0.is_empty());
}

#[tokio::test]
async fn flash_cookie_has_attributes_of_session_cookie() {
    let app = App::with(|config| {
        let config = configured(config).cookie_name("__Secure-shop").cookie_domain("example.com");
        config.cookie_path("/shop").cookie_samesite(SameSite::None).cookie_httponly(false)
    });
    let attributes = "; Domain=example.com; Secure; HttpOnly; Path=/shop; SameSite=None";
    let headers = respond(&app, "", flash).await;
    assert!(others(&headers)[0].starts_with("__Secure-shop_flash="));
    assert!(others(&headers)[0].ends_with(attributes));
    let (_, headers) = take(&app, &pair(&headers)).await;
    assert!(others(&headers)[0].starts_with("__Secure-shop_flash=;"));
    assert!(others(&headers)[0].ends_with(attributes));
}

#[tokio::test]
async fn error_response_keeps_messages() {
    let app = App::with(configured);
    let flashes = pair(&respond(&app, "", flash).await);
    let request = open(&app, &flashes);
    let session = request.session().await.unwrap();
    assert_eq!(session.take_flashes().unwrap().len(), 1);
    write_user(&session).unwrap();
    app.store.fail(Call::Create, ErrorKind::Unavailable);
    let committed = request.commit().await;
    assert!(committed.error.is_some() && committed.headers.fields().next().is_none());
}

#[test]
fn debug_of_config_shows_no_flash_key() {
    let config = configured(session_core::SessionConfig::builder()).build().unwrap();
    let shown = format!("{config:?}");
    assert!(shown.contains("FlashKey { .. }") && !shown.contains("a-key-for-tests"), "{shown}");
}
