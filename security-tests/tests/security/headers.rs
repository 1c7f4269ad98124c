//! Names of cookies are never decoded, and nothing in a session adds a header to the response.

use std::sync::Arc;

use session_core::config::SecretKey;
use session_core::interface::{CookieAction, OpenContext, Opened, Save, Saved};
use session_core::{
    CookieAttributes, Error, Outcome, ServerSideSessions, Session, SessionConfig, SessionInterface,
    async_trait,
};

use crate::backends::{
    Adapter, Handler, InCookie, Response, Server, handler, reading, storing, visit,
};

/// Every backend, with its name.
async fn backends() -> Vec<(String, Arc<dyn SessionInterface>)> {
    let key = SecretKey::generate().unwrap();
    let mut backends: Vec<(String, Arc<dyn SessionInterface>)> =
        InCookie::ALL.map(|kind| (format!("{kind:?}"), kind.sessions(&key))).into();
    for server in Server::ALL {
        let config = SessionConfig::builder().cookie_name("__Host-session").build().unwrap();
        let sessions = ServerSideSessions::new(server.store().await, config);
        backends.push((format!("{server:?}"), Arc::new(sessions)));
    }
    backends
}

/// Other names, which careless decoders mistake for this one.
fn confusing(name: &str) -> Vec<String> {
    let (first, rest) = name.split_at(1);
    let encoded = |byte: u8| format!("%{byte:02x}");
    let last = name.as_bytes()[name.len() - 1];
    vec![
        format!("{}{rest}", encoded(first.as_bytes()[0])),
        format!("{}{}", &name[..name.len() - 1], encoded(last)),
        name.bytes().map(encoded).collect(),
        name.to_ascii_uppercase(),
        format!("{name}%20"),
        format!("{name}%00"),
        format!("{name}[]"),
        format!("{name}[0]"),
        format!("\"{name}\""),
        format!("{name}+"),
        name.replace('-', "_") + "_",
    ]
}

/// Changes the `Cookie` header on its way to the application.
type Change = fn(&str) -> String;

/// Returns a name that opened the session although it is another.
async fn taken_for_its_name(
    sessions: &Arc<dyn SessionInterface>,
    adapter: Adapter,
    change: Change,
) -> Option<String> {
    let value = visit(sessions, b"", &storing("user", "ada")).await.unwrap().unwrap();
    let name = sessions.config().cookie_name();
    let read = async |name: &str| {
        let header = change(&format!("{name}={value}"));
        adapter.send(Arc::clone(sessions), reading("user"), header.as_bytes()).await
    };
    assert_eq!(read(name).await.body, "ada");
    for other in confusing(name) {
        if !read(&other).await.body.is_empty() {
            return Some(other);
        }
    }
    None
}

#[actix_web::test]
async fn encoded_cookie_name_opens_nothing() {
    for (backend, sessions) in backends().await {
        for adapter in Adapter::ALL {
            let taken = taken_for_its_name(&sessions, adapter, str::to_owned).await;
            assert_eq!(taken, None, "{backend} {adapter:?}");
        }
    }
}

/// A mutant: decodes the names of cookies, as PHP and old versions of Rack do.
fn mutant_decoding_names(header: &str) -> String {
    percent_encoding::percent_decode_str(header).decode_utf8_lossy().into_owned()
}

#[actix_web::test]
async fn decoded_cookie_name_is_found() {
    let sessions = InCookie::Signed.sessions(&SecretKey::generate().unwrap());
    for adapter in Adapter::ALL {
        let taken = taken_for_its_name(&sessions, adapter, mutant_decoding_names).await;
        assert!(taken.is_some(), "{adapter:?}");
    }
}

const INJECTION: &str = "ada\r\nset-cookie: admin=1\r\n\r\n\0<script>\u{7f}";

/// Writes the text into every part of a session.
fn writing(text: &'static str) -> Handler {
    handler(move |session: Session| async move {
        session.insert("user", text)?;
        session.insert(text, 1)?;
        session.flash(text)?;
        session.set_label(text)?;
        session.log_in(text, Some(text)).await?;
        Ok(String::new())
    })
}

/// Returns whether a response has the headers of an ordinary one, and no control character.
fn is_clean(response: &Response, ordinary: &Response) -> bool {
    let names = |response: &Response| {
        let mut names: Vec<_> = response.headers.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    };
    let values = response.headers.iter().flat_map(|(_, value)| value);
    names(response) == names(ordinary) && values.into_iter().all(|byte| !byte.is_ascii_control())
}

#[actix_web::test]
async fn line_break_in_session_adds_no_header() {
    for (backend, sessions) in backends().await {
        for adapter in Adapter::ALL {
            let send = async |text| adapter.send(Arc::clone(&sessions), writing(text), b"").await;
            let (response, ordinary) = (send(INJECTION).await, send("ada").await);
            assert!(ordinary.headers.iter().any(|(name, _)| name == "set-cookie"));
            assert!(is_clean(&response, &ordinary), "{backend} {adapter:?} {response:?}");
        }
    }
}

/// A backend that returns this value of the cookie.
#[derive(Debug)]
struct Returning(&'static str, SessionConfig);

#[async_trait]
impl SessionInterface for Returning {
    fn config(&self) -> &SessionConfig {
        &self.1
    }

    async fn open(&self, _: &OpenContext<'_>) -> Result<Opened, Error> {
        Ok(Opened::new())
    }

    async fn save(&self, _: &Save<'_>) -> Result<Saved, Error> {
        let cookie = CookieAction::Set { value: self.0.to_owned(), expires: None };
        Ok(Saved::new(cookie, Outcome::Stored))
    }
}

#[actix_web::test]
async fn cookie_value_of_backend_is_checked() {
    let bad = [INJECTION, "a\r\nb", "a\nb", "a;b", "a b", "a\0b", "a,b", "a\"b", "a\\b", "\u{e9}"];
    for (value, status) in bad.map(|value| (value, 500)).into_iter().chain([("a", 200)]) {
        for adapter in Adapter::ALL {
            let sessions = Arc::new(Returning(value, SessionConfig::default()));
            let response = adapter.send(sessions, storing("a", "b"), b"").await;
            let has_cookie = response.headers.iter().any(|(name, _)| name == "set-cookie");
            assert_eq!((response.status, has_cookie), (status, status == 200), "{value:?}");
        }
    }
}

#[test]
fn setting_with_control_character_adds_no_header() {
    for bad in ["a\r\nset-cookie: b", "a\nb", "a;b", "a\0b", "a\u{7f}b"] {
        let (path, domain) = (format!("/{bad}"), format!("{bad}.example.com"));
        let settings = SessionConfig::builder();
        assert!(settings.clone().cookie_name(bad).build().is_err(), "{bad:?}");
        assert!(settings.clone().cookie_domain(&*domain).build().is_err(), "{bad:?}");
        assert!(CookieAttributes::builder().domain(&*domain).build().is_err(), "{bad:?}");
        // A path is encoded.
        let config = settings.cookie_path(&path).build().unwrap();
        let attributes = CookieAttributes::builder().path(&path).build().unwrap();
        for path in [config.cookie_attributes().path(), attributes.path()] {
            assert!(!path.contains(|char: char| char.is_ascii_control() || char == ';'), "{path}");
        }
    }
}

/// A mutant: writes the response as text, and a session without escaping.
fn mutant_writing_text(user: &str) -> Response {
    let text = format!("vary: cookie\r\nset-cookie: session={user}; Path=/");
    let header = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_owned(), value.as_bytes().to_vec()))
    };
    let headers = text.split("\r\n").filter_map(header).collect();
    Response { status: 200, headers, body: String::new() }
}

#[test]
fn header_from_session_is_found() {
    let ordinary = mutant_writing_text("ada");
    assert!(is_clean(&mutant_writing_text("eve"), &ordinary));
    for bad in [INJECTION, "a\nb", "a\0b"] {
        assert!(!is_clean(&mutant_writing_text(bad), &ordinary), "{bad:?}");
    }
}
