//! A session interface of one's own: the session in a cookie that anyone can read and write, and so for settings only.
//!
//! `cargo run -p session-core --example plain_cookie`

use session_core::{
    CookieAction, Error, OpenContext, RequestSession, RequestView, SaveContext, Session, SessionConfig,
    SessionInterface, async_trait,
};

#[derive(Clone, Debug)]
struct PlainCookie {
    config: SessionConfig,
}

#[async_trait]
impl SessionInterface for PlainCookie {
    fn config(&self) -> &SessionConfig {
        &self.config
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
        let Some(cookie) = context.cookie() else { return Ok(Session::new()) };
        Ok(decode(cookie).and_then(|payload| Session::from_payload(payload).ok()).unwrap_or_else(Session::new))
    }

    async fn save(&self, session: &Session, _: &SaveContext<'_>) -> Result<CookieAction, Error> {
        if session.is_empty() {
            return Ok(CookieAction::Remove);
        }
        Ok(CookieAction::Set(encode(&session.payload())))
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
    let interface = PlainCookie { config: SessionConfig::builder().cookie_name("settings").build()? };

    let first = RequestSession::new(interface.clone(), RequestView::default());
    first.session().await?.insert("theme", "dark")?;
    let headers = first.commit().await?;
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
