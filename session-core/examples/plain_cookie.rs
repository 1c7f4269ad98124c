//! A third-party session interface. It stores the session in a cookie that every client can read
//! and change, so use this interface for settings only.
//!
//! `cargo run -p session-core --example plain_cookie`

use session_core::interface::{CookieAction, OpenContext, Opened, Save, Saved};
use session_core::request::{RequestSession, RequestView};
use session_core::{Error, Outcome, SessionConfig, SessionInterface, async_trait};

#[derive(Clone, Debug)]
struct PlainCookie {
    config: SessionConfig,
}

#[async_trait]
impl SessionInterface for PlainCookie {
    fn config(&self) -> &SessionConfig {
        &self.config
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let payload = context.cookie().and_then(decode);
        let opened = payload.and_then(|payload| Opened::from_payload(payload).ok());
        Ok(opened.unwrap_or_else(Opened::new))
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        let contents = save.contents();
        let cookie = if contents.is_empty() {
            CookieAction::Remove
        } else {
            let value = encode(&contents.payload());
            CookieAction::Set { value, expires: contents.expires_at() }
        };
        Ok(Saved::new(cookie, Outcome::Stored))
    }
}

fn encode(payload: &str) -> String {
    payload.bytes().fold(String::new(), |cookie, byte| cookie + &format!("{byte:02x}"))
}

fn decode(cookie: &str) -> Option<String> {
    let digits = |at| u8::from_str_radix(cookie.get(at..at + 2)?, 16).ok();
    String::from_utf8((0..cookie.len()).step_by(2).map(digits).collect::<Option<_>>()?).ok()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let interface =
        PlainCookie { config: SessionConfig::builder().cookie_name("settings").build()? };

    let first = RequestSession::new(interface.clone(), RequestView::default());
    first.session().await?.insert("theme", "dark")?;
    let headers = first.commit().await.into_result()?;
    let set_cookie = headers.set_cookie().unwrap_or_default();
    println!("Set-Cookie: {set_cookie}");

    let cookie = set_cookie.split(';').next().unwrap_or_default();
    let view = RequestView::builder().cookie_header(cookie.as_bytes()).build();
    let second = RequestSession::new(interface, view);
    let theme = second.session().await?.get::<String>("theme")?;
    println!("The next request reads theme = {theme:?}");
    assert_eq!(theme.as_deref(), Some("dark"));
    Ok(())
}
